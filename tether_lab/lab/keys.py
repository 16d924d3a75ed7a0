"""``lab.keys``: the user's keys, of all labs: where they are, new ones, to and from other machines."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tether_lab.errors import BadRequest, TetherLabError
from tether_lab.settings import known_labs
from tether_lab.worker import spawn

from .door import door

if TYPE_CHECKING:
    from .lab import Lab

TELL_EVERY = 1.0
"""Seconds between two words about how far a rotation is."""


@dataclass(frozen=True, slots=True)
class Key:
    """One key. ``store``: file, keyring or passphrase; ``current``: it signs what is new."""

    id: str
    store: str
    current: bool
    locked: bool


@door
class Keys:
    """``list``, ``rotate``, ``rekey``, ``retire``, ``export``, ``import_``, ``move``, ``unlock``, ``lock``."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab

    def list(self) -> list[Key]:
        """All keys, the oldest first."""
        from tether_lab.vault import keys, stores

        folder = keys.folder()
        now = self._lab.vault.key_id
        return [Key(name, stores.store_of(folder / name), name == now, stores.is_locked(folder / name))
                for name in keys.names(folder)]

    def rotate(self, told: Callable[[str], None] = lambda _: None, *, wait: bool = True) -> str:
        """A new key for all that is new; then what older keys signed or closed, in every lab of this user, is
        put under it, while work goes on. ``told`` hears how far it is, about once a second. With
        ``wait=False`` the labs' workers do it, each in its own time. Its id.

        Whatever interrupts it, nothing is lost: ``rekey`` goes on, and so does the next worker.
        """
        from tether_lab.vault import keys

        self._lab.vault.sign("lab", "a locked key raises here, before anything is done")
        name = keys.create(keys.folder())
        keys.use(keys.folder(), name)
        if wait:
            self.rekey(told)
        else:
            self._lab.vault.refresh()
            self._lab.ensure_worker()
        return name

    def rekey(self, told: Callable[[str], None] = lambda _: None) -> int:
        """Put what older keys signed or closed, in every lab of this user, under the newest one: goes on with a
        rotation that was interrupted. How many handlers and jobs are left (those that run)."""
        self._lab.vault.refresh()
        left = 0
        for lab in self._labs(told):
            said, more = _rekeyed(lab, self._lab.vault.key_id, told)
            told(said)
            left += more
        return left

    def retire(self, key_id: str) -> None:
        """Remove a key, once what it signed or closed is under the newest one. Raises BadRequest while
        something needs it still."""
        from tether_lab.job_queue import rekey
        from tether_lab.vault import keys

        self._known(key_id)
        if key_id == self._lab.vault.key_id:
            raise BadRequest(f"{key_id} signs what is new", where="key",
                             remedy="lab.keys.rotate() makes another.")
        failed: list[str] = []
        for lab in self._labs(failed.append):
            _rekeyed(lab, self._lab.vault.key_id, lambda _: None)
            if not spawn.signs_with(lab.folder, self._lab.vault.key_id, within=3.0):
                raise BadRequest(f"the worker of {lab.name} signs with an older key", where=lab.name,
                                 remedy="Stop it (lab.worker.stop()), or try again in a moment.")
            if count := rekey.left(lab.queue, key_id):
                raise BadRequest(f"{count} rows of {lab.name} still need {key_id}", where=lab.name,
                                 remedy="lab.keys.rekey() puts them under the newest key; running jobs follow "
                                        "once they have ended.")
        if failed:
            raise BadRequest(f"not every lab could be looked at: {failed[0]}", where="key",
                             remedy="Open it, or remove it, first.")
        keys.remove(keys.folder(), key_id)

    def export(self, path: str | os.PathLike[str], passphrase: str | None = None) -> Path:
        """Write all keys into one private file, for another machine or a safe; with a passphrase it is of
        no use to who finds it."""
        from tether_lab.vault import keys

        return keys.export(keys.folder(), Path(path).expanduser().absolute(), passphrase)

    def import_(self, path: str | os.PathLike[str], passphrase: str | None = None) -> tuple[str, ...]:
        """Take the keys of an export in, beside those there are; the ids of the new ones."""
        from tether_lab.job_queue import owner
        from tether_lab.vault import keys

        added = keys.take_in(keys.folder(), Path(path).expanduser().absolute(), passphrase)
        self._lab.forget_versions()
        self._lab.begin_trusted(owner.is_own(self._lab.queue))
        return added

    def move(self, store: str, passphrase: str | None = None) -> None:
        """Keep all keys in ``file``, ``keyring`` (the desktop's) or behind a ``passphrase``."""
        from tether_lab.vault import keys, stores

        folder = keys.folder()
        for name in keys.names(folder):
            stores.keep(folder / name, stores.load(folder / name), store, passphrase)

    def unlock(self, passphrase: str) -> None:
        """Open keys behind a passphrase until the end of the session, for workers too."""
        from tether_lab.vault import keys, stores

        for key in self.list():
            if key.locked:
                stores.unlock(keys.folder() / key.id, passphrase)

    def lock(self) -> None:
        """End what ``unlock`` began. A worker that runs has its keys until it stops."""
        from tether_lab.vault import keys, stores

        for name in keys.names(keys.folder()):
            stores.lock(keys.folder() / name)

    def _known(self, key_id: str) -> None:
        names = [key.id for key in self.list()]
        if key_id not in names:
            raise BadRequest(f"there is no key {key_id!r}", where="key", remedy=f"Keys: {', '.join(names)}.")

    def _labs(self, failed: Callable[[str], None]) -> Any:
        """Every lab of this user, one after the other; what cannot be opened is told."""
        from .lab import Lab

        yield self._lab
        for folder in known_labs():
            if folder.path == self._lab.folder.path:
                continue
            try:
                with Lab(folder.path, autostart=False) as lab:
                    if not lab.restricted:
                        yield lab
            except TetherLabError as error:
                failed(f"{folder.name}: {error.message}")

    def __repr__(self) -> str:
        return "\n".join(f"{key.id}  {key.store}{', signs what is new' if key.current else ''}"
                         f"{', locked' if key.locked else ''}" for key in self.list())


def _rekeyed(lab: Lab, name: str, told: Callable[[str], None]) -> tuple[str, int]:
    """Put a lab under the newest key, once its worker signs with it as well. What to say, and how many handlers
    and jobs are left."""
    from tether_lab.job_queue.rekey import Rekeying

    late = "" if spawn.signs_with(lab.folder, name) else "; its worker still signs with an older key"
    lab.vault.refresh()
    rekeying = Rekeying(lab.queue, verify=True)
    total, at = rekeying.left(), time.monotonic()

    def step(rows: int) -> None:
        nonlocal at
        if time.monotonic() >= at + TELL_EVERY:
            at = time.monotonic()
            told(f"{lab.name}: {rows:,} rows; {rekeying.left():,} of {total:,} handlers and jobs to go")

    done = rekeying.run(step)
    lab.forget_versions()
    left = f"; {done.left} left as they are: {done.reason}" if done.left else ""
    return f"{lab.name}: {done.rows:,} rows have the new key{left}{late}", rekeying.left()
