"""What SQLite itself writes down when a job changes, for hooks and triggers: only while there are any of them.

A trigger on ``job`` costs every claim and every end something, also where it decides at once that there is
nothing to tell. So it is made in the transaction that brings the first hook, the first job that asks to
notify, the first trigger that waits for a job, and goes when the last is gone.
"""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from .statements import sql

if TYPE_CHECKING:
    from .queue import Queue

HOOKS = "~on_"
"""How the keys of hooks begin."""
ASKS = '"notify":'
"""What the options (JSON) of a job that asks to notify contain."""


def for_hooks(connection: sqlite3.Connection) -> None:
    """From this transaction on, changes of jobs are told to hooks."""
    connection.execute(sql("listen_happened"))


def for_triggers(connection: sqlite3.Connection) -> None:
    """Ends of jobs are written down for triggers exactly if there is one that waits for any."""
    wanted = connection.execute(sql("caused_wanted")).fetchone()[0]
    connection.execute(sql("listen_caused" if wanted else "unlisten_caused"))


def unheard(queue: Queue) -> bool:
    """Stop telling changes if nobody is left to hear of them; whether that was so. A job that asked to
    notify counts until it is pruned: it may be retried. All jobs are looked through without the lock, those
    that came meanwhile with it."""
    with queue.read() as connection:
        told, wanted, last = connection.execute(sql("listen_seen"), {"after": 0}).fetchone()
    if not told or wanted:
        return False
    with queue.write(power=False) as connection:
        told, wanted, _ = connection.execute(sql("listen_seen"), {"after": last}).fetchone()
        if told and not wanted:
            connection.execute(sql("unlisten_happened"))
    return bool(told and not wanted)
