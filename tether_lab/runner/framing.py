"""Messages as bytes: frames on the sockets between our processes, and tickets of jobs handed ahead."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any

import msgspec

LONGEST = 256 * 1024 * 1024
HEADER = struct.Struct("!I")
SMALL = 4096
"""Bytes of a frame that it costs less to copy than to look into."""
TICKET = struct.Struct("!q")
"""Of a job that was handed ahead: its id."""
_ENCODER = msgspec.msgpack.Encoder()


def tickets(ids: Sequence[int]) -> bytes:
    """The tickets of these jobs, one after the other."""
    return struct.pack(f"!{len(ids)}q", *ids)


def ids_of(data: bytes) -> list[int]:
    """What ``tickets`` was given."""
    return [job_id for (job_id,) in TICKET.iter_unpack(data)]


def frame(message: msgspec.Struct) -> bytes:
    """The bytes of one frame."""
    body = _ENCODER.encode(message)
    return HEADER.pack(len(body)) + body


class Frames:
    """Cuts a byte stream into messages: ``feed`` bytes, get the complete messages back.

    Raises ValueError on a frame that is too long or does not decode.
    """

    def __init__(self, decoder: msgspec.msgpack.Decoder[Any]) -> None:
        self._decoder, self._buffer = decoder, bytearray()

    def feed(self, data: bytes) -> list[Any]:
        found: list[Any] = []
        if not self._buffer:
            data = data[self._whole(data, found):]
        self._buffer += data
        start = 0
        while len(self._buffer) - start >= HEADER.size:
            (length,) = HEADER.unpack_from(self._buffer, start)
            if length > LONGEST:
                raise ValueError(f"a frame of {length} bytes; at most {LONGEST}")
            end = start + HEADER.size + length
            if len(self._buffer) < end:
                break
            with memoryview(self._buffer) as view, view[start + HEADER.size:end] as body:
                found.append(self._decoder.decode(body))
            start = end
        del self._buffer[:start]
        return found

    def _whole(self, data: bytes, found: list[Any]) -> int:
        """The usual way: small messages, whole, many at once. Where the first begins that is not so."""
        start, decode, unpack = 0, self._decoder.decode, HEADER.unpack_from
        while len(data) - start >= HEADER.size:
            body = start + HEADER.size
            end = body + unpack(data, start)[0]
            if end - start > SMALL or end > len(data):
                break
            found.append(decode(data[body:end]))
            start = end
        return start
