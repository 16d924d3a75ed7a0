"""``lab.dashboard()``, and the live views of one job, chain or batch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tether_lab.errors import BadRequest, TetherLabError

from .board_acting import act
from .board_reading import BoardReading

if TYPE_CHECKING:
    from tether_lab.job_queue.watch import Changes
    from tether_lab.views.dashboard.found import Found, Opened
    from tether_lab.views.dashboard.question import Question
    from tether_lab.views.dashboard.widget import Dashboard
    from tether_lab.views.fold import Output

    from .lab import Lab

FIGURES: tuple[tuple[str, str], ...] = (
    ("timeline", "What ran when"), ("throughput", "How much got done"), ("depth", "How long the queue was"),
    ("calendar", "When jobs come"), ("run", "How long runs take"), ("wait", "How long jobs wait"),
    ("versions", "Duration by handler version"), ("failures", "What fails most"),
    ("failure_rate", "Which version fails"), ("attempts_to_success", "Attempts to success"),
    ("success_by_attempt", "Success by attempt"), ("payoff", "Does trying again pay?"),
    ("time_lost", "Time lost to retries"))
RATES = (0.1, 60.0)


class LabSource:
    """A lab as a dashboard needs it."""

    def __init__(self, lab: Lab) -> None:
        self._lab, self._reading = lab, BoardReading(lab)

    def changes(self) -> Changes:
        return self._lab.changes()

    async def look(self, question: Question) -> Found:
        return await self._reading.look(question)

    async def beat(self, found: Found) -> Found:
        return await self._reading.beat(found)

    async def open(self, job_id: int, *, stack: bool) -> Opened:
        from dataclasses import replace

        found = await self._reading.open(job_id)
        return replace(found, stack=await self._stack(job_id)) if stack else found

    async def _stack(self, job_id: int) -> str:
        import asyncio

        try:
            return await asyncio.to_thread(self._lab.get(job_id).stack)
        except TetherLabError as error:
            return str(error)

    async def outputs(self, job_id: int) -> list[Output]:
        return await self._reading.outputs(job_id)

    def act(self, verb: str, what: Mapping[str, Any]) -> str:
        return act(self._lab, verb, what)

    def figures(self) -> tuple[tuple[str, str], ...]:
        return FIGURES

    def figure(self, name: str, since: str, theme: str) -> dict[str, Any]:
        """Drawn from frames of its own; pandas and plotly are loaded now, if they were not."""
        from tether_lab.views.figures.saving import as_mime

        back = None if since == "all" else since
        if name in ("run", "wait"):
            return as_mime(self._lab.figures.percentiles(name, theme=theme, since=back))
        return as_mime(getattr(self._lab.figures, name)(theme=theme, since=back))

    def at_rest(self) -> None:
        self._reading.at_rest()


def dashboard(lab: Lab, question: Mapping[str, Any], *, rate: float, only: str = "") -> Dashboard:
    """A dashboard that opens with this question. Raises BadRequest."""
    from tether_lab.views.dashboard.question import Question, asked
    from tether_lab.views.dashboard.tabs import TABS
    from tether_lab.views.dashboard.widget import Dashboard

    if isinstance(rate, bool) or not isinstance(rate, int | float) or not RATES[0] <= rate <= RATES[1]:
        raise BadRequest(f"rate is {rate!r}", where="rate",
                         remedy=f"Looks a second at most, {RATES[0]:g} to {RATES[1]:g}; usual is 4.")
    given = {name: value for name, value in question.items() if value is not None}
    first = asked(Question(), given, tabs=tuple(TABS))
    return Dashboard(LabSource(lab), first, rate=rate, only=only)
