"""The fault matrix and the tests that show it belong together."""

from __future__ import annotations

import ast
from functools import cache

from faults.matrix import ROWS

from tests.house.source import files_of_tests


@cache
def marked() -> dict[int, list[str]]:
    """The tests' files by the rows that they name with ``pytest.mark.row``."""
    found: dict[int, list[str]] = {}
    for path, tree in files_of_tests().items():
        for node in ast.walk(tree):
            if (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "row"
                    and isinstance(node.func.value, ast.Attribute) and node.func.value.attr == "mark"):
                for row in node.args:
                    assert isinstance(row, ast.Constant), f"{path.name}: rows are written as numbers"
                    found.setdefault(row.value, []).append(path.name)
    return found


def test_every_row_of_the_fault_matrix_has_a_test() -> None:
    """A fault that nothing injects is a promise that nobody keeps."""
    assert set(ROWS) - set(marked()) == set()


def test_tests_name_rows_that_exist() -> None:
    """A number beyond the table is a slip."""
    assert set(marked()) - set(ROWS) == set()
