"""Where a key's 32 bytes are: in its file, in the desktop's key store, or wrapped by a passphrase.

The file of a key says it itself: 32 bytes are the key; ``keyring`` sends to the key store; ``TLP1`` is
a key that a passphrase wraps (scrypt, AES-256-GCM). A wrapped key is opened once a session: ``unlock``
leaves it in the runtime folder, which lives in memory and ends with the login, so that a worker that
starts by itself finds it; or ``TETHER_LAB_PASSPHRASE_FILE`` names a private file with the passphrase.
"""

from __future__ import annotations

import os
import secrets
import tempfile
from pathlib import Path
from typing import Any

from tether_lab.errors import BadRequest, BadSignature, KeyMissing
from tether_lab.settings import make_private

from .files import check_private, write_private

LENGTH = 32
WRAPPED, ELSEWHERE = b"TLP1", b"keyring"
SERVICE = "tether-lab"
PASSPHRASE_FILE = "TETHER_LAB_PASSPHRASE_FILE"      # noqa: S105  a variable's name
STORES = ("file", "keyring", "passphrase")
_SALT, _NONCE = 16, 12


def load(path: Path) -> bytes:
    """The 32 bytes of the key whose file this is. Raises KeyMissing if they are locked or elsewhere."""
    check_private(path, "600")
    content = path.read_bytes()
    if content.startswith(WRAPPED) and len(content) != LENGTH:
        secret = _unlocked(path, content)
    elif content.strip() == ELSEWHERE:
        secret = _from_keyring(path.name)
    else:
        secret = content
    if len(secret) != LENGTH:
        raise BadSignature(f"the key {path} has {len(secret)} bytes instead of {LENGTH}", where=str(path),
                           remedy="Restore it from a backup, or move it away: what it signed must then "
                                  "be registered again.")
    return secret


def store_of(path: Path) -> str:
    """Where the key is: one of STORES."""
    content = path.read_bytes()
    if len(content) == LENGTH:
        return "file"
    return "keyring" if content.strip() == ELSEWHERE else "passphrase"


def is_locked(path: Path) -> bool:
    """Whether it needs a passphrase that nobody gave yet."""
    return store_of(path) == "passphrase" and not _session(path).exists() and PASSPHRASE_FILE not in os.environ


def keep(path: Path, secret: bytes, store: str, passphrase: str | None = None) -> None:
    """Put a key into ``store``, in place of wherever it was."""
    if store not in STORES:
        raise BadRequest(f"there is no store {store!r}", where="store", remedy=f"One of {', '.join(STORES)}.")
    before = store_of(path) if path.exists() else None
    if store == "keyring":
        _keyring().set_password(SERVICE, path.name, secret.hex())
        write_private(path, ELSEWHERE + b"\n")
    elif store == "passphrase":
        write_private(path, wrap(secret, passphrase or ""))
    else:
        write_private(path, secret)
    if before == "keyring" and store != "keyring":
        _keyring().delete_password(SERVICE, path.name)
    _session(path).unlink(missing_ok=True)


def forget(path: Path) -> None:
    """Remove what is outside the key's file."""
    if store_of(path) == "keyring":
        _keyring().delete_password(SERVICE, path.name)
    lock(path)


def unlock(path: Path, passphrase: str) -> None:
    """Open a wrapped key for this session. Raises BadRequest for the wrong passphrase."""
    secret = unwrap(path.read_bytes(), passphrase)
    folder = _session(path).parent
    make_private(folder)
    check_private(folder, "700")
    write_private(_session(path), secret)


def lock(path: Path) -> None:
    """Forget what ``unlock`` opened. A worker that runs keeps it until it ends."""
    _session(path).unlink(missing_ok=True)


def wrap(secret: bytes, passphrase: str) -> bytes:
    """The key, closed by a passphrase of eight characters or more."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    if len(passphrase) < 8:
        raise BadRequest("the passphrase is too short", where="passphrase",
                         remedy="Take eight characters or more; several words are best.")
    salt, nonce = secrets.token_bytes(_SALT), secrets.token_bytes(_NONCE)
    return WRAPPED + salt + nonce + AESGCM(_stretched(passphrase, salt)).encrypt(nonce, secret, WRAPPED)


def unwrap(content: bytes, passphrase: str) -> bytes:
    """The key in ``content``. Raises BadRequest for the wrong passphrase."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    start = len(WRAPPED)
    salt, nonce = content[start:start + _SALT], content[start + _SALT:start + _SALT + _NONCE]
    try:
        opened: bytes = AESGCM(_stretched(passphrase, salt)).decrypt(
            nonce, content[start + _SALT + _NONCE:], WRAPPED)
    except (InvalidTag, ValueError):
        raise BadRequest("the passphrase does not open the key", where="passphrase",
                         remedy="Try again; nothing but the passphrase, or an export of the key, opens it."
                         ) from None
    return opened


def _stretched(passphrase: str, salt: bytes) -> bytes:
    from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

    return bytes(Scrypt(salt=salt, length=32, n=2**15, r=8, p=1).derive(passphrase.encode()))


def _unlocked(path: Path, content: bytes) -> bytes:
    opened = _session(path)
    if opened.exists():
        check_private(opened.parent, "700")
        check_private(opened, "600")
        return opened.read_bytes()
    named = os.environ.get(PASSPHRASE_FILE)
    if named:
        source = Path(named)
        check_private(source, "600")
        return unwrap(content, source.read_text().rstrip("\n"))
    raise KeyMissing(f"the key {path.name} is locked by a passphrase", where=str(path),
                     remedy=f"tether-lab keys unlock, or name a private file with it in {PASSPHRASE_FILE}.")


def _session(path: Path) -> Path:
    """Where an unlocked key waits: in memory where the system has a runtime folder."""
    base = os.environ.get("XDG_RUNTIME_DIR", "")
    root = Path(base) if base and Path(base).is_dir() else Path(tempfile.gettempdir())
    return root / f"tether-lab-keys-{os.geteuid()}" / path.name


def _from_keyring(name: str) -> bytes:
    found = _keyring().get_password(SERVICE, name)
    if found is None:
        raise KeyMissing(f"the desktop's key store has no key {name}", where=name,
                         remedy="Import it from an export: tether-lab keys import FILE.")
    return bytes.fromhex(found)


class _Keyring:
    """The key store of the desktop, its failures told as ours."""

    def __getattr__(self, name: str) -> Any:
        import keyring
        from keyring.errors import KeyringError

        def call(*given: str) -> object:
            try:
                return getattr(keyring, name)(*given)
            except KeyringError as error:
                raise KeyMissing(f"the desktop's key store does not answer: {error}", where="keyring",
                                 remedy="Unlock it, or keep the key in a file: tether-lab keys move file."
                                 ) from error
        return call


def _keyring() -> Any:
    try:
        import keyring  # noqa: F401
    except ImportError:
        raise KeyMissing("the package keyring is not installed", where="keyring",
                         remedy="pip install 'tether-lab[keyring]'") from None
    return _Keyring()
