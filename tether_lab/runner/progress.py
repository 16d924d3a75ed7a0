"""Progress: every tqdm bar, and ``ctx.progress``, as values instead of text.

tqdm is patched where its bars are drawn, whichever flavour made them, so user code stays as it is.
Nothing is patched before tqdm is imported. A bar that stays (``leave``) ends as one line of text, as
it does in a notebook; one drawn into a file of the user's own is left to tqdm.
"""

from __future__ import annotations

import itertools
import threading
import time
from types import ModuleType
from typing import Any

from . import wire
from .on_import import when_imported
from .output import Output

EVERY = 0.2
OWN = -1
"""The id of the bar that ``ctx.progress`` draws."""


class Bars:
    """Sends bars, each at most every EVERY seconds, its last state always."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._sent: dict[int, float] = {}
        self._held: dict[int, wire.ProgressBar] = {}
        self._began: float | None = None
        self._numbers = itertools.count(1)
        self._sending = threading.RLock()       # of two states of a bar the younger leaves last
        output.looks = self.send_held

    def draws(self, file: Any) -> bool:
        """Whether bars for ``file`` are ours. Not in a process that user code forked, which has no
        channel, and not in a file or buffer of the user's: there they are text."""
        return not self._output.forked and (file == self._output.stderr or file == self._output.stdout)  # noqa: PLR1714 — tqdm's wrapper compares, it has no hash

    def number(self) -> int:
        """A fresh id for a bar."""
        return next(self._numbers)

    def show(self, bar: wire.ProgressBar) -> None:
        now = time.monotonic()
        done = bar.closed or (bar.total is not None and bar.n >= bar.total)
        if not done and now - self._sent.get(bar.id, 0.0) < EVERY:
            self._held[bar.id] = bar
            self._output.look_on()             # nothing, if somebody looks already
            return
        if self._output.forked:
            return
        with self._sending:
            self._held.pop(bar.id, None)
            self._sent[bar.id] = now
            if bar.closed:
                del self._sent[bar.id]
            self._output.send(bar)

    def send_held(self) -> None:
        """What was held back for long enough, while the job computes on. The output's thread calls it; where a
        bar is on its way just now, it is sent the next time."""
        if not self._held or not self._sending.acquire(blocking=False):
            return
        try:
            now = time.monotonic()
            for number in list(self._held):
                if now - self._sent.get(number, 0.0) < EVERY:
                    continue
                if (bar := self._held.pop(number, None)) is not None:
                    self._sent[number] = now
                    self._output.send(bar)
        finally:
            self._sending.release()

    def own(self, n: float, total: float | None, message: str) -> None:
        """What ``ctx.progress`` was told."""
        now = time.monotonic()
        if self._began is None:
            self._began = now
        elapsed = now - self._began
        unit = "" if total == 1.0 else "it"
        self.show(wire.ProgressBar(OWN, 0, message, n, total, n / elapsed if elapsed > 0 and n else None,
                                   round(elapsed, 3), unit))

    def finish(self) -> None:
        """The attempt is over: send what was held back, forget the rest."""
        with self._sending:
            held = list(self._held.values())
            self._held.clear()
            self._sent.clear()
            self._began = None
            for bar in held:
                self._output.send(bar)

    def watch_tqdm(self) -> None:
        """Patch tqdm when it is imported, or now if it is."""
        when_imported("tqdm.std", self._patch_std)
        when_imported("tqdm.notebook", _patch_notebook)

    def _patch_std(self, std: ModuleType) -> None:
        bars, base = self, std.tqdm
        drawn, closed, cleared = base.display, base.close, base.clear

        def display(self: Any, msg: str | None = None, pos: int | None = None, **more: Any) -> Any:
            if not bars.draws(self.fp):
                return drawn(self, msg, pos, **more)
            bars.show(_bar(self, bars))
            return True

        def close(self: Any) -> None:
            if self.disable or not bars.draws(self.fp):
                closed(self)
                return
            stays = _stays(self)
            self.disable = True
            with self._lock:
                self._decr_instances(self)
            bars.show(_bar(self, bars, closed=True))
            if stays:
                self._ema_dt = lambda: None          # the rate of the whole run, as tqdm's own last line
                self.fp.write(f"{self}\n")

        def clear(self: Any, nolock: bool = False) -> None:
            if not bars.draws(self.fp):
                cleared(self, nolock)

        base.display, base.close, base.clear = display, close, clear
        base.status_printer = staticmethod(_printer(bars, base.status_printer))
        base.write = classmethod(_write)
        base.monitor_interval = 0          # its thread would redraw bars that stand still; ours do


def _stays(bar: Any) -> bool:
    """Whether tqdm would leave this bar standing: asked for, or outermost, and shown at all."""
    leave = abs(bar.pos) == 0 if bar.leave is None else bar.leave
    return bool(leave and bar.last_print_t >= bar.start_t + bar.delay)


def _bar(bar: Any, bars: Bars, *, closed: bool = False) -> wire.ProgressBar:
    state = bar.format_dict
    if "tether_id" not in vars(bar):
        bar.tether_id = bars.number()
    total = state["total"]
    return wire.ProgressBar(
        id=bar.tether_id, position=abs(bar.pos), description=(bar.desc or "").removesuffix(": "),
        n=float(state["n"]), total=None if total is None else float(total),
        rate=_rate(state), elapsed=round(state["elapsed"], 3), unit=str(state["unit"]),
        postfix=str(state["postfix"] or ""), closed=closed)


def _rate(state: dict[str, Any]) -> float | None:
    if state["rate"]:
        return float(state["rate"])
    done = state["n"] - state.get("initial", 0)
    return done / state["elapsed"] if state["elapsed"] and done else None


def _printer(bars: Bars, original: Any) -> Any:
    def status_printer(file: Any) -> Any:
        plain = None if bars.draws(file) else original(file)
        return plain or (lambda _text: None)
    return status_printer


def _write(_cls: Any, s: object, file: Any = None, end: str = "\n", nolock: bool = False) -> None:  # noqa: ARG001
    print(s, end=end, file=file)


def _patch_notebook(notebook: ModuleType) -> None:
    """The widget flavour becomes the plain one: a job has no widgets."""
    from tqdm import std

    class Plain(std.tqdm):  # type: ignore[misc]
        """tqdm.notebook.tqdm without its widgets."""

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            kwargs.pop("display", None)
            super().__init__(*args, **kwargs)
            self.container = None

    def trange(*args: Any, **kwargs: Any) -> Any:
        return Plain(range(*args), **kwargs)

    notebook_names: Any = notebook
    notebook_names.tqdm = notebook_names.tqdm_notebook = Plain
    notebook_names.trange = notebook_names.tnrange = trange
