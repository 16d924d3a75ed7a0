"""What one process captured, a fresh one loads: equal output, or refused or warned beforehand."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from cells_apart import Server

sys.path.insert(0, str(Path(__file__).parent))
from capture_cases import CASES, Case


@pytest.fixture(scope="module")
def kernel() -> Iterator[Server]:
    """A server whose children play the notebook."""
    server = Server()
    yield server
    server.close()


@pytest.fixture(scope="module")
def runner() -> Iterator[Server]:
    """A server whose children play the job; it never saw a notebook."""
    server = Server()
    yield server
    server.close()


@pytest.mark.parametrize("case", CASES, ids=[case.about.replace(" ", "-") for case in CASES])
def test_case(case: Case, kernel: Server, runner: Server, tmp_path: Path) -> None:
    """The job prints what the notebook prints, or the case was named at submit."""
    asked = kernel.ask(role="kernel", folder=str(tmp_path), setup=[case.setup], cell=case.cell,
                       request=case.request, run=case.expect == "same")
    assert not {"broken", "crashed"} & asked.keys(), asked
    if case.expect == "refused":
        assert case.text in asked.get("refused", "it was accepted"), asked
        return
    assert "refused" not in asked, asked["refused"]
    said = " ".join([*asked["warnings"], *asked["notes"]])
    if case.expect == "warned":
        assert case.text in said, said
        return
    ran = runner.ask(role="runner", folder=str(tmp_path), cell=case.cell, result="")
    assert "printed" in ran, ran
    if case.expect == "fails":
        assert "Error" in ran["printed"], ran
        assert case.text in ran["printed"] + str(ran.get("hint")), ran
        return
    assert ran["printed"] == asked["truth"]
