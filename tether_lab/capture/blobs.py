"""Large buffers as files named by their content, small ones in the database.

A file is written beside its place, synced and renamed, so that a name never stands for half a
content; a known content costs its hash and one ``utime``. Loading maps it copy-on-write: 100 MB in
0.1 ms, writable, and nobody else sees what is written.
"""

from __future__ import annotations

import errno
import hashlib
import mmap
import os
import stat
import threading
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from tether_lab.errors import (
    BadSignature,
    CaptureUnavailable,
    LoosePermissions,
    QueueReadOnly,
    StorageFull,
)

LARGE = 64 * 1024                  # files are faster than rows from here on
_HUGE = 4 * 1024 * 1024            # worth threads
Buffer = bytes | bytearray | memoryview | mmap.mmap
_DIGITS = frozenset("0123456789abcdef")
SEALED = "x"
"""Ends the name of a blob that is encrypted: a name that tells nothing of the content, and bytes that
only the vault opens. Whoever loads it is handed the content by the worker, or by the kernel's own lab."""
AT_ONCE = 16_000_000
DAMAGED = ".damaged"
"""Ends the name of a file that was set aside because it did not hold what its name said."""
SEALED_LIMIT = 200_000_000
"""Encrypted contents go through memory and the wire, so they have a limit of their own."""


def digest_of(buffer: Buffer) -> str:
    """The name of a content: blake2b-160 in hex; of a huge one, that of its leaves' digests.

    The leaves (4 MiB each, personalised as the root is, so that no other content has their digests) are hashed
    on all cores: hashlib lets go of the interpreter meanwhile.
    """
    view = memoryview(buffer).cast("B")
    if view.nbytes <= _HUGE:
        return hashlib.blake2b(view, digest_size=20).hexdigest()
    count = -(-view.nbytes // _HUGE)
    leaves = [b""] * count
    numbers = iter(range(count))

    def work() -> None:
        for number in numbers:             # each of them once: a step of this iterator is one step of Python
            leaves[number] = _leaf(view[number * _HUGE:(number + 1) * _HUGE])

    # Plain threads: at the end of a job the executors of the library take no work any more.
    beside = [threading.Thread(target=work, daemon=True) for _ in range(min(4, count, os.cpu_count() or 1) - 1)]
    for thread in beside:
        thread.start()
    work()
    for thread in beside:
        thread.join()
    root = hashlib.blake2b(view.nbytes.to_bytes(8, "little"), digest_size=20, person=b"tether root")
    for leaf in leaves:
        root.update(leaf)
    return root.hexdigest()


def _leaf(view: memoryview) -> bytes:
    return hashlib.blake2b(view, digest_size=32, person=b"tether leaf").digest()


def _place(folder: Path, digest: str) -> Path:
    plain = digest.removesuffix(SEALED)
    if len(plain) != 40 or not set(plain) <= _DIGITS:
        raise CaptureUnavailable(f"{digest!r} is no blob's name", where=digest)
    return folder / digest[:2] / digest


class BlobStore:
    """Writes large buffers below a folder. ``durable`` False spares the fsync: enough to survive
    the death of processes, not a power cut."""

    def __init__(self, folder: Path, *, durable: bool = True) -> None:
        self.folder, self.durable = Path(folder), durable
        self._seen: set[bytes] = set()

    large_from: float = LARGE
    """Bytes from which a content becomes a file; below, it is handed on to the database."""

    def close(self, content: Buffer) -> tuple[str, Buffer]:
        """The name and the bytes under which a content is kept."""
        return digest_of(content), content

    def put_as(self, name: str, content: Buffer) -> None:
        """Store bytes under a name that is not theirs to give."""
        path = _place(self.folder, name)
        with _room(self.folder):
            self._name(self._write(memoryview(content).cast("B")), path)

    def put(self, buffer: Buffer) -> str:
        """Store the content; its digest. A content that is there already is only touched."""
        with _room(self.folder):
            return self._put(memoryview(buffer).cast("B"))

    def _put(self, view: memoryview) -> str:
        sample = _sample(view)
        if view.nbytes >= _HUGE and sample not in self._seen:
            digest = self._write_while_hashing(view)
        else:
            digest = digest_of(view)
            path = _place(self.folder, digest)
            if not self._touched(path, view.nbytes):
                beside = self._write(view)
                self._name(beside, path)
        self._seen.add(sample)
        return digest

    def _write_while_hashing(self, view: memoryview) -> str:
        """For contents that look new: the disk and the hash take about as long, so do both."""
        found: list[str] = []
        hashing = threading.Thread(target=lambda: found.append(digest_of(view)), daemon=True)
        hashing.start()
        beside = self._write(view)
        hashing.join()
        path = _place(self.folder, found[0])
        if self._touched(path, view.nbytes):
            beside.unlink()
        else:
            self._name(beside, path)
        return found[0]

    def _touched(self, path: Path, size: int) -> bool:
        """Whether the content is there already; its time is renewed then."""
        try:
            found = path.lstat()
            if stat.S_ISREG(found.st_mode) and found.st_size == size and found.st_uid == os.geteuid():
                os.utime(path)
                return True
        except FileNotFoundError:
            pass
        return False

    def _name(self, beside: Path, path: Path) -> None:
        """Sync the file and give it its name."""
        try:
            path.parent.mkdir(mode=0o700, exist_ok=True)
            if self.durable:
                _sync(beside, os.O_RDONLY)
            beside.replace(path)
        except BaseException:
            beside.unlink(missing_ok=True)
            raise
        if self.durable:
            _sync(path.parent, os.O_RDONLY | os.O_DIRECTORY)

    def _write(self, view: memoryview) -> Path:
        """A file with this content and without a name yet."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        beside = self.folder / f".{uuid.uuid4().hex}"
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            try:
                _write_all(descriptor, view)
            finally:
                os.close(descriptor)
        except BaseException:
            beside.unlink(missing_ok=True)
            raise
        return beside


class SealedStore(BlobStore):
    """Encrypts what it keeps. ``seal`` gives a content's name and its closed bytes."""

    def __init__(self, folder: Path, seal: Callable[[Buffer], tuple[str, bytes]], *,
                 durable: bool = True) -> None:
        super().__init__(folder, durable=durable)
        self._seal = seal

    def close(self, content: Buffer) -> tuple[str, Buffer]:
        return self._seal(content)

    def put(self, buffer: Buffer) -> str:
        name, closed = self._seal(buffer)
        self.put_as(name, closed)
        return name


class MemoryStore(BlobStore):
    """Writes nothing: all is handed on, for somebody else to encrypt."""

    large_from = float("inf")

    def __init__(self) -> None:
        super().__init__(Path(os.devnull))


def _sample(view: memoryview) -> bytes:
    """A quick look at a content: whether it is likely to have been stored before."""
    found = hashlib.blake2b(view.nbytes.to_bytes(8, "little"), digest_size=16)
    for start in range(0, view.nbytes, max(view.nbytes // 64, 4096)):
        found.update(view[start:start + 4096])
    return found.digest()


@contextmanager
def _room(folder: Path) -> Iterator[None]:
    """A full disk (a quota, a limit), or a folder that cannot be written, in the queue's words for it."""
    try:
        yield
    except OSError as error:
        if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
            raise QueueReadOnly(f"{folder} cannot be written ({error.strerror})", where=str(folder),
                                remedy=f"Look at the folder: ls -la {folder}") from error
        if error.errno not in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
            raise
        raise StorageFull(
            f"{folder} could not be written: the disk, the quota or a limit is full ({error.strerror})",
            remedy="Free some space. Nothing of this request was written.", where=str(folder)) from error


def _write_all(descriptor: int, view: memoryview) -> None:
    while view:
        view = view[os.write(descriptor, view):]


def _sync(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class Blobs:
    """Reads blobs: the small ones given, the large ones mapped from their files.

    ``sizes`` are the expected sizes of large ones, where known. Raises LoosePermissions for a file
    that somebody else could have written, CaptureUnavailable for one that is missing or cut.
    """

    def __init__(self, folder: Path, small: Mapping[str, bytes] | None = None,
                 sizes: Mapping[str, int] | None = None) -> None:
        self.folder, self.small = Path(folder), dict(small or {})
        self.sizes = dict(sizes or {})

    def __getitem__(self, digest: str) -> Buffer:
        found = self.small.get(digest)
        if digest.endswith(SEALED):
            if found is None:
                raise CaptureUnavailable(f"the encrypted blob {digest[:12]} was not handed over", where=digest,
                                         remedy="It was pruned or removed; run the cell again.")
            return found                      # opened, and so authenticated, by the vault
        if found is None:
            return self._map(digest)
        if digest_of(found) != digest:
            raise BadSignature(f"blob {digest[:12]} does not hold what its name says", where=digest,
                               remedy="Register the handler again; the stored bytes are damaged.")
        return found

    def expect(self, sizes: Mapping[str, int]) -> Blobs:
        """The same blobs, with more sizes to be checked."""
        return Blobs(self.folder, self.small, {**self.sizes, **sizes})

    def _map(self, digest: str) -> Buffer:
        path = _place(self.folder, digest)
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        except OSError as error:
            raise CaptureUnavailable(
                f"blob {digest[:12]} cannot be opened ({error.strerror or error})", where=str(path),
                remedy="It was pruned or removed; run the cell again to register it anew.",
            ) from error
        try:
            size = self._checked(descriptor, path, digest)
            if size == 0:
                return b""
            return mmap.mmap(descriptor, 0, access=mmap.ACCESS_COPY)
        finally:
            os.close(descriptor)

    def _checked(self, descriptor: int, path: Path, digest: str) -> int:
        found = os.fstat(descriptor)
        if found.st_uid != os.geteuid() or found.st_mode & 0o077 or not stat.S_ISREG(found.st_mode):
            raise LoosePermissions(
                f"{path} is not a private file of yours (owner {found.st_uid}, mode "
                f"{stat.S_IMODE(found.st_mode):04o})", where=str(path),
                remedy="If you are sure nobody changed it: chmod 600. Else register again.",
            )
        expected = self.sizes.get(digest)
        if expected is not None and expected != found.st_size:
            raise CaptureUnavailable(
                f"blob {digest[:12]} has {found.st_size} bytes instead of {expected}",
                where=str(path), remedy="The file is damaged; run the cell again.",
            )
        return found.st_size

    def sound(self, digests: Iterable[str]) -> Blobs:
        """These, compared with their names if that is quick: ``AT_ONCE`` bytes take some 15 ms. Of larger ones
        the worker and ``tether-lab doctor`` see to it. Raises BadSignature."""
        for digest in digests:
            if self.sizes.get(digest, 0) <= AT_ONCE:
                self.verify(digest)
        return self

    def code(self, digest: str) -> bytes:
        """A blob that is to be unpickled: read once, and compared with its name, which a signature vouches for.
        Raises BadSignature if it is not that."""
        content = bytes(self[digest])                 # small and encrypted ones are verified there
        if not digest.endswith(SEALED) and digest not in self.small and digest_of(content) != digest:
            raise self._damaged(digest)
        return content

    def verify(self, digest: str) -> None:
        """Compare a blob's content with its name, once per file as it is now; BadSignature if it
        differs. 100 MB take about 80 ms, so the worker does this in a thread."""
        content = self[digest]                        # small ones are compared there, closed ones opened
        if digest in self.small or digest.endswith(SEALED):
            return
        found = _place(self.folder, digest).stat()
        seen = (digest, found.st_ino, found.st_mtime_ns, found.st_size)
        with _VERIFIED_LOCK:
            if seen in _VERIFIED:
                return
        if digest_of(content) != digest:
            raise self._damaged(digest)
        with _VERIFIED_LOCK:
            if len(_VERIFIED) > 10_000:
                _VERIFIED.clear()
            _VERIFIED.add(seen)

    def _damaged(self, digest: str) -> BadSignature:
        """The error; the file makes room for a good one, which the next registration writes."""
        path = _place(self.folder, digest)
        with suppress(OSError):
            path.replace(path.with_name(f"{digest}{DAMAGED}"))
        return BadSignature(f"blob {digest[:12]} does not hold what its name says", where=str(path),
                            remedy=f"It was set aside ({DAMAGED}). Run the cell again, which stores it anew.")


_VERIFIED: set[tuple[str, int, int, int]] = set()
_VERIFIED_LOCK = threading.Lock()
