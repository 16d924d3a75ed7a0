"""Who picks a job up: the supervisor, its runners, and how kernels start and stop it.

``python -m tether_lab.worker --lab FOLDER`` is one process with one thread. It holds
``run/supervisor.lock`` for life, waits in one ``select`` for wakers, runners and signals, records
what ended and claims what is due in one transaction a turn (``loop``), and hands attempts to
processes forked from one zygote per interpreter (``pool``). It is the only writer of states,
outputs and results; it runs no user code and unpickles nothing. Installed packages that contribute are
registered by a child that ends then (``modules``).

Called by nobody: kernels use ``spawn`` (standard library only) to start, stop, wake and ask it.

Decisions: liveness is the flock, not time; the lease is for workers that hang. A process never
outlives who must collect it (parent-death signals, groups, sweeps). What a runner says is believed
only while its claim holds: every write is fenced by the epoch. Timers of attempts live here, where
a job that spins in C cannot hold them up.

Short jobs of warm processes go ahead of their start, several at a time (``ahead``): they are claimed, wait
for ``runner`` in the queue's words, and lie in a socket from which either side may read. What is read
back there has not begun, surely: it goes to another process or is given back, as if it had never been
claimed. A job that was claimed before (rescued, given back) goes alone, so that what crashes a
process is found out. While every process has enough to do, endings are gathered for a millisecond.
"""
