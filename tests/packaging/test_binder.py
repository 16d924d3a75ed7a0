"""What Binder runs, run here: the pinned requirements, postBuild, and start in an empty home."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from pathlib import Path

import pytest
from eventually import eventually

from tests import fresh
from tether_lab import __version__

BINDER = fresh.ROOT / "binder"


def test_binder_installs_this_version_with_the_pins_of_the_tests() -> None:
    """The requirement names the release and the pins are those of constraints.txt."""
    text = (BINDER / "requirements.txt").read_text()
    assert f"tether-lab[demo]=={__version__}" in text
    assert "-c ../constraints.txt" in text
    badges = re.findall(r"mybinder\.org/v2/gh/[\w-]+/[\w-]+/([\w.]+)\?urlpath=lab/tree/([\w/.]+)",
                        (fresh.ROOT / "README.md").read_text())
    assert len(badges) == 3
    for tag, notebook in badges:
        assert tag == f"v{__version__}"
        assert (fresh.ROOT / notebook).is_file(), notebook
    assert (BINDER / "start").read_text().rstrip().endswith('exec "$@"')
    assert all(os.access(BINDER / name, os.X_OK) for name in ("start", "postBuild"))


@pytest.mark.timeout(300)
def test_binder_builds_and_starts(place: Path, home: Path) -> None:
    """postBuild finds everything in an environment of the pinned requirements; start hands over at once, and
    a month of history is there soon after, with no worker started."""
    commands = fresh.environment(place, requirements=BINDER / "requirements.txt")
    path = f"{commands}:/usr/local/bin:/usr/bin:/bin"
    said = fresh.run(BINDER / "postBuild", cwd=home, PATH=path, HOME=str(home))
    assert "OK" in said
    assert __version__ in said
    size = sum(f.stat().st_size for f in commands.parent.rglob("*") if f.is_file() and not f.is_symlink())
    assert size < 2e9, f"{size / 1e9:.1f} GB"
    assert fresh.run(BINDER / "start", "echo", "handed", "over", cwd=home, PATH=path,
                     HOME=str(home)) == "handed over\n"

    def jobs() -> int:
        told = fresh.run(commands / "tether-lab", "stats", "--json", cwd=home, PATH=path, HOME=str(home))
        return sum(json.loads(told)["states"].values())

    eventually(lambda: jobs() > 1000, within=60, say="the seeded history")
    told = fresh.run(commands / "tether-lab", "stats", "--json", cwd=home, PATH=path, HOME=str(home))
    assert json.loads(told)["worker"] == "stopped"


@pytest.mark.timeout(300)
def test_repo2docker_makes_of_it_what_is_meant(place: Path) -> None:
    """Its Dockerfile (--no-build: no Docker is needed): Python 3.12; the whole checkout is there when the
    requirements are installed, as the constraints are one of its files; postBuild; start."""
    folder = place / "repo2docker"
    with fresh.once(folder) as mine:
        if mine:
            uv = Path(sys.executable).with_name("uv")
            fresh.run(uv, "venv", "--quiet", "--clear", "--python", sys.executable, folder)
            fresh.run(uv, "pip", "install", "--quiet", "--python", folder / "bin/python", "jupyter-repo2docker")
    checkout = place / "checkout"
    for path in (BINDER, fresh.ROOT / "constraints.txt", fresh.ROOT / "pyproject.toml"):
        into = checkout / path.name
        into.parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if path.is_dir() else shutil.copy)(path, into)
    said = fresh.run(folder / "bin/repo2docker", "--no-build", "--debug", "--user-id", "1000", "--user-name",
                     "jovyan", checkout, cwd=place)
    steps = [line for line in said.splitlines() if re.match(r"(COPY|RUN|ENV|USER|CMD|ENTRYPOINT) ", line)]

    def at(words: str) -> int:
        return next(number for number, line in enumerate(steps) if words in line)

    installed = at("pip install --no-cache-dir -r \"binder/requirements.txt\"")
    assert at(" src/ ${REPO_DIR}/") < installed < at("RUN ./binder/postBuild") < at(
        "ENV R2D_ENTRYPOINT=\"${REPO_DIR}/binder/start\"")
    assert "python=3.12" in said
