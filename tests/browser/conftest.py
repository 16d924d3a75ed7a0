"""A real JupyterLab on loopback and a real Chromium in front of it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from browsers import FLAGS, TOKEN, LabServer, chromium
from playwright.sync_api import Page, Route, sync_playwright
from servers import address


@pytest.fixture
def lab_server(tmp_path: Path, home: Path) -> Iterator[LabServer]:
    """JupyterLab with a fresh configuration, ended with its kernels at the end."""
    runtime, work = tmp_path / "runtime", tmp_path / "work"
    runtime.mkdir()
    work.mkdir()
    environ = {**os.environ, "JUPYTER_RUNTIME_DIR": str(runtime),
               "JUPYTER_CONFIG_DIR": str(tmp_path / "config"),
               "JUPYTERLAB_SETTINGS_DIR": str(tmp_path / "settings"),
               "JUPYTERLAB_WORKSPACES_DIR": str(tmp_path / "workspaces")}
    with (tmp_path / "lab.log").open("wb") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", "--no-browser", "--ServerApp.ip=127.0.0.1",
             "--ServerApp.port=0", f"--IdentityProvider.token={TOKEN}", "--allow-root",
             f"--ServerApp.root_dir={work}", "--expose-app-in-browser", "--LabApp.news_url=",
             "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"],
            env=environ, stdout=log, stderr=log, start_new_session=True)
    try:
        yield LabServer(address(runtime), work)
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        try:
            server.wait(15)
        except subprocess.TimeoutExpired:
            os.killpg(server.pid, signal.SIGKILL)
            server.wait(10)


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Page]:
    """A page of a new browser. A request to anywhere but this machine fails the test, and so does
    an error on the console that is ours."""
    strangers: list[str] = []

    def only_here(route: Route) -> None:
        host = urlsplit(route.request.url).hostname
        if host in ("127.0.0.1", "localhost", None):
            route.continue_()
        else:
            strangers.append(route.request.url)
            route.abort()

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        opened = browser.new_page(viewport={"width": 1200, "height": 900})
        opened.route("**/*", only_here)
        yield opened
        opened.screenshot(path=str(tmp_path / "last-seen.png"))
        browser.close()
    assert not strangers, f"requests left the machine: {strangers}"


@pytest.fixture
def run_all(page: Page) -> Callable[[str], None]:
    """Open nothing, but run all cells of the open notebook of that name, once its kernel is idle."""
    def run(name: str) -> None:
        page.wait_for_function(
            """name => { const shown = window.jupyterapp?.shell.currentWidget;
                         return shown?.context?.path === name
                             && shown.context.sessionContext.session?.kernel?.status === 'idle'; }""",
            arg=name, timeout=90_000)
        page.evaluate("() => { window.jupyterapp.commands.execute('notebook:run-all-cells'); }")
    return run
