"""For tests, ours and our users': a lab that leaves nothing behind.

    with temporary_lab() as lab:
        job = lab.submit(function, 1)
        assert job.result(timeout=10) == 2

Called by tests only. Needs no test framework.
"""

from __future__ import annotations

from .labs import temporary_lab

__all__ = ["temporary_lab"]
