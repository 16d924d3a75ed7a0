"""Public names, options, states and SQL files agree with what is written about them."""

from __future__ import annotations

import ast
import importlib
import re
import tomllib

import pytest

import tether_lab
from tests.house.source import PACKAGE, ROOMS, ROOT, files_of_tests, functions, modules, shown
from tether_lab.job import state
from tether_lab.job.options import OPTIONS

README = ROOT / "README.md"


def test_public_names_are_those_of_all() -> None:
    """Each name of `__all__` exists, in order, and nothing else public stands at the front door."""
    names = list(tether_lab.__all__)
    assert names == sorted(names, key=str.casefold) or names == sorted(names)
    for name in names:
        assert getattr(tether_lab, name, None) is not None or name == "ctx", name
    rooms = {p.stem for p in PACKAGE.iterdir()}
    seen = {n for n in vars(tether_lab) if not n.startswith(("_", "@"))} - rooms - set(names)   # @pytest…
    assert seen <= {"annotations", "load_ipython_extension", "unload_ipython_extension", "TYPE_CHECKING"}


def test_the_version_is_one() -> None:
    """The package and pyproject.toml name the same version."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert tether_lab.__version__ == project["version"]


@pytest.mark.parametrize("room", ROOMS)
def test_each_room_has_its_page(room: str) -> None:
    """A package's docstring says what it is for; its `__all__`, if any, names what exists."""
    module = importlib.import_module(f"tether_lab.{room}")
    assert len((module.__doc__ or "").strip()) > 20
    for name in getattr(module, "__all__", ()):
        assert hasattr(module, name), name


def test_each_module_says_what_it_is() -> None:
    """Every module opens with a docstring."""
    assert not [shown(p) for p, tree in modules().items() if not ast.get_docstring(tree)]


def test_every_option_is_in_the_readme() -> None:
    """The table of options in the README has a row for each, with its flag, and none that is no option."""
    section = README.read_text().partition("<!-- options")[2].partition("\n#")[0]
    rows = [row for row in section.splitlines() if row.startswith("| `")]
    first = [re.findall(r"[\w-]+", row.split("|")[1]) for row in rows]
    assert len(rows) == len(OPTIONS)
    for option in OPTIONS:
        assert any(option.name in words or option.flag.lstrip("-") in words for words in first), option.name


def test_every_state_stands_in_the_picture_and_in_the_schema() -> None:
    """The picture above the moves and the CHECK of the schema know the same states."""
    schema = "".join(p.read_text() for p in sorted((PACKAGE / "job_queue" / "migrations").glob("*.sql")))
    for each in state.State:
        assert re.search(rf"\b{each.value}\b", state.__doc__ or ""), each
        assert f"'{each.value}'" in schema, each


def test_every_sql_file_has_a_verb_and_says_why() -> None:
    """sql/<name>.sql is loaded by name somewhere in job_queue, and its first line is a comment."""
    code = "\n".join(p.read_text() for p in (PACKAGE / "job_queue").glob("*.py"))
    for path in sorted((PACKAGE / "job_queue" / "sql").glob("*.sql")):
        assert re.search(rf"[\"'/]{path.stem}(\.sql)?[\"']", code), f"{path.name} is used by nobody"
        assert path.read_text().startswith("--"), f"{path.name} does not say why it is shaped so"


def test_every_test_has_a_one_sentence_docstring() -> None:
    """A reader of a failure learns first what should have held."""
    tests = [(p, f) for p, tree in files_of_tests().items()
             for f in functions(tree) if f.name.startswith("test_")]
    bare = [f"{shown(p)}:{f.lineno} {f.name}" for p, f in tests if not ast.get_docstring(f)]
    assert not bare
