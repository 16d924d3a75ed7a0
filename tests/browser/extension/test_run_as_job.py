"""A cell becomes a job by a button, and its card lives on whatever becomes of the kernel."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest
from browsers import kernels_below
from eventually import eventually
from playwright.sync_api import expect
from shown_lab import LONG, Server, Shown

from tether_lab import Lab

WORK = """import pathlib, time
from tqdm.auto import tqdm
for step in tqdm(range(3), desc='steps'):
    time.sleep(0.1)
print('data has', len(data))
while not pathlib.Path(gate).exists():
    time.sleep(0.02)
len(data)"""


@pytest.mark.timeout(300)
def test_a_cell_its_kernel_killed_the_page_reloaded(
    server: Server, shown: Shown, tmp_path: Path, lab: Lab,
) -> None:
    """Run from the toolbar, live in card and panel, the kernel killed, the page reloaded: both still live."""
    gate = tmp_path / "gate"
    server.shown.write("run.ipynb", f"data = list(range(77)); gate = {str(gate)!r}", WORK)
    shown.open("run.ipynb")
    shown.run(0)
    shown.run_as_job(1)
    expect(shown.card()).to_contain_text("running", timeout=LONG)
    [job] = lab.jobs(limit=1)
    expect(shown.card()).to_contain_text("data has 77", timeout=LONG)
    expect(shown.card().locator(".tl-Live")).to_be_visible()
    expect(shown.row(job.id)).to_contain_text("running")
    shown.page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")

    [kernel] = kernels_below(server.place)
    os.kill(kernel, signal.SIGKILL)
    shown.server.end_kernels()
    shown.page.reload()
    shown.settled("run.ipynb", kernel=False)
    expect(shown.card().locator(".tl-Live")).to_be_visible()
    expect(shown.card()).to_contain_text("running")
    gate.touch()
    expect(shown.card()).to_contain_text("completed", timeout=LONG)
    expect(shown.card().locator(".tl-Card-outputs .tl-Outputs-area")).to_contain_text("data has 77")
    expect(shown.card().locator(".tl-Card-outputs")).to_contain_text("3 outputs")     # bar, text, result
    expect(shown.row(job.id)).to_contain_text("completed")
    shown.forgive("websocket")              # JupyterLab's own, of the killed kernel

    expect(shown.page.locator(".jp-toast-button", has_text="Open job").first).to_be_visible()
    shown.page.locator(".jp-toast-button", has_text="Open job").first.click()
    expect(shown.tab(job.id).locator(".tl-Outputs-area")).to_contain_text("data has 77", timeout=LONG)


@pytest.mark.timeout(300)
def test_a_busy_kernel_is_waited_for_and_a_dead_one_is_no_hindrance(
    server: Server, shown: Shown, tmp_path: Path, lab: Lab,
) -> None:
    """Behind a long cell the wait is said; without a kernel the cell alone is offered, and runs."""
    begun, gate = tmp_path / "begun", tmp_path / "free"
    server.shown.write(
        "busy.ipynb", f"import pathlib, time\npathlib.Path({str(begun)!r}).touch()\n"
        f"while not pathlib.Path({str(gate)!r}).exists():\n    time.sleep(0.05)",
        "print('after the wait')\nalone = 6 * 7\nalone")
    shown.open("busy.ipynb")
    shown.start(0)
    eventually(begun.exists, within=60)
    shown.run_as_job(1)
    expect(shown.cell(1)).to_contain_text("Waits until the kernel is free")
    gate.touch()
    expect(shown.card()).to_contain_text("completed", timeout=LONG)
    expect(shown.cell(1)).not_to_contain_text("Waits until")
    before = lab.jobs(limit=1)[0].id

    shown.page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.shutdown()")
    shown.run_as_job(1)
    shown.page.get_by_role("button", name="Run the cell alone").click()
    alone = eventually(lambda: next((j for j in lab.jobs(limit=1) if j.id > before), None), within=90)
    expect(shown.card()).to_contain_text(f"#{alone.id}")
    expect(shown.card()).to_contain_text("completed", timeout=LONG)
    assert alone.result() == 42
    shown.forgive("debugger state")         # JupyterLab's own, of the kernel that was shut down


@pytest.mark.timeout(180)
def test_cancel_and_retry_from_card_and_panel(shown: Shown, lab: Lab, tmp_path: Path) -> None:
    """A running job is cancelled by its row's button and run again from its page; each shows at once."""
    gate = tmp_path / "gate"

    def holds(gate: str) -> str:
        import pathlib
        import time as clock

        while not pathlib.Path(gate).exists():
            clock.sleep(0.02)
        return "through"

    lab.register(holds, "holds")
    shown.open()
    job = lab.enqueue("holds", {"gate": str(gate)})
    expect(shown.row(job.id)).to_contain_text("running", timeout=LONG)
    shown.row(job.id).hover()
    shown.row(job.id).get_by_role("button", name=f"Cancel job {job.id}").click()
    expect(shown.row(job.id)).to_contain_text("cancelled", timeout=LONG)
    shown.row(job.id).dblclick()
    expect(shown.tab(job.id)).to_contain_text("cancelled")
    gate.touch()
    shown.tab(job.id).get_by_role("button", name="Run again").click()
    expect(shown.tab(job.id).locator(".tl-Job-head")).to_contain_text("completed", timeout=LONG)
    expect(shown.row(job.id)).to_contain_text("completed")
    assert lab.get(job.id).result() == "through"


@pytest.mark.alone
@pytest.mark.timeout(180)
def test_a_change_is_on_screen_within_300_ms(shown: Shown, lab: Lab) -> None:
    """From the commit in the database to the words in the panel: the median of nine."""
    def quick() -> int:
        return 1

    lab.register(quick, "quick")
    shown.open()
    job = lab.enqueue("quick", delay="1h")
    expect(shown.row(job.id)).to_contain_text("scheduled")
    took = []
    for number in range(9):
        time.sleep(0.4)                     # changes that come at once are told together
        fresh = lab.enqueue("quick", {}, delay="2h", description=f"number {number}")
        begun = time.monotonic()
        shown.row(fresh.id).wait_for()
        took.append(time.monotonic() - begun)
    print("ms on screen after the commit:", sorted(round(1000 * t) for t in took))
    assert sorted(took)[4] < 0.3
    lab.cancel(key="quick")
