"""Whole notebooks as jobs, with a real worker and real kernels."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from eventually import eventually
from notebook_files import code, markdown, write

from tether_lab import BadRequest, JobFailed, Lab, OptionError, PayloadError, UnknownHandler
from tether_lab.cli.main import main

pytestmark = pytest.mark.timeout(120)
WAITS = """\
import os, subprocess, sys, time
child = subprocess.Popen(["sleep", "300"], start_new_session=True)
open(f"{where}/pids", "w").write(f"{os.getpid()} {child.pid}")
print("waiting", flush=True)
time.sleep(300)"""


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    place = tmp_path_factory.mktemp("lab")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TETHER_LAB_CONFIG", str(place / "keys"))
        opened = Lab(place / "lab", runners=2)
        _ = opened.vault
    with opened as lab:
        yield lab
        lab.worker.stop(now=True)


@pytest.fixture
def lab(home: Path, shared: Lab, monkeypatch: pytest.MonkeyPatch) -> Lab:
    """One lab and one worker for all tests here, with its own keys."""
    monkeypatch.setenv("TETHER_LAB_CONFIG", str(shared.folder.path.parent / "keys"))
    return shared


@pytest.fixture
def report(tmp_path: Path) -> Path:
    return write(tmp_path / "report.ipynb", markdown("# Totals"), code("n = 3\nregion = 'south'", "parameters"),
                 code("total = sum(range(n))\nprint(region, total)"), code("assert n < 5, 'too many'\ntotal"))


def copy_of(job: Any) -> dict[str, Any]:
    return dict(json.loads(Path(job.result()["notebook"]).read_text()))


def test_a_notebook_runs_with_its_parameters_and_leaves_a_copy(lab: Lab, report: Path) -> None:
    """Its outputs are the job's, cell by cell; the copy beside it has them too, with what was said."""
    job = lab.enqueue_notebook(report, {"n": 4, "region": "north"}, tags="monthly")
    assert job.result(60)["cells"] == 4
    said = "".join(o.get("text", "") for o in job.outputs)
    assert "[3/4] Totals · total = sum(range(n))\nnorth 6\n" in said
    assert job.outputs[-1]["data"]["text/plain"] == "6"
    copy = copy_of(job)
    assert Path(job.result()["notebook"]).name == f"report-{job.id}.ipynb"
    assert copy["cells"][2]["metadata"]["tags"] == ["injected-parameters"]
    assert copy["cells"][-1]["outputs"][0]["data"]["text/plain"] == ["6"]
    assert copy["metadata"]["tether_lab"]["parameters"] == {"n": 4, "region": "north"}
    assert copy["metadata"]["tether_lab"]["status"] == "completed"
    assert (job.key, job.row.kind, job.row.tags) == ("report.ipynb", "notebook", ("monthly",))


def test_a_failed_run_can_be_read_up_to_the_cell_that_failed(lab: Lab, report: Path) -> None:
    """The error is the kernel's, the copy stands where ``output`` says, and a retry runs all of it again."""
    job = lab.enqueue_notebook(report, {"n": 9}, output=report.parent / "runs" / "{name}-{job}.ipynb",
                               max_attempts=2, retry="fixed:0.1s")
    with pytest.raises(JobFailed, match=r"AssertionError: too many \(cell 4\)") as caught:
        job.result(60)
    assert "assert n < 5" in str(caught.value.traceback)
    assert len(job.attempts) == 2
    copy = json.loads((report.parent / "runs" / f"report-{job.id}.ipynb").read_text())
    assert copy["cells"][3]["outputs"][0]["text"] == ["south 36\n"]
    assert copy["cells"][4]["outputs"][0]["ename"] == "AssertionError"
    assert copy["metadata"]["tether_lab"]["status"] == "failed"


def test_a_copy_is_named_after_parameters(lab: Lab, tmp_path: Path) -> None:
    """Their values as far as a file's name can hold them; what was not given is the default."""
    path = write(tmp_path / "named.ipynb", code("n = 3\nregion = 'south'\nlast = 1", "parameters"), code("n"))
    job = lab.enqueue_notebook(path, {"n": 9, "region": "../up/and away"},
                               output=tmp_path / "{name}-{n}-{region}-{last}.ipynb")
    assert Path(job.result(60)["notebook"]) == tmp_path / "named-9--up-and-away-default.ipynb"
    assert (tmp_path / "named-9--up-and-away-default.ipynb").is_file()


@pytest.mark.parametrize("end", ["cancel", "timeout", "kill"])
def test_no_kernel_outlives_its_job(lab: Lab, tmp_path: Path, end: str) -> None:
    """However it ends, kernel and children go; what ran before is in the copy; output came while it ran."""
    path = write(tmp_path / "long.ipynb", code("where = ''", "parameters"), code("print('first')"), code(WAITS))
    job = lab.enqueue_notebook(path, {"where": str(tmp_path)}, timeout="9s" if end == "timeout" else None,
                               max_attempts=1)
    eventually(lambda: "waiting" in "".join(o.get("text", "") for o in job.outputs), within=60)
    pids = [int(word) for word in (tmp_path / "pids").read_text().split()]
    if end == "cancel":
        job.cancel()
    elif end == "kill":
        os.kill(job.attempts[-1].usage.pid, signal.SIGKILL)
        eventually(lambda: job.status == "running" and len(job.attempts) > 1, within=30)
        job.cancel(force=True)
    job.wait(60)
    assert job.status == ("failed" if end == "timeout" else "cancelled")
    eventually(lambda: not any(psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
                               for pid in pids), within=10, say="the end of the kernel")
    if end == "cancel":
        copy = json.loads((tmp_path / f"long-{job.id}.ipynb").read_text())
        assert copy["cells"][2]["outputs"][0]["text"] == ["first\n"]


def test_the_death_of_the_kernel_says_where(lab: Lab, tmp_path: Path) -> None:
    """The cell and the signal; the notebook's own kernel is gone, not the worker."""
    path = write(tmp_path / "dies.ipynb", code("1"), code("import os\nos.kill(os.getpid(), 9)"))
    job = lab.enqueue_notebook(path, max_attempts=1)
    job.wait(60)
    assert "the kernel died in cell 2" in str(job.row.error)


def test_what_cannot_run_is_refused_at_the_door(lab: Lab, report: Path, tmp_path: Path) -> None:
    """Missing and broken files, kernels, parameters; nothing is written."""
    before = len(lab.jobs(limit=None))
    with pytest.raises(BadRequest, match="there is no notebook"):
        lab.enqueue_notebook(tmp_path / "nope.ipynb")
    with pytest.raises(UnknownHandler, match="there is no notebook"):
        lab.schedule("./nope.ipynb", interval="1h")
    (tmp_path / "broken.ipynb").write_text("{")
    with pytest.raises(BadRequest, match="format 4"):
        lab.enqueue_notebook(tmp_path / "broken.ipynb")
    with pytest.raises(PayloadError, match="no parameter 'm'"):
        lab.enqueue_notebook(report, {"m": 1})
    with pytest.raises(PayloadError):
        lab.enqueue_notebook(report, {"n": {1, 2}})
    with pytest.raises(OptionError, match="no kernel 'fortran'"):
        lab.enqueue_notebook(report, kernel="fortran")
    with pytest.raises(OptionError, match="no kernel 'ghost'"):
        lab.schedule(str(write(tmp_path / "g.ipynb", code("1"), name="ghost")), interval="1h")
    for wrong in ({"output": "{nmae}.ipynb"}, {"output": "{n}.ipynb", "secret": "n"}):
        with pytest.raises(OptionError, match=r"stands for nothing|would tell a secret") as caught:
            lab.enqueue_notebook(report, {"n": 1}, **wrong)
        assert "{name}" in str(caught.value)
    with pytest.raises(OptionError, match="stands for nothing"):
        lab.schedule(str(report), {"n": 1}, interval="1h", output="{nmae}.ipynb")
    with pytest.raises(OptionError, match="output is for notebooks"):
        lab.enqueue_command("true", output="x.ipynb")
    assert len(lab.jobs(limit=None)) == before


def test_a_notebook_is_scheduled_and_swept_like_any_handler(lab: Lab, report: Path) -> None:
    """By its file name; the copy of each run has a name of its own."""
    batch = lab.sweep(str(report), n=[1, 2])
    schedule = lab.schedule(str(report), {"n": 2}, interval="1h", output=report.parent / "{name}-{date}.ipynb")
    assert schedule.key == "report.ipynb"
    job = schedule.run_now()
    assert Path(job.result(60)["notebook"]).name == f"report-{time.strftime('%Y-%m-%d')}.ipynb"
    assert [Path(found["notebook"]).name for found in batch.results(60)] == [
        f"report-{one.id}.ipynb" for one in batch.jobs]
    schedule.unschedule()


def test_the_terminal_runs_a_notebook(lab: Lab, report: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Parameters and options stand behind its name; its exit code is the job's."""
    place = str(lab.folder.path)
    there = str(report.parent / "o.ipynb")
    assert main(["run", "--lab", place, str(report), "-p", "n=2", "--output", there]) == 0
    told = capfd.readouterr().out
    assert "[4/4]" in told
    assert "o.ipynb" in told
    assert main(["run", "--lab", place, str(report), "-p", "n"]) == 2
