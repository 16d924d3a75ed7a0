"""litequeue: a queue on SQLite without workers. In: put. Out: pop and done, one process."""

from __future__ import annotations

import json
import time

from litequeue import LiteQueue
from measure import arguments

folder, count, _, _ = arguments()
queue = LiteQueue(folder / "lite.db")
begun = time.perf_counter()
for n in range(count):
    queue.put(str(n))
between = time.perf_counter()
for _ in range(count):
    queue.done(queue.pop().message_id)
done = time.perf_counter()
print(json.dumps({"enqueue": count / (between - begun), "drain": count / (done - between)}))
