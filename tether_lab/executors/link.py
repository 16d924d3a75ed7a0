"""One connection between bridge and pilot: words out in order, words in, silence noticed."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import socket
import time
from collections import deque
from collections.abc import Iterable, Iterator
from selectors import EVENT_READ, EVENT_WRITE, BaseSelector
from typing import Any

from tether_lab.runner import wire

from . import words

BEAT = 2.0
SILENT = 15.0
"""Seconds without a word after which the other side counts as gone: well below the lease."""
STRANGER = 8192
"""Bytes that may come from someone who has proved nothing."""
FULL = 200
"""Words in the queue above which whoever feeds it should wait."""
CHUNK = 1 << 18


def nonce() -> bytes:
    """Bytes to prove something over."""
    return secrets.token_bytes(32)


def proof(secret: bytes, role: str, given: bytes) -> bytes:
    """What only who knows the secret can say about ``given``; the roles keep answers apart."""
    return hmac.new(secret, role.encode() + given, hashlib.blake2b).digest()


def proves(secret: bytes, role: str, given: bytes, said: bytes) -> bool:
    """Whether it was said by one who knows the secret."""
    return hmac.compare_digest(proof(secret, role, given), said)


def watch(selector: BaseSelector, thing: Any, *, writing: bool) -> None:
    """Listen to what is registered; ``writing``: also for room to write."""
    key = selector.get_map().get(thing)
    events = EVENT_READ | (EVENT_WRITE if writing else 0)
    if key is not None and key.events != events:
        selector.modify(thing, events, key.data)


class Link:
    """Never blocks. ``dead`` once the other side has closed, spoken nonsense, or said nothing for long."""

    def __init__(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket = connection
        self._frames = wire.Frames(words.DECODER)
        self._waiting: deque[Iterator[bytes]] = deque()
        self._outbox = bytearray()
        self.dead = self.trusted = False
        self._strange = 0
        self.heard_at = self.spoke_at = self.made_at = time.monotonic()

    def fileno(self) -> int:
        return self._socket.fileno()

    def send(self, *said: words.Word) -> None:
        """Say it, after what was said before."""
        self.send_later(said)

    def send_later(self, said: Iterable[words.Word]) -> None:
        """Words that are made when their turn comes: a large file is never in memory whole."""
        if not self.dead:
            self._waiting.append(map(wire.frame, said))
            self.flush()

    @property
    def writing(self) -> bool:
        """Whether something waits to be sent."""
        return bool(self._outbox or self._waiting)

    @property
    def full(self) -> bool:
        """Whether whoever feeds it should wait."""
        return len(self._waiting) > FULL

    def flush(self) -> None:
        """Send what fits now."""
        try:
            while True:
                while len(self._outbox) < CHUNK and self._waiting:
                    frame = next(self._waiting[0], None)
                    if frame is None:
                        self._waiting.popleft()
                    else:
                        self._outbox += frame
                if not self._outbox:
                    return
                sent = self._socket.send(memoryview(self._outbox)[:CHUNK])
                del self._outbox[:sent]
                self.spoke_at = time.monotonic()
        except BlockingIOError:
            return
        except OSError:
            self.dead = True

    def read(self) -> list[words.Word]:
        """What came. Sets ``dead`` at the end, and for what is no word."""
        try:
            data = self._socket.recv(CHUNK)
        except BlockingIOError:
            return []
        except OSError:
            data = b""
        self.heard_at = time.monotonic()
        self._strange += 0 if self.trusted else len(data)
        if not data or self._strange > STRANGER:
            self.dead = True
            return []
        try:
            return self._frames.feed(data)
        except ValueError:
            self.dead = True
            return []

    def beat(self, now: float) -> None:
        """Say that we are here, if nothing was said for a while; notice if nothing was heard."""
        if now - self.heard_at > SILENT or (not self.trusted and now - self.made_at > SILENT):
            self.dead = True
        elif now - self.spoke_at > BEAT and not self.writing:
            self.send(words.Ping())

    def close(self) -> None:
        self.dead = True
        self._socket.close()
