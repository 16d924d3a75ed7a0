"""A real JupyterLab on loopback and a real Chromium in front of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from browsers import FLAGS, LabServer, chromium, end_lab, start_lab, stay_here
from playwright.sync_api import Browser, Page, expect, sync_playwright
from servers import address

# Playwright waits five seconds by itself. A busy machine may need more; so may a page that missed an event: it
# looks again after five.
expect.set_options(timeout=20_000)


@pytest.fixture
def lab_server(tmp_path: Path, home: Path) -> Iterator[LabServer]:
    """JupyterLab with a fresh configuration, ended with its kernels at the end."""
    work = tmp_path / "work"
    work.mkdir()
    server = start_lab(tmp_path, work)
    try:
        yield LabServer(address(tmp_path / "runtime"), work)
    finally:
        end_lab(server)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium for all tests; each has pages of its own."""
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        yield started
        started.close()


@pytest.fixture
def strangers() -> Iterator[list[str]]:
    """Requests to anywhere but this machine; the test fails if there are any."""
    found: list[str] = []
    yield found
    assert not found, f"requests left the machine: {found}"


@pytest.fixture
def page(browser: Browser, tmp_path: Path, strangers: list[str]) -> Iterator[Page]:
    """A page without history. A request to anywhere but this machine fails the test."""
    opened = browser.new_page(viewport={"width": 1200, "height": 900})
    stay_here(opened, strangers)
    yield opened
    opened.screenshot(path=str(tmp_path / "last-seen.png"))
    opened.context.close()


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
