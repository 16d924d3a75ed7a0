"""Contents to blobs: small ones stay in memory for the database, large ones become files."""

from __future__ import annotations

import ctypes
from collections.abc import Iterable
from pickle import PickleBuffer

from .blobs import BlobStore, SealedStore


class Writer:
    """``known`` maps (address, bytes) of stored buffers to digests, so that nothing is hashed twice."""

    def __init__(self, store: BlobStore) -> None:
        self._store = store
        self.small: dict[str, bytes] = {}
        self.large: dict[str, int] = {}
        self.known: dict[tuple[int, int], str] = {}

    def put(self, content: bytes | memoryview) -> str:
        """Keep or store a content; its digest."""
        if isinstance(self._store, SealedStore) or len(content) < self._store.large_from:
            digest, kept = self._store.close(content)
            if len(kept) < self._store.large_from:
                self.small[digest] = bytes(kept)
            else:                                 # encrypted, and so only here known to be large
                self._store.put_as(digest, kept)
                self.large[digest] = len(kept)
        else:
            digest = self._store.put(content)
            self.large[digest] = len(content)
        return digest

    def buffers(self, buffers: Iterable[PickleBuffer]) -> list[str]:
        """The digests of out-of-band buffers, in order."""
        found = []
        for buffer in buffers:
            raw = buffer.raw()
            digest = self.put(raw)
            found.append(digest)
            if (address := _address(raw)) is not None:
                self.known[address, raw.nbytes] = digest
        return found


def _address(raw: memoryview) -> int | None:
    if raw.readonly:
        return None
    return ctypes.addressof(ctypes.c_char.from_buffer(raw))
