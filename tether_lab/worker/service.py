"""The life of the worker process: the lock, the queue, what wakes it, its chores, its end."""

from __future__ import annotations

import contextlib
import gc
import os
import secrets
import signal
import socket
import sys
import time
from dataclasses import replace
from pathlib import Path
from selectors import EVENT_READ

from tether_lab.errors import QueueCorrupt, WorkerDisabled
from tether_lab.job import State
from tether_lab.job.service import QUEUE as SERVICES
from tether_lab.job_queue import (
    backup,
    beacon,
    causes,
    checkpoint,
    claim,
    listening,
    mending,
    owner,
    read,
    rescue,
    schedules,
    services,
    workers,
)
from tether_lab.job_queue.queue import Queue
from tether_lab.settings import LabFolder, Settings
from tether_lab.vault.files import write_private

from . import copies, lock, modules, pruning, spawn, wake
from .chores import Chore, Chores, FileIdentity
from .faults import fault
from .logs import Log
from .loop import Supervisor
from .rotation import Rotation
from .running import utc
from .zygote import adopt_orphans, children

REPLACED = 3
"""Exit code: the database was replaced under the worker."""
DAMAGED = 4
"""Exit code: the database is damaged; it is marked, and left as it is."""
RESTART = 75
"""Not an exit code that anybody sees: ``__main__`` starts the worker anew, in the new version."""
LOCK_WITHIN = 3.0
"""Seconds to wait for a lock whose holder hears nobody any more: it is about to go."""


def serve(folder: LabFolder, settings: Settings, *, ready: int | None, rotate: bool) -> int:
    """Be the worker of this lab. The exit code: 0 also if another one runs already."""
    if ready is not None:
        os.set_inheritable(ready, False)
    if not settings.enabled:
        raise WorkerDisabled("the settings say that no worker may start here (enabled = false)",
                             remedy="Set enabled = true.", where=str(folder.settings_file))
    folder.create()
    held = _take_lock(folder)
    if held is None:
        _tell(ready)
        other = lock.last(folder.run)
        sys.stderr.write(f"a worker of {folder.path} runs already (pid {other.pid if other else '?'})\n")
        return 0
    fault("after_lock")
    identity = lock.Identity(os.getpid(), lock.boot_id(), lock.starttime(os.getpid()) or 0, spawn.version(),
                             f"w{os.getpid()}-{secrets.token_hex(4)}")
    held.write(identity)
    log = Log(folder.worker_log if rotate else None)
    try:
        return Service(folder, settings, held, identity, log).run(ready)
    except QueueCorrupt as error:
        log(f"{error.message}. {error.remedy}")
        if isinstance(error, mending.Removed):
            return REPLACED
        if error.__cause__ is not None and not backup.quarantined(folder.path):     # SQLite itself says so
            backup.quarantine(folder.path, error.message)
            log("the queue is marked as damaged: nothing is written to it until tether-lab restore")
        return DAMAGED
    finally:
        held.release()


def _take_lock(folder: LabFolder) -> lock.SupervisorLock | None:
    """The lock; None if somebody else has it: one who hears wakers, or does not go in time."""
    deadline = time.monotonic() + LOCK_WITHIN
    while True:
        held = lock.SupervisorLock.take(folder.run)
        if held is not None:
            return held
        other = lock.last(folder.run)
        if other is not None and other.alive and other.ready and wake.send(folder.run):
            return None
        if time.monotonic() > deadline:
            return None
        time.sleep(0.02)


def _tell(ready: int | None) -> None:
    if ready is not None:
        with contextlib.suppress(OSError):
            os.write(ready, b"ready\n")
        os.close(ready)


class Service:
    """Everything around the loop."""

    def __init__(self, folder: LabFolder, settings: Settings, held: lock.SupervisorLock,
                 identity: lock.Identity, log: Log) -> None:
        self._folder, self._settings, self._held = folder, settings, held
        self._identity, self._log = identity, log
        self._queue = Queue.open(folder, role="supervisor", settings=settings)
        self._queue.told = log
        self._queue.restricted = not owner.is_own(self._queue)
        self._package = FileIdentity(Path(spawn.__file__).parents[1] / "__init__.py")
        self._loop = Supervisor(self._queue, self._queue.vault, settings, identity.worker, log)
        self._modules = modules.Modules(self._queue, self._loop.selector, log)
        self._code = 0
        self._copies = copies.Copies(self._queue, log)

    def run(self, ready: int | None) -> int:
        os.umask(0o077)
        adopt_orphans()
        self._listen_to_signals()
        self._register()
        self._say_key()
        self._rekeying = Rotation(self._queue, self._log)
        self._rescue_from_the_dead()
        fault("after_rescue")
        self._loop.chores = self._chores()
        self._listen_to_wakers()
        gc.collect()
        gc.freeze()                # what is here stays; what comes goes with its last reference
        gc.set_threshold(50_000, 20, 20)
        _tell(ready)
        self._log(f"worker {self._identity.worker} of {self._folder.path} is ready")
        try:
            while True:
                self._loop.run()
                if self._code or self._loop.draining_until is not None or not self._more_to_do():
                    return self._close()
                self._loop.stopped = False
                self._listen_to_wakers()
        except QueueCorrupt:               # nothing more is written, and nobody is left behind
            self._loop.triggers.close()
            self._loop.pools.close()
            raise

    # -- before ------------------------------------------------------------------------------------

    def _register(self) -> None:
        workers.register(self._queue, id=self._identity.worker, pid=self._identity.pid,
                         boot_id=self._identity.boot_id, host=socket.gethostname(),
                         version=self._identity.version, runners=self._settings.runners, now=utc())

    def _rescue_from_the_dead(self) -> None:
        """We hold the lock, so every other worker of this boot is dead, whatever its row says."""
        running = {row.worker for in_queue in (None, SERVICES) for row in read.jobs(
            self._queue, states={State.RUNNING}, limit=100_000, in_queue=in_queue)}
        known = {row.id for row in workers.list(self._queue) if row.state in ("running", "draining")}
        dead = sorted({w for w in running | known if w} - {self._identity.worker})
        for worker in known - {self._identity.worker}:
            workers.mark(self._queue, worker, "dead", utc())
        if dead:
            self._copies.look_through()
        self._rescue(dead)

    def _rescue(self, dead: list[str]) -> None:
        found = rescue.rescue(self._queue, worker=self._identity.worker, boot_id=self._identity.boot_id,
                              mono=time.monotonic_ns(), now=utc(), dead=dead,
                              crash_budget=self._settings.crash_budget)
        for job_id, epoch, state in found:
            self._log(f"job {job_id} rescued (epoch {epoch}): {state}")
        self._loop.look = self._loop.look or bool(found)

    def _listen_to_signals(self) -> None:
        hearing, telling = socket.socketpair()
        hearing.setblocking(False)
        telling.setblocking(False)
        self._telling = telling
        signal.set_wakeup_fd(telling.fileno(), warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGCHLD):
            signal.signal(number, lambda *_: None)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        self._loop.selector.register(hearing, EVENT_READ, lambda _: self._signalled(hearing))

    def _listen_to_wakers(self) -> None:
        selector = self._loop.selector
        self._watch = wake.BeaconWatch.open(self._folder.run / beacon.ASKED)
        if self._watch is not None:
            selector.register(self._watch, EVENT_READ, lambda _: self._beacon_lit())
        try:
            self._socket: wake.WakeSocket | None = wake.WakeSocket(self._folder.path, self._folder.run)
        except OSError as error:
            self._socket = None
            self._log(f"no datagrams ({error}): jobs start within {self._settings.fallback_poll:g} s")
        else:
            selector.register(self._socket, EVENT_READ, lambda _: self._woken())
        self._held.write(replace(self._identity, ready=True))

    def _stop_listening(self) -> None:
        """Say so first: whoever finds nobody ready starts a worker, which waits for our lock."""
        self._held.write(replace(self._identity, ready=False))
        for thing in (self._watch, self._socket):
            if thing is not None:
                self._loop.selector.unregister(thing)
                thing.close()

    # -- what is heard -----------------------------------------------------------------------------

    def _beacon_lit(self) -> None:
        if self._watch is not None:
            self._watch.drain()
        self._loop.hinted = True

    def _woken(self) -> None:
        if self._socket is not None:
            self._loop.hear(self._socket.read())

    def _signalled(self, hearing: socket.socket) -> None:
        with contextlib.suppress(BlockingIOError):
            for number in hearing.recv(4096):
                if number == signal.SIGCHLD:
                    self._reap()
                elif number == signal.SIGQUIT or self._loop.draining_until is not None:
                    self._loop.stop_now()
                else:
                    self._loop.drain(self._settings.drain_grace)

    def _reap(self) -> None:
        """Collect children that ended, and end what a dead zygote left behind."""
        with contextlib.suppress(ChildProcessError):
            while (ended := os.wait4(-1, os.WNOHANG))[0]:
                self._loop.pools.child_ended(*ended)
        for orphan in set(children()) - self._loop.pools.pids() - self._loop.triggers.pids - self._modules.pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(orphan, signal.SIGKILL)

    # -- chores ------------------------------------------------------------------------------------

    def _chores(self) -> Chores:
        third = self._settings.lease / 3
        return Chores([
            Chore("leases", third, self._renew),
            Chore("rescue", third, lambda: self._rescue([])),
            Chore("beat", third, self._beat),
            Chore("look", self._settings.fallback_poll, self._look),
            Chore("checkpoint", 5.0, self._checkpoint),
            Chore("upgrade", 30.0, self._upgrade),
            Chore("triggers", 1.0, self._loop.triggers.tend),
            Chore("watched", 60.0, self._loop.triggers.seen),
            Chore("modules", modules.EVERY, self._modules.look, at=time.monotonic() + 0.2),
            Chore("services", 60.0, lambda: services.trim(self._queue)),
            Chore("prune", pruning.EVERY, self._prune, at=time.monotonic() + 60.0),
            self._rekeying.chore,
            Chore("backup", pruning.EVERY, self._copies.due, at=time.monotonic() + 90.0),
        ], self._log)

    def _renew(self) -> None:
        loop = self._loop
        claims = loop.claims()
        if claims:
            fault("before_renew")
            until = time.monotonic_ns() + round(self._settings.lease * 1e9)
            for lost in claim.renew(self._queue, claims, until):
                loop.running.lose(lost, "it was not renewed in time")

    def _beat(self) -> None:
        workers.beat(self._queue, self._identity.worker, utc(), self._loop.pools.told)

    def _look(self) -> None:
        """The net under the wakers: who changed the database, and is it still the same file."""
        self._queue.look()
        self._copies.tell()
        self._queue.vault.refresh()            # or a job under a newer key did that already
        if self._queue.vault.key_id != self._signs_with:
            self._log(f"signing with the key {self._queue.vault.key_id} from now on")
            self._say_key()
            self._rekeying.begin()
        self._loop.look_around()
        self._rest()

    def _prune(self) -> None:
        listening.unheard(self._queue)
        if old := pruning.prune_jobs(self._queue, self._settings, utc()):
            self._log(f"{old} jobs were removed whose time is over")
        if gone := pruning.prune(self._queue, utc()):
            self._log(f"{gone} files that nobody refers to any more were removed")

    def _rest(self) -> None:
        """End after a long rest with nothing due: the next enqueue starts a worker again."""
        loop = self._loop
        if loop.running or loop.waiting or loop.unrecorded:
            loop.active_at = time.monotonic()
        elif time.monotonic() - loop.active_at > self._settings.idle_worker:
            if self._more_to_do():
                loop.active_at = time.monotonic()
                return
            self._log("nothing to do for a while: the worker ends")
            self._stop_listening()
            loop.stopped = True

    def _more_to_do(self) -> bool:
        return (schedules.next_at(self._queue) is not None or services.wanted(self._queue)
                or causes.watching(self._queue) or self._modules.busy
                or read.unfinished(self._queue) or self._rekeying.under_way)

    def _checkpoint(self) -> None:
        checkpoint.checkpoint(self._queue)

    def _upgrade(self) -> None:
        """A new tether_lab on disk: start anew in it at the first idle instant, never in a job."""
        loop = self._loop
        if self._package.changed() and not (loop.running.jobs or loop.waiting or loop.unrecorded):
            self._log("tether_lab was upgraded: the worker starts anew")
            self._code = RESTART
            if loop.running:               # services start again in the new one
                loop.drain(self._settings.drain_grace)
            else:
                loop.stopped = True

    def _say_key(self) -> None:
        """For whoever rotates keys: which one this worker signs with."""
        self._signs_with = self._queue.vault.key_id
        write_private(self._folder.run / spawn.SIGNS_WITH, self._signs_with.encode())

    # -- after -------------------------------------------------------------------------------------

    def _close(self) -> int:
        with contextlib.suppress(OSError, ValueError, KeyError):
            self._stop_listening()
        fault("before_exit")
        self._loop.triggers.close()
        self._modules.close()
        self._loop.pools.close()
        workers.mark(self._queue, self._identity.worker, "stopped", utc())
        self._queue.close()
        self._log("worker ended")
        return self._code
