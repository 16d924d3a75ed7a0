"""Remove what is over and old."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tether_lab.errors import OptionError
from tether_lab.job.duration import seconds

from . import clock

if TYPE_CHECKING:
    from tether_lab.worker.pruning import Pruned

    from .lab import Lab


def prune(lab: Lab, older_than: object, *, dry_run: bool) -> Pruned:
    """Jobs that ended longer ago than that, then the files nobody refers to. Raises OptionError."""
    from tether_lab.worker import pruning

    try:
        age = None if older_than is None else seconds(older_than, what="older_than")
    except ValueError as error:
        raise OptionError(f"older_than: {error}", where="older_than") from None
    now = clock.now()
    jobs = pruning.prune_jobs(lab.queue, lab.settings, now, older_than=age, dry_run=dry_run)
    return pruning.Pruned(jobs, 0 if dry_run else pruning.prune(lab.queue, now))
