"""Random generators of a job: never the same numbers twice unasked, the same ones when asked.

``random`` reseeds itself in a forked child; numpy's and torch's global generators do not, so two
jobs would draw equal numbers.
"""

from __future__ import annotations

import hashlib
import random
import sys
from typing import Any

from . import wire
from .on_import import when_imported


def before_fork() -> None:
    """Fresh entropy, for the child about to be forked, for the generators that do not see to it themselves.
    Here and not in the child, where it takes twenty times as long: its memory would be copied first."""
    if "numpy.random" in sys.modules:
        _seed_numpy(None)
    if "torch" in sys.modules:
        _seed_torch(None)


def after_captures(seed: int | None, task: wire.Task) -> None:
    """With ``seed`` a stream of its own for each job, equal in each of its attempts. Without, states
    that came with the captures stay for the one job that they were taken for."""
    if seed is not None:
        digest = hashlib.blake2b(f"{seed}/{task.job_id}".encode(), digest_size=16).digest()
        random.seed(int.from_bytes(digest))
        when_imported("numpy.random", lambda _: _seed_numpy(int.from_bytes(digest)))
        when_imported("torch", lambda _: _seed_torch(int.from_bytes(digest)))


def _seed_numpy(number: int | None) -> None:
    numpy: Any = sys.modules["numpy.random"]
    words = None if number is None else [number >> shift & 0xFFFFFFFF for shift in (0, 32, 64, 96)]
    numpy.seed(words)


def _seed_torch(number: int | None) -> None:
    torch: Any = sys.modules["torch"]
    if number is None:
        torch.seed()
    else:
        torch.manual_seed(number & (2**63 - 1))
