"""Bytes that only the key's owner reads: AES-256-GCM, a key of its own for every value.

``TL1``, the id of the key, 32 random bytes, the ciphertext with its tag; as text ``tl1.<key id>.<base64>``.
The random bytes and the user's key give the value's own key (HKDF), so the nonce may be zero and no
number of values wears the key out. What the value is (lab, table, column, row) is authenticated with it:
moved to another place it does not open.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import os

from tether_lab.errors import BadSignature

MARK, TEXT_MARK = b"TL1", "tl1."
KEY_ID, SALT = 13, 32
_NONCE = b"\0" * 12


def is_sealed(text: str | None) -> bool:
    """Whether a stored text is one of ours; no JSON text begins like that."""
    return text is not None and text.startswith(TEXT_MARK)


def seal(key: bytes, key_id: str, content: bytes | memoryview, place: bytes) -> bytes:
    """The content, closed; ``place`` is what it is bound to."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    salt = os.urandom(SALT)
    closed = AESGCM(_own_key(key, salt)).encrypt(_NONCE, content, place + key_id.encode())
    return b"".join((MARK, key_id.encode(), salt, closed))


def unseal(key: bytes, closed: bytes | memoryview, place: bytes) -> bytes:
    """The content. Raises BadSignature if one byte differs, or it was made for another place."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    view = memoryview(closed)
    start = len(MARK) + KEY_ID
    salt = bytes(view[start:start + SALT])
    try:
        opened: bytes = AESGCM(_own_key(key, salt)).decrypt(
            _NONCE, view[start + SALT:], place + bytes(view[len(MARK):start]))
    except (InvalidTag, ValueError):
        raise spoilt() from None
    return opened


def key_of(closed: bytes | memoryview) -> str:
    """The id of the key that closed it. Raises BadSignature for bytes that are nothing of ours."""
    head = bytes(memoryview(closed)[:len(MARK) + KEY_ID])
    if len(head) != len(MARK) + KEY_ID or not head.startswith(MARK):
        raise spoilt()
    return head[len(MARK):].decode("ascii", "replace")


def to_text(closed: bytes) -> str:
    """As a column of text holds it; the key's id stays readable."""
    head = len(MARK) + KEY_ID
    return f"{TEXT_MARK}{closed[len(MARK):head].decode()}.{base64.b64encode(closed[head:]).decode()}"


def from_text(text: str) -> bytes:
    """The other direction. Raises BadSignature for a text that is nothing of ours."""
    name, _, body = text.removeprefix(TEXT_MARK).partition(".")
    try:
        return MARK + name.encode() + base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError):
        raise spoilt() from None


def spoilt() -> BadSignature:
    """The error of a sealed value that does not open."""
    return BadSignature(
        "encrypted bytes do not open: they were changed, cut, or moved here from another place",
        remedy="Do not trust this row. Restore a backup (tether-lab restore), or remove the job.",
        where="sealed")


def _own_key(key: bytes, salt: bytes) -> bytes:
    extracted = hmac.digest(salt, key, "sha256")
    return hmac.digest(extracted, b"tether-lab/v1/value\x01", "sha256")
