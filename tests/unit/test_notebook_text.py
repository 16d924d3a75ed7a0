"""Notebook files as sources of handlers: what they declare, what goes into them, what is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from notebook_files import code, markdown, notebook

from tether_lab.errors import BadRequest, PayloadError
from tether_lab.job import notebook as text


def test_values_go_into_a_cell_behind_the_tagged_one() -> None:
    """Papermill's way: the defaults stand first, the injected cell beats them, and only one stays."""
    plain = notebook(markdown("# Report"), code("lr = 0.1\nname: str = 'a'\nx, y = 1, 2", "parameters"),
                     code("print(lr)"))
    assert text.declared(plain) == ("lr", "name", "x", "y")
    once = text.injected(plain, {"lr": 0.2})
    assert [cell["metadata"].get("tags") for cell in once["cells"]] == [
        None, ["parameters"], ["injected-parameters"], []]
    assert once["cells"][2]["source"].endswith("lr = 0.2")
    again = text.injected(once, {"lr": 0.3, "name": "it's\n\"so\""})
    assert len(again["cells"]) == 4
    found: dict[str, Any] = {}
    exec(again["cells"][2]["source"], found)
    assert (found["lr"], found["name"]) == (0.3, "it's\n\"so\"")
    assert len(plain["cells"]) == 3
    assert text.injected(once, {}) == plain


def test_without_a_tagged_cell_values_stand_first() -> None:
    """And any name is welcome, since nobody can tell which ones there are."""
    plain = notebook(code("print(1)"), minor=5)
    assert text.declared(plain) is None
    cell = text.injected(plain, {"a": None, "b": [True, {"k": 1}]})["cells"][0]
    assert cell["source"].splitlines()[1:] == ["a = None", "b = [True, {'k': 1}]"]
    assert cell["id"]


@pytest.mark.parametrize(("language", "line"), [
    ("R", 'x <- list(TRUE, NULL, "a$b", 1.5)'), ("julia", 'x = [true, nothing, "a\\$b", 1.5]'),
])
def test_values_are_written_in_the_language_of_the_kernel(language: str, line: str) -> None:
    """R and Julia read them as what they are."""
    cells = text.injected(notebook(code("1"), language=language), {"x": [True, None, "a$b", 1.5]})["cells"]
    assert cells[0]["source"].splitlines()[1] == line


def test_what_cannot_be_written_or_named_is_refused() -> None:
    """A language that nobody here writes, a name that is none."""
    with pytest.raises(PayloadError, match="cannot be written in forth"):
        text.injected(notebook(code("1"), language="Forth"), {"x": 1})
    for name in ("a b", "class", ""):
        with pytest.raises(PayloadError, match="name of a variable"):
            text.injected(notebook(code("1")), {name: 1})


@pytest.mark.parametrize("content", [
    "", "{}", "[1]", '{"cells": 3, "nbformat": 4}', '{"cells": [3], "nbformat": 4, "metadata": {}}',
    '{"worksheets": [], "nbformat": 3, "metadata": {}}', '{"cells": [], "nbformat": 4, "metadata": {}}',
])
def test_a_file_that_is_no_notebook_is_refused(content: str) -> None:
    """By name, with what to do."""
    with pytest.raises(BadRequest, match=r"x\.ipynb") as caught:
        text.read_notebook(content, "x.ipynb")
    assert caught.value.remedy


def test_reading_leaves_outputs_behind() -> None:
    """The same code is the same version, whatever it printed last time."""
    ran = notebook(code("1"))
    ran["cells"][0] |= {"outputs": [{"output_type": "stream", "name": "stdout", "text": "x"}],
                        "execution_count": 3}
    ran["metadata"]["widgets"] = {"state": 1}
    assert text.read_notebook(json.dumps(ran), "x.ipynb") == notebook(code("1"))
    titled = notebook(markdown("text\n## Load"), code("# why\nx = 1"))
    assert text.headings(titled) == ["Load · text", "Load · x = 1"]
