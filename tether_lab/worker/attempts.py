"""One running attempt: what its process says, how long it may go on, how it ends.

Knows no database. The loop feeds it, asks it when something is due, and turns it into an ending
once it is ``over``.
"""

from __future__ import annotations

import codecs
import contextlib
import json
import os
import signal
from dataclasses import dataclass, field

from tether_lab.job import Claim, ClaimedJob, HandlerVersion, JobOptions, Usage
from tether_lab.job.hooks import is_internal
from tether_lab.outcome import (
    Cancelled,
    Crashed,
    Failed,
    Interrupted,
    Outcome,
    Snoozed,
    Stored,
    Succeeded,
    TimedOut,
)
from tether_lab.runner import wire

from .attribution import crash_reason
from .cover import Cover
from .leaving import WITHIN
from .output import Output
from .process import CHUNK, Process
from .progress import Progress

AGAIN = 1.5
"""Seconds after which the first SIGINT is repeated."""
SOFT_AGAIN, SOFT_TIMES = 0.5, 3
FOREVER = float("inf")
TELL_EVERY = 1.0
"""Seconds between two progresses that hooks are told of."""
_DECODER = codecs.getincrementaldecoder("utf-8")


@dataclass(slots=True)
class Stop:
    """We are ending it. ``why``: cancel, drain, timeout, total, memory, lost. Monotonic seconds."""

    why: str
    again_at: float
    kill_at: float
    killed: bool = False


@dataclass(slots=True)
class Attempt:
    """``at`` and the like are monotonic seconds; ``started_at`` is UTC µs."""

    job: ClaimedJob
    version: HandlerVersion
    options: JobOptions
    process: Process
    output: Output
    sent_at: float
    give_up_at: int | None = None  # UTC µs at which its total timeout passes
    give_up: float = FOREVER       # and monotonic seconds
    is_first: bool = False         # that counts from here
    started: float | None = None
    started_at: int | None = None
    start_written: bool = False
    ended: wire.Ended | None = None
    leave_by: float = FOREVER
    evicted: bool = False
    blamed: bool = False           # its zygotes die too often for chance
    suspect: bool = False          # a signal that was meant for the job before it may have met it
    stop: Stop | None = None
    soft_at: float = -1.0              # when the soft timeout is told next; below 0: not yet
    soft_told: int = 0
    told_progress_at: float = -FOREVER
    used_memory: int = 0
    flushed_at: float = 0.0
    progress: Progress = field(default_factory=Progress)
    events: list[tuple[str, str]] = field(default_factory=list)
    words: str = ""
    cover: Cover | None = None     # of a job that hides something
    begins: int = 0                # its number, while nothing of it is written: it was claimed ahead
    _decoders: dict[str, codecs.IncrementalDecoder] = field(default_factory=dict)

    @property
    def lost(self) -> bool:
        """Its claim is somebody else's."""
        return self.stop is not None and self.stop.why == "lost"

    @property
    def cancelled(self) -> bool:
        """Somebody asked for its end, and it did not end before."""
        return self.stop is not None and self.stop.why == "cancel"

    @property
    def claim(self) -> Claim:
        return self.job.claim

    # -- what its process says --------------------------------------------------------------------

    def read_pipe(self, name: str) -> bool:
        """Text that went around Python's streams: C code, child processes, last words. False: ended."""
        try:
            data = os.read(getattr(self.process, name), CHUNK)
        except BlockingIOError:
            return True
        except OSError:
            data = b""
        self._text(name, data)
        return bool(data)

    def _text(self, name: str, data: bytes) -> None:
        decoder = self._decoders.get(name)
        if decoder is None:
            decoder = self._decoders[name] = _DECODER("replace")
        self.output.text(name, decoder.decode(data, final=not data))

    def drain(self) -> None:
        """What still lies in the pipes, at most a few of their capacities."""
        if self.ended is not None and not self.ended.piped and self.process.takes_ahead:
            return                     # it looked itself: there is nothing
        for name in ("stdout", "stderr"):
            for _ in range(16):
                try:
                    data = os.read(getattr(self.process, name), CHUNK)
                except OSError:
                    break
                self._text(name, data)
                if not data:
                    break
        with contextlib.suppress(OSError):
            self.words = os.read(self.process.stack, 65536).decode(errors="replace")

    def receive(self, message: wire.FromJob, now: float) -> None:
        """One frame; frames of another attempt (a warm process) are not ours."""
        match message:
            case wire.Stream() | wire.Display() | wire.ClearOutput() | wire.ErrorOutput():
                self.output.receive(message)
            case wire.ProgressBar():
                self.progress.receive(message)
            case wire.Note(kind=kind, detail=detail):
                self.events.append((kind if kind in ("warning", "notified", "sent") else "warning", detail))
            case wire.Ended() if self._ours(message.job_id, message.epoch):
                self.ended, self.leave_by = message, now + WITHIN

    def _ours(self, job_id: int, epoch: int) -> bool:
        return (job_id, epoch) == (self.claim.job_id, self.claim.epoch)

    def channel_ended(self, now: float) -> None:
        """It closed its control socket: it is about to be gone, or user code closed it by force."""
        if self.ended is None and self.process.exited is None:
            self.leave_by = min(self.leave_by, now + WITHIN)

    def user_code_started(self, message: wire.Started, now: float, utc: int) -> bool:
        """User code is about to run: the clock of its timeout starts here."""
        if not self._ours(message.job_id, message.epoch):
            return False
        self.started = message.at / 1e9
        self.started_at = utc - round((now - self.started) * 1e6)
        self.flushed_at = now          # a short job is written down at its end, all at once
        total = self.options.timeout.total if self.options.timeout is not None else None
        if self.is_first and total is not None:
            self.give_up, self.give_up_at = now + total, utc + round(total * 1e6)
        return True

    def progress_to_tell(self, progress: str | None, now: float) -> str | None:
        """Of what is written now, the part that hooks are told; None if they were told just now."""
        if progress is None or now < self.told_progress_at + TELL_EVERY or is_internal(self.job.key):
            return None
        self.told_progress_at = now
        said = json.loads(progress)
        message = "" if self.cover is not None else said["message"]
        return json.dumps({"fraction": said["fraction"], "message": message})

    # -- ending it --------------------------------------------------------------------------------

    def push(self, why: str, now: float, *, grace: float) -> None:
        """Ask it to end: SIGINT, again a little later, SIGKILL to its group at ``grace`` (0: at once)."""
        if self.ended is not None:
            return
        if self.stop is None:
            self.stop = Stop(why, now + AGAIN, now + grace)
            if grace > 0:
                self.process.signal(signal.SIGINT)
        self.stop.kill_at = min(self.stop.kill_at, now + grace)
        self.act(now)

    def kill(self, why: str, now: float) -> None:
        """End it at once, with everything it started."""
        if self.stop is None or not self.stop.killed:
            self.stop = Stop(why, FOREVER, now)
        self.act(now)

    def act(self, now: float) -> None:
        """Do what is due: deadlines, the next step of the ladder, a process that does not leave."""
        timeout = self.options.timeout
        if self.stop is None and self.ended is None and timeout is not None:
            since = now - self.since
            if timeout.hard is not None and since >= timeout.hard:
                self.kill("timeout", now)
            elif self.started and timeout.soft is not None and now >= self._soft_due(timeout.soft):
                if not self.soft_told:
                    self.events.append(("soft_timeout", f'{{"after": {timeout.soft:g}}}'))
                self.soft_told += 1
                self.soft_at = now + SOFT_AGAIN
                self.process.signal(signal.SIGUSR2)
        if self.stop is None and self.ended is None and now >= self.give_up:
            self.kill("total", now)
        if self.stop is not None and not self.stop.killed and self.ended is None:
            if now >= self.stop.kill_at:
                self.stop.killed = True
                self.process.kill()
            elif now >= self.stop.again_at:
                self.stop.again_at = FOREVER
                self.process.signal(signal.SIGINT)
        if now >= self.leave_by:
            self.leave_by, self.evicted = FOREVER, True
            self.process.kill()

    def _soft_due(self, soft: float) -> float:
        """When its process is told of the soft timeout next: thrice at most, the later ones change nothing
        unless the first was lost."""
        if self.soft_told >= SOFT_TIMES:
            return FOREVER
        return self.soft_at if self.soft_told else self.since + soft

    @property
    def since(self) -> float:
        """Its user code's first line; before that, when it was sent."""
        return self.sent_at if self.started is None else self.started

    def due(self) -> float:
        """When ``act`` has something to do next."""
        moments = [self.leave_by]
        if self.stop is not None and not self.stop.killed:
            moments += [self.stop.again_at, self.stop.kill_at]
        elif self.stop is None and self.ended is None and self.options.timeout is not None:
            timeout = self.options.timeout
            moments.append(self.give_up)
            if timeout.hard is not None:
                moments.append(self.since + timeout.hard)
            if self.started and timeout.soft is not None:
                moments.append(self._soft_due(timeout.soft))
        return min(moments)

    @property
    def is_parting(self) -> bool:
        """It said how the job ended, and nothing of the job is left but its process, about to end."""
        return (self.ended is not None and self.ended.parting is not None and self.process.far is None
                and self.process.exited is None)

    @property
    def over(self) -> bool:
        """Nothing more will come of it: its process is gone, or a warm one said that the job ended."""
        if self.process.exited is not None or self.process.gone:
            return True
        return self.ended is not None and self.process.warm

    def ended_ago(self, mono: float) -> float:
        """Seconds since its process said that it ended; 0 if it did not say so."""
        return max(0.0, mono - self.ended.at / 1e9) if self.ended is not None and self.ended.at else 0.0

    # -- how it ended -----------------------------------------------------------------------------

    def outcome(self) -> Outcome:
        """The ending as a value. What the job itself said counts before how its process went."""
        if self.suspect:
            return Interrupted("its process was ended because of the job before it")
        if self.ended is not None:
            return self._said(self.ended)
        if self.stop is not None:
            match self.stop.why:
                case "cancel":
                    return Cancelled("user")
                case "drain":
                    return Interrupted("the worker stopped")
                case "timeout" if self.options.timeout is not None and self.options.timeout.hard is not None:
                    return TimedOut(self.options.timeout.hard)
                case "total" if self.options.timeout is not None and self.options.timeout.total is not None:
                    return TimedOut(self.options.timeout.total, total=True)
        if self.process.gone and self.blamed:
            return Crashed("the zygote of its process died again and again while it ran")
        if self.process.gone:
            return Interrupted("the zygote of its process died")
        limit = self.options.memory if self.stop is not None and self.stop.why == "memory" else None
        exited = None if self.evicted else self.process.exited
        return Crashed(crash_reason(exited, channel_lost=self.process.channel_lost,
                                    memory_limit=limit, used=self.used_memory))

    def _said(self, ended: wire.Ended) -> Outcome:
        match ended.kind:
            case "succeeded":
                return Succeeded(Stored(ended.result_kind, ended.result_body, ended.result_text,
                                        ended.result_type, ended.result_size, ended.blobs))
            case "cancelled" if self.stop is not None and self.stop.why == "drain":
                return Interrupted("the worker stopped")
            case "cancelled":
                return Cancelled("user" if self.stop is not None else "itself", ended.message)
            case "snoozed":
                return Snoozed(ended.seconds)
            case "soft_timed_out":
                timeout = self.options.timeout
                return TimedOut(timeout.soft if timeout and timeout.soft else 0.0)
            case _:
                if (self.stop is not None and self.stop.why == "drain"
                        and "KeyboardInterrupt" in ended.error_types):
                    return Interrupted("the worker stopped")
                return Failed(ended.error_types, ended.message, ended.traceback, ended.retry,
                              ended.retry_after)

    def usage(self) -> Usage:
        exited = self.process.exited
        if exited is None and self.ended is not None and self.ended.parting is not None:
            said = self.ended.parting
            return Usage(said.cpu_seconds, said.peak_bytes, 0, None, said.pid)
        if exited is None:
            return Usage(pid=self.process.pid)
        return Usage(exited.cpu_seconds, exited.peak_bytes, exited.exit_code, exited.signal, exited.pid)
