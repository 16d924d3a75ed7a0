"""Sealed values open in their own place, with their own key, or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from tether_lab.errors import BadRequest, BadSignature, KeyMissing, LoosePermissions
from tether_lab.vault import Vault, keys, sealing, stores

PLACE = ("lab", "job", "payload", "uuid-a", 3)


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    return Vault.open(tmp_path / "keys")


@given(content=st.binary(max_size=300), text=st.text(max_size=100))
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_what_is_sealed_comes_back(vault: Vault, content: bytes, text: str) -> None:
    """Any bytes, any text, also halves of surrogate pairs; twice sealed is never twice the same."""
    assert vault.unseal(vault.seal(content, *PLACE), *PLACE) == content
    assert vault.unseal_text(vault.seal_text(text + "\ud800", *PLACE), *PLACE) == text + "\ud800"
    assert vault.seal(content, *PLACE) != vault.seal(content, *PLACE)


def test_every_flipped_bit_and_every_other_place_is_noticed(vault: Vault) -> None:
    """One byte of key id, salt, ciphertext or tag; another lab, table, column, row or number."""
    closed = vault.seal(b"value", *PLACE)
    for at in range(len(closed)):
        spoilt = bytearray(closed)
        spoilt[at] ^= 1
        with pytest.raises((BadSignature, KeyMissing)):
            vault.unseal(bytes(spoilt), *PLACE)
    for at, other in enumerate(("lab2", "attempt", "error", "uuid-b", 4)):
        with pytest.raises(BadSignature, match="moved"):
            vault.unseal(closed, *PLACE[:at], other, *PLACE[at + 1:])
    for cut in (b"", closed[:20], closed[:-1], closed + b"\0"):
        with pytest.raises(BadSignature):
            vault.unseal(cut, *PLACE)
    for wrong in ("tl1.", "tl1.k.x", "tl1.k0123456789ab.????", closed.hex()):
        with pytest.raises((BadSignature, KeyMissing)):
            vault.unseal_text(wrong, *PLACE)


def test_another_key_opens_nothing_and_is_named(vault: Vault, tmp_path: Path) -> None:
    """The message has the id of the key, where it was looked for and how to bring it."""
    other = Vault.open(tmp_path / "others")
    with pytest.raises(KeyMissing, match=other.key_id) as raised:
        vault.unseal(other.seal(b"x"))
    assert str(tmp_path / "keys") in raised.value.message
    assert "keys import" in raised.value.remedy


def test_names_of_equal_contents_are_equal_for_the_owner_only(vault: Vault, tmp_path: Path) -> None:
    """So that equal blobs are stored once, and no guess at a content can be confirmed."""
    other = Vault.open(tmp_path / "others")
    assert vault.mask("blob", "x") == vault.mask("blob", "x") != other.mask("blob", "x")
    assert len(vault.mask("blob", "x")) == 40


def test_keys_for_signing_sealing_and_naming_differ(vault: Vault) -> None:
    """One purpose's key is of no use for another's."""
    used = {vault._secrets[vault.key_id], vault._signing(vault.key_id),
            vault._purpose(vault.key_id, keys.SEALING), vault._purpose(vault.key_id, keys.NAMING)}
    assert len(used) == 4


def test_a_passphrase_locks_a_key_until_it_is_given(
    vault: Vault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Wrong ones open nothing; unlocked keys wait in the runtime folder; a private file may name it."""
    runtime = tmp_path / "run"
    runtime.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    path = tmp_path / "keys" / vault.key_id
    closed, mac = vault.seal(b"x"), vault.sign("d")
    secret = stores.load(path)
    stores.keep(path, secret, "passphrase", "four plain words here")
    assert secret not in path.read_bytes()
    assert stores.is_locked(path)
    locked = Vault.open(tmp_path / "keys")
    for use in (lambda: locked.sign("d"), lambda: locked.unseal(closed)):
        with pytest.raises(KeyMissing, match="locked by a passphrase"):
            use()
    with pytest.raises(BadRequest, match="does not open"):
        stores.unlock(path, "four plain words there")
    stores.unlock(path, "four plain words here")
    again = Vault.open(tmp_path / "keys")
    again.verify(mac, vault.key_id, "d")
    assert again.unseal(closed) == b"x"
    stores.lock(path)
    assert stores.is_locked(path)
    words = tmp_path / "words"
    words.write_text("four plain words here\n")
    words.chmod(0o644)
    monkeypatch.setenv(stores.PASSPHRASE_FILE, str(words))
    with pytest.raises(LoosePermissions, match="chmod"):
        Vault.open(tmp_path / "keys").sign("d")
    words.chmod(0o600)
    assert Vault.open(tmp_path / "keys").sign("d") == mac
    stores.keep(path, stores.load(path), "file")
    assert path.read_bytes() == secret
    with pytest.raises(BadRequest, match="too short"):
        stores.keep(path, secret, "passphrase", "short")


def test_the_desktops_key_store_holds_a_key(vault: Vault, tmp_path: Path) -> None:
    """Through the package keyring, here with a store of its own."""
    import keyring
    from keyring.backend import KeyringBackend

    held: dict[tuple[str, str], str] = {}

    class Held(KeyringBackend):
        priority = 1          # type: ignore[assignment]

        def get_password(self, service: str, username: str) -> str | None:
            return held.get((service, username))

        def set_password(self, service: str, username: str, password: str) -> None:
            held[service, username] = password

        def delete_password(self, service: str, username: str) -> None:
            del held[service, username]

    before = keyring.get_keyring()
    keyring.set_keyring(Held())
    try:
        path = tmp_path / "keys" / vault.key_id
        mac, secret = vault.sign("d"), stores.load(path)
        stores.keep(path, secret, "keyring")
        assert secret not in path.read_bytes()
        assert stores.store_of(path) == "keyring"
        assert Vault.open(tmp_path / "keys").sign("d") == mac
        saved = dict(held)
        held.clear()
        with pytest.raises(KeyMissing, match="no key"):
            stores.load(path)
        held.update(saved)
        stores.keep(path, secret, "file")
        assert not held
        assert path.read_bytes() == secret
    finally:
        keyring.set_keyring(before)


def test_a_named_key_file_is_used_for_what_is_new(
    vault: Vault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:
    """``TETHER_LAB_KEY_FILE``: a path, never a key; it must be private."""
    file = tmp_path / "my.key"
    file.write_bytes(os.urandom(32))
    file.chmod(0o640)
    monkeypatch.setenv(keys.KEY_FILE, str(file))
    with pytest.raises(LoosePermissions, match="chmod 600"):
        Vault.open()
    file.chmod(0o600)
    first, second = Vault.open(), Vault.open()
    assert first.key_id == second.key_id != vault.key_id
    second.verify(first.sign("d"), first.key_id, "d")
    assert sealing.key_of(first.seal(b"x")) == first.key_id
