"""dramatiq on Redis, one thread a process. A dead worker's messages are taken back after a minute;
no results."""

from __future__ import annotations

import sys

from consumer import consumer
from measure import arguments, measure

TASKS = """
from pathlib import Path
import dramatiq
from dramatiq.brokers.redis import RedisBroker
from measure import stamp as stamped

dramatiq.set_broker(RedisBroker(url={redis!r}))

@dramatiq.actor
def noop():
    return None

@dramatiq.actor
def stamp(name, sent):
    stamped(Path(__file__).parent, name, sent)
"""
folder, count, runners, redis = arguments()
(folder / "tasks.py").write_text(TASKS.format(redis=redis))
sys.path.insert(0, str(folder))
from tasks import noop, stamp  # noqa: E402

measure(folder, count, noop.send, stamp.send, lambda: consumer(
    folder, "-m", "dramatiq", "tasks", "-p", str(runners), "-t", "1"))
