"""huey's side of the benchmark: run with the Python of its environment, prints one JSON line.

    python huey_side.py FOLDER COUNT RUNNERS

Its tasks are deleted when they are taken: one that crashes is lost, and nothing is kept of those that ran.
Durability as ours with "process" (WAL, NORMAL).
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

TASKS = """
from huey import Huey
from huey.storage import SqliteStorage


class Normal(SqliteStorage):
    def _create_connection(self):
        found = super()._create_connection()
        found.execute("PRAGMA synchronous=NORMAL")
        return found


huey = Huey("bench", storage_class=Normal, filename={path!r})

@huey.task()
def noop(i=0):
    return None
"""


def main() -> None:
    folder, count, runners = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    (folder / "huey_tasks.py").write_text(TASKS.format(path=str(folder / "huey.db")))
    sys.path.insert(0, str(folder))
    from huey_tasks import huey, noop

    begun = time.perf_counter()
    for n in range(count):
        noop(n)
    enqueued = count / (time.perf_counter() - begun)
    consumer = subprocess.Popen(
        [sys.executable, "-m", "huey.bin.huey_consumer", "huey_tasks.huey", "-k", "process",
         "-w", str(runners), "-d", "0.001", "-m", "0.01"], cwd=folder, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, env={**os.environ, "PYTHONPATH": str(folder)})
    try:
        first = None
        while (left := huey.pending_count()):
            if first is None and left < count - 50:
                first = time.perf_counter(), left
            time.sleep(0.01)
        begun, left = first
        print(json.dumps({"enqueue": enqueued, "drain": left / (time.perf_counter() - begun)}))
    finally:
        consumer.send_signal(signal.SIGINT)
        consumer.wait(20)


if __name__ == "__main__":
    main()
