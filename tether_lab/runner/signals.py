"""How the supervisor reaches user code: a cancel, a soft timeout, the worker's own end.

========  =================================================================================
SIGINT    somebody cancelled: JobCancelled in the main thread, ``cancelled`` stays set
SIGUSR2   the soft timeout passed: SoftTimeout if the job asked for it, else a flag; sent again, in case
          the first came between Python's look at its signals and a long sleep of the kernel's
SIGTERM   the worker is going: ``shutting_down`` is set, the job may finish
SIGUSR1   faulthandler writes all stacks to the stack pipe (see ``child``)
========  =================================================================================

The exceptions must not tear a frame that is just being sent, so code of ours that must be done
whole stands in ``with signals.shield``: what arrives meanwhile is raised at its end.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]
import signal
import threading
from collections.abc import Iterable
from types import FrameType, TracebackType

from tether_lab.errors import JobCancelled, SoftTimeout

_OURS = (signal.SIGINT, signal.SIGUSR2, signal.SIGTERM)


class Shield:
    """Holds back exceptions of signal handlers while the main thread is inside. May be nested."""

    def __init__(self) -> None:
        self._depth, self.pending = 0, list[BaseException]()
        self._main = threading.main_thread().ident

    @property
    def up(self) -> bool:
        return self._depth > 0

    def __enter__(self) -> None:
        if threading.get_ident() == self._main:
            self._depth += 1

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        if threading.get_ident() != self._main:
            return
        self._depth -= 1
        if self._depth == 0 and self.pending:
            held, self.pending = self.pending, []
            if error is None:
                raise held[0]

    def after_fork(self) -> None:
        """In a child that user code forked: whoever forked is the main thread now."""
        self._depth, self.pending, self._main = 0, [], threading.get_ident()


class Signals:
    """The flags, and the handlers that set them.

    ``interruptions`` counts how often JobCancelled was raised: a job whose code swallowed it ends
    cancelled all the same.
    """

    def __init__(self) -> None:
        self.cancelled = self.soft_timed_out = self.shutting_down = False
        self.interruptions = 0
        self.shield = Shield()
        self._armed = self._catch_soft = False
        self._masks: dict[int, Iterable[int]] = {}     # of threads that fork

    def install(self) -> None:
        """Take the four signals over. Main thread only."""
        # The C function: each signal.signal would build enums, a tenth of a millisecond after a fork.
        for number, handler in ((signal.SIGINT, self._on_cancel), (signal.SIGUSR2, self._on_soft_timeout),
                                (signal.SIGTERM, self._on_shutdown), (signal.SIGPIPE, _signal.SIG_IGN)):
            _signal.signal(number, handler)

    def begin(self, *, forget: bool) -> None:
        """A task was received. ``forget``: what came before it was meant for another (warm)."""
        if forget:
            self.cancelled = self.soft_timed_out = False
            self.shield.pending.clear()
        self.interruptions = 0

    def arm(self, *, catch_soft: bool) -> None:
        """From now on signals raise; at once, if one came already."""
        self._armed, self._catch_soft = True, catch_soft
        if self.cancelled:
            self._cancel()
        if self.soft_timed_out and catch_soft:
            raise SoftTimeout("the soft timeout passed")

    def disarm(self) -> None:
        """Signals set their flags only: the ending is being written."""
        self._armed = False
        self.shield.pending.clear()

    def raise_if_cancelled(self) -> None:
        if self.cancelled:
            self._cancel()

    def before_fork(self) -> None:
        """User code forks. A signal that met the child before it is an ordinary process would be forgotten, and
        whoever sent it (a pool that ends its processes) would wait for ever: it waits instead."""
        self._masks[threading.get_ident()] = signal.pthread_sigmask(signal.SIG_BLOCK, _OURS)

    def let_through(self) -> None:
        """The fork is over, here and in the child."""
        signal.pthread_sigmask(signal.SIG_SETMASK, self._masks.pop(threading.get_ident(), ()))

    def after_fork(self) -> None:
        """In a child that user code forked: the signals mean what they mean in any Python."""
        self.shield.after_fork()
        for number, ours in ((signal.SIGINT, self._on_cancel), (signal.SIGTERM, self._on_shutdown),
                             (signal.SIGUSR2, self._on_soft_timeout)):
            if signal.getsignal(number) == ours:
                signal.signal(number, signal.default_int_handler if number == signal.SIGINT
                              else signal.SIG_DFL)
        self.let_through()

    def _cancel(self) -> None:
        __tracebackhide__ = True
        self.interruptions += 1
        raise JobCancelled("the job was cancelled")

    def _on_cancel(self, _number: int, _frame: FrameType | None) -> None:
        __tracebackhide__ = True
        self.cancelled = True
        if self._armed and self.shield.up:
            self.interruptions += 1
            self.shield.pending.append(JobCancelled("the job was cancelled"))
        elif self._armed:
            self._cancel()

    def _on_soft_timeout(self, _number: int, _frame: FrameType | None) -> None:
        __tracebackhide__ = True
        again, self.soft_timed_out = self.soft_timed_out, True
        if again or not (self._armed and self._catch_soft):
            return
        error = SoftTimeout("the soft timeout passed")
        if not self.shield.up:
            raise error
        self.shield.pending.append(error)

    def _on_shutdown(self, _number: int, _frame: FrameType | None) -> None:
        self.shutting_down = True
