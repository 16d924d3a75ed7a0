"""Local modules travel as source: found through imports, imported from the snapshot, stale ones told."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tether_lab.capture import modules
from tether_lab.capture.finder import AfterImport, SnapshotFinder
from tether_lab.capture.modules import local_modules, watch_modules

FILES = {
    "tl_helpers.py": "import json\nfrom tl_pack import deep\nVERSION = 1\ndef f(): return VERSION\n",
    "tl_pack/__init__.py": "",
    "tl_pack/deep.py": "from . import side\nfrom .side import value\n",
    "tl_pack/side.py": "value = 3\n",
    "tl_pack/unrelated.py": "x = 1\n",
    "tl_space/part.py": "here = 1\n",
    "tl_other.py": "y = 2\n",
}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with modules on sys.path; what is imported from it is forgotten after the test."""
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.chdir(tmp_path)
    before, finders = set(sys.modules), list(sys.meta_path)
    yield tmp_path
    sys.meta_path[:] = finders
    for name in set(sys.modules) - before:
        if name.startswith("tl_"):
            del sys.modules[name]


def test_loaded_modules_and_what_they_import(project: Path) -> None:
    """The snapshot follows imports, relative ones too, and leaves unrelated files out."""
    importlib.import_module("tl_helpers")
    found = local_modules(["tl_helpers", "json", "numpy"], [project])
    assert set(found.modules) == {"tl_helpers", "tl_pack", "tl_pack.deep", "tl_pack.side"}
    assert found.modules["tl_pack"]["package"] is True
    assert found.modules["tl_helpers"]["source"] == FILES["tl_helpers.py"]


def test_modules_that_only_the_cell_imports(project: Path) -> None:
    """A module that was never loaded is found statically, and not imported for that."""
    found = local_modules(["tl_helpers", "tl_space.part"], [project])
    assert {"tl_helpers", "tl_pack.side"} <= set(found.modules)
    assert "tl_helpers" not in sys.modules


def test_only_below_the_roots(project: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Modules elsewhere, of the standard library or of site-packages are imports, no snapshots."""
    importlib.import_module("tl_other")
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    assert not local_modules(["tl_other", "numpy", "json", "tether_lab"], [elsewhere]).modules


def test_the_job_imports_the_snapshot(project: Path) -> None:
    """Edited after the submit: captured functions and fresh imports see the version of the submit."""
    found = local_modules(["tl_helpers"], [project])
    (project / "tl_helpers.py").write_text("VERSION = 2\ndef f(): return VERSION\n")
    sys.meta_path.insert(0, SnapshotFinder(found.modules))
    module = importlib.import_module("tl_helpers")
    assert module.f() == 1
    assert module.__file__ == str(project / "tl_helpers.py")
    assert module.deep.value == 3
    import inspect

    assert "VERSION" in inspect.getsource(module.f)


def test_package_data_is_found(project: Path) -> None:
    """Files beside a snapshot package are read from the disk as ever."""
    import importlib.resources

    (project / "tl_pack" / "data.txt").write_text("hello")
    found = local_modules(["tl_pack"], [project])
    sys.meta_path.insert(0, SnapshotFinder(found.modules))
    assert importlib.resources.files("tl_pack").joinpath("data.txt").read_text() == "hello"


def test_stale_module_is_told(project: Path) -> None:
    """A module edited after its import is a warning; one that was reloaded since is none."""
    module = importlib.import_module("tl_other")
    watch_modules([project])
    file = project / "tl_other.py"
    file.write_text("y = 3\n")
    os.utime(file, ns=(10**18 * 4, 10**18 * 4))
    said = local_modules(["tl_other"], [project]).warnings
    assert said == ["tl_other.py was edited after tl_other was imported; the job uses the version on disk"]
    importlib.reload(module)
    watch_modules([project])
    assert not local_modules(["tl_other"], [project]).warnings


def test_broken_and_vanished_sources(project: Path) -> None:
    """A module with a syntax error travels as it is; a deleted file is no reason to fail."""
    importlib.import_module("tl_other")
    (project / "tl_broken.py").write_text("def (:\n")
    (project / "tl_other.py").unlink()
    assert set(local_modules(["tl_broken", "tl_other"], [project]).modules) == {"tl_broken"}


def test_after_import(project: Path) -> None:
    """An action runs when its module is imported, once, and leaves no trace on the module."""
    seen: list[str] = []
    after = AfterImport()
    after("tl_other", lambda: seen.append("then"))
    after("sys", lambda: seen.append("now"))
    assert seen == ["now"]
    module = importlib.import_module("tl_other")
    assert seen == ["now", "then"]
    assert type(module.__spec__.loader).__name__ == "SourceFileLoader"
    importlib.reload(module)
    assert seen == ["now", "then"]


def test_relative_names() -> None:
    """Dots are resolved from where the importing module stands."""
    resolve = modules._absolute
    assert resolve("a.b", False, ["..c", ".d", "e", "."]) == ["c", "a.d", "e", "a"]
    assert resolve("a.b", True, [".c", "."]) == ["a.b.c", "a.b"]
