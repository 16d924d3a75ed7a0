"""The wheel and the sdist: whole, clean, and enough for a stranger."""

from __future__ import annotations

import json
import re
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests import fresh
from tether_lab import __version__

MACHINE = re.compile(rb"(?<![\w/.~-])/(?:work|root|home/[a-z]+|Users/\w+)/")
OTHERS = ("python3.12", "python3.13")


@pytest.mark.timeout(300)
def test_the_packages_are_whole_and_clean(place: Path) -> None:
    """The SQL, the types' marker and the notebooks are in them, litter and paths of a machine are not."""
    wheel, sdist = fresh.built(place)
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        carries = [n for n in names if MACHINE.search(archive.read(n))]
    assert not carries
    assert sum(name.endswith(".sql") for name in names) > 100
    assert "tether_lab/py.typed" in names
    assert not [n for n in names if n.startswith(("tests/", "benchmarks/", "notebooks/"))]
    with tarfile.open(sdist) as archive:
        inside = {name.partition("/")[2] for name in archive.getnames()}
    for part in ("README.md", "LICENSE", "CHANGELOG.md", "CITATION.cff", "Makefile", "pyproject.toml",
                 "notebooks/01_first_job.ipynb", "tests/conftest.py", "binder/start"):
        assert part in inside, part
    assert not [n for n in inside if "__pycache__" in n or n.startswith((".venv", "demo-output"))]
    said = fresh.run(Path(sys.executable).with_name("twine"), "check", "--strict", wheel, sdist)
    assert said.count("PASSED") == 2, said


@pytest.mark.timeout(300)
def test_a_stranger_runs_the_demo_from_the_wheel(place: Path, home: Path) -> None:
    """Installed beside nothing else, the commands are there and a job outlives its worker."""
    commands = fresh.environment(place)
    assert __version__ in fresh.run(commands / "tether-lab", "--version", cwd=home)
    shown = fresh.run(commands / "python", "-m", "tether_lab", "demo", cwd=home)
    assert "its attempts: lost, succeeded" in shown
    assert json.loads(fresh.run(commands / "tether-lab", "jobs", "--json", cwd=home)) == []


@pytest.mark.soak
@pytest.mark.timeout(900)
@pytest.mark.parametrize("python", OTHERS)
def test_the_demo_runs_on_other_pythons(python: str, place: Path, home: Path) -> None:
    """The newest two Pythons install the wheel and run a job that outlives its worker."""
    commands = fresh.environment(place, python)
    assert python.removeprefix("python") in fresh.run(commands / "python", "--version", cwd=home)
    assert "its attempts: lost, succeeded" in fresh.run(commands / "tether-lab", "demo", cwd=home)
