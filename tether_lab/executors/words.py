"""What bridge and pilot say to each other, framed as on the worker's own wire."""

from __future__ import annotations

import msgspec

CHANNELS = ("control", "stdout", "stderr", "stack")
PARCEL = 4_000_000
"""Bytes of a file that travel in one frame, so that what a job says is never long behind it."""


class _Word(msgspec.Struct, frozen=True, tag=True, omit_defaults=True):
    pass


# -- who is there ---------------------------------------------------------------------------------


class Challenge(_Word, frozen=True):
    """The bridge's first word: prove that you know the secret, over these bytes."""

    nonce: bytes


class Boarding(_Word, frozen=True):
    """The pilot's first word: its proof, bytes to prove in return, and who it is. ``cache`` names the
    folder that it shares with other pilots of its process."""

    proof: bytes
    nonce: bytes
    host: str
    pid: int
    python: str
    protocol: int
    version: str
    cache: str


class Welcome(_Word, frozen=True):
    """The bridge's proof. ``probe`` and ``text``: a pilot that reads this text in that file is on this
    machine."""

    proof: bytes
    probe: str
    text: str


class Ready(_Word, frozen=True):
    """The pilot's zygote is there. ``near``: it sees the lab's files."""

    near: bool


# -- bridge to pilot -------------------------------------------------------------------------------


class Open(_Word, frozen=True):
    """A job process, please."""

    token: int
    warm: bool = False


class Push(_Word, frozen=True):
    """A signal to a process, or to its whole group."""

    token: int
    number: int
    group: bool = False


class Land(_Word, frozen=True):
    """No more is wanted of you."""


# -- both ways -------------------------------------------------------------------------------------


class Data(_Word, frozen=True):
    """Bytes of one of a process's channels."""

    token: int
    channel: str
    data: bytes


class Shut(_Word, frozen=True):
    """That channel has ended."""

    token: int
    channel: str


class Parcel(_Word, frozen=True):
    """A piece of a blob, in order."""

    digest: str
    data: bytes
    last: bool


class Kept(_Word, frozen=True):
    """A blob has arrived whole."""

    digest: str


class Used(_Word, frozen=True):
    """Resident bytes of a process and all its descendants."""

    token: int
    size: int


class Told(_Word, frozen=True):
    """A frame of the worker to its zygotes, or of a zygote to the worker."""

    frame: bytes


class Ping(_Word, frozen=True):
    """I am here."""


Word = (Challenge | Boarding | Welcome | Ready | Open | Push | Land | Data | Shut | Parcel | Kept | Used
        | Told | Ping)
DECODER = msgspec.msgpack.Decoder(Word)
