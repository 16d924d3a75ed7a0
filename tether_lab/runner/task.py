"""One attempt, from the task to its end: load what it took along, run it, say how it ended."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import msgspec

from tether_lab.errors import TetherLabError
from tether_lab.job import JobOptions, Manifest
from tether_lab.job.hooks import NOTIFY, is_internal

from . import command, conditions, context, failures, hooks, randomness, result, tracing, wire
from .background import wait_for_processes, wait_for_threads
from .call import Handlers
from .calls import Calls
from .endings import Cancel, Fail, Snooze
from .extras import Extras, Kept as KeptExtras, StartFailed
from .inputs import Inputs
from .limits import Memory
from .memos import Kept
from .output import Output
from .progress import Bars
from .signals import Signals
from .traces import Traces

if TYPE_CHECKING:
    from .shell import CellEnd, JobShell

LOWEST_RECURSION = 1000
"""With less, even the end of a job could not be told."""
AFTER_FAILED_START = 15.0
"""Seconds until a job is tried again whose on_worker_start raised."""

# A warm process gets the same texts again and again; what they say is read, never changed.
_options = lru_cache(4)(JobOptions.from_json)
_manifest = lru_cache(4)(Manifest.from_json)


@dataclass(slots=True)
class Desk:
    """What a job process has at hand for its tasks. ``shell`` is None where IPython is not loaded."""

    output: Output
    signals: Signals
    bars: Bars
    handlers: Handlers
    memory: Memory
    shell: JobShell | None
    traces: Traces | None
    calls: Calls
    kept: KeptExtras = field(default_factory=KeptExtras)
    reports: Reports = field(init=False)

    def __post_init__(self) -> None:
        self.reports = Reports(self)

    @property
    def warm(self) -> bool:
        """Whether further tasks will run in this process."""
        return self.traces is not None


class Reports:
    """What ``ctx`` reports, on its way to the supervisor."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def progress(self, n: float, total: float | None, message: str) -> None:
        self._desk.bars.own(n, total, message)

    def note(self, kind: str, detail: str) -> None:
        self._desk.output.send(wire.Note(kind, detail))


@dataclass(slots=True)
class Attempt:
    """One task being run."""

    task: wire.Task
    desk: Desk
    options: JobOptions
    manifest: Manifest
    context: context.Context
    extras: Extras | None = None

    @classmethod
    def of(cls, task: wire.Task, desk: Desk) -> Attempt:
        about = context.Context(
            id=task.job_id, key=task.key, payload={} if task.payload == "{}" else json.loads(task.payload),
            attempt=task.attempt, max_attempts=task.max_attempts, epoch=task.epoch, uuid=task.uuid,
            lab_folder=task.folder or None, reporter=desk.reports, signals=desk.signals,
            memos=Kept(task, desk.calls))
        options = _options(task.options)
        about.inputs, about.shared = Inputs(task), options.shared_input
        about.update_interval = options.update_interval
        if options.trigger:
            about.trigger = _trigger(options.trigger, about.payload)
        if options.scheduled_for is not None:
            about.scheduled_for = datetime.fromtimestamp(options.scheduled_for, UTC)
        found = cls(task, desk, options, _manifest(task.manifest), about)
        if task.extras:
            found.extras = Extras(task, desk.handlers, desk.kept, about, found.warn)
        about.connect(desk.calls, found.extras)
        return found

    def warn(self, text: str) -> None:
        """A sentence for the job's history."""
        self.desk.output.send(wire.Note("warning", json.dumps({"text": text})))

    # -- the three ways to run -----------------------------------------------------------------

    def run(self) -> wire.Ended:
        """Load, run, store. User code's exceptions become the ending."""
        self.desk.memory.limit(self.options.memory)
        if self.extras is None:
            return self._run()
        try:
            self.extras.load()
            self.extras.run_first()
            return self._run()
        except StartFailed as error:
            self.warn(str(error))
            return wire.Ended(self.task.job_id, self.task.epoch, "snoozed", seconds=AFTER_FAILED_START)
        finally:
            self.extras.close()

    def _around(self, body: Callable[[], Any]) -> Any:
        return body() if self.extras is None else self.extras.around(body)

    def _run(self) -> wire.Ended:
        if not tracing.is_set_up():
            return self._of_its_kind()
        with tracing.span(self.task) as told:
            told.append(self._of_its_kind())
        return told[0]

    def _of_its_kind(self) -> wire.Ended:
        match self.task.kind:
            case "cell":
                return self._cell()
            case "function" | "class":
                return self._call()
            case "shell":
                return self._command()
            case "notebook":
                return self._notebook()
            case other:
                raise ValueError(f"a job of kind {other!r}, which this runner does not know")

    def _cell(self) -> wire.Ended:
        shell = self.desk.shell
        if shell is None:
            raise RuntimeError("a cell was sent to a process without IPython")
        namespace = self.lay_out(shell)
        self.started()
        end = shell.run(self.task.source) if self.extras is None else self._cell_within(shell)
        if end.error is not None:
            if end.traceback is None:
                self.show(end.error)
            return failures.ended(self.task.job_id, self.task.epoch, end.error, trace=end.traceback,
                                  hint=end.hint or self.context.hint(end.error))
        self._wait()
        return self.returned(end.value, namespace)

    def lay_out(self, shell: JobShell) -> dict[str, Any]:
        """The namespace of the cell, with all that it finds there."""
        namespace = shell.fresh_namespace()
        beside = self._load(namespace)
        shell.load(self.manifest.shell, beside, self.warn)
        randomness.after_captures(self.options.seed, self.task)
        namespace.update(self.context.payload)
        for name, value in (("payload", self.context.payload), ("ctx", self.context)):
            namespace.setdefault(name, value)
        shell.hint_for = lambda error: result.hint(self.manifest, error)
        return namespace

    def _cell_within(self, shell: JobShell) -> CellEnd:
        """The cell inside middleware, which sees what it raises, and may raise itself."""
        ends: list[CellEnd] = []

        def body() -> Any:
            ends.append(shell.run(self.task.source))
            if ends[-1].error is not None:
                raise ends[-1].error
            return ends[-1].value
        try:
            value = self._around(body)
        except BaseException as error:  # noqa: BLE001  the cell's, or a middleware's own
            known = [end for end in ends if end.error is error]
            return known[-1] if known else replace(ends[-1] if ends else shell.NOTHING, error=error,
                                                   traceback=None, hint=None)
        return replace(ends[-1] if ends else shell.NOTHING, value=value, error=None)

    def _call(self) -> wire.Ended:
        task, handlers = self.task, self.desk.handlers
        if task.key == NOTIFY:
            self.started()
            hooks.notify(self.context)
            return self.returned(None, {})
        handler = handlers.known(task.key, task.version) if self.desk.warm else None
        if handler is None:
            self.desk.output.flush()           # the ending before this one, should loading crash
            namespace = handlers.namespace()
            self._load(namespace)
            handler = handlers.learn(task.key, task.version, namespace)
            if self.desk.traces is not None:
                self.desk.traces.begin()
        else:
            sys.modules["__main__"] = handler.module
            self.context.payload = result.load_payload(task, self.context.payload, vars(handler.module))
        randomness.after_captures(self.options.seed, task)
        self.started()
        try:
            value = (hooks.call(handler.target, self.context, self.extras) if is_internal(task.key) else
                     self._around(lambda: handler.run(task.key, self.context, self.extras)))
            flush_figures()
            self._wait()
        except BaseException as error:  # noqa: BLE001  user code
            hint = (result.hint(self.manifest, error) if isinstance(error, NameError) else
                    self.context.hint(error))
            trace = failures.traceback_of(error) + (f"{hint}\n" if hint else "")
            self.show(error, trace)
            return failures.ended(task.job_id, task.epoch, error, trace=trace, hint=hint)
        return self.returned(value, vars(handler.module))

    def _command(self) -> wire.Ended:
        self._load({})
        self.started()
        try:
            self._around(lambda: command.run(self.task.source, self.context))
        except BaseException as error:  # noqa: BLE001  what the command met
            return failures.ended(self.task.job_id, self.task.epoch, error, trace="")
        return self.returned(None, {})

    def _notebook(self) -> wire.Ended:
        self._load({})
        from .notebook import CellFailed, Run

        about = {"path": self.manifest.shell.get("notebook"), "output": self.options.output,
                 "kernel": self.options.kernel}
        self.started()
        try:
            value = self._around(Run(self.task.source, self.context, self.desk.output, about))
        except CellFailed as error:          # its cell has shown it already
            ended = failures.ended(self.task.job_id, self.task.epoch, error, trace=error.trace)
            return msgspec.structs.replace(ended, error_types=error.types)
        except BaseException as error:  # noqa: BLE001  what nbclient met
            self.show(error)
            return failures.ended(self.task.job_id, self.task.epoch, error)
        return self.returned(value, {})

    # -- steps ---------------------------------------------------------------------------------

    def _load(self, namespace: dict[str, Any]) -> dict[str, Any]:
        self.context.payload, beside = result.load(self.task, self.manifest, self.context.payload, namespace)
        return beside

    def _wait(self) -> None:
        if not self.desk.warm:
            wait_for_threads(self.desk.output.threads)

    def started(self) -> None:
        self.desk.output.send(wire.Started(self.task.job_id, self.task.epoch, time.monotonic_ns()))

    def show(self, error: BaseException, trace: str | None = None) -> None:
        """An error that IPython did not show."""
        lines = (trace if trace is not None else failures.traceback_of(error)).splitlines()
        self.desk.output.send(wire.ErrorOutput(
            type(error).__name__, failures.message_of(error), tuple(lines)))

    def returned(self, value: object, namespace: dict[str, Any]) -> wire.Ended:
        job, epoch = self.task.job_id, self.task.epoch
        match value:
            case Snooze():
                return wire.Ended(job, epoch, "snoozed", seconds=value.seconds)
            case Cancel(reason):
                return wire.Ended(job, epoch, "cancelled", ("Cancel",), message=str(reason))
            case Fail(error, retry):
                return self._fail(error, retry=retry)
        keep = {}
        for name in self.options.keep:
            if name in namespace:
                keep[name] = namespace[name]
            else:
                self.warn(f"keep: the job has no variable {name!r}")
        ended = result.succeeded(self.task, value, keep, namespace, self.warn)
        if self.task.conditions:
            said = conditions.verdicts(self.task, self.desk.handlers, value)
            ended = msgspec.structs.replace(ended, verdicts=said)
        return ended

    def _fail(self, error: BaseException | str, *, retry: bool) -> wire.Ended:
        if isinstance(error, BaseException):
            ended = failures.ended(self.task.job_id, self.task.epoch, error)
            return wire.Ended(ended.job_id, ended.epoch, "failed", ended.error_types, ended.message,
                              ended.traceback, retry and ended.retry, ended.retry_after)
        return wire.Ended(self.task.job_id, self.task.epoch, "failed", ("Fail",), str(error), retry=retry)


def _trigger(said: Mapping[str, Any], payload: Mapping[str, Any]) -> Mapping[str, Any]:
    """What made the job. Of a request to an encrypted one only the names are told beside the payload."""
    if "fields" not in said:
        return said
    body = {name: payload[name] for name in said["fields"] if name in payload}
    return {**{word: value for word, value in said.items() if word != "fields"}, "body": body}


def attempt(task: wire.Task, desk: Desk) -> wire.Ended:
    """Run one task to its end, whatever its code does short of ending the process."""
    desk.signals.begin(forget=desk.warm)
    desk.output.begin()
    try:
        ended = _attempt(task, desk)
    except BaseException as error:  # noqa: BLE001  a signal while the ending was being made
        desk.signals.disarm()
        ended = failures.ended(task.job_id, task.epoch, error)
    if sys.getrecursionlimit() < LOWEST_RECURSION:
        sys.setrecursionlimit(LOWEST_RECURSION)
    if desk.signals.interruptions and ended.kind == "succeeded":
        ended = wire.Ended(task.job_id, task.epoch, "cancelled", ("JobCancelled",))
    desk.bars.finish()
    if context.running():
        context.current().close()
        context.enter(None)
    desk.output.end()
    return ended


def _attempt(task: wire.Task, desk: Desk) -> wire.Ended:
    """Load, run, store: from here on signals raise, until the ending is known."""
    current: Attempt | None = None
    try:
        current = Attempt.of(task, desk)
        context.enter(current.context)
        desk.signals.arm(catch_soft=bool(current.options.timeout and current.options.timeout.catch))
        ended = current.run()
        if ended.kind == "succeeded" and not desk.warm:
            wait_for_processes()
    except BaseException as error:  # noqa: BLE001  user code: what loading or storing met
        desk.signals.disarm()
        remedy = error.remedy if isinstance(error, TetherLabError) else None
        ended = failures.ended(task.job_id, task.epoch, error, hint=remedy)
        if ended.kind == "failed" and current is not None:
            current.show(error)
    finally:
        desk.signals.disarm()
    return ended


def flush_figures() -> None:
    """Show the figures that a function left open, as the end of a cell does."""
    inline = sys.modules.get("matplotlib_inline.backend_inline")
    if inline is not None:
        inline.flush_figures()
