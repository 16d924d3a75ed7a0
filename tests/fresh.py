"""What a stranger gets: the built wheel in an environment of its own, made once for all tests that ask."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]


def run(*command: str | Path, cwd: Path = ROOT, within: float = 300.0, **environment: str) -> str:
    """What it printed, both streams; AssertionError with it if the command failed."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST_", "VIRTUAL_ENV", "PYTHONPATH"))}
    done = subprocess.run([str(part) for part in command], cwd=cwd, env=kept | environment, timeout=within,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert done.returncode == 0, f"{' '.join(map(str, command))}: exit {done.returncode}\n{done.stdout[-4000:]}"
    return done.stdout


@contextmanager
def once(folder: Path) -> Iterator[bool]:
    """One process makes the folder, those beside it wait for it. True for the one who has to make it."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = folder / ".made"
        if not done.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            yield True
            done.touch()
        else:
            yield False


@cache
def built(place: Path) -> tuple[Path, Path]:
    """``(wheel, sdist)`` of this checkout, below ``place``."""
    folder = place / "dist"
    with once(folder) as mine:
        if mine:
            run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder)
    return next(folder.glob("*.whl")), next(folder.glob("*.tar.gz"))


@cache
def environment(place: Path, python: str = sys.executable, requirements: Path | None = None) -> Path:
    """An environment of the wheel and what it needs, or of a file of requirements; its folder of commands."""
    wheel, _ = built(place)
    folder = place / f"env-{Path(python).name}{requirements.parent.name if requirements else ''}"
    with once(folder) as mine:
        if mine:
            uv = Path(sys.executable).with_name("uv")
            wanted = ["-r", requirements] if requirements else ["-c", ROOT / "constraints.txt", wheel]
            run(uv, "venv", "--quiet", "--clear", "--seed", "--python", python, folder)
            run(uv, "pip", "install", "--quiet", "--python", folder / "bin/python",
                "--find-links", wheel.parent, *wanted)
    return folder / "bin"
