"""IPython in a job: cells mean what they mean in a notebook.

One shell per zygote, made before the fork and used by one job; it is connected to that job's output
afterwards. Differences to a kernel on purpose: no history on disk, no copy of every write
(``_tee``), a cancel during ``!command`` ends the cell too, ``input()`` says that nobody is there.
"""

from __future__ import annotations

import builtins
import contextlib
import os
import sys
import tempfile
import types
import warnings
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NoReturn

from IPython.core import async_helpers
from IPython.core.compilerop import CachingCompiler
from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell
from traitlets import Type
from traitlets.config import Config

from tether_lab.capture.texts import INTERACTIVE_BACKENDS
from tether_lab.errors import JobCancelled, NobodyThere

from . import failures, shell_commands, shell_settings, wire
from .on_import import when_imported
from .output import Output
from .signals import Signals

ENVIRONMENT = {"TERM": "xterm-color", "CLICOLOR": "1", "FORCE_COLOR": "1", "CLICOLOR_FORCE": "1",
               "PAGER": "cat", "GIT_PAGER": "cat",
               "MPLBACKEND": "module://matplotlib_inline.backend_inline",
               # As in a kernel, which plotly knows by its class: else 5 MB of script with each job.
               "PLOTLY_RENDERER": "plotly_mimetype"}
REHEARSAL = ("x = 1; x + 1", "%time 1;", "1/0", "import IPython.display",
             "await __import__('asyncio').sleep(0)", "!:")
EVERY_KERNEL_HAS = "IPython.extensions.storemagic"
"""The extension that a kernel loads by itself: nearly every cell asks for it."""
MAGIC, PRINTER = "__magic__:", "__printer__:"
_LOOP_WORDS = ("create_task(", "ensure_future(", "get_running_loop(")


@dataclass(frozen=True, slots=True)
class CellEnd:
    """What became of a cell: the last expression's value, or the exception, its formatted traceback
    (None if it was not shown) and a hint for people."""

    value: object = None
    error: BaseException | None = None
    traceback: str | None = None
    hint: str | None = None


class _Publisher(DisplayPublisher):
    """``display()`` and ``clear_output()``."""

    def publish(self, data: Any, metadata: Any = None, *_: Any, transient: Any = None,
                update: bool = False, **_more: Any) -> None:
        output: Output | None = self.shell.output
        if output is not None:
            output.display("update_display_data" if update else "display_data", data, metadata,
                           (transient or {}).get("display_id"))

    def clear_output(self, wait: bool = False) -> None:
        if self.shell.output is not None:
            self.shell.output.send(wire.ClearOutput(wait))


class _Hook(DisplayHook):
    """The value of the last expression."""

    def quiet(self) -> bool:
        shell: Any = self.shell
        ends_silently: Callable[[str], bool] = self.semicolon_at_end_of_expression
        return ends_silently(shell.cell_running)

    def write_output_prompt(self) -> None:
        """There is no prompt in a job."""

    def write_format_data(self, format_dict: Any, md_dict: Any = None) -> None:
        shell: Any = self.shell
        if shell.output is not None:
            shell.output.display("execute_result", format_dict, md_dict)

    def log_output(self, format_dict: Any) -> None:
        """No history is kept."""

    def finish_displayhook(self) -> None:
        self._is_active = False


class _Compiler(CachingCompiler):
    """Names the code of cells for tracebacks, of earlier ones too, which came along with captures."""

    def get_code_name(self, raw_code: str, transformed_code: str, number: int) -> str:  # noqa: ARG002
        # As in a kernel. IPython formats the lines around an error by other rules in a file of no name.
        crc = zlib.crc32(raw_code.encode(errors="replace"))
        return f"{tempfile.gettempdir()}/ipykernel_{os.getpid()}/{crc}.py"

    def format_code_name(self, name: str) -> tuple[str, str] | None:
        known = super().format_code_name(name)
        if known is None and "/ipykernel_" in name:
            return "Cell", "of the notebook"
        return known


class JobShell(InteractiveShell):
    """The shell of one job."""

    display_pub_class = Type(_Publisher)
    displayhook_class = Type(_Hook)
    compiler_class = Type(_Compiler)

    NOTHING = CellEnd()
    output: Output | None = None
    signals: Signals | None = None
    hint_for: Callable[[NameError], str | None] | None = None
    cell_running = ""
    shown: str | None = None
    hinted: str | None = None

    def init_environment(self) -> None:
        os.environ.update(ENVIRONMENT)

    def init_virtualenv(self) -> None:
        """The interpreter is the right one already."""

    def _tee(self, channel: str) -> Any:  # noqa: ARG002
        # IPython 9 copies every write into its history: 4.5 times slower, and memory that never ends.
        return contextlib.nullcontext()

    def ask_exit(self) -> NoReturn:
        """``exit`` and ``quit``."""
        raise SystemExit(0)

    def enable_gui(self, gui: Any = None) -> None:
        """``%matplotlib inline`` and ``%gui``: a job has no windows, so no event loop to join."""

    def enable_matplotlib(self, gui: Any = None) -> Any:
        """``%matplotlib``: windows and live widgets need somebody who looks at them now."""
        enable: Callable[[Any], Any] = super().enable_matplotlib
        return enable("inline" if gui in INTERACTIVE_BACKENDS else gui)

    def should_run_async(self, raw_cell: str, **more: Any) -> bool:
        if super().should_run_async(raw_cell, **more):
            return True
        # A kernel always has a loop that runs: code that only starts tasks counts on it.
        text = more.get("transformed_cell") or raw_cell
        return "asyncio.run(" not in text and any(word in text for word in _LOOP_WORDS)

    # -- commands ------------------------------------------------------------------------------

    def system_piped(self, cmd: str) -> None:
        """``!command``: on a terminal of its own as in a kernel, its output in order with prints."""
        expand: Callable[..., str] = self.var_expand
        self._run_command(expand(cmd, depth=1))

    system = system_piped

    def system_raw(self, cmd: str) -> None:
        expand: Callable[..., str] = self.var_expand
        self._run_command(expand(cmd, depth=1))

    def _run_command(self, command: str) -> None:
        code = shell_commands.run(command, sys.stdout)
        self.user_ns["_exit_code"] = code
        if self.system_raise_on_error and code != 0:
            from subprocess import CalledProcessError

            raise CalledProcessError(code, command)

    def getoutput(self, cmd: str, split: bool = True, depth: int = 0) -> Any:
        before = self.signals.interruptions if self.signals is not None else 0
        ipython: Any = super()
        found = ipython.getoutput(cmd, split=split, depth=depth + 1)
        if self.signals is not None and self.signals.interruptions != before:
            raise JobCancelled("the job was cancelled")      # IPython ends the command, not the cell
        return found

    # -- errors --------------------------------------------------------------------------------

    def showtraceback(self, exc_tuple: Any = None, filename: Any = None, tb_offset: Any = None,
                      exception_only: bool = False,  # noqa: ARG002
                      running_compiled_code: bool = False) -> None:
        """Every error becomes one error output; usage errors of magics are a line, as in a kernel.
        ``exception_only`` (SystemExit) is not followed: where it happened is worth knowing."""
        ipython: Any = self
        kind, error, trace = ipython._get_exc_info(exc_tuple)  # noqa: SLF001  its subclass
        if issubclass(kind, SyntaxError):
            ipython.showsyntaxerror(filename, running_compiled_code)
        elif kind is UsageError:
            ipython.show_usage_error(error)
            self.shown = f"UsageError: {failures.message_of(error)}"
        else:
            self._showtraceback(kind, error, self._formatted(kind, error, trace, tb_offset))

    def _formatted(self, kind: Any, error: BaseException, trace: Any, tb_offset: int | None) -> list[str]:
        if not _holds_group(error):
            try:
                if hasattr(error, "_render_traceback_"):
                    return list(error._render_traceback_())
                return list(self.InteractiveTB.structured_traceback(kind, error, trace, tb_offset=tb_offset))
            except Exception:  # noqa: BLE001  user code: __str__, __repr__, _render_traceback_
                trace = error.__traceback__
        return failures.traceback_of(error.with_traceback(_below_ipython(trace))).splitlines()

    def _showtraceback(self, etype: Any, evalue: Any, stb: list[str]) -> None:
        name = getattr(etype, "__name__", str(etype))
        hint = self.hint_for(evalue) if self.hint_for and isinstance(evalue, NameError) else None
        lines = [failures.clipped(line) for line in (*stb, hint) if line]
        self.shown, self.hinted = "\n".join(lines), hint
        if self.output is not None:
            self.output.send(wire.ErrorOutput(name, failures.message_of(evalue), tuple(lines)))

    # -- running -------------------------------------------------------------------------------

    def run(self, source: str) -> CellEnd:
        """Run a cell to its end, background tasks of its event loop included."""
        self.shown = self.hinted = None
        sys.displayhook = self.displayhook
        ipython: Any = self
        with _watch_source(self):
            done = ipython.run_cell(source, store_history=False)
            error = done.error_before_exec or done.error_in_exec
            if error is None:
                try:
                    self._await_tasks()
                except BaseException as late:  # noqa: BLE001  user code: what a task raised
                    self.showtraceback()
                    error = late
        return CellEnd(done.result, error, self.shown, self.hinted)

    def _await_tasks(self) -> None:
        loop = _loop_of_cells()
        if loop is None:
            return
        import asyncio

        pending = list(asyncio.all_tasks(loop))
        if pending:
            loop.run_until_complete(asyncio.gather(*pending))

    def connect(self, output: Output, signals: Signals) -> None:
        """In the job process: this is where everything goes."""
        self.output, self.signals = output, signals
        builtins.input = _no_input
        when_imported("getpass", _patch_getpass)
        when_imported("pandas", shell_settings.as_in_a_kernel)
        sys.breakpointhook = _no_debugger
        warnings.filterwarnings("ignore", message="To exit: use", category=UserWarning)

    def fresh_namespace(self) -> dict[str, Any]:
        """The namespace of the cell, which is also ``sys.modules['__main__']``."""
        sys.modules["__main__"] = self.user_module
        namespace: dict[str, Any] = self.user_module.__dict__
        return namespace

    def load(self, wanted: dict[str, Any], beside: dict[str, Any], warn: Callable[[str], None]) -> None:
        """Load the extensions, aliases and display settings that the kernel had, and the magics and
        printers that its user made (``beside``: "__magic__:line:name" to function); what cannot be
        loaded is told."""
        extensions: Any = self.extension_manager
        aliases: Any = self.alias_manager
        for name in wanted.get("extensions", ()):
            if name in ("tether_lab", "autoreload") or name in extensions.loaded:
                continue
            try:
                extensions.load_extension(name)
            except Exception as error:  # noqa: BLE001  code of somebody's extension
                warn(f"the extension {name} could not be loaded: {failures.message_of(error)}")
        for name, command in dict(wanted.get("aliases", {})).items():
            aliases.soft_define_alias(name, command)
        magics: Any = self.magics_manager
        for kind, known in dict(wanted.get("magic_names", {})).items():
            for name, (magic, parameters) in known.items():
                if name not in magics.magics[kind]:
                    magics.register_alias(name, magic, kind, parameters)
        define: Callable[..., None] = self.register_magic_function
        for name, function in beside.items():
            if name.startswith(MAGIC):
                kind, _, magic = name.removeprefix(MAGIC).partition(":")
                define(function, kind, magic)
            elif name.startswith(PRINTER):
                shell_settings.register_printer(self, name.removeprefix(PRINTER), function)
        shell_settings.apply_display_state(self, wanted.get("display", {}))


# Libraries know a notebook by the name of its shell's class (pandas then wraps no text, rich draws
# HTML): with another name they would show a cell's values differently in its job, without a word.
JobShell.__name__ = JobShell.__qualname__ = "ZMQInteractiveShell"


def make_shell() -> JobShell:
    """The shell, rehearsed: what IPython imports on first use is imported now, before the fork."""
    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.cache_size = 0
    config.InteractiveShell.colors = "neutral"     # as in a kernel: libraries ask for it
    config.InteractiveShell.enable_tip = False
    shell = JobShell.instance(config=config)
    extensions: Any = shell.extension_manager
    extensions.load_extension(EVERY_KERNEL_HAS)
    run: Callable[..., object] = shell.run_cell
    for cell in REHEARSAL:
        with contextlib.redirect_stdout(_Nowhere()), contextlib.redirect_stderr(_Nowhere()):
            run(cell, store_history=False)
    for name in ("x", "IPython", "_", "__", "___", "_exit_code"):
        shell.user_ns.pop(name, None)
    for name in ("last_exc", "last_type", "last_value", "last_traceback"):
        if hasattr(sys, name):
            delattr(sys, name)
    shell.user_ns.update({"_": "", "__": "", "___": ""})
    _forget_history(shell)
    loop = _loop_of_cells()
    if loop is not None:
        loop.close()      # all children would wait on the same epoll, and read each other's wake-ups
    return shell


def _forget_history(shell: Any) -> None:
    """It has no thread that saves it, which IPython would look for at every fork."""
    known = getattr(type(shell.history_manager), "_instances", None)
    if known is not None:
        known.discard(shell.history_manager)


class _Nowhere:
    """A file that takes everything."""

    def write(self, text: str) -> int:
        return len(text)

    def flush(self) -> None:
        """Nothing is kept."""


def _loop_of_cells() -> Any:
    """IPython's event loop for cells that await, if this process has one: to ask IPython would make one."""
    loop: Any = getattr(async_helpers, "_asyncio_event_loop", None)
    return None if loop is None or loop.is_closed() else loop


@contextlib.contextmanager
def _watch_source(shell: JobShell) -> Iterator[None]:
    """Tell the display hook which source is running, for its trailing semicolon."""
    def begin(about: Any) -> None:
        shell.cell_running = about.transformed_cell or about.raw_cell or ""

    shell.events.register("pre_run_cell", begin)
    try:
        yield
    finally:
        shell.events.unregister("pre_run_cell", begin)


def _holds_group(error: BaseException | None) -> bool:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        if isinstance(error, BaseExceptionGroup):
            return True
        seen.add(id(error))
        error = error.__context__
    return False


def _below_ipython(trace: types.TracebackType | None) -> types.TracebackType | None:
    while trace is not None and "IPython/core/" in trace.tb_frame.f_code.co_filename:
        trace = trace.tb_next
    return trace


def _no_input(prompt: object = "", /) -> str:
    __tracebackhide__ = True
    raise NobodyThere(f"input({str(prompt)!r}) was called in a job, and nobody is there to answer",
                      remedy="Give the value to the job: %%job name=value, or a payload.")


def _patch_getpass(module: Any) -> None:
    module.getpass = lambda prompt="Password: ", *_, **__: _no_input(prompt)


def _no_debugger(*_: object, **__: object) -> NoReturn:
    __tracebackhide__ = True
    raise NobodyThere("breakpoint() was called in a job, and nobody is there to debug",
                      remedy="Run the cell in the kernel to debug it.")
