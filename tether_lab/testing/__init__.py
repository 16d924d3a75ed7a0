"""For tests, ours and our users': a lab that leaves nothing behind.

    with temporary_lab() as lab:
        job = lab.submit(function, 1)
        assert job.result(timeout=10) == 2

``inline_lab()`` gives one whose jobs run in the test's own process, when the test says ``lab.drain()``;
with a ``ManualClock`` also those that are due tomorrow. ``assert_enqueued`` says what should be in the
queue. Under pytest the fixtures ``inline_lab``, ``manual_clock`` and ``worker_lab`` are there without any
import.

``seed_history(lab)`` gives a lab a made-up month: to try figures and measures on, or to show them.

Called by tests, notebooks and demonstrations. Needs no test framework.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

    from .asserts import assert_enqueued, assert_not_enqueued
    from .clocks import ManualClock
    from .history import Seeded, seed_history
    from .inline import InlineLab, inline_lab
    from .labs import temporary_lab

_HOMES = {"Seeded": "history", "seed_history": "history", "temporary_lab": "labs", "InlineLab": "inline",
          "inline_lab": "inline", "ManualClock": "clocks", "assert_enqueued": "asserts",
          "assert_not_enqueued": "asserts"}

__all__ = ["InlineLab", "ManualClock", "Seeded", "assert_enqueued", "assert_not_enqueued", "inline_lab",
           "seed_history", "temporary_lab"]


def __getattr__(name: str) -> Any:
    """Loaded when first asked for: the plugin of pytest costs nothing where nobody uses it."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
