"""The task that holds one place of a cluster: it calls the bridge, and runs job processes beside itself.

``fly`` is what an executor runs. It returns when the bridge sends it home, closes, or falls silent; its
zygote, and so every job process, ends with it, also if its own process is killed.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from tether_lab.runner import wire
from tether_lab.settings.values import version
from tether_lab.worker import memory
from tether_lab.worker.spawn import scrubbed

from . import parcels, words
from .cabin import Seat
from .link import Link, nonce, proof, proves, watch

TURN = 0.5
CHUNK = 1 << 16
LATE = 1.0
"""Seconds that a dead job's pipes may stay open: somebody outside its family holds them."""
PATIENCE = 5.0
MEASURE = 0.5
"""Seconds between two looks at how much memory its jobs use."""

_caches: dict[str, tuple[Path, int]] = {}
_guard = threading.Lock()


def fly(address: str, secret: bytes) -> str:
    """Hold a place until nobody wants it. Why it ended, for the cluster's own dashboard."""
    host, _, port = address.rpartition(":")
    connection = socket.create_connection((host.strip("[]"), int(port)), timeout=20)
    name = secret.hex()[:16]
    cache = _enter(name)
    try:
        return Pilot(Link(connection), secret, cache).run()
    finally:
        _leave(name)


def _enter(name: str) -> Path:
    """The folder of blobs that all pilots of this process share."""
    with _guard:
        folder, users = _caches.get(name) or (Path(tempfile.mkdtemp(prefix="tether-lab-blobs-")), 0)
        _caches[name] = folder, users + 1
        return folder


def _leave(name: str) -> None:
    with _guard:
        folder, users = _caches.pop(name)
        if users > 1:
            _caches[name] = folder, users - 1
        else:
            shutil.rmtree(folder, ignore_errors=True)


class Heard(NamedTuple):
    """What to call when a descriptor has news; whether they are a job's."""

    call: Callable[[int], None]
    of_job: bool = False


class Pilot:
    """The loop of one place."""

    def __init__(self, link: Link, secret: bytes, cache: Path) -> None:
        self._link, self._secret, self._cache = link, secret, cache
        self._nonce = nonce()
        self._selector = selectors.DefaultSelector()
        self._seats: dict[int, Seat] = {}
        self._zygote: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._from_zygote = wire.Frames(wire.FROM_ZYGOTE)
        self._arriving = parcels.Arriving()
        self._near, self._measure_at = False, 0.0
        self._why = ""

    def run(self) -> str:
        """Fly. The reason for landing."""
        self._selector.register(self._link, selectors.EVENT_READ, Heard(lambda _: self._hear()))
        try:
            while not self._why:
                self._turn()
        finally:
            self._end()
        return self._why

    def _turn(self) -> None:
        held = self._link.full
        for key, mask in self._selector.select(TURN):
            heard: Heard = key.data
            if held and heard.of_job:
                continue                   # the network is slower than the job: let its pipes fill
            if key.fd in self._selector.get_map():
                heard.call(mask)
        if held:
            time.sleep(0.005)
        now = time.monotonic()
        for seat in list(self._seats.values()):
            self._see_off(seat, now)
        if now >= self._measure_at:
            self._measure_at = now + MEASURE
            self._link.send(*(words.Used(seat.token, memory.used(seat.pid)) for seat in self._seats.values()
                              if seat.pid and seat.exited is None))
        self._link.beat(now)
        self._watch(self._link, self._link.writing)
        if self._link.dead:
            self._why = self._why or "the bridge is out of reach"

    # -- the bridge --------------------------------------------------------------------------------

    def _hear(self) -> None:
        self._link.flush()
        for word in self._link.read():
            match word:
                case words.Challenge(given):
                    self._board(given)
                case words.Welcome():
                    self._welcomed(word)
                case _ if not self._link.trusted:
                    self._why = "the bridge proved nothing"
                case words.Open(token, warm):
                    self._open(token, warm=warm)
                case words.Data(token, _, data):
                    self._to_job(token, data)
                case words.Shut(token):
                    self._shut(token)
                case words.Push():
                    self._push(word)
                case words.Parcel():
                    self._keep(word)
                case words.Told(frame):
                    self._to_zygote(frame)
                case words.Land():
                    self._why = "not needed any more"
                case _:
                    pass

    def _board(self, given: bytes) -> None:
        minor = f"{sys.version_info.major}.{sys.version_info.minor}"
        self._link.send(words.Boarding(
            proof(self._secret, "pilot", given), self._nonce, socket.gethostname(), os.getpid(), minor,
            wire.PROTOCOL, version(), str(self._cache)))

    def _welcomed(self, word: words.Welcome) -> None:
        if not proves(self._secret, "bridge", self._nonce, word.proof):
            self._why = "the bridge proved nothing"
            return
        self._link.trusted = True
        with contextlib.suppress(OSError, ValueError):
            self._near = Path(word.probe).read_text() == word.text
        self._start()

    def _start(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "tether_lab.runner.zygote", "--fd", str(theirs.fileno()),
                 "--protocol", str(wire.PROTOCOL)], pass_fds=[theirs.fileno()], env=scrubbed(os.environ),
                stdin=subprocess.DEVNULL, start_new_session=True)
        ours.setblocking(False)
        self._zygote = ours
        self._selector.register(ours, selectors.EVENT_READ, Heard(lambda _: self._hear_zygote()))

    def _keep(self, parcel: words.Parcel) -> None:
        if self._arriving.take(parcel, self._cache):
            self._link.send(words.Kept(parcel.digest))

    # -- the zygote --------------------------------------------------------------------------------

    def _to_zygote(self, frame: bytes, descriptors: tuple[int, ...] = ()) -> None:
        if self._zygote is None:
            return
        self._zygote.setblocking(True)
        try:
            socket.send_fds(self._zygote, [frame], descriptors)
        except OSError:
            self._why = "its zygote died"
        finally:
            self._zygote.setblocking(False)

    def _hear_zygote(self) -> None:
        assert self._zygote is not None
        try:
            data = self._zygote.recv(CHUNK)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._why = "its zygote died"
            return
        for message in self._from_zygote.feed(data):
            match message:
                case wire.Hello():
                    self._link.send(words.Ready(self._near))
                case wire.Forked(token=token, pid=pid):
                    if token in self._seats:
                        self._seats[token].pid = pid
                    self._link.send(words.Told(wire.frame(message)))
                case wire.Exited(token=token):
                    self._ended(token, wire.frame(message))
                case _:
                    self._link.send(words.Told(wire.frame(message)))

    # -- job processes -----------------------------------------------------------------------------

    def _open(self, token: int, *, warm: bool) -> None:
        seat = self._seats[token] = Seat(token)
        self._to_zygote(wire.frame(wire.Fork(token, warm)), seat.theirs)
        seat.handed_over()
        for name, descriptor in seat.channels:
            self._selector.register(descriptor, selectors.EVENT_READ, self._reader(seat, name))

    def _reader(self, seat: Seat, name: str) -> Heard:
        def call(mask: int) -> None:
            if name == "control" and mask & selectors.EVENT_WRITE:
                self._write(seat)
            if mask & selectors.EVENT_READ:
                self._from_job(seat, name)
        return Heard(call, of_job=True)

    def _from_job(self, seat: Seat, name: str) -> bool:
        """Carry a piece on; whether there was one."""
        try:
            data = (seat.control.recv(CHUNK) if name == "control" else os.read(seat.pipes[name], CHUNK))
        except BlockingIOError:
            return False
        except OSError:
            data = b""
        if not data:
            self._close(seat, name)
            self._link.send(words.Shut(seat.token, name))
            return False
        if name == "control" and not self._near:
            self._send_results(seat, data)
        self._link.send(words.Data(seat.token, name, data))
        return True

    def _send_results(self, seat: Seat, data: bytes) -> None:
        """The large blobs that a message mentions go ahead of it."""
        try:
            messages = seat.frames.feed(data)
        except ValueError:
            return                         # user code wrote into the channel: the worker will see it
        for message in messages:
            match message:
                case wire.Ended(result_kind="pickle", result_body=body, blobs=small):
                    found = parcels.digests(body) - small.keys()
                case wire.Call(arguments=text, blobs=small):
                    found = parcels.digests(text) - small.keys()
                case _:
                    continue
            for digest in sorted(found):
                path = parcels.place(self._cache, digest)
                if path.is_file():
                    self._link.send_later(parcels.pieces(path, digest))

    def _to_job(self, token: int, data: bytes) -> None:
        seat = self._seats.get(token)
        if seat is not None:
            seat.outbox += data
            self._write(seat)

    def _write(self, seat: Seat) -> None:
        try:
            while seat.outbox:
                sent = seat.control.send(seat.outbox)
                del seat.outbox[:sent]
        except BlockingIOError:
            pass
        except OSError:
            seat.outbox.clear()
        if seat.control.fileno() >= 0:
            self._watch(seat.control.fileno(), bool(seat.outbox))

    def _push(self, word: words.Push) -> None:
        seat = self._seats.get(word.token)
        if seat is None or not seat.pid or seat.exited is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            if not word.group:
                os.kill(seat.pid, word.number)
                return
            try:
                os.killpg(seat.pid, word.number)
            except ProcessLookupError:
                os.kill(seat.pid, word.number)      # not yet a group of its own

    def _shut(self, token: int) -> None:
        """The worker let go of it: an idle process takes the end of its channel as its own."""
        seat = self._seats.get(token)
        if seat is not None:
            self._close(seat, "control")

    def _close(self, seat: Seat, name: str) -> None:
        descriptor = seat.control.fileno() if name == "control" else seat.pipes.pop(name, -1)
        if descriptor in self._selector.get_map():
            self._selector.unregister(descriptor)
        if name == "control":
            seat.control.close()
        elif descriptor >= 0:
            os.close(descriptor)

    def _ended(self, token: int, frame: bytes) -> None:
        seat = self._seats.get(token)
        if seat is not None:
            seat.exited, seat.exited_at = frame, time.monotonic()

    def _see_off(self, seat: Seat, now: float) -> None:
        """Its end is told when all that it said has been carried on."""
        if seat.exited is None or self._link.full:
            return
        for name, _ in seat.channels:
            while self._from_job(seat, name):
                pass
        if seat.channels and now - seat.exited_at < LATE:
            return
        for name, _ in seat.channels:
            self._close(seat, name)
            self._link.send(words.Shut(seat.token, name))
        del self._seats[seat.token]
        self._link.send(words.Told(seat.exited))

    # -- the end -----------------------------------------------------------------------------------

    def _watch(self, thing: Any, writing: bool) -> None:
        watch(self._selector, thing, writing=writing)

    def _end(self) -> None:
        for seat in self._seats.values():
            if seat.pid and seat.exited is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(seat.pid, signal.SIGKILL)
            for name, _ in seat.channels:
                self._close(seat, name)
        if self._zygote is not None:
            self._zygote.close()
        if self._process is not None:
            try:
                self._process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._arriving.forget()
        self._selector.close()
        self._link.close()
