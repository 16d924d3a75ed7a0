"""Which jobs: filters, order, pages; and lists of jobs that show as tables."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from tether_lab.errors import BadRequest
from tether_lab.job import JobRow, State, states

from . import clock
from .job import Job

if TYPE_CHECKING:
    from .batch import Batch
    from .chain import Chain
    from .lab import Lab

ORDERS = ("newest", "oldest")
EVERYTHING = 2**62


class Jobs(list[Job]):
    """A list of jobs that shows as a table; ``rows`` is what was read when it was made."""

    def __init__(self, jobs: Iterable[Job], rows: list[JobRow], at: int) -> None:
        super().__init__(jobs)
        self.rows, self.at = rows, at

    def __repr__(self) -> str:
        return str(self._repr_mimebundle_()["text/plain"])

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:  # noqa: ARG002 — IPython passes both
        from tether_lab.views.mime import table_bundle
        from tether_lab.views.tables import jobs_table

        return table_bundle(jobs_table(self.rows, self.at))


def which(status: str | State | Iterable[str] | None) -> frozenset[State] | None:
    """The states that a filter means: a word, several (``"failed,running"``), a list. None: all."""
    if status is None:
        return None
    try:
        if isinstance(status, str):
            return states(status)
        return frozenset().union(*(states(str(word)) for word in status))
    except ValueError as error:
        raise BadRequest(str(error), where="status") from None


def filters(*, status: str | State | Iterable[str] | None = None, key: str | None = None,
            tag: str | None = None, since: object = None, limit: int | None = 100, offset: int = 0,
            order: str = "newest", queue: str | None = None, search: str | None = None) -> dict[str, Any]:
    """The filters of ``lab.jobs`` as the queue takes them. Raises BadRequest."""
    if order not in ORDERS:
        raise BadRequest(f"order is {order!r}", remedy=f"Accepted: {', '.join(ORDERS)}.", where="order")
    for name, number in (("limit", limit), ("offset", offset)):
        if number is not None and (isinstance(number, bool) or not isinstance(number, int) or number < 0):
            raise BadRequest(f"{name} is {number!r}", remedy="Give a whole number, 0 or more.", where=name)
    for name, text in (("queue", queue), ("search", search)):
        if text is not None and not isinstance(text, str):
            raise BadRequest(f"{name} is {text!r}", remedy="Give a text.", where=name)
    return {"states": which(status), "key": key, "tag": tag, "in_queue": queue, "search": search,
            "limit": EVERYTHING if limit is None else limit, "offset": offset,
            "since": clock.since(since, present=clock.now()), "order": order}


def groups(lab: Lab, chain: int | Chain | None, batch: int | Batch | None) -> dict[str, Any]:
    """The numbers of a chain and of a batch that exist: an empty list of one that does not would look like an
    answer. Raises JobNotFound and BadRequest.
    """
    from .batch import Batch
    from .chain import Chain

    found: dict[str, Any] = {"chain": None, "batch": None}
    for name, given, kind in (("chain", chain, Chain), ("batch", batch, Batch)):
        if given is None:
            continue
        if isinstance(given, bool) or not isinstance(given, int | kind):
            raise BadRequest(f"{name} is {given!r}", where=name,
                             remedy=f"Give its number, or what lab.get_{name}(number) returns.")
        found[name] = kind(lab, int(given)).row.id
    return found
