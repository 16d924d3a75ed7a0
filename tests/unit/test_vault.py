"""Keys stay private, signatures notice every changed byte."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
import queues

from tether_lab.errors import BadSignature, LoosePermissions
from tether_lab.settings import config_folder
from tether_lab.vault import Vault, keys, signing


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    return Vault.open(tmp_path / "keys")


def test_the_first_key_is_made_private_and_found_again(home: Path) -> None:
    """Below the config folder, 0700 and 0600, 32 bytes, the same one next time."""
    first = Vault.open()
    folder = config_folder() / "keys"
    (key,) = folder.iterdir()
    assert (key.name, key.stat().st_mode & 0o777, key.stat().st_size) == (first.key_id, 0o600, 32)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert Vault.open().key_id == first.key_id
    Vault.open().verify(first.sign("d", "x"), first.key_id, "d", "x")


def test_signatures_fit_and_nothing_else_does(vault: Vault) -> None:
    """Another domain, order, split, type, length or byte is another text."""
    mac = vault.sign("job", "ab", b"c", 7)
    vault.verify(mac, vault.key_id, "job", "ab", b"c", 7)
    for domain, fields in (("result", ("ab", b"c", 7)), ("job", ("a", "b", b"c", 7)), ("job", ("ab", "c", 7)),
                           ("job", ("ab", b"c", "7")), ("job", (b"c", "ab", 7)), ("job", ("ab", b"c")),
                           ("job", ("ab", b"c", 7, ""))):
        with pytest.raises(BadSignature):
            vault.verify(mac, vault.key_id, domain, *fields)  # type: ignore[arg-type]
    with pytest.raises(BadSignature):
        vault.verify(vault.sign("job", "asb"), vault.key_id, "job", "a", "b")
    with pytest.raises(BadSignature):
        vault.verify(vault.sign("job", b"abb"), vault.key_id, "job", b"a", b"b")
    for bit in range(0, 256, 37):
        flipped = bytearray(mac)
        flipped[bit // 8] ^= 1 << bit % 8
        with pytest.raises(BadSignature, match="does not fit"):
            vault.verify(bytes(flipped), vault.key_id, "job", "ab", b"c", 7)
    for short in (b"", mac[:-1], mac + b"\0"):
        with pytest.raises(BadSignature):
            vault.verify(short, vault.key_id, "job", "ab", b"c", 7)


def test_another_users_key_verifies_nothing(vault: Vault, tmp_path: Path) -> None:
    """The message names the key and where it was looked for; no path can be smuggled in as a key."""
    other = Vault.open(tmp_path / "others")
    with pytest.raises(BadSignature, match=other.key_id) as raised:
        vault.verify(other.sign("d"), other.key_id, "d")
    assert str(tmp_path / "keys") in raised.value.message
    with pytest.raises(BadSignature):
        vault.verify(other.sign("d"), f"../others/{other.key_id}", "d")


def test_a_key_that_appears_later_is_found(vault: Vault, tmp_path: Path) -> None:
    """Rotation: an open vault verifies what a newer key signed; old signatures stay good."""
    before = vault.sign("d")
    keys.create(tmp_path / "keys")
    newer = Vault.open(tmp_path / "keys")
    newest = max((tmp_path / "keys").iterdir(), key=lambda path: path.stat().st_mtime_ns)
    assert newer.key_id == newest.name
    vault.verify(newer.sign("d"), newer.key_id, "d")
    newer.verify(before, vault.key_id, "d")


@pytest.mark.parametrize(("name", "mode", "command"), [
    ("", 0o750, "chmod 700"), ("key", 0o640, "chmod 600"), ("key", 0o604, "chmod 600"),
])
def test_loose_keys_are_refused_with_the_command(
    vault: Vault, tmp_path: Path, name: str, mode: int, command: str,
) -> None:
    """A key that others may read signs nothing."""
    target = tmp_path / "keys" / (vault.key_id if name else "")
    target.chmod(mode)
    with pytest.raises(LoosePermissions) as raised:
        Vault.open(tmp_path / "keys")
    assert raised.value.remedy == f"{command} {target}"


def test_links_and_foreign_owners_are_refused(vault: Vault, tmp_path: Path) -> None:
    """A key is a plain file of this user."""
    key = tmp_path / "keys" / vault.key_id
    key.rename(tmp_path / "moved")
    key.symlink_to(tmp_path / "moved")
    with pytest.raises(LoosePermissions, match="symbolic link"):
        Vault.open(tmp_path / "keys")
    key.unlink()
    (tmp_path / "moved").rename(key)
    if os.geteuid() == 0:
        os.chown(key, 12345, -1)
        with pytest.raises(LoosePermissions, match="another user"):
            Vault.open(tmp_path / "keys")


def test_a_truncated_key_is_refused(vault: Vault, tmp_path: Path) -> None:
    """Rather than signing with what is left of it."""
    (tmp_path / "keys" / vault.key_id).write_bytes(b"short")
    with pytest.raises(BadSignature, match="5 bytes"):
        Vault.open(tmp_path / "keys")


def test_the_key_that_signs_is_derived_for_its_purpose() -> None:
    """HKDF-SHA256, with the first test vector of RFC 5869 in the form without salt (A.3)."""
    assert keys.derive(b"\x0b" * 22, b"").hex() == (
        "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d")


def test_every_field_of_a_handler_version_is_signed() -> None:
    """Change any of them, and its fields differ; id, provenance and time are no part."""
    version = queues.version(stream="a" * 40)
    fields = signing.handler_fields("u", version)
    changes = {"uuid": "x", "key": "x", "version": "x", "kind": "cell", "source": "x", "parameters": "x",
               "manifest": replace(version.manifest, cwd="x"),
               "interpreter": replace(version.interpreter, executable="x")}
    for name, value in changes.items():
        assert signing.handler_fields("u", replace(version, **{name: value})) != fields, name
    assert signing.handler_fields("v", version) != fields
    assert signing.handler_fields("u", replace(version, id=9, created_at=1)) == fields


def test_a_jobs_signature_leaves_out_what_may_change() -> None:
    """Priority and due time; nothing else."""
    plain = signing.job_fields("u", "j", "k", "v", "{}", '{"isolation":"warm"}')
    assert signing.job_fields("u", "j", "k", "v", "{}", '{"isolation":"warm","priority":5,"delay":3}') == plain
    assert signing.job_fields("u", "j", "k", "v", "{}", '{"isolation":"clean"}') != plain
    for place in range(5):
        changed = ["u", "j", "k", "v", "{}"]
        changed[place] = "x"
        assert signing.job_fields(*changed, '{"isolation":"warm"}') != plain


def test_a_results_signature_names_its_attempt() -> None:
    """The same body of another epoch is another result."""
    assert signing.result_fields("u", "j", 1, "json", "1") != signing.result_fields("u", "j", 2, "json", "1")
