"""RQ on Redis, with its workers that do not fork for each job. A job of a worker that died is found again after
some time; results are kept for 500 s."""

from __future__ import annotations

import sys

from consumer import consumer
from measure import arguments, measure
from redis import Redis
from rq import Queue

TASKS = """
from pathlib import Path
from measure import stamp as stamped

def noop():
    return None

def stamp(name, sent):
    stamped(Path(__file__).parent, name, sent)
"""
folder, count, runners, redis = arguments()
(folder / "tasks.py").write_text(TASKS)
sys.path.insert(0, str(folder))
from tasks import noop, stamp  # noqa: E402

queue = Queue(connection=Redis.from_url(redis))
measure(folder, count, lambda: queue.enqueue(noop), lambda name, sent: queue.enqueue(stamp, name, sent),
        lambda: consumer(folder, "-m", "rq.cli", "worker-pool", "-n", str(runners), "-u", redis, "-q", "-w",
                         "rq.worker.SimpleWorker"))
