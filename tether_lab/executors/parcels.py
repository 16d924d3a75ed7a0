"""Blobs on their way: read in pieces here, written under another name and renamed there."""

from __future__ import annotations

import mmap
import os
import re
import secrets
from collections.abc import Iterator
from pathlib import Path

from tether_lab.capture.blobs import digest_of

from .words import PARCEL, Parcel

_DIGEST = re.compile(r"\b[0-9a-f]{40}\b")


def digests(*texts: str) -> set[str]:
    """Every address of a blob that these texts mention."""
    return {found for text in texts for found in _DIGEST.findall(text)}


def place(folder: Path, digest: str) -> Path:
    """Where a blob lies in a folder of blobs."""
    return folder / digest[:2] / digest


def pieces(path: Path, digest: str) -> Iterator[Parcel]:
    """The file in parcels; none if it has gone (the job that asks for it will say so by name)."""
    try:
        file = path.open("rb")
    except OSError:
        return
    with file:
        while True:
            data = file.read(PARCEL)
            yield Parcel(digest, data, last=len(data) < PARCEL)
            if len(data) < PARCEL:
                return


def _digest_of(path: Path) -> str:
    with path.open("rb") as file:
        if not path.stat().st_size:
            return digest_of(b"")
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            return digest_of(content)


class Arriving:
    """Files that come in pieces, into one folder of blobs."""

    def __init__(self) -> None:
        self._open: dict[str, Path] = {}

    def take(self, parcel: Parcel, folder: Path) -> bool:
        """Append a piece; True when the blob is whole, checked, and has its name. Raises ValueError if
        what came is not what its address says, or if that is no address."""
        if not _DIGEST.fullmatch(parcel.digest):
            raise ValueError("no address of a blob")
        path = place(folder, parcel.digest)
        beside = self._open.get(parcel.digest)
        if beside is None:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            beside = self._open[parcel.digest] = path.parent / f".{secrets.token_hex(8)}"
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(descriptor, "ab") as file:
            file.write(parcel.data)
        if not parcel.last:
            return False
        del self._open[parcel.digest]
        if _digest_of(beside) != parcel.digest:
            beside.unlink()
            raise ValueError(f"blob {parcel.digest} did not arrive as it was sent")
        beside.replace(path)
        return True

    def forget(self) -> None:
        """Remove what will not be completed."""
        for beside in self._open.values():
            beside.unlink(missing_ok=True)
        self._open.clear()
