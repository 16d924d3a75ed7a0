"""A lab whose jobs run in the test's own process, when the test says so.

The queue, the signatures, middleware, resources, retries, hooks and results are the real ones; what is
missing is the process: no timeouts, no kill, no ``isolation``. Functions that the test itself registered
are called as they are, so that breakpoints, mocks and coverage work in them.
"""

from __future__ import annotations

import contextlib
import io
import itertools
import json
import os
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from tether_lab.errors import BadRequest, TetherLabError
from tether_lab.job import ClaimedJob
from tether_lab.job.hooks import QUEUE, is_internal
from tether_lab.job_queue import claim, clock, schedules
from tether_lab.job_queue.claim import Ending
from tether_lab.lab import Lab
from tether_lab.runner import binding, context, wire
from tether_lab.runner.call import Handler, Handlers, needs_instance
from tether_lab.runner.calls import raised
from tether_lab.runner.extras import Extras, Kept
from tether_lab.runner.signals import Signals
from tether_lab.runner.task import Attempt, Desk, Reports
from tether_lab.worker.attempts import Attempt as Record
from tether_lab.worker.calls import Calls
from tether_lab.worker.dispatch import Dispatcher, Prepared
from tether_lab.worker.endings import Endings
from tether_lab.worker.hooks import Hooks
from tether_lab.worker.machine import Machine
from tether_lab.worker.output import Output
from tether_lab.worker.schedules import Schedules

from .clocks import ManualClock

WORKER = "inline"
LEASE = 3600 * 10**9
MOST = 10_000
"""Attempts in one ``drain``: a job that enqueues itself for ever is told."""


class InlineLab(Lab):
    """``drain()`` runs what is due; waiting for a job (``job.result()``) does, too. ``clock`` is what it takes
    for the present, if a test moves it."""

    clock: ManualClock | None = None

    def __init__(self, folder: str | os.PathLike[str], **options: object) -> None:
        self._live: dict[str, Callable[..., Any]] = {}
        self.overrides: dict[str, Any] = {}
        super().__init__(folder, **{"autostart": False, "durability": "process", **options})
        self._run = Inline(self)

    def registered(self, key: str, target: Callable[..., Any]) -> None:
        self._live[key] = target

    def live(self, key: str) -> Callable[..., Any] | None:
        """What this process registered under a key."""
        return self._live.get(key)

    def ensure_worker(self) -> None:
        """Who waits for a job runs what is due."""
        self.drain()

    def drain(self, *, advance: object = None, limit: int = MOST) -> Counter[str]:
        """Run all that is due, and what follows from it; how many attempts ended how (``succeeded``,
        ``failed`` …). ``advance``: move the manual clock on (``"1d"``), from one due moment to the next."""
        if advance is None:
            return self._run.due(limit)
        if self.clock is None:
            raise BadRequest("this lab has the clock of the wall", where="advance",
                             remedy="inline_lab(clock=ManualClock()) has one that moves.")
        from tether_lab.job.duration import seconds

        until = self.clock.utc() + round(seconds(advance, what="advance") * 1e6)
        found = self._run.due(limit)
        while (at := self._run.next_due()) is not None and at <= until:
            self.clock.move_to(max(at, self.clock.utc()))
            found += self._run.due(limit - found.total())
        self.clock.move_to(until)
        return found + self._run.due(limit - found.total())

    @contextmanager
    def override(self, **resources: Any) -> Iterator[None]:
        """While inside, jobs get these instead of the resources of those names."""
        before = dict(self.overrides)
        self.overrides.update(resources)
        try:
            yield
        finally:
            self.overrides = before


@contextmanager
def inline_lab(*, clock: ManualClock | None = None, **options: Any) -> Iterator[InlineLab]:
    """A fresh lab in a temporary home whose jobs run in this process; all of it gone afterwards."""
    home = Path(tempfile.mkdtemp(prefix="tether-lab-test-"))
    names = {"TETHER_LAB_HOME": str(home / "home"), "TETHER_LAB_CONFIG": str(home / "config")}
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(names)
    try:
        with contextlib.ExitStack() as stack:
            if clock is not None:
                stack.enter_context(clock.installed())
            lab = stack.enter_context(contextlib.closing(InlineLab(home / "lab", **options)))
            lab.clock = clock
            yield lab
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        shutil.rmtree(home, ignore_errors=True)


class Inline:
    """The worker's turn and the runner's attempt, one after the other, in one process."""

    def __init__(self, lab: InlineLab) -> None:
        self._lab, queue, vault = lab, lab.queue, lab.vault
        self._dispatcher = Dispatcher(queue, vault)
        self._endings = Endings(vault, queue.uuid, queue.folder.blobs, lab.settings.crash_budget, clock.utc)
        self._calls = Calls(queue, vault, lab.settings.payload_limit, clock.utc)
        self._hooks, self._schedules = Hooks(queue, vault, _log), Schedules(queue, vault, _log)
        self._machine = Machine(queue.folder.path)
        self._kept = Kept()
        self._next: int | None = None
        self._busy = False

    def next_due(self) -> int | None:
        """When something is due next, UTC µs, as of the last turn."""
        moments = [at for at in (self._next, schedules.next_at(self._lab.queue)) if at is not None]
        return min(moments) if moments else None

    def due(self, limit: int) -> Counter[str]:
        """Run all that is due now."""
        found: Counter[str] = Counter()
        if self._busy:
            return found                   # a job that waits for another one runs nothing
        self._busy = True
        ended: list[Ending] = []
        try:
            while True:
                self._schedules.fire(clock.utc())
                turn = claim.turn(
                    self._lab.queue, worker=WORKER, now=clock.utc(), mono=0, lease_ns=LEASE, finished=ended,
                    limit=1, read=self._machine.read, beside={QUEUE: 1}, follow=self._hooks.follow)
                self._dispatcher.extras, self._next = turn.extras, turn.next_due
                ended = [self._ran(job) for job in turn.claimed]
                found.update(ending.outcome_name for job, ending in zip(turn.claimed, ended, strict=True)
                             if not is_internal(job.key))
                if not ended and not turn.untold:
                    return found
                if found.total() > limit:
                    raise AssertionError(f"more than {limit} attempts: does a job enqueue itself for ever?")
        finally:
            if ended:
                claim.turn(self._lab.queue, worker=WORKER, now=clock.utc(), mono=0, lease_ns=LEASE,
                           finished=ended, limit=0)
            self._busy = False

    def _ran(self, job: ClaimedJob) -> Ending:
        try:
            prepared = self._dispatcher.prepare(job)
            if prepared.version.kind == "cell":
                raise BadRequest("a cell runs in a worker, not in a test's process", where=job.key,
                                 remedy="temporary_lab() has a worker; or make it a function.")
            return self._endings.of(self._record(prepared, self._dispatcher.task(prepared)))
        except TetherLabError as error:
            return self._endings.refused(job, error)

    def _record(self, prepared: Prepared, task: wire.Task) -> Record:
        """One attempt: what the runner says goes to the record that the worker keeps."""
        process = SimpleNamespace(pid=os.getpid(), exited=None, gone=False, warm=True)
        settings = self._lab.settings
        record = Record(prepared.job, prepared.version, prepared.options, cast("Any", process),
                        Output(settings.output_head, settings.output_tail), 0.0, cover=prepared.cover)
        desk = cast("Desk", SimpleNamespace(
            output=SimpleNamespace(send=lambda message: record.receive(message, 0.0), flush=lambda: None),
            warm=True, shell=None,
            signals=Signals(), bars=_Bars(record), handlers=_Handlers(self._lab), kept=self._kept, traces=None,
            memory=SimpleNamespace(limit=lambda _: None), calls=_Asking(self._calls, prepared.job)))
        desk.reports = Reports(desk)
        main = sys.modules["__main__"]
        attempt = Attempt.of(task, desk)
        if self._lab.overrides or attempt.extras is not None:
            attempt.extras = _Extras(self._lab, task, desk, attempt)
            attempt.context.connect(desk.calls, attempt.extras)
        context.enter(attempt.context)
        try:
            with contextlib.redirect_stdout(_Tee(sys.stdout, record, "stdout")), contextlib.redirect_stderr(
                    _Tee(sys.stderr, record, "stderr")):
                record.receive(attempt.run(), 0.0)
        finally:
            sys.modules["__main__"] = main
            attempt.context.close()
            context.enter(None)
        return record


class _Handlers(Handlers):
    """Functions of this process as they are; others as they were stored."""

    def __init__(self, lab: InlineLab) -> None:
        super().__init__()
        self._lab = lab

    def known(self, key: str, version: str) -> Handler | None:
        target = self._lab.live(key)
        if target is None:
            return super().known(key, version)
        plain = needs_instance(target) or is_internal(key)
        module = sys.modules.get(getattr(target, "__module__", ""), sys.modules["__main__"])
        return Handler(target, module, None if plain else binding.signature(target))


class _Extras(Extras):
    """With what a test puts in the place of resources."""

    def __init__(self, lab: InlineLab, task: wire.Task, desk: Desk, attempt: Attempt) -> None:
        self._lab = lab
        super().__init__(task, desk.handlers, desk.kept, attempt.context, attempt.warn)
        for extra in task.extras:
            if (live := lab.live(extra.key)) is not None:
                desk.kept.loaded[extra.key, extra.version] = live

    @property
    def resources(self) -> frozenset[str]:
        return super().resources | frozenset(self._lab.overrides)

    def resource(self, name: str) -> Any:
        return self._lab.overrides[name] if name in self._lab.overrides else super().resource(name)


class _Asking:
    """``ctx.enqueue`` and the like: answered at once, by the worker's own code."""

    def __init__(self, calls: Calls, job: ClaimedJob) -> None:
        self._calls, self._job, self._numbers = calls, job, itertools.count(1)

    def ask(self, verb: str, arguments: Mapping[str, Any], blobs: dict[str, bytes] | None = None) -> Any:
        call = wire.Call(next(self._numbers), verb, json.dumps(arguments), blobs or {})
        answer, _ = self._calls.answer(self._job, call)
        if answer.error is not None:
            raise raised(answer)
        return None if answer.value is None else json.loads(answer.value)


class _Bars:
    """``ctx.progress``, as the record keeps it."""

    def __init__(self, record: Record) -> None:
        self._record = record

    def own(self, n: float, total: float | None, message: str) -> None:
        self._record.progress.receive(wire.ProgressBar(-1, 0, message, n, total, None, 0.0, ""))


class _Tee(io.TextIOBase):
    """What a job prints: where the test sees it, and among its outputs."""

    def __init__(self, into: Any, record: Record, name: str) -> None:
        self._into, self._record, self._name = into, record, name

    def write(self, text: str) -> int:
        self._into.write(text)
        self._record.output.text(self._name, text)
        return len(text)

    def flush(self) -> None:
        self._into.flush()


def _log(text: str) -> None:
    sys.stderr.write(f"tether_lab: {text}\n")
