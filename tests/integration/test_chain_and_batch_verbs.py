"""Chains and batches from the magic line and the terminal: seen, waited for, cancelled, run again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell

from tether_lab import Lab
from tether_lab.cell.completion import complete
from tether_lab.cli.main import main


@pytest.fixture
def lab(home: Path) -> Iterator[Lab]:
    """The lab that magics and commands find by themselves."""
    with Lab() as lab:
        yield lab
        lab.worker.stop(now=True, timeout=10)


@pytest.fixture
def jobs(lab: Lab) -> Iterator[Any]:
    """``%jobs``."""
    InteractiveShell.clear_instance()
    shell = InteractiveShell.instance()
    shell.history_manager.enabled = False
    shell.run_line_magic("load_ext", "tether_lab")
    yield lambda line: shell.run_line_magic("jobs", line)
    shell.run_line_magic("unload_ext", "tether_lab")
    InteractiveShell.clear_instance()


def test_a_chain_that_failed_goes_on_from_anywhere(
    lab: Lab, jobs: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str],
) -> None:
    """Lists are tables, also as plain text; retry runs what failed; wait says by its code how it went."""
    flag = tmp_path / "there"

    def load(ctx: Any) -> int:
        return len(flag.read_text())

    lab.register(lambda: 1, "extract")
    lab.register(load, "load", retries=0)
    chain = lab.chain("etl").then("extract").then("load").enqueue()
    assert main(["chain", str(chain.id), "wait"]) == 1
    assert "✘ load" in capsys.readouterr().out
    assert "etl" in repr(jobs("chains"))
    assert "✘ failed" in repr(jobs("chains"))
    assert jobs(f"chain {chain.id}").id == chain.id
    flag.write_text("abc")
    jobs(f"chain {chain.id} retry")
    assert main(["chain", str(chain.id), "wait", "--timeout", "30s", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["status"], [state for _, state in said["members"]]) == ("completed", ["completed"] * 2)
    assert main(["chain"]) == 0
    assert "2 of 2" in capsys.readouterr().out
    with pytest.raises(UsageError, match="takes the number of a chain"):
        jobs("chain etl")
    with pytest.raises(UsageError, match="there is no chain 9"):
        jobs("chain 9")
    assert main(["chain", "9"]) == 1
    assert "tether-lab chain lists them" in capsys.readouterr().err


def test_a_batch_runs_again_what_failed_or_is_cancelled(
    lab: Lab, jobs: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str],
) -> None:
    """The others stay; a cancel ends what waits."""
    flag = tmp_path / "there"

    def work(n: int) -> int:
        return n if n or flag.exists() else 1 // n

    lab.register(work, "work", retries=0)
    batch = lab.batch("all", [{"n": n} for n in range(3)], "work")
    assert batch.wait(30).status == "failed"
    flag.touch()
    assert main(["batch", str(batch.id), "retry"]) == 0
    batch.wait(30)
    assert batch.results() == [0, 1, 2]
    assert [job.row.attempt for job in batch.jobs] == [2, 1, 1]
    capsys.readouterr()
    assert main(["batch", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["name"] == "all"
    later = lab.batch("later", [{"n": 1}], "work", delay="1h")
    assert jobs(f"batch {later.id} cancel").status == "cancelled"
    assert "1 cancelled" in repr(jobs("batches"))


def test_completion_knows_verbs_names_and_numbers(lab: Lab) -> None:
    """Behind each word of %jobs that has some."""
    lab.worker.stop(now=True, timeout=10)
    lab.register(lambda n=1: n, "work")
    lab.schedule("work", name="nightly", interval="1d")
    lab.batch("all", [{"n": 1}], "work", delay="1h")

    def offers(line: str) -> list[str]:
        return complete(line, line, lambda: lab)

    assert {"next", "pause", "work"} <= set(offers("%jobs schedule "))
    assert offers("%jobs schedule pause ") == ["nightly"]
    assert offers("%jobs batch ") == ["1"]
    assert {"retry", "cancel"} <= set(offers("%jobs batch 1 "))
    assert {"chains", "batch"} <= set(offers("%jobs "))
