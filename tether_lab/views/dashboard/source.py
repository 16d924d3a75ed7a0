"""What a dashboard needs of a lab: reading, acting, drawing. ``lab`` hands it over; nothing here knows how."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

from tether_lab.views.fold import Output

from .found import Found, Opened
from .question import Question

if TYPE_CHECKING:
    from tether_lab.job_queue.watch import Changes


class Source(Protocol):
    """A lab, seen from its dashboard. The coroutines run on the pump's loop, ``act`` and ``figure`` in a
    thread of their own; errors on purpose are a TetherLabError and are shown."""

    def changes(self) -> Changes:
        """What tells that the queue may have changed."""

    async def look(self, question: Question) -> Found:
        """The lab now, as far as the question needs it."""

    async def beat(self, found: Found) -> Found:
        """The same a moment later, though nothing was written: what was being counted has come."""

    async def open(self, job_id: int, *, stack: bool) -> Opened:
        """A job now; ``stack``: and where it is."""

    async def outputs(self, job_id: int) -> list[Output]:
        """What its newest attempt has shown."""

    def act(self, verb: str, what: Mapping[str, Any]) -> str:
        """Do it; what was done, in a sentence."""

    def figures(self) -> tuple[tuple[str, str], ...]:
        """The figures there are: word and title."""

    def figure(self, name: str, since: str, theme: str) -> dict[str, Any]:
        """One of them, as plotly's JSON."""

    def at_rest(self) -> None:
        """Nobody looks any more: let go of connections."""
