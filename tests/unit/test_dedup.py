"""The option dedup from the door: what is the same, what happens then, what is refused."""

from __future__ import annotations

import pytest

from tether_lab import Dedup, DuplicateJob, Lab, OptionError
from tether_lab.job.options import read_options


def work(lr: float = 0.1, depth: int = 1) -> float:
    return lr * depth


@pytest.fixture
def lab() -> Lab:
    lab = Lab(autostart=False)
    lab.register(work)
    return lab


@pytest.mark.parametrize(("text", "value"), [
    ("input", Dedup.by_input()), ("input:1h", Dedup.by_input(3600)), ("key:10m", Dedup.by_key("10m")),
    ("fields=lr,depth:1h", Dedup.by_fields(["depth", "lr"], "1h")), ("fields=lr", Dedup.by_fields("lr"))])
def test_texts_and_constructors_mean_the_same(text: str, value: Dedup) -> None:
    """A flag is a keyword; what is stored comes back."""
    options = read_options({"dedup": text})
    assert options.dedup == value
    assert type(options).from_json(options.to_json()) == options


@pytest.mark.parametrize("wrong", ["yes", "input:never", "input:0", "input:", "fields=", "fields", "key=a", 7])
def test_what_is_none_is_refused(wrong: object) -> None:
    """The message names the option."""
    with pytest.raises(OptionError, match="dedup"):
        read_options({"dedup": wrong})


def test_the_existing_job_comes_back_and_says_so(lab: Lab) -> None:
    """Equal input in whatever order is the same; the card tells; thousands of times are one event."""
    first = lab.enqueue("work", {"lr": 1.0, "depth": 2}, dedup="input")
    assert lab.enqueue("work", {"depth": 2, "lr": 1.0}, dedup="input") == first
    assert lab.enqueue("work", {"depth": 3, "lr": 1.0}, dedup="input") != first
    many = lab.enqueue_many("work", [{"lr": 1.0, "depth": 2}] * 100, dedup=Dedup.by_input())
    assert set(many) == {first}
    (event,) = [event for event in first.events if event.kind == "deduplicated"]
    assert event.detail["times"] == 101
    assert "nothing new was enqueued" in first._repr_mimebundle_()["text/plain"]


def test_fields_and_keys(lab: Lab) -> None:
    """Only what is named counts; a name that does not exist is refused with those that do."""
    first = lab.enqueue("work", {"lr": 1.0, "depth": 2}, dedup="fields=lr")
    assert lab.enqueue("work", {"lr": 1.0, "depth": 9}, dedup="fields=lr") == first
    assert lab.enqueue("work", {"lr": 1.0}, dedup="key") == lab.enqueue("work", {"lr": 2.0}, dedup="key")
    with pytest.raises(OptionError, match="no field 'rl'") as caught:
        lab.enqueue("work", {"lr": 1.0}, dedup="fields=rl")
    assert "depth, lr" in caught.value.remedy


def test_the_other_modes(lab: Lab) -> None:
    """Raise writes nothing, replace cancels what waits, debounce puts it off."""
    first = lab.enqueue("work", {"lr": 1.0}, dedup="key")
    with pytest.raises(DuplicateJob, match=f"job {first.id} ") as caught:
        lab.enqueue_many("work", [{"lr": 2.0}], dedup="key", on_conflict="raise")
    assert f"lab.cancel({first.id})" in caught.value.remedy
    second = lab.enqueue("work", {"lr": 2.0}, dedup="key", on_conflict="replace")
    assert (first.status, second.status) == ("cancelled", "pending")
    with pytest.raises(DuplicateJob):
        first.retry()
    assert lab.enqueue("work", dedup="key", on_conflict="debounce", delay="1h") == second
    assert second.status == "scheduled"
    for wrong in ({"on_conflict": "raise"}, {"dedup": "key", "on_conflict": "debounce"}):
        with pytest.raises(OptionError, match="on_conflict"):
            lab.enqueue("work", **wrong)
