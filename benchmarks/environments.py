"""An environment of its own for a peer, made once and kept; its versions are in the JSON."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(os.environ.get("TETHER_LAB_PEERS", Path.home() / ".cache" / "tether-lab-peers"))


class NotInstalled(Exception):
    """The package could not be had: no network, no such version."""


def environment(*packages: str) -> Path:
    """The Python of an environment with these packages. Raises NotInstalled with pip's last line."""
    name = hashlib.blake2b(" ".join((sys.version, *packages)).encode(), digest_size=6).hexdigest()
    folder = ROOT / f"{packages[0].split('=')[0].split('[')[0]}-{name}"
    python, done = folder / "bin" / "python", folder / ".done"
    if not done.exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        ran = subprocess.run([str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
                              *packages], capture_output=True, text=True, check=False)
        if ran.returncode:
            raise NotInstalled(ran.stderr.strip().splitlines()[-1] if ran.stderr.strip() else "pip failed")
        done.touch()
    return python


def versions(python: Path) -> dict[str, str]:
    """What is installed there."""
    command = [str(python), "-m", "pip", "list", "--format=freeze", "--disable-pip-version-check"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    return dict(line.split("==", 1) for line in listed if "==" in line)
