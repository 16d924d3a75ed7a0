"""What browser tests need besides pytest: Chromium, and a JupyterLab as a value."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import nbformat
import psutil
import pytest
from playwright.sync_api import Page, Route

TOKEN = "a-token-for-this-test"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
         "--disable-background-networking", "--disable-component-update"]


def chromium() -> str:
    """Chromium's path; installed with apt-get where it is missing and we are root, by one process for all."""
    with (Path(tempfile.gettempdir()) / f"tether-lab-chromium-{os.geteuid()}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
        if found is None and os.geteuid() == 0 and shutil.which("apt-get"):
            subprocess.run(["apt-get", "update", "-qq"], check=False, timeout=300)
            subprocess.run(["apt-get", "install", "-y", "-qq", "chromium"], check=True, timeout=900,
                           env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"})
            found = shutil.which("chromium")
    if found is None:
        pytest.fail("these tests need Chromium: install your system's chromium package")
    return found


@dataclass
class LabServer:
    """A running JupyterLab: its address (ends in /), its folder of notebooks."""

    address: str
    folder: Path

    def write(self, name: str, *cells: str) -> None:
        """A notebook of code cells, not run yet."""
        book = nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_code_cell(cell) for cell in cells],
            metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}})
        nbformat.write(book, self.folder / name)

    def page_of(self, name: str) -> str:
        """Its address, in a workspace of its own: no other notebook is opened beside it."""
        return f"{self.address}lab/workspaces/{name.removesuffix('.ipynb')}/tree/{name}?token={TOKEN}"


def start_lab(folder: Path, work: Path, port: int = 0, app: str = "jupyterlab") -> subprocess.Popen[bytes]:
    """Start JupyterLab (or ``notebook``) with a configuration of its own below ``folder``; its log is
    ``lab.log``."""
    runtime = folder / "runtime"
    runtime.mkdir(exist_ok=True)
    environ = {**os.environ, "JUPYTER_RUNTIME_DIR": str(runtime), "JUPYTER_CONFIG_DIR": str(folder / "config"),
               "JUPYTERLAB_SETTINGS_DIR": str(folder / "settings"),
               "JUPYTERLAB_WORKSPACES_DIR": str(folder / "workspaces")}
    with (folder / "lab.log").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", app, "--no-browser", "--ServerApp.ip=127.0.0.1",
             f"--ServerApp.port={port}", "--ServerApp.port_retries=0", f"--IdentityProvider.token={TOKEN}",
             "--allow-root", f"--ServerApp.root_dir={work}", "--expose-app-in-browser", "--LabApp.news_url=",
             "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"],
            env=environ, stdout=log, stderr=log, start_new_session=True)


def end_lab(server: subprocess.Popen[bytes]) -> None:
    """SIGTERM, which ends its kernels, too; SIGKILL where that does nothing."""
    os.killpg(server.pid, signal.SIGTERM)
    try:
        server.wait(15)
    except subprocess.TimeoutExpired:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait(10)


def kernels_below(folder: Path) -> list[int]:
    """The pids of the kernels whose connection file lies below ``folder``."""
    return [process.pid for process in psutil.process_iter(["cmdline"])
            if any(str(folder) in part and "kernel-" in part for part in process.info["cmdline"] or ())]


def stay_here(page: Page, strangers: list[str]) -> None:
    """Let a page ask nobody but this machine; whom else it would have asked is noted."""
    def only_here(route: Route) -> None:
        if urlsplit(route.request.url).hostname in ("127.0.0.1", "localhost", None):
            route.continue_()
        else:
            strangers.append(route.request.url)
            route.abort()

    page.route(re.compile(r"^(?!http://127\.0\.0\.1[:/])"), only_here)
