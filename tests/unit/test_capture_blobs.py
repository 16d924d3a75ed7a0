"""Blobs: written whole or not at all, private, mapped copy-on-write, checked when they are read."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from tether_lab.capture.blobs import LARGE, Blobs, BlobStore, digest_of
from tether_lab.errors import BadSignature, CaptureUnavailable, LoosePermissions, StorageFull

CONTENT = bytes(range(256)) * (LARGE // 256) * 2


def test_put_and_map(tmp_path: Path) -> None:
    """A stored content comes back, writable, and writing leaves the file alone."""
    store = BlobStore(tmp_path / "blobs")
    digest = store.put(CONTENT)
    first = Blobs(store.folder)[digest]
    assert bytes(first) == CONTENT
    first[0] = 99
    assert bytes(Blobs(store.folder)[digest]) == CONTENT


def test_private_by_mode(tmp_path: Path) -> None:
    """Folders are 0700 and files 0600, whatever the umask."""
    before = os.umask(0)
    try:
        digest = BlobStore(tmp_path / "blobs").put(CONTENT)
    finally:
        os.umask(before)
    path = tmp_path / "blobs" / digest[:2] / digest
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [p.name for p in path.parent.iterdir()] == [digest], "nothing is left beside it"


def test_known_content_is_only_touched(tmp_path: Path) -> None:
    """A second put writes nothing, but renews the time by which blobs are pruned."""
    store = BlobStore(tmp_path)
    digest = store.put(CONTENT)
    path = tmp_path / digest[:2] / digest
    os.utime(path, (1, 1))
    inode = path.stat().st_ino
    assert store.put(memoryview(CONTENT)) == digest
    assert path.stat().st_ino == inode
    assert path.stat().st_mtime > 1


def test_huge_contents(tmp_path: Path) -> None:
    """Contents that are hashed while they are written are stored like all others, once."""
    content = os.urandom(5_000_000)
    digests = [BlobStore(tmp_path / "blobs").put(content) for _ in range(2)]
    assert digests == [digest_of(content)] * 2
    assert [p.name for p in tmp_path.rglob("*") if p.is_file()] == digests[:1]
    assert bytes(Blobs(tmp_path / "blobs")[digests[0]]) == content


def test_cut_file_is_written_again(tmp_path: Path) -> None:
    """A file of another size under a known name is not believed."""
    store = BlobStore(tmp_path)
    digest = store.put(CONTENT)
    path = tmp_path / digest[:2] / digest
    path.write_bytes(b"cut")
    store.put(CONTENT)
    assert path.read_bytes() == CONTENT


def test_loose_file_is_refused(tmp_path: Path) -> None:
    """A file that others could have written is not read."""
    store = BlobStore(tmp_path)
    digest = store.put(CONTENT)
    (tmp_path / digest[:2] / digest).chmod(0o620)
    with pytest.raises(LoosePermissions, match="0620"):
        Blobs(tmp_path)[digest]


def test_links_are_not_followed(tmp_path: Path) -> None:
    """A symbolic link in the place of a blob is refused."""
    digest = digest_of(CONTENT)
    (tmp_path / "elsewhere").write_bytes(CONTENT)
    (tmp_path / digest[:2]).mkdir()
    (tmp_path / digest[:2] / digest).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(CaptureUnavailable):
        Blobs(tmp_path)[digest]


@pytest.mark.parametrize("name", ["../../etc/passwd", "ab", "", "Z" * 40, "/" * 40])
def test_names_are_digests(tmp_path: Path, name: str) -> None:
    """Only digests name blobs: a stored name never leads out of the folder."""
    with pytest.raises(CaptureUnavailable):
        Blobs(tmp_path)[name]


def test_missing_and_cut(tmp_path: Path) -> None:
    """A blob that is gone or has another size is named."""
    store = BlobStore(tmp_path)
    digest = store.put(CONTENT)
    with pytest.raises(CaptureUnavailable, match="instead of"):
        Blobs(tmp_path).expect({digest: 7})[digest]
    (tmp_path / digest[:2] / digest).unlink()
    with pytest.raises(CaptureUnavailable, match="cannot be opened"):
        Blobs(tmp_path)[digest]


def test_verify_finds_another_content(tmp_path: Path) -> None:
    """Same size, other bytes: found by comparing with the name; small ones at once."""
    store = BlobStore(tmp_path)
    digest = store.put(CONTENT)
    blobs = Blobs(tmp_path)
    blobs.verify(digest)
    path = tmp_path / digest[:2] / digest
    path.write_bytes(CONTENT[::-1])
    os.utime(path, (5, 5))
    with pytest.raises(BadSignature):
        blobs.verify(digest)
    with pytest.raises(BadSignature):
        Blobs(tmp_path, {digest_of(b"a"): b"b"})[digest_of(b"a")]


@pytest.mark.row(31)
def test_a_failed_write_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk leaves neither half a blob nor a name for one."""
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tether_lab.capture.blobs.os.write", full)
    with pytest.raises(StorageFull, match="No space"):
        BlobStore(tmp_path).put(CONTENT)
    assert not [p for p in tmp_path.rglob("*") if p.is_file()]


def test_a_huge_content_is_named_by_all_of_its_bytes() -> None:
    """One byte in any leaf, one byte more or less, two leaves exchanged: each has a name of its own."""
    leaf = 4 * 1024 * 1024
    content = bytearray(bytes([1]) * leaf + bytes([2]) * leaf + b"tail")
    names = {digest_of(content), digest_of(content[:-1]), digest_of(content + b"x"),
             digest_of(content[leaf:2 * leaf] + content[:leaf] + content[2 * leaf:])}
    for at in (0, leaf - 1, leaf, 2 * leaf, len(content) - 1):
        other = bytearray(content)
        other[at] ^= 1
        names.add(digest_of(other))
    assert len(names) == 9
    assert digest_of(content) == digest_of(memoryview(bytes(content)))
