"""Every cell of the corpus, as a job and in the kernel: equal, or refused or warned of beforehand."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from corpus.normal import normal, text
from corpus.reading import Case, read_cases
from corpus.truth import Kernel
from eventually import eventually
from leftovers import end_processes_of

from tether_lab import Lab
from tether_lab.job.state import FINAL

CASES = read_cases()
RICHES = ("text/plain", "text/html", "text/markdown")


class Bench:
    """A kernel with the extension loaded, a lab with its worker, and a folder that both forget."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        env = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}
        self.kernel = Kernel(env | {"TMPDIR": str(folder)}, folder)
        self.kernel.quiet("%load_ext tether_lab")
        self.lab = Lab()
        self.last = 0

    def submit(self, case: Case) -> tuple[list[dict[str, Any]], Any]:
        """Type the case as `%%job`; what that showed, and the job, or None if it was refused."""
        shown = self.kernel.run(f"%%job {case.line}\n{case.cell}\n")
        job = next(iter(self.lab.jobs(limit=1)), None)
        if job is None or int(job) == self.last:
            return shown, None
        self.last = int(job)
        return shown, job

    def judge(self, case: Case) -> None:
        """Run the case both ways and hold it to what it expects."""
        self.kernel.helper("fresh")
        for cell in case.setup:
            bad = [o for o in self.kernel.run(cell) if o["output_type"] == "error"]
            assert not bad, f"the setup itself failed: {bad[0]['evalue']}"
        self.kernel.helper("keep")
        shown, job = self.submit(case)
        said = words(shown)
        if case.expect == "refused":
            assert job is None, f"it was accepted as job {job.id}"
            assert case.text.lower() in said.lower(), said
            return
        assert job is not None, f"it was refused: {said}"
        truth = None
        if case.expect == "same":
            self.kernel.helper("put_back")
            truth = normal(self.kernel.run(case.cell))       # while the job runs
        eventually(lambda: job.status in FINAL, within=40, say=f"the end of job {job.id}")
        outputs = normal(job.outputs)
        if case.expect == "warned":
            assert case.text.lower() in said.lower(), f"not a word of {case.text!r}: {said}"
        elif case.expect == "fails":
            assert case.text.lower() in f"{job.error}\n{outputs}".lower(), outputs
        elif case.expect == "prints":
            assert case.text in "\n".join(str(part) for output in outputs for part in output), outputs
        else:
            assert outputs == truth


def words(outputs: list[dict[str, Any]]) -> str:
    """What a person reads in outputs: streams, errors, and the texts of cards."""
    parts = [o.get("text") or o.get("evalue") or " ".join(str(o["data"].get(m, "")) for m in RICHES)
             for o in outputs]
    return text("\n".join(parts))


@pytest.fixture(scope="module", autouse=True)
def home() -> Iterator[Path]:
    """One home for all cases, in place of the one that each test has elsewhere."""
    folder = Path(tempfile.mkdtemp(prefix="tc-")).resolve()
    with pytest.MonkeyPatch.context() as patch:
        for name in ("XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "IPYTHONDIR"):
            (folder / name.lower()).mkdir(mode=0o700)
            patch.setenv(name, str(folder / name.lower()))
        patch.setenv("TETHER_LAB_HOME", str(folder / "home"))
        patch.setenv("TETHER_LAB_RUNNERS", "2")
        yield folder
        end_processes_of(folder)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def bench(home: Path) -> Iterator[Bench]:
    made = Bench(home)
    yield made
    made.kernel.kill()
    made.lab.worker.stop(now=True)
    made.lab.close()


def test_the_corpus_is_large_enough() -> None:
    """At least 150 cells, most of them held to the kernel's own output."""
    assert len(CASES) >= 150
    assert sum(case.expect == "same" for case in CASES) >= 150


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_cell_does_as_a_job_what_it_does_in_the_kernel(case: Case, bench: Bench) -> None:
    """Equal outputs, or a refusal or warning at submit that names the cause: never a silent difference."""
    bench.judge(case)
