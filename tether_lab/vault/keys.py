"""The user's signing keys: made once, kept private, derived per purpose."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import re
import secrets
import stat
from pathlib import Path

from tether_lab.errors import BadSignature, LoosePermissions
from tether_lab.settings import config_folder, make_private

LENGTH = 32
PURPOSE = b"tether-lab/v1/mac"
_NAME = re.compile(r"k[0-9a-f]{12}")


class Vault:
    """Signs with the newest key, verifies with any that is still there.

    ``key_id`` names the key that ``sign`` uses. Keys are read once; a Vault is safe in threads.
    """

    def __init__(self, folder: Path, key_id: str, secrets_by_id: dict[str, bytes]) -> None:
        self._folder, self.key_id = folder, key_id
        self._derived = {name: derive(secret, PURPOSE) for name, secret in secrets_by_id.items()}

    @classmethod
    def open(cls, folder: Path | None = None) -> Vault:
        """The keys in ``folder`` (default: ``keys`` in the user's config folder); makes the first.

        Raises LoosePermissions if somebody else can read or write the folder or a key.
        """
        folder = folder or config_folder() / "keys"
        make_private(folder)
        _check_private(folder, 0o077, "700")
        found = _read_all(folder)
        if not found:
            _create(folder)
            found = _read_all(folder)     # another process may have made one too: agree on the first
        newest = max(found, key=lambda name: (_made(folder / name), name))
        return cls(folder, newest, found)

    def sign(self, domain: str, *fields: str | bytes | int) -> bytes:
        """The signature (32 bytes) of these fields, in this order, for this domain."""
        return hmac.digest(self._derived[self.key_id], canonical(domain, fields), "sha256")

    def verify(self, mac: bytes, key_id: str, domain: str, *fields: str | bytes | int) -> None:
        """Raises BadSignature unless ``mac`` is what key ``key_id`` signs for these fields."""
        key = self._derived.get(key_id) or self._reread(key_id)
        if key is None:
            raise BadSignature(
                f"a {domain} is signed with the key {key_id[:40]!r}, which is not in {self._folder}",
                remedy="It was made by another user or on another machine. Register the handler and "
                       "enqueue again, or copy that key there if you trust it.", where=domain)
        if not hmac.compare_digest(hmac.digest(key, canonical(domain, fields), "sha256"), mac):
            raise BadSignature(
                f"the signature of a {domain} does not fit: its bytes were changed since",
                remedy="Do not run or load it. Register and enqueue again from the notebook.",
                where=domain)

    def _reread(self, key_id: str) -> bytes | None:
        """A key that another process made since."""
        if not _NAME.fullmatch(key_id):
            return None
        with contextlib.suppress(FileNotFoundError):
            self._derived[key_id] = derive(_read(self._folder / key_id), PURPOSE)
        return self._derived.get(key_id)


def canonical(domain: str, fields: tuple[str | bytes | int, ...]) -> bytes:
    """Every field as its type, its length and its bytes: no two different lists look alike."""
    parts: list[bytes] = []
    for field in (domain, *fields):
        if isinstance(field, bytes):
            kind, body = b"b", field
        elif isinstance(field, int):
            kind, body = b"i", b"%d" % field
        else:
            kind, body = b"s", field.encode("utf-8", "surrogatepass")
        parts += (kind, len(body).to_bytes(8, "big"), body)
    return b"".join(parts)


def derive(secret: bytes, purpose: bytes) -> bytes:
    """HKDF-SHA256 (RFC 5869) without salt, one block: 32 bytes for one purpose."""
    extracted = hmac.digest(b"\0" * hashlib.sha256().digest_size, secret, "sha256")
    return hmac.digest(extracted, purpose + b"\x01", "sha256")


def _create(folder: Path) -> None:
    """A new key, complete from the moment it has its name: written aside, then linked."""
    name = f"k{secrets.token_hex(6)}"
    aside = folder / f".{name}.{os.getpid()}"
    handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(secrets.token_bytes(LENGTH))
            file.flush()
            os.fsync(file.fileno())
        aside.rename(folder / name)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise
    directory = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def _read_all(folder: Path) -> dict[str, bytes]:
    return {path.name: _read(path) for path in sorted(folder.iterdir()) if _NAME.fullmatch(path.name)}


def _read(path: Path) -> bytes:
    _check_private(path, 0o077, "600")
    secret = path.read_bytes()
    if len(secret) != LENGTH:
        raise BadSignature(f"the key {path} has {len(secret)} bytes instead of {LENGTH}", where=str(path),
                           remedy="Restore it from a backup, or move it away: what it signed must then "
                                  "be registered again.")
    return secret


def _made(path: Path) -> int:
    return path.stat().st_mtime_ns


def _check_private(path: Path, forbidden: int, mode: str) -> None:
    found = path.lstat()
    if stat.S_ISLNK(found.st_mode):
        raise LoosePermissions(f"{path} is a symbolic link", where=str(path),
                               remedy="Replace it by what it points to: keys lie where they seem to.")
    if found.st_uid != os.geteuid():
        raise LoosePermissions(f"{path} belongs to another user (uid {found.st_uid})", where=str(path),
                               remedy=f"Give it back: chown {os.geteuid()} {path}")
    if found.st_mode & forbidden:
        raise LoosePermissions(f"{path} can be read or written by others "
                               f"(mode {stat.S_IMODE(found.st_mode):o})",
                               remedy=f"chmod {mode} {path}", where=str(path))
