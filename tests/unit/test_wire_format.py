"""The golden texts that the TypeScript tests read, too, are what Python says."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tether_lab.views import phrases
from tether_lab.views.bars import BarView

GOLDEN: dict[str, list[list[Any]]] = json.loads(
    (Path(__file__).parents[1] / "wire" / "format.json").read_text())


def micros(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1e6)


SAYS = {
    "size": phrases.size, "duration": phrases.duration, "count": phrases.count, "brief": phrases.brief,
    "waitingFor": phrases.waiting_for, "percent": lambda fraction: BarView("", fraction, "").percent,
    "moment": lambda at, now: phrases.moment(micros(at), micros(now)),
    "clock": lambda at: phrases.clock(micros(at)),
}


@pytest.fixture(autouse=True)
def in_utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Local time is UTC here, as in the TypeScript tests."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize("name", sorted(SAYS))
def test_python_says_what_the_golden_file_has(name: str) -> None:
    """Each row ends with the text for what stands before it."""
    assert sorted(GOLDEN) == sorted(SAYS)
    for *asked, said in GOLDEN[name]:
        assert SAYS[name](*asked) == said, asked
