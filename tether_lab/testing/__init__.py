"""For tests, ours and our users': a lab that leaves nothing behind.

    with temporary_lab() as lab:
        job = lab.submit(function, 1)
        assert job.result(timeout=10) == 2

``seed_history(lab)`` gives a lab a made-up month: to try figures and measures on, or to show them.

Called by tests, notebooks and demonstrations. Needs no test framework.
"""

from __future__ import annotations

from .history import Seeded, seed_history
from .labs import temporary_lab

__all__ = ["Seeded", "seed_history", "temporary_lab"]
