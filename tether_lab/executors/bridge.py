"""The process that stands in for a zygote: ``python -P -m tether_lab.executors.bridge --fd N --executor SPEC``.

It hears the worker's words to zygotes, hands each fork to the pilot with the fewest processes, and carries
bytes between the worker's pipes and the pilots. How many pilots there are follows the work: one while
nothing runs, all places while something does; so a cluster that scales by demand can.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import secrets
import selectors
import socket
import sys
import time
from collections import deque
from pathlib import Path
from typing import Any

from tether_lab.runner import kinship, wire
from tether_lab.runner.greeting import hello

from . import words
from .executor import ExecutorError
from .fleet import Fleet
from .link import Link, nonce, proof, proves, watch
from .parcels import pieces, place
from .seats import Cache, Pilot, Seat

TURN = 0.5
CHUNK = 1 << 16
FAR = os.environ.get("TETHER_LAB_TEST") == "1" and bool(os.environ.get("TETHER_LAB_FAR"))
"""A test wants every place taken for another machine's."""


class Bridge:
    """The loop. ``run`` is a folder that only this machine has: who reads the probe in it is near."""

    def __init__(self, control: socket.socket, spec: str, places: int, run: Path, *, far: bool) -> None:
        self._control, self._far = control, far
        control.setblocking(False)
        self._secret = secrets.token_bytes(32)
        self._probe, self._probe_text = run / f"bridge-{os.getpid()}", secrets.token_hex(16)
        self._probe.write_text(self._probe_text)
        self._selector = selectors.DefaultSelector()
        self._frames = wire.Frames(wire.TO_ZYGOTE)
        self._descriptors: deque[int] = deque()
        self._outbox = bytearray()
        self._pilots: dict[Link, Pilot] = {}
        self._caches: dict[str, Cache] = {}
        self._seats: dict[int, Seat] = {}
        self._preloads: list[bytes] = []
        self._blobs = run                    # the lab's; each task names it
        self._waiting: deque[tuple[wire.Fork, list[int]]] = deque()
        self._said_places: tuple[int, tuple[str, ...]] = (0, ())
        self._retiring = self._over = False
        self._listener = socket.create_server(("", 0), backlog=128)
        self._listener.setblocking(False)
        self._fleet = Fleet(spec, places, self._listener.getsockname()[1], self._secret)

    def run(self) -> None:
        """Serve until the worker closes its socket, or the last process is gone after Retire."""
        self._say(hello())
        read = selectors.EVENT_READ
        self._selector.register(self._control, read, self._hear_worker)
        self._selector.register(self._listener, read, lambda _: self._accept())
        try:
            while not self._over:
                for key, mask in self._selector.select(TURN):
                    if key.fd in self._selector.get_map():
                        key.data(mask)
                self._mind(time.monotonic())
        finally:
            self._probe.unlink(missing_ok=True)
            for link in self._pilots:
                link.send(words.Land())
                link.close()
            self._fleet.close()

    def _mind(self, now: float) -> None:
        """Beats, pilots that fell silent, as many pilots as the work wants."""
        for link, pilot in list(self._pilots.items()):
            link.beat(now)
            if link.dead:
                self._lose(link, pilot)
            else:
                self._watch(link, link.writing)
        busy = any(seat.busy for seat in self._seats.values()) or bool(self._waiting)
        aboard = [pilot for pilot in self._pilots.values() if pilot.ready]
        spare = self._fleet.tend(now, busy=busy, aboard=len(aboard))
        for pilot in sorted(aboard, key=lambda p: len(p.seats))[:spare]:
            if not any(seat.busy for seat in pilot.seats.values()):
                pilot.ready = False
                pilot.link.send(words.Land())
        self._tell_places()
        if self._retiring and not self._seats:
            self._over = True

    def _tell_places(self) -> None:
        """How many attempts may run, and on which Pythons: when it changes."""
        aboard = [pilot for pilot in self._pilots.values() if pilot.ready]
        found = len(aboard), tuple(sorted({pilot.python for pilot in aboard}))
        if found != self._said_places:
            self._said_places = found
            self._say(wire.Places(*found, trouble=self._fleet.trouble))

    # -- the worker --------------------------------------------------------------------------------

    def _say(self, message: wire.FromZygote) -> None:
        self._outbox += wire.frame(message)
        self._flush()

    def _flush(self) -> None:
        try:
            while self._outbox:
                sent = self._control.send(self._outbox)
                del self._outbox[:sent]
        except BlockingIOError:
            pass
        except OSError:
            self._over = True
        self._watch(self._control, bool(self._outbox))

    def _hear_worker(self, mask: int) -> None:
        if mask & selectors.EVENT_WRITE:
            self._flush()
        try:
            data, descriptors, _, _ = socket.recv_fds(self._control, CHUNK, 4 * 16)
        except BlockingIOError:
            return
        except OSError:
            data, descriptors = b"", []
        self._descriptors.extend(descriptors)
        if not data:
            self._over = True
            return
        for message in self._frames.feed(data):
            match message:
                case wire.Fork():
                    self._waiting.append((message, [self._descriptors.popleft() for _ in wire.FORK_FDS]))
                    self._seat()
                case wire.Preload():
                    self._preloads.append(wire.frame(message))
                    for pilot in self._pilots.values():
                        pilot.link.send(words.Told(self._preloads[-1]))
                case wire.Signal(token, number, group) if token in self._seats:
                    self._seats[token].pilot.link.send(words.Push(token, number, group))
                case wire.Retire():
                    self._retiring = True
                case _:
                    pass

    def _seat(self) -> None:
        """Give the forks that wait to the pilots with the fewest processes."""
        while self._waiting:
            pilots = [pilot for pilot in self._pilots.values() if pilot.ready and not pilot.link.dead]
            if not pilots:
                return
            asked, descriptors = self._waiting.popleft()
            pilot = min(pilots, key=lambda p: len(p.seats))
            seat = self._seats[asked.token] = pilot.seats[asked.token] = Seat(asked.token, pilot, descriptors)
            self._selector.register(seat.control, selectors.EVENT_READ, self._caller(seat))
            pilot.link.send(words.Open(asked.token, asked.warm))

    def _caller(self, seat: Seat) -> Any:
        def call(mask: int) -> None:
            if mask & selectors.EVENT_WRITE:
                self._write(seat)
            if mask & selectors.EVENT_READ:
                self._from_worker(seat)
        return call

    def _from_worker(self, seat: Seat) -> None:
        """Frames for a job process. A task for a far one is told where its files are there, and waits
        until they are."""
        try:
            data = seat.control.recv(CHUNK)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._selector.unregister(seat.control)
            seat.heard_out = True
            self._hand_on(seat)
            return
        for message in seat.frames.feed(data):
            needed: set[str] = set()
            if isinstance(message, wire.Task):
                seat.busy = True
                if not seat.pilot.near:
                    self._blobs = Path(message.blob_folder)
                    message, needed = seat.pilot.localised(message)
            seat.held.append((wire.frame(message), needed))
        self._hand_on(seat)

    def _hand_on(self, seat: Seat) -> None:
        """Send what waits, as far as the blobs that it needs have arrived."""
        pilot = seat.pilot
        cache = self._caches[pilot.cache]
        while seat.held:
            frame, needed = seat.held[0]
            missing = cache.missing(needed)
            for digest in sorted(missing - cache.coming.keys()):
                path = place(self._blobs, digest)
                if path.is_file():
                    cache.coming[digest] = pilot
                    pilot.link.send_later(pieces(path, digest))
                else:
                    cache.kept.add(digest)        # a small one: the task itself holds it
            if cache.missing(needed):
                return
            seat.held.popleft()
            pilot.link.send(words.Data(seat.token, "control", frame))
        if seat.heard_out:
            pilot.link.send(words.Shut(seat.token, "control"))

    # -- pilots ------------------------------------------------------------------------------------

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            connection, _ = self._listener.accept()
            link = Link(connection)
            pilot = self._pilots[link] = Pilot(link, nonce())
            self._selector.register(link, selectors.EVENT_READ, lambda _: self._hear_pilot(link, pilot))
            link.send(words.Challenge(pilot.nonce))

    def _hear_pilot(self, link: Link, pilot: Pilot) -> None:
        link.flush()
        for word in link.read():
            if not link.trusted and not isinstance(word, words.Boarding):
                link.dead = True
            elif not link.dead:
                self._heard(link, pilot, word)
        if link.dead:
            self._lose(link, pilot)
        else:
            self._watch(link, link.writing)

    def _heard(self, link: Link, pilot: Pilot, word: words.Word) -> None:
        match word:
            case words.Boarding():
                self._board(link, pilot, word)
            case words.Ready(near):
                pilot.ready, pilot.near = True, near
                for frame in self._preloads:
                    link.send(words.Told(frame))
                self._tell_places()
                self._seat()
            case words.Data(token, channel, data) if token in pilot.seats:
                self._from_job(pilot.seats[token], channel, data)
            case words.Shut(token, channel) if token in pilot.seats:
                self._finish(pilot.seats[token], channel)
            case words.Parcel():
                self._keep(pilot, word)
            case words.Kept(digest):
                cache = self._caches[pilot.cache]
                cache.arrived(digest)
                for seat in list(self._seats.values()):
                    if seat.held and seat.pilot.cache == pilot.cache:
                        self._hand_on(seat)
            case words.Used(token, size):
                self._say(wire.Used(token, size))
            case words.Told(frame):
                self._told(pilot, frame)
            case _:
                pass

    def _keep(self, pilot: Pilot, parcel: words.Parcel) -> None:
        """A piece of a large result: among the lab's blobs before the message that mentions it."""
        try:
            pilot.arriving.take(parcel, self._blobs)
        except (ValueError, OSError) as error:
            sys.stderr.write(f"a result from {pilot.name} could not be stored: {error}\n")
            sys.stderr.flush()

    def _board(self, link: Link, pilot: Pilot, word: words.Boarding) -> None:
        if not proves(self._secret, "pilot", pilot.nonce, word.proof):
            link.dead = True
            return
        link.trusted = True
        self._fleet.boarded()
        pilot.name, pilot.python = f"{word.host}:{word.pid}", word.python
        pilot.cache, pilot.folder = f"{word.host}:{word.pid}:{word.cache}", word.cache
        if word.protocol != wire.PROTOCOL:
            self._fleet.trouble = (
                f"the tether_lab {word.version} on {word.host} speaks protocol {word.protocol}, this worker "
                f"{wire.PROTOCOL}: install the same version there")
            link.send(words.Land())
            return
        self._caches.setdefault(pilot.cache, Cache())
        probe = "" if self._far else str(self._probe)
        link.send(words.Welcome(proof(self._secret, "bridge", word.nonce), probe, self._probe_text))

    def _told(self, pilot: Pilot, frame: bytes) -> None:
        for message in wire.Frames(wire.FROM_ZYGOTE).feed(frame):
            match message:
                case wire.Exited(token=token) if token in pilot.seats:
                    seat = pilot.seats[token]
                    seat.exited = message
                    self._write(seat)
                case wire.Forked() | wire.Preloaded():
                    self._say(message)

    def _lose(self, link: Link, pilot: Pilot) -> None:
        """A pilot is gone: so are its processes, as far as we will ever hear."""
        if self._pilots.pop(link, None) is None:
            return
        self._selector.unregister(link)
        link.close()
        pilot.arriving.forget()
        cache = self._caches.get(pilot.cache)
        for digest in [d for d, by in cache.coming.items() if by is pilot] if cache else ():
            assert cache is not None
            del cache.coming[digest]
        for seat in list(pilot.seats.values()):
            self._say(wire.Vanished(seat.token, pilot.name))
            self._forget(seat)
        if not any(other.cache == pilot.cache for other in self._pilots.values()):
            self._caches.pop(pilot.cache, None)
        for seat in list(self._seats.values()):
            if seat.held:
                self._hand_on(seat)
        self._tell_places()

    # -- what jobs say -----------------------------------------------------------------------------

    def _from_job(self, seat: Seat, channel: str, data: bytes) -> None:
        if channel == "control" and seat.tells_the_end(data):
            seat.busy = False
        seat.outbox[channel] += data
        self._write(seat)

    def _write(self, seat: Seat) -> None:
        """To the worker's pipes what fits; the end of a process when all of it is through."""
        seat.carry(self._selector, lambda: self._write(seat))
        if seat.exited is not None and not any(seat.outbox.values()):
            self._say(seat.exited)
            self._forget(seat)

    def _finish(self, seat: Seat, channel: str) -> None:
        seat.shut.add(channel)
        self._write(seat)

    def _forget(self, seat: Seat) -> None:
        self._seats.pop(seat.token, None)
        seat.pilot.seats.pop(seat.token, None)
        for channel in words.CHANNELS:
            seat.close(channel, self._selector)

    def _watch(self, thing: Any, writing: bool) -> None:
        watch(self._selector, thing, writing=writing)


def main(arguments: list[str] | None = None) -> int:
    """Be the bridge of a worker."""
    parser = argparse.ArgumentParser(prog="tether_lab.executors.bridge", description=__doc__)
    parser.add_argument("--fd", type=int, required=True, help="the socket to the worker")
    parser.add_argument("--protocol", type=int, default=wire.PROTOCOL, help="what the worker speaks")
    parser.add_argument("--executor", required=True, help="name or name=address")
    parser.add_argument("--places", type=int, required=True, help="attempts at once, at most")
    parser.add_argument("--run", type=Path, required=True, help="a folder of this machine")
    parser.add_argument("--far", action="store_true", help="treat every place as another machine's (tests)")
    asked = parser.parse_args(arguments)
    kinship.die_with_parent()
    kinship.show_as("tether-lab brid")
    with socket.socket(fileno=asked.fd) as control:
        try:
            bridge = Bridge(control, asked.executor, asked.places, asked.run, far=asked.far or FAR)
        except ExecutorError as error:
            sys.stderr.write(f"{error}\n")
            return 1
        bridge.run()
    return 0


if __name__ == "__main__":
    code = main()
    sys.stderr.flush()
    os._exit(code)                     # threads of clusters' clients may never end
