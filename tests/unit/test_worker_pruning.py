"""What nobody refers to goes after a day; what somebody refers to, or has just stored, stays."""

from __future__ import annotations

import os
import time
from pathlib import Path

from tether_lab import Lab
from tether_lab.capture import BlobStore
from tether_lab.worker import pruning

DAY = 24 * 3600


def age(path: Path, seconds: float) -> None:
    then = time.time() - seconds
    os.utime(path, (then, then))


def test_only_old_files_without_a_reference_go() -> None:
    """Of four old files the referred-to one stays; a young one stays; a half-written one goes."""
    with Lab(autostart=False) as lab:
        store: BlobStore = lab.blob_store
        data = bytes(range(256)) * 400
        lab.enqueue_many(lab.register(lambda table: len(table), "held").key, [{"table": bytearray(data)}])
        files = [path for path in store.folder.rglob("*") if path.is_file()]
        stray, young = store.put(data + b"stray"), store.put(data + b"young")
        half = store.folder / ".0123456789abcdef"
        half.write_bytes(b"half")
        for path in (*files, half, store.folder / stray[:2] / stray):
            age(path, 2 * DAY)
        assert files, "the payload should be a file"
        assert pruning.prune(lab.queue, time.time_ns() // 1000) == 2
        left = {path.name for path in store.folder.rglob("*") if path.is_file()}
        assert left == {*(path.name for path in files), young}


def test_a_file_that_is_stored_again_meanwhile_is_given_back(tmp_path: Path) -> None:
    """Between the look and the removal somebody may have renewed its time."""
    path = tmp_path / "0a1b"
    path.write_bytes(b"x")
    assert not pruning._remove(path, before=time.time() - DAY)
    assert path.read_bytes() == b"x"
    age(path, 2 * DAY)
    assert pruning._remove(path, before=time.time() - DAY)
    assert list(tmp_path.iterdir()) == []
