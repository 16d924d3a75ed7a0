"""The user's keys: made once, kept private, derived per purpose."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import os
import re
import secrets
from collections.abc import Callable
from pathlib import Path

from tether_lab.errors import BadRequest, BadSignature, KeyMissing
from tether_lab.settings import config_folder, make_private

from . import sealing, stores
from .files import check_private, write_private
from .stores import LENGTH

PURPOSE = b"tether-lab/v1/mac"
SEALING, NAMING = b"tether-lab/v1/enc", b"tether-lab/v1/name"
KEY_FILE = "TETHER_LAB_KEY_FILE"
_NAME = re.compile(r"k[0-9a-f]{12}")

Field = str | bytes | int


class Vault:
    """Signs and seals with the newest key, verifies and opens with any that is still there.

    ``key_id`` names the key that ``sign`` uses. Keys are read once; a Vault is safe in threads.
    """

    def __init__(self, folder: Path, key_id: str, secrets_by_id: dict[str, bytes] | None = None) -> None:
        self._folder, self.key_id = folder, key_id
        self._secrets = dict(secrets_by_id or {})
        self._derived: dict[str, bytes] = {}           # for signatures: the hot path reads this one
        self._others: dict[tuple[str, bytes], bytes] = {}
        self._seen = 0

    @classmethod
    def open(cls, folder: Path | None = None) -> Vault:
        """The keys in ``folder`` (default: ``keys`` in the user's config folder); makes the first.
        ``TETHER_LAB_KEY_FILE`` names another file, whose key is then used for all that is new.

        Raises LoosePermissions if somebody else can read or write the folder or a key.
        """
        named = os.environ.get(KEY_FILE) if folder is None else None
        folder = folder or config_folder() / "keys"
        make_private(folder)
        check_private(folder, "700")
        if named:
            secret = stores.load(Path(named).expanduser())
            name = f"k{hmac.digest(secret, b'tether-lab/v1/id', 'sha256')[:6].hex()}"
            return cls(folder, name, {name: secret})
        if not names(folder):
            create(folder)                   # another process may have made one too: agree on the newest
        opened = cls(folder, newest(folder))
        with contextlib.suppress(KeyMissing):        # a locked key: reading what is in clear goes on
            opened._signing(opened.key_id)
        return opened

    # -- signatures --------------------------------------------------------------------------------

    def sign(self, domain: str, *fields: Field) -> bytes:
        """The signature (32 bytes) of these fields, in this order, for this domain."""
        return hmac.digest(self._newest(), canonical(domain, fields), "sha256")

    def signer(self, domain: str, *fields: Field | None, key_id: str = "") -> Callable[..., bytes]:
        """``sign`` for rows that differ in a few fields: those stand as None here, and each call gives
        them in their order. What all rows share is spelled out once. ``key_id``: with this key, to compare
        (KeyMissing if it is not here)."""
        key = self._signing(key_id) if key_id else self._newest()
        if key is None:
            raise self.missing(key_id, "a signature")
        pieces = [b""]
        for field in (domain, *fields):
            if field is None:
                pieces.append(b"")
            else:
                pieces[-1] += spelled(field)
        first, *rest = pieces
        # HMAC (RFC 2104), its two pads and the first fields hashed beforehand: half the time of hmac.digest.
        block = key.ljust(64, b"\0")
        inner, outer = (hashlib.sha256(bytes(byte ^ pad for byte in block)) for pad in (0x36, 0x5C))
        inner.update(first)

        def sign(*given: Field) -> bytes:
            within, around = inner.copy(), outer.copy()
            within.update(b"".join([spelled(field) + piece for field, piece in zip(given, rest, strict=True)]))
            around.update(within.digest())
            return around.digest()
        return sign

    def verify(self, mac: bytes, key_id: str, domain: str, *fields: Field) -> None:
        """Raises BadSignature unless ``mac`` is what key ``key_id`` signs for these fields."""
        key = self._derived.get(key_id) or self._signing(key_id)
        if key is None:
            raise BadSignature(
                f"a {domain} is signed with the key {key_id[:40]!r}, which is not in {self._folder}",
                remedy="It was made by another user or on another machine. If it is yours, bring the key: "
                       "tether-lab keys import FILE. If you trust who made it: tether-lab trust. Else register "
                       "the handler and enqueue again.", where=domain)
        if not hmac.compare_digest(hmac.digest(key, canonical(domain, fields), "sha256"), mac):
            raise BadSignature(
                f"the signature of a {domain} does not fit: its bytes were changed since",
                remedy="Do not run or load it. Register and enqueue again from the notebook.",
                where=domain)

    def knows(self, key_id: str) -> bool:
        """Whether this key is here, and open."""
        with contextlib.suppress(KeyMissing):
            return self._signing(key_id) is not None
        return False

    def is_locked(self, key_id: str) -> bool:
        """Whether this key is here, behind a passphrase that nobody gave yet."""
        path = self._folder / key_id
        return bool(_NAME.fullmatch(key_id)) and path.exists() and stores.is_locked(path)

    # -- encryption --------------------------------------------------------------------------------

    def seal(self, content: bytes | memoryview, *place: Field) -> bytes:
        """The content, closed with the newest key and bound to its place."""
        key = self._purpose(self.key_id, SEALING)
        return sealing.seal(key, self.key_id, content, canonical("sealed", place))

    def unseal(self, closed: bytes | memoryview, *place: Field) -> bytes:
        """What ``seal`` closed for this place. Raises KeyMissing, or BadSignature for changed bytes."""
        key = self._purpose(sealing.key_of(closed), SEALING)
        return sealing.unseal(key, closed, canonical("sealed", place))

    def seal_text(self, text: str, *place: Field) -> str:
        """``seal`` for a column of text. Halves of surrogate pairs come back as they were."""
        return sealing.to_text(self.seal(text.encode("utf-8", "surrogatepass"), *place))

    def unseal_text(self, text: str, *place: Field) -> str:
        """What ``seal_text`` closed for this place."""
        return self.unseal(sealing.from_text(text), *place).decode("utf-8", "surrogatepass")

    def mask(self, *fields: Field) -> str:
        """A name (40 hex digits) that is equal for equal fields, and from which nobody without the key
        can tell whether a guess at them is right."""
        return hmac.digest(self._purpose(self.key_id, NAMING), canonical("name", fields), "sha256")[:20].hex()

    # -- keys --------------------------------------------------------------------------------------

    def refresh(self) -> bool:
        """Sign and seal with a newer key from now on, if one was made since. Whether there was one."""
        if os.environ.get(KEY_FILE):
            return False
        try:
            marked = (self._folder / "current").stat().st_mtime_ns
        except FileNotFoundError:
            return False                     # nobody rotated since the first key
        if marked == self._seen:
            return False
        self._seen = marked
        found = newest(self._folder) if names(self._folder) else self.key_id
        changed, self.key_id = found != self.key_id, found
        return changed

    def missing(self, key_id: str, what: str) -> KeyMissing:
        """The error for something that only a lost key opens."""
        return KeyMissing(
            f"{what} needs the key {key_id[:40]!r}, which is not in {self._folder}", where=key_id[:40],
            remedy="Bring the key back: tether-lab keys import FILE (an export, or another machine's). Without "
                   "it what is encrypted stays closed; handlers can be registered again from the notebook.")

    def _newest(self) -> bytes:
        key = self._derived.get(self.key_id) or self._signing(self.key_id)
        if key is None:
            raise self.missing(self.key_id, "what is new")
        return key

    def _purpose(self, key_id: str, purpose: bytes) -> bytes:
        known = self._others.get((key_id, purpose))
        if known is None:
            secret = self._secret(key_id)
            if secret is None:
                raise self.missing(key_id, "this")
            known = self._others[key_id, purpose] = derive(secret, purpose)
        return known

    def _signing(self, key_id: str) -> bytes | None:
        secret = self._secret(key_id)
        if secret is not None and key_id not in self._derived:
            self._derived[key_id] = derive(secret, PURPOSE)
        return self._derived.get(key_id)

    def _secret(self, key_id: str) -> bytes | None:
        """The key's bytes; also of one that another process made since."""
        if key_id not in self._secrets and _NAME.fullmatch(key_id):
            with contextlib.suppress(FileNotFoundError):
                self._secrets[key_id] = stores.load(self._folder / key_id)
        return self._secrets.get(key_id)


def names(folder: Path) -> list[str]:
    """The ids of the keys there, the oldest first. Raises LoosePermissions if one is open to others."""
    found = [path for path in folder.iterdir() if _NAME.fullmatch(path.name)]
    for path in found:
        check_private(path, "600")
    return [path.name for path in sorted(found, key=lambda path: (path.stat().st_mtime_ns, path.name))]


def newest(folder: Path) -> str:
    """The id of the key that signs: the one marked as current, else the youngest file."""
    found = names(folder)
    with contextlib.suppress(FileNotFoundError):
        marked = (folder / "current").read_text("ascii", "replace").strip()
        if marked in found:
            return marked
    return found[-1]


def create(folder: Path) -> str:
    """A new key, complete from the moment it has its name."""
    name = f"k{secrets.token_hex(6)}"
    write_private(folder / name, secrets.token_bytes(LENGTH))
    return name


def use(folder: Path, name: str) -> None:
    """Sign with this key from now on."""
    write_private(folder / "current", name.encode() + b"\n")


def canonical(domain: str, fields: tuple[Field, ...]) -> bytes:
    """Every field as its type, its length and its bytes: no two different lists look alike."""
    return b"".join(map(spelled, (domain, *fields)))


_HEADS = tuple(b"s" + length.to_bytes(8, "big") for length in range(128))
"""What stands before short texts."""


def spelled(field: Field) -> bytes:
    """One field of ``canonical``."""
    if isinstance(field, str):
        body = field.encode("utf-8", "surrogatepass")
        length = len(body)
        return (_HEADS[length] if length < len(_HEADS) else b"s" + length.to_bytes(8, "big")) + body
    if isinstance(field, bytes):
        kind, body = b"b", field
    else:
        kind, body = b"i", b"%d" % field
    return kind + len(body).to_bytes(8, "big") + body


def derive(secret: bytes, purpose: bytes) -> bytes:
    """HKDF-SHA256 (RFC 5869) without salt, one block: 32 bytes for one purpose."""
    extracted = hmac.digest(b"\0" * hashlib.sha256().digest_size, secret, "sha256")
    return hmac.digest(extracted, purpose + b"\x01", "sha256")


def folder() -> Path:
    """Where this user's keys are; made if need be."""
    found = config_folder() / "keys"
    make_private(found)
    check_private(found, "700")
    return found


def remove(folder: Path, name: str) -> None:
    """Away with a key, for good."""
    stores.forget(folder / name)
    (folder / name).unlink()


def export(folder: Path, path: Path, passphrase: str | None) -> Path:
    """All keys in one private file. Raises BadRequest rather than writing over another one."""
    if path.exists():
        raise BadRequest(f"{path} is there already", where=str(path), remedy="Choose another name.")
    held = {name: stores.load(folder / name) for name in names(folder)}
    lines = {name: (secret if passphrase is None else stores.wrap(secret, passphrase)).hex()
             for name, secret in held.items()}
    text = json.dumps({"tether_lab_keys": 1, "wrapped": passphrase is not None, "current": newest(folder),
                       "keys": lines}, indent=1)
    write_private(path, text.encode())
    return path


def take_in(folder: Path, path: Path, passphrase: str | None) -> tuple[str, ...]:
    """The keys of an export, beside those there are. What is new goes on being signed with today's key."""
    check_private(path, "600")
    try:
        said = json.loads(path.read_text())
        wrapped = bool(said["wrapped"])
        found = {str(name): bytes.fromhex(text) for name, text in said["keys"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise BadRequest(f"{path} is no export of keys", where=str(path),
                         remedy="tether-lab keys export FILE writes one.") from None
    if wrapped and passphrase is None:
        raise BadRequest(f"the keys in {path} are behind a passphrase", where="passphrase",
                         remedy="Give it: tether-lab keys import asks, lab.keys.import_(path, passphrase).")
    current, added = newest(folder) if names(folder) else str(said.get("current")), []
    for name, content in found.items():
        if _NAME.fullmatch(name) and not (folder / name).exists():
            secret = stores.unwrap(content, passphrase or "") if wrapped else content
            if len(secret) != LENGTH:
                raise BadRequest(f"the key {name} in {path} is cut", where=str(path))
            write_private(folder / name, secret)
            added.append(name)
    use(folder, current)
    return tuple(added)
