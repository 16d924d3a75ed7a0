"""The room for frames (pandas) and measures: what the history of a lab says.

``frames`` reads the queue into tidy frames. The measures are pure functions on frames, each with its
formula in its docstring: ``times`` (wait, run, turnaround, throughput, utilisation), ``depth`` (the queue
over time), ``failures`` (rates, error fingerprints), ``retries`` and ``policies`` (what trying again costs
and gives), ``expectations`` (slower than usual, when will it be done).

Called by views and lab. Never writes, never draws, never asks the clock: the present is passed in.
Nothing of it is imported before it is needed; pandas alone takes a third of a second.
"""
