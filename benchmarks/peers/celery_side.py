"""Celery on Redis, prefork, acknowledging late (else a crash loses the job), without results."""

from __future__ import annotations

import sys

from consumer import consumer
from measure import arguments, measure

TASKS = """
from pathlib import Path
from celery import Celery
from measure import stamp as stamped

app = Celery("tasks", broker={redis!r})
app.conf.update(task_ignore_result=True, task_acks_late=True, worker_prefetch_multiplier=16,
                broker_connection_retry_on_startup=True)

@app.task
def noop():
    return None

@app.task
def stamp(name, sent):
    stamped(Path(__file__).parent, name, sent)
"""
folder, count, runners, redis = arguments()
(folder / "tasks.py").write_text(TASKS.format(redis=redis))
sys.path.insert(0, str(folder))
from tasks import noop, stamp  # noqa: E402

measure(folder, count, noop.delay, stamp.delay, lambda: consumer(
    folder, "-m", "celery", "-A", "tasks", "worker", "-c", str(runners), "-l", "error", "--without-gossip",
    "--without-mingle", "--without-heartbeat"))
