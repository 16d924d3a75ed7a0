"""The card of a %%job cell as a person sees it: in a real JupyterLab, in a real browser."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from browsers import LabServer, kernels_below
from eventually import eventually
from playwright.sync_api import Page, expect

from tether_lab import Lab


@pytest.mark.timeout(180)
def test_the_card_keeps_up_and_outlives_the_kernel(
    lab_server: LabServer, page: Page, run_all: Callable[[str], None], tmp_path: Path,
) -> None:
    """Running with its bar, then, the kernel killed and another one started, complete with its
    figure: what the card and ``%jobs output`` show in JupyterLab."""
    gate = tmp_path / "gate"
    lab_server.write(
        "book.ipynb", "%load_ext tether_lab",
        "%%job render\nimport time, pathlib\nfrom tqdm.auto import tqdm\n"
        "from matplotlib import pyplot as plt\n"
        "for i in tqdm(range(4), desc='frames'):\n    time.sleep(0.3)\n"
        f"while not pathlib.Path({str(gate)!r}).exists(): time.sleep(0.05)\n"
        "plt.plot([1, 3, 2]); plt.show()\nprint('all drawn')\n42")
    page.goto(lab_server.page_of("book.ipynb"))
    run_all("book.ipynb")
    card = page.locator(".jp-OutputArea-output", has_text="render").first
    expect(card).to_contain_text("running", timeout=60_000, ignore_case=True)
    expect(card).to_contain_text("frames", timeout=20_000)
    [kernel] = kernels_below(tmp_path)
    os.kill(kernel, signal.SIGKILL)
    gate.touch()
    with Lab() as lab:
        job = lab.jobs(key="render")[0].wait(60)
        assert job.result() == 42
    lab_server.write("second.ipynb", "%load_ext tether_lab", f"%job {job.id}", f"%jobs output {job.id}")
    page.goto(lab_server.page_of("second.ipynb"))
    run_all("second.ipynb")
    done = page.locator(".jp-OutputArea-output", has_text="render").first
    expect(done).to_contain_text("completed", timeout=60_000, ignore_case=True)
    expect(page.locator(".jp-OutputArea-output img").first).to_be_visible(timeout=30_000)
    expect(page.get_by_text("all drawn").first).to_be_visible()
    eventually(lambda: page.locator(".jp-OutputArea-output").count() >= 3, within=10)
