"""huey on SQLite, with processes. Its tasks are deleted when they are taken: one that crashes is lost, and
nothing is kept of those that ran. Durability as ours with "process" (WAL, NORMAL)."""

from __future__ import annotations

import signal
import sys

from consumer import consumer
from measure import arguments, measure

TASKS = """
from pathlib import Path
from huey import Huey
from huey.storage import SqliteStorage
from measure import stamp as stamped

HERE = Path(__file__).parent

class Normal(SqliteStorage):
    def _create_connection(self):
        found = super()._create_connection()
        found.execute("PRAGMA synchronous=NORMAL")
        return found

huey = Huey("bench", storage_class=Normal, filename=str(HERE / "huey.db"))

@huey.task()
def noop():
    return None

@huey.task()
def stamp(name, sent):
    stamped(HERE, name, sent)
"""
folder, count, runners, _ = arguments()
(folder / "tasks.py").write_text(TASKS)
sys.path.insert(0, str(folder))
from tasks import noop, stamp  # noqa: E402

measure(folder, count, noop, stamp, lambda: consumer(
    folder, "-m", "huey.bin.huey_consumer", "tasks.huey", "-k", "process", "-w", str(runners), "-d", "0.001",
    "-m", "0.01", stop=signal.SIGINT))
