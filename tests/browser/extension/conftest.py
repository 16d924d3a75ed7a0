"""One JupyterLab with the extension and one lab for all of these tests; each has a page of its own."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from browsers import LabServer, stay_here
from leftovers import end_processes_of
from playwright.sync_api import Browser
from servers import address
from shown_lab import Server, Shown

from tether_lab import Lab

HOMES = ("XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "IPYTHONDIR")


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The home that server, kernels and tests share; its processes end with the last test."""
    folder = tmp_path_factory.mktemp("lab")
    folder.chmod(0o700)
    for name in HOMES:
        (folder / name.lower()).mkdir(mode=0o700)
    yield folder
    end_processes_of(folder)


@pytest.fixture(autouse=True)
def home(place: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every test's home is that of the server."""
    for name in HOMES:
        monkeypatch.setenv(name, str(place / name.lower()))
    monkeypatch.setenv("TETHER_LAB_HOME", str(place / "labs-home"))
    return place


@pytest.fixture(scope="session")
def server(place: Path) -> Iterator[Server]:
    """A server that can be ended and started again at the same address."""
    with pytest.MonkeyPatch.context() as patch, socket.socket() as probe:
        for name in HOMES:
            patch.setenv(name, str(place / name.lower()))
        patch.setenv("TETHER_LAB_HOME", str(place / "labs-home"))
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()
        quiet = place / "settings" / "@jupyterlab" / "apputils-extension"
        quiet.mkdir(parents=True)
        (quiet / "notification.jupyterlab-settings").write_text('{"fetchNews": "false"}')
        work = place / "work"
        work.mkdir()
        started = Server(place, work, port)
        started.start()
        started.shown = LabServer(address(place / "runtime"), work)
        yield started
        started.end()


@pytest.fixture
def lab(home: Path) -> Iterator[Lab]:
    """The lab that the pages show."""
    with Lab() as opened:
        yield opened


@pytest.fixture
def shown(server: Server, lab: Lab, browser: Browser, tmp_path: Path, strangers: list[str]) -> Iterator[Shown]:
    """JupyterLab in a window. An error on the console fails the test, unless it was expected."""
    page = browser.new_page(viewport={"width": 1300, "height": 900})
    stay_here(page, strangers)
    opened = Shown(page, server, lab)
    yield opened
    page.screenshot(path=str(tmp_path / "last-seen.png"))
    page.context.close()
    server.end_kernels()
    assert not opened.complaints, f"errors on the console: {opened.complaints}"
