"""5. How one attempt runs: the processes that user code lives in.

A zygote (``python -P -m tether_lab.runner.zygote``, one per interpreter) is single-threaded, has
imported what jobs want and runs no user code; it forks a job process on demand and reports how each
one ended. Where there is no fork, ``runner.spare`` is a prewarmed process for one job. Both speak
``wire`` with the supervisor, and nothing here ever touches the queue.

The way of one attempt::

    child.serve ─► task.attempt ─► shell (cell) | call (function, class) | command (script)
        │               │                └─► output, progress ─► channel ─► supervisor
        └─ Task         └─ Ended

``context`` is the ``ctx`` that user code sees, ``endings`` the values it may return, ``signals`` how
a cancel or a soft timeout reaches it. IPython lives in ``shell`` and the modules named after it only.

Decisions: sys.stdout is a C text stream over a raw object of ours, so that a print costs what it
costs anywhere; descriptors 1 and 2 are pipes that the supervisor reads, so that C code, child
processes and a crash are heard too. A job process is its own session and its own reaper of orphans;
what it leaves behind is killed by itself, or by its zygote if it could not.
"""
