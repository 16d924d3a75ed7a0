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


def test_a_result_comes_back_to_a_changed_notebook(kernel: Server, runner: Server, tmp_path: Path) -> None:
    """Three processes: captured in one, made in the next, loaded in a third whose class has moved on."""
    setup = "import numpy as np\nclass Res:\n    shared = 1\n    def __init__(self, a): self.a = a"
    cell = "result = [Res(np.arange(50_000.)), Res(None)]"
    asked = kernel.ask(role="kernel", folder=str(tmp_path), setup=[setup], cell=cell, request={}, run=False)
    assert "refused" not in asked
    ran = runner.ask(role="runner", folder=str(tmp_path), cell=cell, result="result")
    assert ran["kind"] == "pickle", ran
    assert "Res object" in ran["text"]
    later = setup + "\nRes.shared = 99\n"
    back = kernel.ask(role="load_back", folder=str(tmp_path), setup=[later], check=(
        "got[0].a[0] = 5\nprint(type(got[0]) is Res, Res.shared, got[1].shared, got[0].a.sum())"))
    assert back["printed"] == "True 99 99 1249975005.0\n"


def test_the_same_notebook_twice(kernel: Server, tmp_path: Path) -> None:
    """Two kernels that ran the same cells agree on every fingerprint and on the version."""
    setup = ("import numpy as np, pandas as pd, enum, functools\nclass E(enum.Enum):\n    A = 1\n"
             "@functools.lru_cache\ndef f(x, y=frozenset('ab')): return E.A\n"
             "df = pd.DataFrame({'a': np.arange(20_000.), 'b': list('ab') * 10_000})\ns = {'x', 'y', 'z'}")
    answers = [kernel.ask(role="kernel", folder=str(tmp_path), setup=[setup], cell="f, df, s, E",
                          request={}, run=False) for _ in range(2)]
    assert answers[0]["variables"] == answers[1]["variables"]
    assert None not in answers[0]["variables"].values()
    assert answers[0]["version"] == answers[1]["version"]
