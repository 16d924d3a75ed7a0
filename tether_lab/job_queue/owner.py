"""Whose lab this is: its uuid, signed. A lab that travelled here is somebody else's until it is trusted."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

from tether_lab.errors import BadSignature, KeyMissing, RestrictedLab

from .statements import sql

if TYPE_CHECKING:
    from .queue import Queue

DOMAIN = "lab"


def is_own(queue: Queue) -> bool:
    """Whether this user's keys signed this lab. A new one, with nothing in it, becomes his here."""
    with queue.read() as connection:
        found = connection.execute(sql("owner_get")).fetchone()
        blank = found is None and bool(connection.execute(sql("owner_blank")).fetchone()[0])
    if blank and queue.role != "reader":
        own(queue)
        return True
    if found is None:
        return False
    key_id, _, mac = str(found[0]).partition(":")
    with contextlib.suppress(BadSignature, KeyMissing, ValueError):
        queue.vault.verify(bytes.fromhex(mac), key_id, DOMAIN, queue.uuid)
        return True
    return queue.vault.is_locked(key_id)     # it is ours; what needs the key says so


def restricted(path: Path) -> RestrictedLab:
    """The refusal of everything but looking."""
    return RestrictedLab(
        f"{path.parent} was made with another key: it is shown, and nothing of it is loaded, run or changed",
        where=str(path),
        remedy="If it is yours, bring its key: tether-lab keys import FILE. If you know and trust who made it: "
               "tether-lab trust (lab.trust() in Python) shows its code, and asks.")


def own(queue: Queue) -> None:
    """Sign it."""
    mac = queue.vault.sign(DOMAIN, queue.uuid)
    with queue.write() as connection:
        connection.execute(sql("owner_put"), {"owner": f"{queue.vault.key_id}:{mac.hex()}"})


def signers(queue: Queue) -> list[tuple[str, int, int]]:
    """(key id, handler versions, jobs) for each key that signed something here."""
    with queue.read() as connection:
        return [(row[0], row[1], row[2]) for row in connection.execute(sql("signers")).fetchall()]
