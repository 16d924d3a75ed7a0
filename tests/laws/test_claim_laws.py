"""Claiming under weights, limits, dedup, windows and retries together does what a page of Python does."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests import queues
from tests.laws.claiming import ClaimLaws


def machine(place: Path) -> type[ClaimLaws]:
    ClaimLaws.queue = queues.opened(place, "supervisor")
    ClaimLaws.handler = queues.registered(ClaimLaws.queue)
    return ClaimLaws


def effort(examples: int, steps: int) -> settings:
    return settings(max_examples=examples, stateful_step_count=steps, deadline=None, database=None,
                    suppress_health_check=list(HealthCheck))


def test_claims_are_what_the_model_takes(tmp_path: Path) -> None:
    """The same jobs, in the same order, and each that waits says for what."""
    run_state_machine_as_test(machine(tmp_path), settings=effort(60, 30))


@pytest.mark.soak
@pytest.mark.timeout(3000)
def test_claims_are_what_the_model_takes_for_long(tmp_path: Path) -> None:
    """The same, many more and longer histories."""
    run_state_machine_as_test(machine(tmp_path), settings=effort(3000, 60))
