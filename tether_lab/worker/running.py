"""The attempts that run now: fed by their processes, pushed by their deadlines, written down, ended."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator

from tether_lab.errors import ClaimLost, QueueBusy, StorageFull
from tether_lab.job import Claim
from tether_lab.job_queue import outputs, read
from tether_lab.job_queue.claim import Brief, Ending
from tether_lab.job_queue.queue import Queue
from tether_lab.runner import wire
from tether_lab.settings import Settings

from . import memory, stacks
from .ahead import PATIENCE, SILENCE, START_PATIENCE, Ahead, Offer, kind_of
from .attempts import FOREVER, Attempt
from .calls import Calls
from .dispatch import Prepared
from .endings import Endings
from .faults import fault
from .output import Output
from .pools import Pools
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
        self.ahead = Ahead()
        self._ended: list[Ending] = []
        self.brief: list[Brief] = []       # not yet recorded, beside those that ``tend`` gives
        self._stacks: list[stacks.StackRequest] = []
        self._memory_at = 0.0
        self._write_at = 0.0               # no output before: the last transaction failed
        self._zygote_deaths: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self.attempts) + self.between

    @property
    def busy(self) -> set[int]:
        """The tokens of processes that run something, or are about to."""
        return {*self.attempts, *(token for token, line in self.ahead.lines.items() if line.ahead)}

    def claims(self) -> list[Claim]:
        """All that processes have."""
        return [attempt.claim for attempt in self] + [prepared.job.claim for prepared in self.ahead]

    @property
    def jobs(self) -> int:
        """How many are no services: those have places of their own."""
        return sum(not attempt.job.service for attempt in self.attempts.values()) + self.between

    @property
    def between(self) -> int:
        """How many processes have ended one job and not said yet that the next one has begun."""
        attempts = self.attempts
        return len([1 for token, line in self.ahead.lines.items() if line.ahead and token not in attempts])

    @property
    def present(self) -> Iterable[Attempt]:
        """The same, for whoever only looks: nobody is asked how many there are."""
        return self.attempts.values()

    def __iter__(self) -> Iterator[Attempt]:
        return iter(list(self.attempts.values()))

    def start(self, prepared: Prepared, task: wire.Task, process: Process, now: float,
              beside: tuple[int, ...] = ()) -> None:
        """Hand a job to its process. ``beside``: what acts beside it, by version id."""
        self._begin(prepared, process, now)
        self.ahead.told(process, prepared, beside)
        process.send(task)
        self._pools.watch_writing(process.control, process.writing)
        fault("after_task_sent")

    def _begin(self, prepared: Prepared, process: Process, now: float) -> Attempt:
        head = prepared.options.max_output or self._settings.output_head
        give_up_at, is_first = self._total(prepared)
        attempt = self.attempts[process.token] = Attempt(
            prepared.job, prepared.version, prepared.options, process,
            Output(head, self._settings.output_tail), now, give_up_at,
            FOREVER if give_up_at is None or is_first else now + (give_up_at - utc()) / 1e6,
            cover=prepared.cover, is_first=is_first, suspect=process.spoiled,
            begins=prepared.job.attempt if prepared.job.ahead else 0)
        return attempt

    def hand(self, prepared: Prepared, beside: tuple[int, ...]) -> bool:
        """Give a job to a process that runs one like it; False if there is none with room."""
        return self.ahead.hand(prepared, beside, self.attempts)

    def offer(self) -> Offer:
        """What may be claimed ahead."""
        return self.ahead.offer(self.busy, [kind_of(one) for one in self.present if not one.process.warm])

    def send_ahead(self) -> None:
        """Tell processes of the jobs that they were given."""
        handed, self.ahead.handed = self.ahead.handed, {}
        for process in handed.values():
            if process.send_ahead():
                self._pools.watch_writing(process.control, process.writing)

    def _total(self, prepared: Prepared) -> tuple[int | None, bool]:
        """When the total timeout of a job passes, UTC µs; whether this attempt is the one it counts from."""
        timeout, claimed = prepared.options.timeout, prepared.job.started_at
        if timeout is None or timeout.total is None:
            return None, False
        begun = read.first_start(self._queue, prepared.job.claim.job_id) or claimed
        return begun + round(timeout.total * 1e6), begun == claimed

    # -- what processes say --------------------------------------------------------------------------

    def hear(self, process: Process, name: str) -> None:
        """A process has something to read, or ended; without an attempt it was an idle one."""
        now = time.monotonic()
        if name == "control" or (process.takes_ahead and not process.channel_lost):
            self._read(process, now)       # first: it says whose the text in the pipes is
        if name in ("stdout", "stderr") and process.exited is None and self.ahead.has_more(process):
            return                         # another may begin meanwhile: the end of this one says whose it is
        if name in ("stdout", "stderr"):
            attempt = self.attempts.get(process.token)
            if process.token in self._pools.processes and not (
                    attempt.read_pipe(name) if attempt else _discard(process, name)):
                self._pools.unregister(getattr(process, name))
        elif name == "exited" or process.channel_lost:
            self._read_out(process, now)
            if process.token not in self.attempts:
                self.ahead.lost(process)
                self._pools.forget(process)

    def _read(self, process: Process, now: float) -> None:
        messages, at = process.read(), 0
        while at < len(messages):
            if at + 1 < len(messages) and self._brief(process, messages[at], messages[at + 1]):
                at += 2
            else:
                self._hear(process, messages[at], now)
                at += 1
        if process.channel_lost:
            self._pools.unregister(process.control)
            attempt = self.attempts.get(process.token)
            if attempt is not None:
                attempt.channel_ended(now)

    def _read_out(self, process: Process, now: float) -> None:
        """What it sent before it ended."""
        while process.exited is not None and not process.channel_lost:
            messages = process.read()
            for message in messages:
                self._hear(process, message, now)
            if not messages and not process.partial:
                break

    def _brief(self, process: Process, started: wire.FromJob, ended: wire.FromJob) -> bool:
        """Record a job ahead whose start and end came together, with nothing between: no attempt of it is made
        here. False, and nothing is done, if that is not what was said."""
        if (not isinstance(started, wire.Started) or not isinstance(ended, wire.Ended)
                or process.token in self.attempts):
            return False
        prepared = self.ahead.brief(process, started, ended)
        if prepared is None:
            return False
        process.jobs += 1
        self.brief.append(self._endings.brief(prepared.job, started, ended, process.pid))
        if process.exited is None and not self.ahead.has_more(process):
            self._pools.release(process, prepared.version.id, reusable=True)
        return True

    def _hear(self, process: Process, message: wire.FromJob, now: float) -> None:
        attempt = self.attempts.get(process.token)
        if attempt is None and isinstance(message, wire.Started):
            prepared = self.ahead.begun(process, message)
            if prepared is not None:
                attempt = self._begin(prepared, process, now)
                grace = self.ahead.graces.pop(message.job_id, None)
                if grace is not None:
                    attempt.push("cancel", now, grace=grace)
        if attempt is None:
            return                         # an idle process; a frame of an attempt that is over
        self._receive(attempt, message, now)
        if attempt.is_parting or (attempt.ended is not None and process.warm):
            self._end(attempt, now)
            if not process.warm:
                self._pools.part(process)
            elif process.exited is None:
                self._go_on(process, attempt)

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
            self._take_back_behind(attempt, now)
        self.ahead.dismiss(now)
        if now >= self._memory_at:
            self._memory_at = now + memory.INTERVAL
            self.ahead.end_silent(now - SILENCE, self.attempts)
            for attempt in self:
                memory.limit(attempt, now)
        self._answer_stacks(now)
        for attempt in [one for one in self if one.over]:
            self._end_with_its_process(attempt, now)
        ended, self._ended = self._ended, []
        return ended

    def _take_back_behind(self, attempt: Attempt, now: float) -> None:
        """What waits behind a job that takes long, or is to be ended, goes to others."""
        process, line = attempt.process, self.ahead.lines.get(attempt.process.token)
        if line is None or not line.ahead:
            return
        if process.spoiled:
            self.ahead.take_back(process)
        elif now >= attempt.since + (PATIENCE if attempt.started is not None else START_PATIENCE):
            self.ahead.take_back(process)
            if attempt.started is not None:    # else it is its process that takes long
                self.ahead.pace.doubt(line.kind)

    def _go_on(self, process: Process, attempt: Attempt) -> None:
        """A warm process has ended one: it goes on with what it has, rests, or is let go."""
        said = attempt.ended
        assert said is not None
        if said.piped:
            process.send(wire.Emptied())
        fit = not said.traces and attempt.stop is None and not process.spoiled
        if not fit:
            self.ahead.take_back(process)
        line = self.ahead.lines.get(process.token)
        if line is None or not line.ahead:
            self._pools.release(process, attempt.version.id, reusable=fit)
        elif not fit:                      # it has taken one that it has not begun: be sure that it won't
            process.kill()

    def _end_with_its_process(self, attempt: Attempt, now: float) -> None:
        """The process is gone: first what it said, of this attempt and of others that it began."""
        process = attempt.process
        self._read_out(process, now)
        last = self.attempts.get(process.token)
        if last is not None:
            self._end(last, now)
        self.ahead.lost(process)
        self._pools.release(process, attempt.version.id, reusable=False)

    def _end(self, attempt: Attempt, now: float) -> None:
        """Take an attempt off its process; its ending is kept, unless its claim is lost."""
        process, said = attempt.process, attempt.ended
        attempt.drain()
        del self.attempts[process.token]
        process.jobs += 1
        if said is not None and attempt.started is not None:
            self.ahead.learn(attempt, said.at / 1e9 - attempt.started)
        if attempt.lost:
            return
        if process.gone and said is None:
            attempt.blamed = self._kills_zygotes(attempt.claim.job_id)
        self._ended.append(self._endings.of(attempt, now))

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
        self.ahead.lose(lost)

    def take_back_all(self) -> None:
        """Nothing more begins."""
        self.ahead.dismiss()
        for line in self.ahead.lines.values():
            self.ahead.take_back(line.process)

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
                replace=replace, started=started, tell=tell, begins=attempt.begins)
            self.hooked |= attempt.job.service and any(kind == "sent" for kind, _ in events)
            attempt.start_written, attempt.begins = attempt.started_at is not None, 0
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
        moments = [self.ahead.standby.due, *(request.due for request in self._stacks)]
        for attempt in self:
            moments += [attempt.due(), max(self._output_due(attempt), self._write_at)]
            if attempt.options.memory:
                moments.append(max(self._memory_at, now))
            line = self.ahead.lines.get(attempt.process.token)
            if line is not None and line.ahead:
                moments.append(attempt.since + (PATIENCE if attempt.started is not None else START_PATIENCE))
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


def _discard(process: Process, name: str) -> bool:
    try:
        return bool(os.read(getattr(process, name), 65536))
    except BlockingIOError:
        return True
    except OSError:
        return False
