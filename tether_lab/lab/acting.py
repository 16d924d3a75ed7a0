"""The verbs of ``Lab`` that act on jobs there are: cancel, retry, prune, pause."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from tether_lab.job import State

from .door import door
from .job import Job
from .verbs import Verbs

if TYPE_CHECKING:
    from tether_lab.worker.pruning import Pruned

    from .limits import QueueState


@door
class Acting(Verbs):
    """What ``Lab`` can do with jobs there are."""

    def cancel(self, job: int | Job | Iterable[int | Job] | None = None, *, key: str | None = None,
               tag: str | None = None, all: bool = False,  # noqa: A002 — the word people use
               force: bool = False) -> dict[State, int]:
        """Cancel by id (or several), key, tag, or everything; how many there were per prior status."""
        from .cancel import cancel

        return cancel(self._lab, job, key=key, tag=tag, everything=all, force=force)

    def retry(self, job: int | Job, *, with_code: bool = False, fresh_seed: bool = False) -> Job:
        """Run a job that has ended once more. ``with_code``: with its handler's newest version;
        ``fresh_seed``: with other random numbers than before."""
        from .retry import retry

        retry(self._lab, int(job), with_code=with_code, fresh_seed=fresh_seed)
        return Job(self._lab, int(job))

    def prune(self, older_than: object = None, *, dry_run: bool = False) -> Pruned:
        """Remove ended jobs whose time is over (settings ``retention``, ``retention_failed`` and
        ``retention_size``; or all that ended longer ago than ``older_than``), with their outputs and results.
        The worker does it by itself every hour. ``dry_run`` only counts."""
        from .prune import prune

        return prune(self._lab, older_than, dry_run=dry_run)

    def pause(self, queue: str | None = None) -> None:
        """Start nothing more of this queue (None: of any). What runs goes on; kept until ``resume``."""
        from .limits import pause

        pause(self._lab, queue)

    def resume(self, queue: str | None = None) -> None:
        """End the pause of this queue; None ends every pause."""
        from .limits import resume

        resume(self._lab, queue)

    def queues(self) -> list[QueueState]:
        """Every queue with its weight, whether it is paused, and how many jobs wait in it."""
        from .limits import queues

        return queues(self._lab)

    def prioritise(self, job: int | Job, priority: int) -> Job:
        """Change the priority of a job that waits. Raises BadRequest for one that does not."""
        from .limits import prioritise

        prioritise(self._lab, int(job), priority)
        return Job(self._lab, int(job))
