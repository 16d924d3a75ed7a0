"""What Binder runs, run here: the pinned requirements, postBuild, and start in an empty home."""

from __future__ import annotations

import json
import os
import re
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
