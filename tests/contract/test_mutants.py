"""A security check that is broken makes a test fail; the whole list is ``python tests/mutants.py``."""

from __future__ import annotations

from pathlib import Path

import pytest
from mutants import MUTANTS, QUICK, ROOT, Mutant, kill

rest = pytest.mark.parametrize("mutant", [m for m in MUTANTS if m not in QUICK], ids=lambda m: m.name)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("mutant", QUICK, ids=lambda m: m.name)
def test_a_broken_check_is_noticed(mutant: Mutant, tmp_path: Path) -> None:
    """A few of them in every run."""
    assert kill(mutant, tmp_path)


@pytest.mark.soak
@pytest.mark.timeout(300)
@rest
def test_every_broken_check_is_noticed(mutant: Mutant, tmp_path: Path) -> None:
    """All others."""
    assert kill(mutant, tmp_path)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda m: m.name)
def test_every_mutant_still_names_a_line(mutant: Mutant) -> None:
    """The list keeps up with the code."""
    assert mutant.was in (ROOT / "tether_lab" / mutant.file).read_text()
