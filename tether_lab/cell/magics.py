"""The magics: read the line, call one verb, show the answer.

A mistake of the typist is one line (``UsageError``); trouble with the queue or the worker is an
error of its own name without a traceback; a bug keeps its traceback.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from IPython.core.error import UsageError
from IPython.core.magic import Magics, magics_class, no_var_expand

from tether_lab.errors import (
    BadRequest,
    JobFailed,
    JobNotFound,
    OptionError,
    TetherLabError,
    WaitTimeout,
)

from .cards import Cards
from .current import Current
from .flags import CELL, CELL_HELP, LINE, LINE_HELP, help_text
from .follow import follow
from .jobs_verbs import JobsVerbs, help_text as jobs_help
from .notebook import Memory
from .parsing import JobLine, evaluate, read_cell_line, read_line
from .tether_verbs import TetherVerbs

MISTAKES = (BadRequest, JobNotFound, WaitTimeout)


def plain_errors(magic: Callable[..., Any]) -> Callable[..., Any]:
    """Show our own errors without the traceback of our own code."""

    @functools.wraps(magic)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        try:
            return magic(*args, **kwargs)
        except MISTAKES as error:
            raise UsageError(_one_line(error)) from None
        except JobFailed:
            raise
        except TetherLabError as error:
            said = f"{type(error).__name__}: {_one_line(error)}"
            error._render_traceback_ = lambda: [said]  # type: ignore[attr-defined]
            raise
        except Exception as error:
            if type(error).__name__ == "SettingsError":     # of settings, which knows no errors tree
                raise UsageError(str(error)) from None
            raise

    return wrapper


@magics_class
class TetherMagics(Magics):
    """``%%job``, ``%job``, ``%jobs``, ``%tether``. Registered by name in ``extension``, which leaves
    out the names that another extension owns."""

    def __init__(self, shell: Any) -> None:
        super().__init__(shell)
        self._user_ns = shell.user_ns
        self.current, self.cards = Current(), Cards(shell)
        self.memory = Memory(shell)
        self._jobs = JobsVerbs(shell, self.cards, lambda: self.current.lab)
        self._tether = TetherVerbs(self.current, self._jobs)

    @no_var_expand
    @plain_errors
    def job(self, line: str, cell: str | None = None) -> object:
        if cell is not None:
            return self._cell(read_cell_line(line), cell)
        parsed = read_line(line)
        if parsed.has("help"):
            return _say(help_text(LINE_HELP, LINE))
        if parsed.key is None or parsed.key.isdecimal():
            return self._show(parsed)
        values = evaluate(parsed.expressions, self._user_ns, what="%job")
        if parsed.has("sweep"):
            return self._swept(parsed.key, combinations(values), parsed)
        found = self.current.lab.enqueue(parsed.key, values, **parsed.options)
        return self._shown(found, parsed, ())

    @plain_errors
    def jobs(self, line: str) -> object:
        return self._jobs.run(line)

    @no_var_expand
    @plain_errors
    def tether(self, line: str) -> object:
        return self._tether.run(line)

    def _cell(self, line: JobLine, cell: str) -> object:
        from .submit import request

        if line.has("help"):
            return _say(help_text(CELL_HELP, CELL))
        asked = request(self.shell, self.memory, line, cell)
        if line.has("sweep"):
            found = combinations(asked.parameters)
            asked = replace(asked, parameters=found[0], register_only=True)
            _, version, _ = self.current.lab.submit_cell(asked)
            return self._swept(version.key, found, line)
        job, version, notice = self.current.lab.submit_cell(asked)
        notices = (notice,) if notice else ()
        if job is None:
            return _say(f"{version.key} is registered (version {version.version}); "
                        f"%job {version.key} runs it.", *notices)
        return self._shown(job, line, notices)

    def _swept(self, key: str, payloads: list[dict[str, Any]], line: JobLine) -> object:
        """A batch with a job for each combination."""
        options = {name: value for name, value in line.options.items() if value is not None}
        batch = self.current.lab.batch(key, payloads, **options)
        return batch.wait() if line.has("wait") or line.has("follow") else batch

    def _shown(self, job: Any, line: JobLine, notices: tuple[str, ...]) -> object:
        if line.has("wait") or line.has("follow"):
            return follow(job, self.cards, with_card=line.has("follow"), notices=notices)
        return self.cards.show_and_return(job, notices)

    def _show(self, line: JobLine) -> object:
        """``%job 12``, or the newest one."""
        if line.expressions or line.options:
            raise BadRequest("values and options go with a key", remedy="%job KEY name=value …")
        lab = self.current.lab
        if line.key is None:
            newest = lab.jobs(limit=1)
            if not newest:
                return _say("No jobs yet. Put %%job on top of a cell to make it one.")
            return self._shown(newest[0], line, ())
        return self._shown(lab.get(int(line.key)), line, ())


def combinations(values: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The payloads of a sweep: each list or tuple is gone through, all other values stay as they are."""
    from tether_lab.lab.batch import product

    axes = {name: list(value) for name, value in values.items() if isinstance(value, list | tuple | range)}
    if not axes:
        raise OptionError("--sweep: no value is a list", where="sweep",
                          remedy="Write lr=0.1,0.01 or depth=[2, 4].")
    return product({name: axes.get(name, [value]) for name, value in values.items()})


def _say(*lines: str) -> object:
    """Print lines; a magic that answers in text returns nothing to display."""
    print("\n".join(lines))  # noqa: T201 — the answer of a magic
    return None


def _one_line(error: TetherLabError) -> str:
    """Message and remedy in one line, unless the message itself has several."""
    if not error.remedy or "\n" in error.message:
        return str(error)
    stop = "" if error.message.endswith((".", "?", "!", ":")) else "."
    return f"{error.message}{stop} {error.remedy}"


TetherMagics.job.__doc__ = help_text(f"{CELL_HELP}\n\n{LINE_HELP}", CELL)
TetherMagics.jobs.__doc__ = jobs_help()
TetherMagics.tether.__doc__ = (
    "%tether [status|start|stop|use|config|modules|doctor|trust|keys|backup|export|import|help|jobs …]")
