"""Where jobs wait. The only room that knows there is a database.

Called by ``lab`` (enqueue, read, cancel, retry, watch) in kernels and by the worker (turn, renew,
rescue, outputs) in its own process. Never runs in a process that runs user code, and never unpickles
anything: bodies are bytes to it.

The flow: ``enqueue`` writes rows; ``claim.turn`` records endings and claims what is due, in one
transaction; ``rescue`` takes back what a dead worker left; ``read`` and ``watch`` show it.

Decisions:

* ``queue.write()`` is the one way to write: BEGIN IMMEDIATE (a deferred transaction fails at once
  when it upgrades), retried every 0.2 to 2 ms at random until a deadline (SQLite's own busy handler
  starves writers for seconds), rolled back on any error, its errors told as ours.
* Every write that ends or moves an attempt is fenced by ``(id, epoch, worker, running)``. The epoch
  lives in the row and only grows, so a worker that lost its claim without knowing changes nothing.
* Connections in kernels are closed after a second of rest, and before a fork: a stray ``open()`` and
  ``close()`` of the file drops SQLite's locks in that process. The worker's one connection stays.
* SQLite before 3.51.3 may corrupt a database when a checkpoint races a commit that resets the log.
  There, nobody checkpoints automatically, and ``checkpoint`` holds the write lock (``checkpoint``).
* Leases count CLOCK_MONOTONIC and boots: neither a clock that jumps nor a laptop that sleeps takes
  a job from a worker that lives.
* SQL lives in ``sql/``, one statement a file.
"""

from .queue import Queue

__all__ = ["Queue"]
