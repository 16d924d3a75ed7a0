"""Chains, batches and sweeps with a real worker."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tether_lab import JobNotFound, Lab, OptionError, UnknownHandler


def test_the_magic_line_sweeps(tmp_path: Path) -> None:
    """``%%job KEY --sweep``: the values that are lists, in every combination; the rest stays."""
    from IPython.core.error import UsageError
    from IPython.core.interactiveshell import InteractiveShell

    shell = InteractiveShell.instance()
    shell.run_line_magic("load_ext", "tether_lab")
    lab = Lab(runners=2)
    try:
        shell.run_cell_magic("job", "area --sweep w=1,2 h=[3, 4] name='a' --tags sweeps", "w * h")
        (batch,) = lab.batches()
        assert sorted(batch.results(30)) == [3, 4, 6, 8]
        assert batch.jobs[0].payload["name"] == "a"
        assert batch.jobs[0].row.tags == ("sweeps",)
        again = shell.run_line_magic("job", "area --sweep w=(5, 6)")
        assert again.results(30)[0] % 5 == 0
        with pytest.raises(UsageError, match="no value is a list"):
            shell.run_line_magic("job", "area --sweep w=3")
    finally:
        shell.run_line_magic("unload_ext", "tether_lab")
        InteractiveShell.clear_instance()
        lab.worker.stop(now=True)


def test_a_chain_hands_results_on_and_goes_on_from_its_failed_step(tmp_path: Path) -> None:
    """Each step sees the chain's input and its parents' results; a retry opens what had ended."""
    marker = tmp_path / "now"
    with Lab(tmp_path / "lab") as lab:
        @lab.handler("extract")
        def extract(n: int) -> list[int]:
            return list(range(n))

        @lab.handler("total", retries=0)
        def total(ctx: Any, path: str) -> int:
            from pathlib import Path

            if not Path(path).exists():
                raise ValueError("not yet")
            return sum(ctx.inputs["extract"])

        @lab.handler("load")
        def load(ctx: Any) -> dict[str, int]:
            return dict(ctx.inputs)

        try:
            chain = lab.chain("etl").then("extract").then("total").then("load").enqueue(
                input={"n": 5, "path": str(marker)})
            assert chain.wait(30).status == "failed"
            assert {name: str(job.status) for name, job in chain.steps.items()} == {
                "extract": "completed", "total": "failed", "load": "cancelled"}
            assert "total" in str(chain.steps["load"].error)
            marker.touch()
            assert chain.retry().result(30) == {"total": 10}
            assert chain.status == "completed"
            assert "3 completed" in chain._repr_mimebundle_()["text/plain"]

            batch = lab.sweep("extract", n=[1, 2, 3])
            assert batch.results(30) == [[0], [0, 1], [0, 1, 2]]
            assert list(batch.frame()["n"]) == [1, 2, 3]
            assert "3 completed" in batch._repr_mimebundle_()["text/html"]
            assert lab.batch("extract", []).status == "completed"
        finally:
            lab.worker.stop(now=True)


def test_a_job_waits_for_others_by_number_or_key(tmp_path: Path) -> None:
    """``--after extract`` in a cell, ``after=`` in code; the policy says what a failure means."""
    from IPython.core.interactiveshell import InteractiveShell

    shell = InteractiveShell.instance()
    shell.run_line_magic("load_ext", "tether_lab")
    lab = Lab(runners=2)
    try:
        shell.run_cell_magic("job", "extract n=3", "list(range(n))")
        load = shell.run_cell_magic("job", "load --after extract", "sum(ctx.inputs['extract'])")
        assert load.result(30) == 3

        @lab.handler("bad", retries=0)
        def bad() -> None:
            raise ValueError("no")

        @lab.handler("both")
        def both(ctx: Any) -> list[Any]:
            return sorted(ctx.inputs)

        first, wrong = lab.enqueue("extract"), bad.enqueue()
        assert lab.enqueue("both", after=[first, load]).result(30) == ["extract", "load"]
        assert str(lab.enqueue("both", after=wrong).wait(30).status) == "cancelled"
        assert str(lab.enqueue("both", after=f"{wrong.id}:skip").wait(30).status) == "skipped"
        assert lab.enqueue("both", after="bad:continue").result(30) == ["bad"]
        for after, error in (("nope", UnknownHandler), (99, JobNotFound), ("bad:perhaps", OptionError)):
            with pytest.raises(error):
                lab.enqueue("both", after=after)
        with pytest.raises(OptionError, match="after"):
            lab.schedule("both", interval="1h", after="bad")
    finally:
        shell.run_line_magic("unload_ext", "tether_lab")
        InteractiveShell.clear_instance()
        lab.worker.stop(now=True)
