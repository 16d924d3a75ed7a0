"""The process that job processes are forked from: ``python -P -m tether_lab.runner.zygote --fd N``.

Single-threaded, without any code of users, so that a fork copies no lock that another thread holds.
It tells the supervisor of each child that was forked and of each that ended; children of dead jobs
become its own (it is a subreaper, as each job is for its own) and are killed at once. When its
supervisor dies it is killed by the kernel, and its jobs with it.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]
import argparse
import gc
import os
import select
import signal
import socket
import sys
import traceback
import warnings
from collections import deque
from contextlib import suppress
from typing import Any, NoReturn

from . import child, kinship, randomness, wire
from .channel import Channel, lift
from .greeting import hello
from .large_pages import use_large_pages
from .memory_events import OutOfMemory
from .preload import Preloader, rehearse_captures
from .rehearsal import rehearse, rehearse_frames
from .shell import make_shell
from .task import Desk

CHUNK = 1 << 16
WARNS = sys.version_info >= (3, 12)
"""Whether Python warns of a fork beside native threads, too; BLAS takes care of its own at a fork."""


class Zygote:
    """The loop: forks on demand, reaps, sweeps."""

    def __init__(self, control: socket.socket, desk: Desk) -> None:
        self._control, self._desk = control, desk
        self._frames = wire.Frames(wire.TO_ZYGOTE)
        self._descriptors: deque[int] = deque()
        self._tokens: dict[int, int] = {}
        self._retiring = False
        self._out_of_memory = OutOfMemory()
        self._preloader = Preloader()
        self._wake, self._waker = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(self._waker, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        for number in (signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)

    def run(self) -> None:
        """Serve until the supervisor closes the socket, or the last child is gone after Retire."""
        self._say(hello(self._preloader.loaded))
        watched: list[Any] = [self._control, self._wake]
        while not (self._retiring and not self._tokens):
            ready, _, _ = select.select(watched, [], [], self._preloader.timeout())
            if self._wake in ready:
                with suppress(BlockingIOError):
                    os.read(self._wake, CHUNK)
                self._reap()
            if self._control in ready and not self._listen():
                return
            if self._preloader.step():
                self._settle()
                self._say(self._preloader.report())

    def _listen(self) -> bool:
        """Read messages and do them. False: the supervisor is gone."""
        try:
            data, descriptors, _, _ = socket.recv_fds(self._control, CHUNK, 5 * 16)
        except ConnectionError:
            return False
        self._descriptors.extend(descriptors)
        if not data:
            return False
        for message in self._frames.feed(data):
            match message:
                case wire.Fork():
                    self._fork(message)
                case wire.Preload(modules):
                    self._preloader.want(modules)
                case wire.Retire():
                    self._retiring = True
        return True

    def _say(self, message: wire.FromZygote) -> None:
        try:
            self._control.sendall(wire.frame(message))
        except OSError:            # the supervisor is gone: what is read next says so
            return

    # -- children ------------------------------------------------------------------------------

    def _fork(self, asked: wire.Fork) -> None:
        given = [self._descriptors.popleft() for _ in (wire.AHEAD_FDS if asked.ahead else wire.FORK_FDS)]
        try:
            me = os.getpid()
            randomness.before_fork()
            pid = _fork()
            if pid == 0:
                self._become_job(given, me, warm=asked.warm)
        finally:
            for descriptor in given:
                os.close(descriptor)
        self._tokens[pid] = asked.token
        self._say(wire.Forked(asked.token, pid))

    def _become_job(self, given: list[int], zygote: int, *, warm: bool) -> NoReturn:
        """In the child: never returns."""
        code = 1
        try:
            signal.set_wakeup_fd(-1)
            for number in (signal.SIGCHLD, signal.SIGHUP):
                _signal.signal(number, _signal.SIG_DFL)      # as in ``signals``
            self._control.close()
            os.close(self._wake)
            os.close(self._waker)
            self._out_of_memory.close()
            for descriptor in self._descriptors:    # of forks still to come
                os.close(descriptor)
            control, stdout, stderr, stack, *ahead = given
            channel = Channel(lift(control), *map(lift, ahead))
            stack = child.become_job(stdout, stderr, stack, zygote)
            child.serve(channel, stack, self._desk, warm=warm)
        except BaseException:  # noqa: BLE001  a defect of ours: its last words, never the zygote's loop
            os.write(2, traceback.format_exc().encode(errors="backslashreplace"))
        finally:
            os._exit(code)

    def _reap(self) -> None:
        """Report the children that ended, and kill what jobs left behind."""
        swept = True
        while swept:
            swept = False
            while (pid := _ended_child()) is not None:
                swept |= self._bury(pid)
            if swept:
                self._sweep()

    def _bury(self, pid: int) -> bool:
        """Take the child's status; whether it was a job, so that a sweep is due."""
        token = self._tokens.pop(pid, None)
        try:
            if token is not None:
                _kill_group(pid)                    # before it is reaped its number is its own
            _, status, usage = os.wait4(pid, 0)
        except ChildProcessError:
            return False
        if token is None:
            self._preloader.probed(pid, os.waitstatus_to_exitcode(status))
            return True
        code = os.waitstatus_to_exitcode(status)
        seconds, peak = kinship.spent(usage)
        self._say(wire.Exited(
            token, pid, exit_code=code if code >= 0 else None, signal=-code if code < 0 else None,
            cpu_seconds=seconds, peak_bytes=peak,
            oom_killed=self._out_of_memory.happened() and code == -signal.SIGKILL))
        return True

    def _sweep(self) -> None:
        """Kill every child that is nobody's job: what a dead job had started."""
        if not kinship.has_children():
            return
        known = self._tokens.keys() | self._preloader.probes
        for pid in kinship.children(os.getpid(), threads=False):
            if pid not in known:
                with suppress(OSError):
                    os.kill(pid, signal.SIGKILL)

    def _settle(self) -> None:
        """After imports."""
        rehearse_frames()
        rehearse(self._desk)
        _share_what_is_there()


def _share_what_is_there() -> None:
    """With every child, and never collect it."""
    gc.collect()
    gc.freeze()
    use_large_pages()


def _kill_group(leader: int) -> None:
    try:
        os.killpg(leader, signal.SIGKILL)
    except OSError:                # not yet a group, or nobody is left in it
        return


def _fork() -> int:
    if not WARNS:
        return os.fork()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return os.fork()


def _ended_child() -> int | None:
    """A child that ended and was not waited for yet, left as it is."""
    try:
        found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return None
    return found.si_pid if found is not None else None


def main(arguments: list[str] | None = None) -> int:
    """Start the zygote on an inherited socket."""
    parser = argparse.ArgumentParser(prog="tether_lab.runner.zygote", description=__doc__)
    parser.add_argument("--fd", type=int, required=True, help="the socket to the supervisor")
    parser.add_argument("--protocol", type=int, default=wire.PROTOCOL, help="what the supervisor speaks")
    asked = parser.parse_args(arguments)
    kinship.die_with_parent()
    kinship.adopt_orphans()
    kinship.show_as("tether-lab zygo")
    with socket.socket(fileno=lift(asked.fd)) as control:
        if asked.protocol != wire.PROTOCOL:
            control.sendall(wire.frame(hello()))
            return 3
        desk = child.prepare(make_shell())
        rehearse_captures()
        rehearse(desk)
        zygote = Zygote(control, desk)
        gc.disable()
        _share_what_is_there()
        zygote.run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
