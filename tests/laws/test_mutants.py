"""A law that holds over broken SQL proves nothing: each mutant of a guarding clause is killed by its law."""

from __future__ import annotations

import pytest

from tests.laws.mutants import MUTANTS, Mutant, killed, mutated
from tether_lab.job_queue import statements

QUICK = ("claim_ready", "claim", "slot_block", "promote_due", "dedup_holder")
"""Files of which CI tries the first mutant; ``make soak`` tries every one."""


# A law that fails half way leaves its database to the collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("file", QUICK)
def test_a_mutant_is_killed(file: str) -> None:
    """Within a few hundred histories."""
    mutant = next(mutant for mutant in MUTANTS if mutant.file == file)
    assert killed(mutant) is not None, mutant.name


@pytest.mark.soak
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name[:80])
def test_every_mutant_is_killed(mutant: Mutant) -> None:
    """The whole list, with more patience."""
    assert killed(mutant, 3000) is not None


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name[:80])
def test_each_mutant_breaks_a_clause_that_is_there(mutant: Mutant) -> None:
    """The list stays true when the SQL changes; what is broken is a copy, and only for a moment."""
    before = statements.sql(mutant.file)
    with mutated(mutant):
        assert statements.sql(mutant.file) != before
    assert statements.sql(mutant.file) == before
