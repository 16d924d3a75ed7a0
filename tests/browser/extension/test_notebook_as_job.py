"""A whole notebook becomes a job: from its toolbar and the file browser, with a form for its parameters."""

from __future__ import annotations

import nbformat
import pytest
from eventually import eventually
from playwright.sync_api import expect
from shown_lab import LONG, Server, Shown

from tether_lab import Lab


def report(server: Server) -> None:
    """report.ipynb: its tagged cell assigns three parameters, the next one prints them."""
    book = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell("region = 'north'\nrate = 0.5\nfast = True",
                                         metadata={"tags": ["parameters"]}),
               nbformat.v4.new_code_cell("print('report of', region, rate * 2, fast)")],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}})
    nbformat.write(book, server.shown.folder / "report.ipynb")


@pytest.mark.timeout(240)
def test_a_notebook_with_a_changed_parameter(server: Server, shown: Shown, lab: Lab) -> None:
    """The form shows the notebook's own values; what is no value is refused in the form and nothing typed is
    lost; the job runs with what was typed, and its executed copy lies where the form said."""
    report(server)
    shown.open("report.ipynb")
    shown.page.locator(".jp-NotebookPanel:visible [data-jp-item-name='tether-lab-run-notebook']").click()
    form = shown.page.locator(".tl-NotebookForm")
    expect(form.get_by_label("region")).to_be_focused()
    expect(form.get_by_label("region")).to_have_value("north")
    expect(form.get_by_label("rate")).to_have_value("0.5")
    assert shown.axe(".jp-Dialog") == []
    form.get_by_label("region").fill("south")
    form.get_by_label("rate").fill("quick")
    run = shown.page.locator(".jp-Dialog").get_by_role("button", name="Run")
    run.click()
    expect(form.get_by_role("alert")).to_contain_text("rate: quick is no value")
    expect(form.get_by_label("region")).to_be_focused()
    form.get_by_label("rate").fill("3")
    form.get_by_label("fast").select_option("False")
    form.get_by_label("Timeout").fill("soon")
    run.click()
    expect(form.get_by_role("alert")).to_contain_text("timeout")
    expect(form.get_by_label("region")).to_be_focused()
    expect(form.get_by_label("region")).to_have_value("south")
    form.get_by_label("Timeout").fill("5m")
    form.get_by_label("Retries").fill("1")
    form.get_by_label("Save the executed copy as").fill("runs/{name}-{job}.ipynb")
    run.click()
    shown.page.locator(".jp-Dialog").wait_for(state="detached")
    shown.forgive("422")                    # the refused timeout: the browser itself notes the answer
    job = eventually(lambda: next(iter(lab.jobs(key="report.ipynb")), None), within=30)
    expect(shown.tab(job.id).locator(".tl-Job-head")).to_contain_text("completed", timeout=LONG)
    expect(shown.tab(job.id).locator(".tl-Outputs-area")).to_contain_text("report of south 6 False")
    assert job.row.max_attempts == 2
    assert (server.shown.folder / "runs" / f"report-{job.id}.ipynb").is_file()

    shown.command("filebrowser:activate")
    shown.page.locator(".jp-DirListing-item", has_text="report.ipynb").click(button="right")
    shown.page.locator(".lm-Menu-item", has_text="Run Notebook as Job").click()
    expect(form.get_by_label("region")).to_have_value("north")
    shown.page.locator(".jp-Dialog").get_by_role("button", name="Cancel").click()
    assert len(lab.jobs(key="report.ipynb")) == 1
