"""DBOS on SQLite: each job a workflow on a queue, run by threads of this process, every step of it on disk."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from dbos import DBOS
from measure import arguments, measure, stamp as stamped

folder, count, runners, _ = arguments()
DBOS(config={"name": "bench", "system_database_url": f"sqlite:///{folder / 'dbos.db'}", "log_level": "ERROR"})

@DBOS.workflow()
def noop() -> None:
    return None


@DBOS.workflow()
def stamp(name: str, sent: int) -> None:
    stamped(folder, name, sent)


@contextlib.contextmanager
def worker() -> Iterator[None]:
    yield


DBOS.launch()
DBOS.register_queue("bench", worker_concurrency=runners, polling_interval_sec=0.005)
measure(folder, count, lambda: DBOS.enqueue_workflow("bench", noop),
        lambda name, sent: DBOS.enqueue_workflow("bench", stamp, name, sent), worker)
DBOS.destroy()
