"""Modules fit on a few screens, functions on one."""

from __future__ import annotations

from tests.house.source import PACKAGE, ROOT, functions, modules, shown

LONGEST_MODULE, LONGEST_FUNCTION = 400, 50


def test_modules_have_at_most_400_lines() -> None:
    """A module that grows past 400 lines is two modules."""
    long = {shown(p): n for p in modules() if (n := len(p.read_text().splitlines())) > LONGEST_MODULE}
    assert not long


def test_functions_have_at_most_50_lines_or_a_reason() -> None:
    """A longer one says why on its first line: `# long: reason`."""
    long = []
    for path, tree in modules().items():
        lines = path.read_text().splitlines()
        for function in functions(tree):
            size = (function.end_lineno or function.lineno) - function.lineno + 1
            first = lines[function.lineno - 1:function.body[0].lineno]
            if size > LONGEST_FUNCTION and not any("# long: " in line for line in first):
                long.append(f"{shown(path)}:{function.lineno} {function.name}: {size} lines")
    assert not long


def test_nearly_all_functions_are_short() -> None:
    """95 % of the functions have 40 lines or fewer."""
    sizes = sorted((f.end_lineno or f.lineno) - f.lineno + 1
                   for tree in modules().values() for f in functions(tree))
    assert sizes[int(len(sizes) * 0.95)] <= 40


def test_nothing_is_named_after_nothing() -> None:
    """No manager, no utils: a name says what a thing is for."""
    vague = {"manager", "utils", "util", "helpers", "helper", "common", "data", "info", "misc"}
    assert not [shown(p) for p in (*PACKAGE.rglob("*.py"), *(ROOT / "tests").rglob("*.py")) if p.stem in vague]
    named = [(p, f) for p, tree in modules().items() for f in functions(tree)]
    assert not [f"{shown(p)}:{f.lineno}" for p, f in named if f.name == "process"]
