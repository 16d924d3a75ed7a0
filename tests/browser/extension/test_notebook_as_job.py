"""A whole notebook becomes a job: from its toolbar and the file browser, with a form for its parameters."""

from __future__ import annotations

import nbformat
import pytest
from playwright.sync_api import expect
from shown_lab import Server, Shown

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
def test_the_form_of_a_notebook(server: Server, shown: Shown, lab: Lab) -> None:
    """The form shows the notebook's own values; what is no value is refused in the form and nothing typed is
    lost."""
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
    expect(form.get_by_label("region")).to_have_value("south")
    shown.page.locator(".jp-Dialog").get_by_role("button", name="Cancel").click()
    assert lab.jobs() == []
