"""What browser tests need besides pytest: Chromium, and a JupyterLab as a value."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import nbformat
import psutil
import pytest

TOKEN = "a-token-for-this-test"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
         "--disable-background-networking", "--disable-component-update"]


def chromium() -> str:
    """Chromium's path; installed with apt-get where it is missing and we are root."""
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


def kernels_below(folder: Path) -> list[int]:
    """The pids of the kernels whose connection file lies below ``folder``."""
    return [process.pid for process in psutil.process_iter(["cmdline"])
            if any(str(folder) in part and "kernel-" in part for part in process.info["cmdline"] or ())]
