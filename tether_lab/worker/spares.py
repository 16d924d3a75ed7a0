"""Where there is no fork (or it is not wanted): processes started ahead, each for one job.

Slower to replace than a fork, and otherwise the same: the same socket, the same pipes, the same
words. They are the supervisor's own children, so it reaps them itself.
"""

from __future__ import annotations

import os
from resource import struct_rusage

from tether_lab.errors import ProtocolMismatch, WorkerDidNotStart
from tether_lab.runner import wire
from tether_lab.runner.kinship import spent

from .pool import LONGEST_PAUSE, START_TRIES, Pool
from .process import Process
from .zygote import launch

CONTROL, STACK, AHEAD = 3, 4, 5


class SparePool(Pool):
    """The spare processes of one interpreter."""

    succeeded = False

    def ensure(self, now: float) -> None:
        self.used_at = now
        if self.error is not None and self.failures >= START_TRIES and now < self.not_before:
            raise self.error

    @property
    def ready(self) -> bool:
        return True

    @property
    def due(self) -> float:
        """Never: a missing one is started at once, or when it was asked for."""
        return float("inf")

    def _fork(self, *, warm: bool) -> Process:
        process = Process(next(self._pools.tokens), warm=warm, greets=True)
        control, stdout, stderr, stack, *ahead = process.theirs
        arguments = ("--fd", str(CONTROL), "--stack", str(STACK), "--preload", ",".join(sorted(self.wanted)))
        try:
            pid = launch(self.interpreter, "tether_lab.runner.spare",
                         (*arguments, "--warm", "--ahead", str(AHEAD)) if warm else arguments,
                         {CONTROL: control, STACK: stack, 1: stdout, 2: stderr,
                          **dict(zip((AHEAD,), ahead, strict=False))})
        except BaseException:
            process.close()
            raise
        process.handed_over()
        process.started_as(pid)
        self._pools.adopt(process, self)
        return process

    def ended_early(self, process: Process) -> None:
        """It ended, or said hello in another protocol, before it could take a job."""
        self.failures += 1
        self.not_before = self.used_at + LONGEST_PAUSE
        if process.mismatch is not None:
            self.failures = START_TRIES
            self.error = ProtocolMismatch(
                f"the tether_lab in {self.interpreter.prefix} speaks protocol {process.mismatch}, "
                f"this worker {wire.PROTOCOL}",
                remedy="Install the same version of tether_lab in both environments.",
                where=self.interpreter.executable)
        elif self.failures >= START_TRIES:
            self.error = WorkerDidNotStart(
                f"the runner cannot start in {self.interpreter.prefix}",
                remedy="Repair or reinstall tether_lab in that environment; see the output of the job.")

    def child_ended(self, pid: int, status: int, usage: struct_rusage) -> bool:
        """A child was reaped: tell whoever waits for it. False: none of ours."""
        for process in self._pools.of(self):
            if process.pid == pid:
                code, (seconds, peak) = os.waitstatus_to_exitcode(status), spent(usage)
                if not process.greeted:
                    self.ended_early(process)
                    process.gone = True
                self._pools.ended(process.token, wire.Exited(
                    process.token, pid, exit_code=code if code >= 0 else None,
                    signal=-code if code < 0 else None, cpu_seconds=seconds, peak_bytes=peak))
                return True
        return False

    def tend(self, now: float, *, busy: bool, idle_for: float) -> None:
        if not busy and now - self.used_at > idle_for:
            self._drop_idle()
        elif self.error is None or now > self.not_before:
            while len(self.idle) < self._pools.ahead:
                self.idle.append(self._fork(warm=False))
