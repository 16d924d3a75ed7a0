"""The attempts that run now: fed by their processes, pushed by their deadlines, written down, ended."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator

from tether_lab.errors import ClaimLost, QueueBusy, StorageFull
from tether_lab.job import Claim
from tether_lab.job_queue import outputs, read
from tether_lab.job_queue.claim import Ending
from tether_lab.job_queue.queue import Queue
from tether_lab.runner import wire
from tether_lab.settings import Settings

from . import memory, stacks
from .attempts import FOREVER, Attempt
from .calls import Calls
from .dispatch import Prepared
from .endings import Endings
from .faults import fault
from .output import Output
from .pool import Pools
from .process import Process

FLUSH_EVERY = 0.05
TAIL_EVERY = 0.25
AFTER_ERROR = 0.5
ZYGOTE_DEATHS = 3


def utc() -> int:
    """Now, UTC microseconds."""
    return time.time_ns() // 1000


class Running:
    """By the token of its process, each attempt that runs."""

    def __init__(self, queue: Queue, settings: Settings, pools: Pools, endings: Endings, calls: Calls,
                 log: Callable[[str], None]) -> None:
        self._calls = calls
        self.enqueued = False              # a job enqueued another one: there is something to claim
        self.hooked = False                # somebody is to be told of what a job said
        self._queue, self._settings, self._pools = queue, settings, pools
        self._endings, self._log = endings, log
        self.attempts: dict[int, Attempt] = {}
        self._stacks: list[stacks.StackRequest] = []
        self._memory_at = 0.0
        self._write_at = 0.0               # no output before: the last transaction failed
        self._zygote_deaths: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self.attempts)

    @property
    def jobs(self) -> int:
        """How many are no services: those have places of their own."""
        return sum(not attempt.job.service for attempt in self.attempts.values())

    def __iter__(self) -> Iterator[Attempt]:
        return iter(list(self.attempts.values()))

    def start(self, prepared: Prepared, task: wire.Task, process: Process, now: float) -> None:
        """Hand a job to its process."""
        head = prepared.options.max_output or self._settings.output_head
        give_up_at = self._total(prepared)
        self.attempts[process.token] = Attempt(
            prepared.job, prepared.version, prepared.options, process,
            Output(head, self._settings.output_tail), now, give_up_at,
            FOREVER if give_up_at is None else now + (give_up_at - utc()) / 1e6, cover=prepared.cover)
        process.send(task)
        self._pools.watch_writing(process.control, process.writing)
        fault("after_task_sent")

    def _total(self, prepared: Prepared) -> int | None:
        """When the total timeout of a job passes, UTC µs."""
        timeout = prepared.options.timeout
        if timeout is None or timeout.total is None:
            return None
        begun = read.first_start(self._queue, prepared.job.claim.job_id)
        return (prepared.job.started_at if begun is None else begun) + round(timeout.total * 1e6)

    # -- what processes say --------------------------------------------------------------------------

    def hear(self, process: Process, name: str) -> None:
        """A process has something to read, or ended; without an attempt it was an idle one."""
        attempt, now = self.attempts.get(process.token), time.monotonic()
        if name in ("stdout", "stderr"):
            if not (attempt.read_pipe(name) if attempt else _discard(process, name)):
                self._pools.unregister(getattr(process, name))
            return
        if name == "control":
            for message in process.read():
                if attempt is not None:
                    self._receive(attempt, message, now)
            if process.channel_lost:
                self._pools.unregister(process.control)
                if attempt is not None:
                    attempt.channel_ended(now)
        if attempt is None and (process.channel_lost or name == "exited"):
            self._pools.forget(process)

    def _receive(self, attempt: Attempt, message: wire.FromJob, now: float) -> None:
        if isinstance(message, wire.Call):
            self._call(attempt, message)
        elif not isinstance(message, wire.Started):
            attempt.receive(message, now)
        elif attempt.user_code_started(message, now, utc()):
            fault("after_started")

    def _call(self, attempt: Attempt, call: wire.Call) -> None:
        """Answer a question of user code, at once: what it asked for is on disk then."""
        fault("before_call")
        answer, done = self._calls.answer(attempt.job, call, attempt.cover)
        fault("after_call")
        attempt.process.send(answer)
        self._pools.watch_writing(attempt.process.control, attempt.process.writing)
        if done == "enqueue":
            self.enqueued = True

    # -- the end of attempts -------------------------------------------------------------------------

    def tend(self, now: float) -> list[Ending]:
        """Push what is due; the endings of the attempts that are over."""
        for attempt in self:
            attempt.act(now)
        if now >= self._memory_at:
            self._memory_at = now + memory.INTERVAL
            for attempt in self:
                _limit_memory(attempt, now)
        self._answer_stacks(now)
        ended = [self._end(attempt, now) for attempt in self if attempt.over]
        return [ending for ending in ended if ending is not None]

    def _end(self, attempt: Attempt, now: float) -> Ending | None:
        """Take an attempt off its process; None if its claim is lost."""
        process = attempt.process
        while process.exited is not None and not process.channel_lost and attempt.ended is None:
            messages = process.read()      # what it sent before it ended
            for message in messages:
                self._receive(attempt, message, now)
            if not messages and not process.partial:
                break
        attempt.drain()
        del self.attempts[process.token]
        traces = attempt.ended.traces if attempt.ended else ("no ending",)
        self._pools.release(process, attempt.version.id, reusable=not traces and attempt.stop is None)
        if attempt.lost:
            return None
        if process.gone and attempt.ended is None:
            attempt.blamed = self._kills_zygotes(attempt.claim.job_id)
        return self._endings.of(attempt)

    def _kills_zygotes(self, job_id: int) -> bool:
        """A zygote's death burns no crash budget, unless it follows this job around."""
        self._zygote_deaths[job_id] = self._zygote_deaths.get(job_id, 0) + 1
        return self._zygote_deaths[job_id] >= ZYGOTE_DEATHS

    def lose(self, lost: Claim, why: str) -> None:
        """A claim is no longer ours: its process must end, whatever it says is refused anyway."""
        self._log(f"job {lost.job_id}, epoch {lost.epoch}: claim lost ({why})")
        for attempt in self:
            if attempt.claim == lost:
                attempt.kill("lost", time.monotonic())

    # -- outputs -------------------------------------------------------------------------------------

    def write(self, now: float) -> None:
        """Commit what jobs said, and that they run: at once after a silence, else every 50 ms."""
        for attempt in self:
            if max(self._output_due(attempt), self._write_at) <= now:
                self._write(attempt, now)

    def _write(self, attempt: Attempt, now: float) -> None:
        rows, replace = attempt.output.take()
        progress, events = attempt.progress.take(now), attempt.events
        cover = attempt.cover
        started = None
        if attempt.started_at is not None and not attempt.start_written:
            started = attempt.process.pid, attempt.started_at
        attempt.events, attempt.flushed_at = [], now
        fault("before_output_commit")
        try:
            tell = attempt.progress_to_tell(progress, now)
            self.hooked |= outputs.append(
                self._queue, attempt.claim, cover.rows(rows) if cover else rows,
                cover.progress(progress) if cover else progress, cover.events(events) if cover else events,
                replace=replace, started=started, tell=tell)
            self.hooked |= attempt.job.service and any(kind == "sent" for kind, _ in events)
            attempt.start_written = attempt.started_at is not None
        except (QueueBusy, StorageFull) as error:
            attempt.output.restore(rows, replace)
            attempt.events = events
            self._write_at = now + AFTER_ERROR
            self._log(f"output of job {attempt.claim.job_id}: {error.message}; kept and tried again")
        except ClaimLost as error:
            self.lose(attempt.claim, error.message)
        fault("after_output_commit")

    def _output_due(self, attempt: Attempt) -> float:
        output, soon = attempt.output, attempt.flushed_at + FLUSH_EVERY
        if output.urgent:
            return attempt.flushed_at
        if attempt.events or (attempt.started is not None and not attempt.start_written):
            return soon
        moment = max(attempt.progress.due_at, soon)
        if output.pending:
            moment = min(moment, attempt.flushed_at + TAIL_EVERY if output.only_tail else soon)
        return moment

    def due(self, now: float) -> float:
        """When something must be done although nobody speaks."""
        moments = [FOREVER, *(request.due for request in self._stacks)]
        for attempt in self:
            moments += [attempt.due(), max(self._output_due(attempt), self._write_at)]
            if attempt.options.memory:
                moments.append(max(self._memory_at, now))
        return min(moments)

    # -- stacks --------------------------------------------------------------------------------------

    def ask_stack(self, job_id: int, token: str) -> None:
        for attempt in self:
            if attempt.claim.job_id == job_id and attempt.started is not None:
                self._stacks.append(stacks.StackRequest.ask(attempt.process, token, time.monotonic()))
                return
        stacks.reply(self._queue.folder.run, token, f"job {job_id} is not running\n")

    def _answer_stacks(self, now: float) -> None:
        for request in [r for r in self._stacks if r.read(now)]:
            self._stacks.remove(request)
            text = bytes(request.text).decode(errors="replace") or "its process did not answer\n"
            stacks.reply(self._queue.folder.run, request.token, text)


def _limit_memory(attempt: Attempt, now: float) -> None:
    limit, process = attempt.options.memory, attempt.process
    if limit and process.pid and attempt.started is not None and attempt.stop is None:
        attempt.used_memory = memory.used(process.pid) if process.far is None else process.used
        if attempt.used_memory > limit:
            attempt.kill("memory", now)


def _discard(process: Process, name: str) -> bool:
    try:
        return bool(os.read(getattr(process, name), 65536))
    except BlockingIOError:
        return True
    except OSError:
        return False
