"""FlexiQ on SQLite, with forked processes, or threads if the folder's name says so. Keeps jobs and results,
takes a dead worker's jobs back."""

from __future__ import annotations

import sys

from consumer import consumer
from measure import arguments, measure

TASKS = """
from pathlib import Path
from flexiq import Queue
from measure import stamp as stamped

HERE = Path(__file__).parent
queue = Queue(db_path=str(HERE / "flexiq.db"), workers={runners}, scheduler_poll_interval_ms=1)

@queue.task()
def noop():
    return None

@queue.task()
def stamp(name, sent):
    stamped(HERE, name, sent)
"""
folder, count, runners, _ = arguments()
(folder / "tasks.py").write_text(TASKS.format(runners=runners))
sys.path.insert(0, str(folder))
from tasks import noop, stamp  # noqa: E402

pool = "thread" if folder.name.startswith("thread") else "prefork"
measure(folder, count, noop.delay, stamp.delay, lambda: consumer(
    folder, "-c", "from flexiq.cli import main; main()", "worker", "--app", "tasks:queue", "--pool", pool))
