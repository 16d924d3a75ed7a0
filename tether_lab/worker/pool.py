"""The processes of one interpreter: its zygote, idle children ahead, warm processes kept (see ``pools``)."""

from __future__ import annotations

import time
from resource import struct_rusage
from selectors import EVENT_READ, EVENT_WRITE
from typing import TYPE_CHECKING

from tether_lab.errors import ProtocolMismatch, WorkerDidNotStart, WorkerError
from tether_lab.job import HandlerVersion, Interpreter
from tether_lab.runner import wire

from . import preload
from .process import Process
from .zygote import Zygote

if TYPE_CHECKING:
    from .pools import Pools

WARM_JOBS = 10_000
START_TRIES = 5
"""So many failures in a row, 12 s with the pauses between them, and its jobs fail: longer than most
upgrades of an environment, short enough to be told."""
FIRST_PAUSE = 0.4
LONGEST_PAUSE_AFTER_KILL = 5.0
START_WITHIN = 60.0
LONGEST_PAUSE = 30.0
REST = 2.0
"""Seconds that a warm process rests before it is one too many."""
AFTER_LOSS = 1.0
"""Seconds without forks ahead after an idle process has died: what killed it may kill the next one at once."""
FORK_AFTER = 0.015
"""Seconds that a fork ahead gives way to the job that has just begun, while other idle ones are left."""


class Pool:
    """The processes of one interpreter. ``settled``: its zygote has imported what it was asked for;
    ``retired``: another pool has taken its place."""

    succeeded = True               # by another one, prepared beside it

    def __init__(self, pools: Pools, interpreter: Interpreter) -> None:
        self.settled = self.retired = False
        self._pools, self.interpreter = pools, interpreter
        self.zygote: Zygote | None = None
        self.idle: list[Process] = []
        self.warm: dict[int, list[Process]] = {}
        self.error: WorkerError | None = None
        self.used_at = self.started_at = 0.0
        self.not_before = self.fork_at = self.ahead_after = 0.0
        self.failures = self.kills = 0
        self.wanted: set[str] = set(preload.OURS)
        self._asked: set[str] = set()

    # -- the zygote ------------------------------------------------------------------------------

    def ensure(self, now: float) -> None:
        """A zygote, started if there is none; raises what keeps it from running."""
        self.used_at = now
        if self.zygote is not None:
            return
        if now < self.not_before:
            if self.failures >= START_TRIES and self.error is not None:
                raise self.error
            return
        try:
            self.zygote = self._start()
        except WorkerError as error:
            self.error = error
            raise
        self.started_at = now
        self._pools.selector.register(self.zygote, EVENT_READ, self._zygote_ready)
        self._pools.selector.register(self.zygote.words, EVENT_READ, lambda _: self._words())
        self._pools.log(f"zygote {self.zygote.pid} started for {self.interpreter.executable}")

    def _start(self) -> Zygote:
        return Zygote(self.interpreter)

    def _words(self) -> None:
        if self.zygote is not None:
            text = self.zygote.read_words()
            if text:
                self._pools.log(f"zygote {self.zygote.pid} says: {text.rstrip()}")
            else:
                self._pools.unregister(self.zygote.words)

    def _zygote_ready(self, mask: int) -> None:
        zygote = self.zygote
        if zygote is None:
            return
        if mask & EVENT_WRITE:
            zygote.flush()
        for message in zygote.read() if mask & EVENT_READ else ():
            self._hear(zygote, message)
        if self.zygote is not zygote:
            return                     # refused for what it said
        self._pools.watch_writing(zygote, zygote.writing)
        if zygote.dead:
            self._bury(zygote)

    def _hear(self, zygote: Zygote, message: wire.FromZygote) -> None:
        match message:
            case wire.Hello():
                self._greet(zygote, message)
            case wire.Forked(token=token, pid=pid):
                process = self._pools.processes.get(token)
                if process is not None:
                    process.started_as(pid)
            case wire.Exited(token=token):
                self._pools.ended(token, message)
            case wire.Preloaded(loaded=loaded, refused=refused):
                zygote.loaded |= set(loaded)
                if refused:
                    self._pools.log(f"not preloaded: {', '.join(refused)}")
                self.settled = True
                self._drop_idle()

    def _greet(self, zygote: Zygote, hello: wire.Hello) -> None:
        if hello.protocol != wire.PROTOCOL:
            self.error = ProtocolMismatch(
                f"the tether_lab {hello.version or '(unknown)'} in {hello.prefix} speaks protocol "
                f"{hello.protocol}, this worker {wire.PROTOCOL}",
                remedy="Install the same version of tether_lab in both environments.",
                where=self.interpreter.executable)
            self.failures, self.not_before = START_TRIES, self.used_at + LONGEST_PAUSE
            self._forget(zygote)
            return
        zygote.hello, zygote.loaded = hello, frozenset(hello.loaded)
        self.error, self.failures, self.kills = None, 0, 0

    def _bury(self, zygote: Zygote) -> None:
        """The zygote's socket ended: so did its jobs (parent-death signals)."""
        if zygote.hello is None:
            self._not_started(zygote)
        elif not zygote.retiring:
            self._pools.log(f"zygote {zygote.pid} died")
        self._forget(zygote)

    def _not_started(self, zygote: Zygote) -> None:
        """Somebody killed it (out of memory, a person): try again. It failed: so do its jobs, in time."""
        words = zygote.last_words
        if zygote.was_killed() and not words:
            self.kills += 1
            self.not_before = self.used_at + min(LONGEST_PAUSE_AFTER_KILL, 0.1 * 2 ** min(self.kills, 10))
            self._pools.log(f"zygote {zygote.pid} was killed while it started")
            return
        self.failures += 1
        self.not_before = self.used_at + min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** self.failures)
        if self.failures >= START_TRIES:
            self.not_before = self.used_at + LONGEST_PAUSE
        words = words or "it said nothing"
        self.error = WorkerDidNotStart(
            f"the runner cannot start in {self.interpreter.prefix}: {words.splitlines()[-1]}",
            remedy="Repair or reinstall tether_lab in that environment; the worker's log has "
                   "all of it.", where=words)
        self._pools.log(f"zygote {zygote.pid} did not start: {words}")

    def _forget(self, zygote: Zygote) -> None:
        self.zygote = None
        self._pools.leaving.lost(self)
        self._drop_idle()
        for process in self._pools.of(self):
            process.gone = True
            process.kill()
            self._pools.ended(process.token, None)
        self._pools.unregister(zygote)
        self._pools.unregister(zygote.words)
        zygote.close()
        zygote.kill()
        self._asked.clear()

    def child_ended(self, pid: int, status: int, usage: struct_rusage) -> bool:
        """A child of the supervisor was reaped. A zygote's end shows on its socket; this says why."""
        del usage
        if self.zygote is None or self.zygote.pid != pid:
            return False
        self.zygote.status = status
        return True

    # -- processes -------------------------------------------------------------------------------

    def take(self, version: HandlerVersion, *, warm: bool, now: float) -> Process | None:
        self.ensure(now)
        if warm:
            kept = self.warm.get(version.id)
            if kept:
                return kept.pop()
        self.wanted |= preload.wanted(version.manifest)
        if not self.ready:
            return None
        if not warm and self.idle:
            self.fork_at = now + FORK_AFTER
            return self.idle.pop(0)
        return self._fork(warm=warm)

    @property
    def ready(self) -> bool:
        """Whether a process can be had now."""
        return self.zygote is not None and self.zygote.ready

    def _fork(self, *, warm: bool) -> Process:
        assert self.zygote is not None
        process = self._process(next(self._pools.tokens), warm=warm)
        self.zygote.send(wire.Fork(process.token, warm, process.takes_ahead), process.theirs)
        process.handed_over()
        self._pools.watch_writing(self.zygote, self.zygote.writing)
        self._pools.adopt(process, self)
        return process

    def _process(self, token: int, *, warm: bool) -> Process:
        return Process(token, warm=warm)

    def keep(self, process: Process, version_id: int) -> None:
        process.kept_at = time.monotonic()
        self.warm.setdefault(version_id, []).append(process)

    def _let_go(self, now: float) -> None:
        """Of the warm ones that rest, all but a few, after a while: where many end together, as many begin."""
        resting = sum(map(len, self.warm.values()))
        for kept in self.warm.values() if resting > 2 * self._pools.ahead + 2 else ():
            while kept and resting > 2 * self._pools.ahead + 2 and now > kept[0].kept_at + REST:
                self._pools.drop(kept.pop(0))
                resting -= 1

    def lost(self, process: Process) -> None:
        """It ended while nobody used it."""
        if process in self.idle:
            self.ahead_after = time.monotonic() + AFTER_LOSS
        for kept in (self.idle, *self.warm.values()):
            if process in kept:
                kept.remove(process)

    def _drop_idle(self) -> None:
        for process in [*self.idle, *(p for kept in self.warm.values() for p in kept)]:
            self._pools.drop(process)
        self.idle.clear()
        self.warm.clear()

    # -- chores ----------------------------------------------------------------------------------

    def tend(self, now: float, *, busy: bool, idle_for: float) -> None:
        """Retire after ``idle_for`` seconds without a job; else preload, and fork ahead."""
        zygote = self.zygote
        if zygote is None:
            return
        if not zygote.ready:
            if now - self.started_at > START_WITHIN:
                zygote.dead = True
                self._bury(zygote)
            return
        if not busy and now - self.used_at > idle_for:
            self._pools.log(f"zygote {zygote.pid} retires")
            self._drop_idle()
            zygote.retiring = True
            zygote.send(wire.Retire())
            self._forget(zygote)
            return
        missing = self.lacking
        if missing and not busy:
            self._asked |= missing
            self.settled = False
            zygote.send(wire.Preload(tuple(sorted(missing))))
        self._let_go(now)
        if now >= self.ahead_after and (not self.idle or now >= self.fork_at):
            while len(self.idle) < self._pools.ahead:
                self.idle.append(self._fork(warm=False))

    @property
    def lacking(self) -> set[str]:
        """What its zygote should have imported and was not asked for yet."""
        ready = self.zygote is not None and self.zygote.ready
        return self.wanted - self.zygote.loaded - self._asked if ready and self.zygote is not None else set()

    def succeed(self, other: Pool) -> None:
        """Take the place of another pool."""
        self.wanted |= other.wanted
        self.used_at = other.used_at

    def retire(self) -> None:
        """Fork no more. The zygote ends after its last job."""
        self.retired = True
        self._drop_idle()
        if self.zygote is not None:
            self.zygote.retiring = True
            self.zygote.send(wire.Retire())
            self._pools.watch_writing(self.zygote, self.zygote.writing)

    @property
    def due(self) -> float:
        """When the next fork ahead is to be made (monotonic seconds)."""
        lacking = self.ready and len(self.idle) < self._pools.ahead
        return max(self.fork_at, self.ahead_after) if lacking else float("inf")
