"""Who picks a job up: the supervisor, its runners, and how kernels start and stop it.

``python -m tether_lab.worker --lab FOLDER`` is one process with one thread. It holds
``run/supervisor.lock`` for life, waits in one ``select`` for wakers, runners and signals, records
what ended and claims what is due in one transaction a turn (``loop``), and hands attempts to
processes forked from one zygote per interpreter (``pool``). It is the only writer of states,
outputs and results; it runs no user code and unpickles nothing.

Called by nobody: kernels use ``spawn`` (standard library only) to start, stop, wake and ask it.

Decisions: liveness is the flock, not time; the lease is for workers that hang. A process never
outlives who must collect it (parent-death signals, groups, sweeps). What a runner says is believed
only while its claim holds: every write is fenced by the epoch. Timers of attempts live here, where
a job that spins in C cannot hold them up.
"""
