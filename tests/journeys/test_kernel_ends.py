"""The product in one file: a cell runs as a job, its kernel ends in every way, and nothing is lost."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

import pytest
from eventually import eventually
from kernels import Kernel, kernel

from tether_lab import Lab

JOB = """%%job story steps=3
import time
import pandas as pd
from matplotlib import pyplot as plt
print("begun", flush=True)
while not gate.exists():
    time.sleep(0.02)
frame = pd.DataFrame({"step": range(steps), "value": [base * s for s in range(steps)]})
print("still here")
plt.plot(frame["step"], frame["value"])
plt.show()
frame
"""


def submit(started: Kernel, gate: str) -> int:
    """Submit the story from a kernel, its inputs captured from the notebook; the job's id."""
    started.run(f"from pathlib import Path\ngate = Path({gate!r})\nbase = 7")
    ran = started.run(JOB)
    return int(ran.bundle("application/vnd.tether-lab.job+json")["job"]["id"])


def assert_told_in_a_new_kernel(job_id: int) -> None:
    """A second kernel gets the card, the output, the figure and the frame of the job."""
    with kernel() as second:
        second.run("from tether_lab import Lab\nlab = Lab()")
        second.run(f"job = lab.get({job_id}).wait(30)")
        card = second.run("job")
        assert "completed" in card.text.lower(), card.text
        assert "story" in card.bundle("text/html")
        shown = second.run(f"%jobs output {job_id}")
        assert "begun" in shown.text
        assert "still here" in shown.text
        assert shown.bundle("image/png")
        frame = second.run("print(type(job.result()).__name__, job.result()['value'].tolist())")
        assert "DataFrame [0, 7, 14]" in frame.text
        assert second.run("print(len(job.attempts))").text.strip() == "1"


def interrupt(started: Kernel) -> None:
    started.manager.interrupt_kernel()
    started.run("1 + 1")


def restart(started: Kernel) -> None:
    started.manager.restart_kernel(now=False)
    started.client.wait_for_ready(timeout=60)


def restart_now(started: Kernel) -> None:
    started.manager.restart_kernel(now=True)
    started.client.wait_for_ready(timeout=60)


def shut_down(started: Kernel) -> None:
    started.manager.shutdown_kernel(now=False)


def sigkill(started: Kernel) -> None:
    started.kill()


@pytest.mark.row(9)
@pytest.mark.timeout(120)
@pytest.mark.parametrize("end", [interrupt, restart, restart_now, shut_down, sigkill])
def test_a_job_outlives_whatever_ends_its_kernel(
    end: Callable[[Kernel], None], tmp_path: pytest.TempPathFactory,
) -> None:
    """Interrupt, restart, shutdown and SIGKILL of the kernel leave worker and job as they were."""
    gate = f"{tmp_path}/gate"
    started = Kernel()
    try:
        started.run("%load_ext tether_lab")
        job_id = submit(started, gate)
        lab = Lab()
        job = lab.get(job_id)
        eventually(lambda: any("begun" in str(o.get("text")) for o in job.outputs), within=30)
        before = lab.worker.status()
        end(started)
        assert job.status == "running"
        assert lab.worker.status().pid == before.pid
        open(gate, "w").close()
        job.wait(30)
        assert [a.outcome for a in job.attempts] == ["succeeded"]
        lab.close()
    finally:
        started.close()
    if end is sigkill:
        assert_told_in_a_new_kernel(job_id)


@pytest.mark.timeout(120)
def test_a_killed_worker_takes_no_job_with_it(tmp_path: pytest.TempPathFactory) -> None:
    """SIGKILL of the worker in the middle: who waits starts the next one, the job runs again, once
    accepted."""
    gate = f"{tmp_path}/gate"
    with kernel() as started:
        job_id = submit(started, gate)
        lab = Lab()
        job = lab.get(job_id)
        eventually(lambda: any("begun" in str(o.get("text")) for o in job.outputs), within=30)
        worker = lab.worker.status().pid
        assert worker is not None
        os.kill(worker, signal.SIGKILL)
        open(gate, "w").close()
        job.wait(30)
        assert [a.outcome for a in job.attempts] == ["lost", "succeeded"]
        assert job.result()["value"].tolist() == [0, 7, 14]
        assert lab.worker.status().pid != worker
        lab.close()
