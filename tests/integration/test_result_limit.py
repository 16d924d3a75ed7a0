"""A result that is too large is not stored, and says so; the job is no failure for that."""

from __future__ import annotations

import pytest

from tether_lab import Lab, ResultUnavailable, State


@pytest.mark.parametrize("encrypt", [False, True])
def test_a_result_above_the_limit_is_not_stored(encrypt: bool) -> None:
    """The setting ``result_limit``, for encrypted results as well."""
    lab = Lab(runners=1, result_limit=100_000)

    def make(n: int) -> bytes:
        return bytes(n)

    lab.register(make, encrypt=encrypt)
    small, large = lab.enqueue("make", {"n": 50_000}), lab.enqueue("make", {"n": 200_000})
    assert small.result(60) == bytes(50_000)
    assert large.wait(60).status is State.COMPLETED
    with pytest.raises(ResultUnavailable, match="larger than"):
        large.result()
    lab.worker.stop(now=True, timeout=10)
    lab.close()
