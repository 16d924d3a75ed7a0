"""Notebook 7, which has no sidebar of its own to start with: the same dashboard, card, panel and buttons."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from browsers import TOKEN, LabServer, end_lab, start_lab
from eventually import eventually
from playwright.sync_api import Page, expect
from servers import address

from tether_lab import Lab

SETUP = "%load_ext tether_lab\nfrom tether_lab import Lab\nlab = Lab(runners=2)\nlab.worker.start()"
JOB = """%%job waits
import pathlib, time
ctx.progress(1, 4, "first")
while not pathlib.Path(gate).exists(): time.sleep(0.02)
"""


@pytest.fixture
def notebook_server(tmp_path: Path, home: Path) -> Iterator[LabServer]:
    """Notebook 7 with the server's part of ours, as pip would switch it on."""
    work, enabled = tmp_path / "work", tmp_path / "config" / "jupyter_server_config.d"
    work.mkdir()
    enabled.mkdir(parents=True)
    (enabled / "tether_lab.json").write_text(json.dumps(
        {"ServerApp": {"jpserver_extensions": {"tether_lab": True}}}))
    server = start_lab(tmp_path, work, app="notebook")
    try:
        yield LabServer(address(tmp_path / "runtime"), work)
    finally:
        end_lab(server)


@pytest.mark.timeout(180)
def test_dashboard_card_and_panel_live_in_notebook_7(notebook_server: LabServer, page: Page,
                                                     tmp_path: Path) -> None:
    """A job is seen running in all three; it is cancelled in the dashboard, and card and panel say so; a cell
    becomes a job by its button."""
    gate = tmp_path / "gate"
    with Lab() as lab:                      # there before the page, which then knows it
        notebook_server.write("seven.ipynb", SETUP, f"gate = {str(gate)!r}", JOB, "lab.dashboard(rate=10)",
                              "40 + 2")
        page.goto(f"{notebook_server.address}notebooks/seven.ipynb?token={TOKEN}")
        page.wait_for_function("() => window.jupyterapp?.shell.currentWidget?.context?.sessionContext?.session"
                               "?.kernel?.status === 'idle'", timeout=90_000)
        for command in ("notebook:run-all-cells", "tether-lab:open-panel"):
            page.evaluate("name => { void window.jupyterapp.commands.execute(name); }", command)
        row = page.locator(".tl-board tr[aria-label^='job 1,']")
        card, listed = page.locator(".tl-Card").first, page.locator("#tether-lab-panel [data-job='1']")
        expect(row).to_contain_text("25 %", timeout=60_000)
        for place in (card, listed):
            expect(place).to_contain_text("running", timeout=30_000)
        expect(card).to_contain_text("live", timeout=30_000)
        row.get_by_role("button", name="Cancel").click()
        eventually(lambda: lab.get(1).status == "cancelled", within=30)
        for place in (row, card, listed):
            expect(place).to_contain_text("cancelled", timeout=30_000)
        last = page.locator(".jp-CodeCell").last
        last.locator(".jp-Cell-inputArea").click()
        last.locator("[data-jp-item-name='tether-lab-run']").click()
        eventually(lambda: len(lab.jobs("completed")) == 1, within=60)
        assert lab.get(2).result() == 42
        lab.worker.stop(now=True, timeout=10)
