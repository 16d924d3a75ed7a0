"""WHERE ELSE an attempt may run: on the machines of a cluster, through one bridge and its pilots.

::

    worker ══ bridge ──────── network ──────── pilot ══ zygote ══ job processes
              (this machine)                   (a task of the cluster, one a place)

The worker starts a *bridge* in place of a zygote and says to it what it says to a zygote: fork, hand
over pipes, signal. The bridge asks an *executor* (a Dask cluster, a pool of processes, whatever can
run a function somewhere) to run one long task a place, the *pilot*, which calls back, starts a real
zygote beside itself and carries bytes both ways. So an attempt does not pay what a task of the
cluster costs, its output is live, it can be killed (a running task of Dask cannot), and everything
that holds for a job on this machine holds there: the same contract tests run over the bridge.

What it never does: touch the queue, or decide. The lease decides: a pilot that falls silent kills its
jobs, the worker gives them back, and what a zombie says is refused by its epoch.

An executor is found by the entry point group ``tether_lab.executors``: a callable ``(address, places)``
that returns an ``Executor``. Built in: ``dask`` (``dask=tcp://host:8786``, or ``dask`` for a cluster of
this machine), ``loky``, ``ipyparallel`` (``ipyparallel=PROFILE``), ``processes``, ``threads``.
"""

from __future__ import annotations

from .executor import Executor, ExecutorError, Flight, names, open_executor

__all__ = ["Executor", "ExecutorError", "Flight", "names", "open_executor"]
