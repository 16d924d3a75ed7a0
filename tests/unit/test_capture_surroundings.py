"""What a job takes along beside variables: environment, settings, provenance; and what it is told."""

from __future__ import annotations

import decimal
import logging
import os
import random
import subprocess
import sys
import warnings
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pytest

from tether_lab.capture import CaptureRequest, hint, interpreter, version_hash
from tether_lab.capture.ambient import apply_ambient, read_ambient
from tether_lab.capture.environment import changes, is_secret, settings_of
from tether_lab.capture.provenance import provenance
from tether_lab.job.handler import Manifest, Variable


def apply(state: dict[str, Any], **options: bool) -> None:
    """Apply a state whose modules are all loaded here."""
    apply_ambient(state, after_import=lambda _, action: action(), **options)


# -- environment -------------------------------------------------------------------------------------


def test_only_changes_travel(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the process was started with stays here; what was set, or is read by name, goes along."""
    monkeypatch.setenv("TL_MODE", "fast")
    found, withheld = changes(["HOME"])
    assert found["TL_MODE"] == "fast"
    assert found["HOME"] == os.environ["HOME"]
    assert "PATH" not in found
    assert not withheld


@pytest.mark.parametrize(("name", "value", "secret"), [
    ("AWS_SECRET_ACCESS_KEY", "x", True), ("GITHUB_TOKEN", "x", True), ("DB_PASSWORD", "x", True),
    ("OPENAI_API_KEY", "x", True), ("DATABASE_URL", "postgres://a", True), ("SENTRY_DSN", "x", True),
    ("MY_BROKER", "amqp://me:pw@host/", True), ("DATA_DIR", "/data", False), ("MODE", "fast", False),
    ("KEYBOARD", "de", False), ("HOMEPAGE", "https://host/a", False),
])
def test_secrets(name: str, value: str, secret: bool) -> None:
    """Names and values that look like secrets are kept out of the database."""
    assert is_secret(name, value) is secret


def test_withheld_and_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A secret is listed by name, and goes along only when its name is given."""
    monkeypatch.setenv("TL_TOKEN", "abc")
    assert changes()[1] == ["TL_TOKEN"]
    found, withheld = changes(allowed=["TL_TOKEN"])
    assert (found["TL_TOKEN"], withheld) == ("abc", [])


# -- settings ----------------------------------------------------------------------------------------


def test_pandas_options_round_trip() -> None:
    """Only options that differ from their defaults travel."""
    with pd.option_context("display.max_rows", 7, "display.precision", 3):
        state = read_ambient()["pandas"]
        assert state["display.max_rows"] == 7
    apply({"pandas": {**state, "no.such.option": 1}})
    try:
        assert pd.get_option("display.precision") == 3
    finally:
        pd.reset_option("display.max_rows")
        pd.reset_option("display.precision")


def test_settings_of_packages_that_the_job_imports(monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable that was there before the kernel goes along with the package it is named after."""
    monkeypatch.setenv("SEABORN_DATA", "/data")
    monkeypatch.setenv("SCIKIT_LEARN_DATA", "/more")
    monkeypatch.setenv("OTHER_DATA", "/none")
    assert settings_of(("seaborn", "sklearn")) == {"SEABORN_DATA", "SCIKIT_LEARN_DATA"}


def test_rc_parameters_round_trip() -> None:
    """matplotlib's parameters travel, its backend does not."""
    matplotlib = pytest.importorskip("matplotlib")
    with matplotlib.rc_context({"lines.linewidth": 7.5}):
        state = read_ambient()["matplotlib"]
    assert state["lines.linewidth"] == 7.5
    assert not [key for key in state if key.startswith("backend")]
    with matplotlib.rc_context():
        apply({"matplotlib": state})
        assert matplotlib.rcParams["lines.linewidth"] == 7.5


def test_styles_of_matplotlib_travel_whole() -> None:
    """Cap styles are enumerations and effects are objects; a style is nothing without them."""
    matplotlib = pytest.importorskip("matplotlib")
    style, effects = pytest.importorskip("matplotlib.style"), pytest.importorskip("matplotlib.patheffects")
    with matplotlib.rc_context():
        style.use("seaborn-v0_8-whitegrid")
        matplotlib.rcParams["path.effects"] = [effects.withStroke(linewidth=4)]
        state, wanted = read_ambient()["matplotlib"], dict(matplotlib.rcParams)
    with matplotlib.rc_context():
        apply({"matplotlib": state})
        found = dict(matplotlib.rcParams)
        assert [type(effect).__name__ for effect in found.pop("path.effects")] == ["withStroke"]
    del wanted["path.effects"]
    assert {key for key in wanted if wanted[key] != found[key]} == set()


def test_the_order_of_sympys_terms_travels(monkeypatch: pytest.MonkeyPatch) -> None:
    """``init_printing(order=…)`` is kept where sympy keeps it; a stand-in, as sympy is no dependency."""
    class Printer:
        _global_settings: ClassVar[dict[str, object]] = {"order": "rev-lex", "odd": object()}

        @classmethod
        def set_global_settings(cls, **settings: object) -> None:
            cls._global_settings = settings

    module = ModuleType("sympy.printing.printer")
    monkeypatch.setattr(module, "Printer", Printer, raising=False)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    state = read_ambient()
    assert state["sympy"] == {"order": "rev-lex"}
    Printer._global_settings = {}
    apply({"sympy": state["sympy"]})
    assert Printer._global_settings == {"order": "rev-lex"}


def test_standard_library_settings() -> None:
    """Decimal context, warning filters, logging levels and numpy's printing come back."""
    logger = logging.getLogger("tl.some")
    with decimal.localcontext() as context, warnings.catch_warnings(), np.printoptions(precision=2):
        context.prec = 9
        warnings.filterwarnings("ignore", "noisy", UserWarning)
        logger.setLevel(logging.DEBUG)
        state = read_ambient()
    logger.setLevel(logging.NOTSET)
    with decimal.localcontext() as context, warnings.catch_warnings(), np.printoptions():
        apply(state)
        assert decimal.getcontext().prec == 9
        assert (warnings.filters[0][0], warnings.filters[0][1].pattern) == ("ignore", "noisy")
        assert np.get_printoptions()["precision"] == 2
    assert logger.level == logging.DEBUG
    logger.setLevel(logging.NOTSET)


def test_random_states() -> None:
    """Seeded generators go on where the notebook was; with a fresh seed they do not."""
    random.seed(1)
    np.random.seed(1)
    state = read_ambient(frozenset({"random", "numpy.random", "torch"}))
    truth = random.random(), np.random.rand()
    apply(state)
    assert (random.random(), np.random.rand()) == truth
    apply(state, fresh_seed=True)
    assert (random.random(), np.random.rand()) != truth
    assert "random" not in read_ambient()


def test_state_is_plain() -> None:
    """Nothing in it needs a library to be loaded, so reading it never fails."""
    import pickle
    import pickletools

    names = [arg for op, arg, _ in pickletools.genops(pickle.dumps(read_ambient(), 5)) if op.name == "GLOBAL"]
    assert not names


# -- provenance ----------------------------------------------------------------------------------------


def test_git_commit_and_dirty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commit and cleanliness of the notebook's folder; a subfolder belongs to it."""
    monkeypatch.setattr("tether_lab.capture.provenance._GIT_PATIENCE", 20.0)
    monkeypatch.setattr("tether_lab.capture.provenance._GIT_FRESH", 0.0)

    def git(*arguments: str) -> str:
        who = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"]
        return subprocess.run(["git", *who, *arguments], cwd=tmp_path, check=True, capture_output=True,
                              text=True).stdout.strip()

    git("init", "-q")
    (tmp_path / "a").write_text("1")
    git("add", "a")
    git("commit", "-q", "-m", "x")
    (tmp_path / "sub").mkdir()
    found = provenance(tmp_path / "sub" / "n.ipynb", cell_id="c1", packages=("numpy", "no_such_thing"))
    assert found.git_commit == git("rev-parse", "HEAD")
    assert found.git_dirty is False
    assert found.packages == {"numpy": np.__version__}
    assert (found.cell_id, found.notebook) == ("c1", str(tmp_path / "sub" / "n.ipynb"))
    (tmp_path / "a").write_text("2")
    git("pack-refs", "--all")
    found = provenance(tmp_path / "n.ipynb")
    assert found.git_dirty is True
    assert found.git_commit == git("rev-parse", "HEAD")


def test_no_git(tmp_path: Path) -> None:
    """Outside of a repository nothing is claimed."""
    found = provenance(tmp_path / "n.ipynb")
    assert (found.git_commit, found.git_dirty) == (None, None)


def test_interpreter_paths_are_not_resolved() -> None:
    """A virtual environment's python is a link; its target is another environment."""
    assert interpreter().executable == sys.executable


# -- identity and hints ------------------------------------------------------------------------------


def test_version_changes_with_what_a_job_does() -> None:
    """Source, data, folder, environment and modules count; warnings and hints do not."""
    base = Manifest(variables=(Variable("x", "int", 3, "", "f1"),), cwd="/a")
    here = interpreter()

    def of(manifest: Manifest, source: str = "x", names: tuple[str, ...] = ("b", "a")) -> str:
        return version_hash("cell", source, names, manifest, here)

    from dataclasses import replace

    first = of(base)
    assert len(first) == 12
    same = [of(base, names=("a", "b")), of(replace(base, others={"y": "int"}, warnings=("w",), size=9))]
    assert set(same) == {first}
    others = [of(base, "y"), of(base, names=("a",)), of(replace(base, cwd="/b")),
              of(replace(base, environ={"A": "1"})), of(replace(base, ambient="d")),
              of(replace(base, variables=(Variable("x", "int", 3, "", "f2"),))),
              of(replace(base, variables=(Variable("x", "int", 3, "", None),), stream="s")),
              of(replace(base, modules={"m": {"file": "f", "source": "1", "package": False}}))]
    assert len({first, *others}) == len(others) + 1


def test_hints() -> None:
    """A NameError in a job says what the notebook knows about the name."""
    manifest = Manifest(others={"base2": "int"}, missing={"typo": "used by the cell"},
                        warnings=("left out: c is a file (used): open it",))
    assert hint(manifest, NameError("x", name="base2")) == (
        "base2 (int) exists in the notebook but the cell never names it; add --with base2")
    assert "not defined in the notebook either" in str(hint(manifest, NameError("x", name="typo")))
    assert "left out: c" in str(hint(manifest, NameError("x", name="c")))
    assert hint(manifest, NameError("x", name="other")) is None
    assert hint(manifest, ValueError("x")) is None


def test_request_defaults() -> None:
    """A request needs no more than a namespace."""
    assert CaptureRequest({}).mode == "auto"
