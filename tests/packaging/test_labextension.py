"""The JupyterLab extension comes with the wheel, and nobody needs Node to have it."""

from __future__ import annotations

import re
import shutil
import sys
import tarfile
from pathlib import Path

import pytest

from tests import fresh

INSTALLED = "share/jupyter/labextensions/tether-lab"


@pytest.mark.timeout(400)
def test_a_fresh_environment_has_the_extension(place: Path, home: Path) -> None:
    """Installed from the wheel, `jupyter labextension list` says OK."""
    commands = fresh.environment(place)
    said = fresh.run(commands / "jupyter", "labextension", "list", cwd=home, NO_COLOR="1")
    plain = re.sub(r"\x1b\[\d*m", "", said)
    assert re.search(r"tether-lab v[\d.]+ enabled OK \(python, tether-lab\)", plain), said
    folder = commands.parent / INSTALLED
    assert list(folder.glob("static/remoteEntry.*.js"))
    assert not list(folder.rglob("*.map"))


@pytest.mark.timeout(400)
def test_the_sdist_becomes_a_wheel_without_node(place: Path, tmp_path: Path) -> None:
    """The built extension lies in the sdist, whose own build asks for no Node."""
    _, sdist = fresh.built(place)
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path, filter="data")
    [unpacked] = tmp_path.iterdir()
    assert not list(unpacked.rglob("node_modules"))
    assert list(unpacked.glob("tether_lab/labextension/static/remoteEntry.*.js"))
    said = fresh.run(sys.executable, "-c",
                     "import build; assert build.is_fresh(); build.build(); print('nothing to build')",
                     cwd=unpacked / "labextension", PATH=str(tmp_path))
    assert "nothing to build" in said


def test_without_node_the_build_says_what_to_do(tmp_path: Path) -> None:
    """A checkout without Node names it, and the wheel as the other way."""
    copy = tmp_path / "labextension"
    shutil.copytree(fresh.ROOT / "labextension", copy, ignore=shutil.ignore_patterns("node_modules", "lib"))
    with pytest.raises(AssertionError, match=r"needs Node\.js 20(.|\n)*from its wheel"):
        fresh.run(sys.executable, copy / "build.py", cwd=copy, PATH=str(tmp_path))
