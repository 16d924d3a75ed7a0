"""JupyterLab as a test sees it: a server that can be restarted, and a page with the words of our views."""

from __future__ import annotations

import json
import subprocess
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from browsers import TOKEN, LabServer, end_lab, start_lab
from playwright.sync_api import Locator, Page, expect
from servers import address

from tether_lab import Lab

THEMES = ("JupyterLab Light", "JupyterLab Dark", "JupyterLab Dark High Contrast")
AXE = Path(__file__).parents[1] / "labextension" / "node_modules" / "axe-core" / "axe.min.js"
LONG = 60_000
"""Milliseconds: a kernel starts, a job is run, on a machine with other things to do."""
READY = """async () => { const { context, sessionContext } = window.jupyterapp.shell.currentWidget;
    await context.ready; await sessionContext.ready; await sessionContext.session.kernel.info; }"""


@dataclass
class Server:
    """JupyterLab's process."""

    place: Path
    work: Path
    port: int
    shown: LabServer = field(init=False)
    process: subprocess.Popen[bytes] = field(init=False)

    def start(self) -> None:
        self.process = start_lab(self.place, self.work, self.port)
        address(self.place / "runtime")

    def end(self) -> None:
        end_lab(self.process)

    def ask(self, path: str, method: str = "GET") -> Any:
        request = urllib.request.Request(f"{self.shown.address}{path}", method=method,
                                         headers={"Authorization": f"token {TOKEN}"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            said = answer.read()
        return json.loads(said) if said else None

    def end_kernels(self) -> None:
        for session in self.ask("api/sessions"):
            self.ask(f"api/sessions/{session['id']}", "DELETE")


class Shown:
    """A page with JupyterLab in it."""

    def __init__(self, page: Page, server: Server, lab: Lab) -> None:
        self.page, self.server, self.lab = page, server, lab
        self.complaints: list[str] = []
        page.on("console", lambda said: said.type == "error" and self.complaints.append(
            f"{said.text} {said.location}"))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.set_default_timeout(LONG)

    def open(self, notebook: str = "") -> Shown:
        """JupyterLab, on a notebook with a living kernel if one is named; our panel beside it."""
        where = f"/tree/{notebook}" if notebook else ""
        self.page.goto(f"{self.server.shown.address}lab{where}?token={TOKEN}&reset")
        return self.settled(notebook)

    def settled(self, notebook: str = "", kernel: bool = True) -> Shown:
        """Once all is there: what comes late takes the focus from what came before."""
        self.page.wait_for_function("() => window.jupyterapp !== undefined", timeout=LONG)
        self.page.evaluate("async () => { await window.jupyterapp.started; await window.jupyterapp.restored; }")
        self.page.locator("#jupyterlab-splash").wait_for(state="detached")
        if notebook:
            self.page.locator(".jp-NotebookPanel:visible .jp-Notebook").wait_for()
            if kernel:
                self.page.evaluate(READY)
        else:
            self.page.locator(".jp-LauncherCard").first.wait_for()
        self.command("tether-lab:open-panel")
        order = self.panel.get_by_label("Order of jobs")
        expect(order.or_(self.panel.locator(".tl-First")).first).to_be_visible()
        if order.is_visible():              # the newest jobs are in sight then, however many there are and
            order.select_option("none")     # whatever becomes of them: only rows in sight are drawn
        return self

    def forgive(self, words: str) -> None:
        """What JupyterLab itself complains of when a kernel or the server goes."""
        self.complaints = [said for said in self.complaints if words.lower() not in said.lower()]

    def command(self, name: str, **arguments: Any) -> None:
        self.page.evaluate("([name, given]) => { void window.jupyterapp.commands.execute(name, given); }",
                           [name, arguments])

    def theme(self, name: str) -> None:
        self.page.evaluate("name => window.jupyterapp.commands.execute('apputils:change-theme', {theme: name})",
                           name)
        light = "true" if name == THEMES[0] else "false"
        self.page.locator(f"body[data-jp-theme-light='{light}'][data-jp-theme-name='{name}']").wait_for(
            state="attached")

    @property
    def panel(self) -> Locator:
        return self.page.locator("#tether-lab-panel")

    def row(self, job: int) -> Locator:
        return self.panel.locator(f"[data-job='{job}']")

    def cell(self, index: int) -> Locator:
        return self.page.locator(".jp-NotebookPanel:visible .jp-CodeCell").nth(index)

    def card(self, index: int = 0) -> Locator:
        return self.page.locator(".jp-NotebookPanel:visible .tl-Card").nth(index)

    def run(self, index: int) -> None:
        """Run a cell in the kernel, and wait for it."""
        self.page.evaluate("""index => { const app = window.jupyterapp;
            app.shell.currentWidget.content.activeCellIndex = index;
            return app.commands.execute('notebook:run-cell'); }""", index)

    def start(self, index: int) -> None:
        """Run a cell in the kernel; nobody waits for it."""
        self.page.evaluate("""index => { const app = window.jupyterapp;
            app.shell.currentWidget.content.activeCellIndex = index;
            void app.commands.execute('notebook:run-cell'); }""", index)

    def run_as_job(self, index: int) -> None:
        """The button on the cell's toolbar."""
        self.cell(index).locator(".jp-Cell-inputArea").click()
        self.cell(index).locator("[data-jp-item-name='tether-lab-run']").click()

    def tab(self, job: int) -> Locator:
        """The page of a job."""
        return self.page.locator(f".tl-Page:visible:has-text('#{job}')")

    def axe(self, where: str) -> list[str]:
        """What axe finds serious or critical below a selector."""
        if not self.page.evaluate("() => 'axe' in window"):
            self.page.evaluate(AXE.read_text())
        found = self.page.evaluate(
            """async where => (await window.axe.run(where, {resultTypes: ['violations']})).violations
                .filter(one => ['serious', 'critical'].includes(one.impact))
                .map(one => one.id + ': ' + one.nodes.slice(0, 3).map(node => node.html.slice(0, 160)
                     + ' [' + (node.any[0]?.message ?? '') + ']').join(' | '))""", where)
        return [str(one) for one in found]
