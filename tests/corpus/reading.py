"""Reads the cases of ``cells/*.txt``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent / "cells"
ENDS = ("same", "refused", "warned", "fails", "prints")


@dataclass(frozen=True, slots=True)
class Case:
    """One tricky cell: ``setup`` cells, the ``line`` of its ``%%job``, the ``cell``, what is expected."""

    topic: str
    title: str
    setup: tuple[str, ...]
    line: str
    cell: str
    expect: str
    text: str = ""

    def __str__(self) -> str:
        return f"{self.topic}: {self.title}"


def read_cases(folder: Path = FOLDER) -> list[Case]:
    """All cases, in the order of the files. ValueError names a case that is not well formed."""
    cases = [case for path in sorted(folder.glob("*.txt")) for case in _cases(path)]
    titles = [str(case) for case in cases]
    if len(set(titles)) < len(titles):
        raise ValueError(f"told twice: {sorted({t for t in titles if titles.count(t) > 1})}")
    return cases


def _cases(path: Path) -> list[Case]:
    _, *parts = ("\n" + path.read_text()).split("\n# case: ")
    return [_case(path.stem, part) for part in parts]


def _case(topic: str, part: str) -> Case:
    title, _, body = part.partition("\n")
    before, mark, after = body.partition("# %% job")
    if not mark:
        raise ValueError(f"{topic}: {title}: no line `# %% job`")
    setup = tuple(cell.strip("\n") for cell in before.split("# %%\n") if cell.strip())
    line, _, rest = after.partition("\n")
    cell, _, expectation = rest.partition("# expect: ")
    expect, _, text = expectation.strip().partition(" ")
    if (expect or "same") not in ENDS or not cell.strip():
        raise ValueError(f"{topic}: {title}: no cell, or expect is none of {ENDS}")
    return Case(topic, title.strip(), setup, line.strip(), cell.strip("\n"), expect or "same", text)
