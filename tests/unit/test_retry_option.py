"""The option ``retry`` as text: kinds, delays, and rules for some exceptions only."""

from __future__ import annotations

import pytest

from tether_lab.errors import OptionError
from tether_lab.job.options import JobOptions, read_options


def test_exceptions_are_named_in_the_text() -> None:
    """Both rules are read, stored, and decide by the names of a class and its bases."""
    policy = read_options({"retry": "fixed:30s,on=ConnectionError+TimeoutError,not_on=BrokenPipeError"}).retry
    assert policy is not None
    assert (policy.kind, policy.delay) == ("fixed", 30.0)
    assert policy.retries(("ConnectionResetError", "ConnectionError"))
    assert not policy.retries(("BrokenPipeError", "ConnectionError"))
    assert not policy.retries(("ValueError",))
    assert JobOptions.from_json(JobOptions(retry=policy).to_json()).retry == policy


def test_delays_of_a_custom_policy_stand_beside_a_rule() -> None:
    """Commas separate delays as well as rules."""
    policy = read_options({"retry": "custom:5s,1m,not_on=ValueError"}).retry
    assert policy is not None
    assert (policy.delays, policy.not_on) == ((5.0, 60.0), ("ValueError",))


@pytest.mark.parametrize("text", ["fixed,only=ValueError", "fixed,on=", "fixed,on=a b", "maybe", "custom"])
def test_a_wrong_text_is_refused(text: str) -> None:
    """At the door, with what is accepted."""
    with pytest.raises(OptionError, match="retry"):
        read_options({"retry": text})
