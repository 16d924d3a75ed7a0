"""The verbs of ``Lab`` for jobs that belong together: chains, batches, sweeps."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from .door import door
from .handler import RegisteredHandler
from .verbs import Verbs, key_of

if TYPE_CHECKING:
    from .batch import Batch
    from .chain import Chain, ChainBuilder
    from .group import Groups


@door
class Together(Verbs):
    """What ``Lab`` can do with many jobs as one."""

    def chain(self, name: str) -> ChainBuilder:
        """Steps that wait for each other: ``lab.chain("etl").then("extract").then("load").enqueue()``."""
        from .chain import ChainBuilder

        return ChainBuilder(self._lab, name)

    def batch(self, name: str, items: Iterable[Any], handler: str | RegisteredHandler | None = None, *,
              then: str | RegisteredHandler | None = None, catch: str | RegisteredHandler | None = None,
              finally_: str | RegisteredHandler | None = None, **options: Any) -> Batch:
        """One job an item, as one unit: all or none, in one transaction. ``handler``: default the name.
        Keys of handlers to run when all completed (``then``), at the first that failed for good
        (``catch``), when all have ended (``finally_``)."""
        from .batch import enqueue_batch

        return enqueue_batch(self._lab, name, items, key_of(handler or name), options,
                             {"then": then, "catch": catch, "finally": finally_})

    def sweep(self, key: str | RegisteredHandler, **values: Iterable[Any]) -> Batch:
        """A batch over every combination of these values: ``lab.sweep("train", lr=[0.1, 0.01])``."""
        from .batch import enqueue_batch, product

        return enqueue_batch(self._lab, key_of(key), product(values), key_of(key), {}, {})

    def get_chain(self, number: int) -> Chain:
        """The chain with this number. Raises JobNotFound."""
        from .chain import Chain

        found = Chain(self._lab, int(number))
        _ = found.row
        return found

    def get_batch(self, number: int) -> Batch:
        """The batch with this number. Raises JobNotFound."""
        from .batch import Batch

        found = Batch(self._lab, int(number))
        _ = found.row
        return found

    def chains(self, limit: int = 100) -> Groups[Chain]:
        """The newest chains."""
        from tether_lab.job_queue import groups

        from .chain import Chain
        from .group import Groups

        return Groups("chain", (Chain(self._lab, number) for number in groups.chains(self._lab.queue, limit)))

    def batches(self, limit: int = 100) -> Groups[Batch]:
        """The newest batches."""
        from tether_lab.job_queue import groups

        from .batch import Batch
        from .group import Groups

        return Groups("batch", (Batch(self._lab, number) for number in groups.batches(self._lab.queue, limit)))

