"""The security list and the tests that it names belong together."""

from __future__ import annotations

from security_list import LIST

from tests.house.source import ROOT, functions, parsed


def test_the_tests_of_the_security_list_are_there() -> None:
    """Ten entries, each with tests that exist."""
    assert sorted(LIST) == list(range(1, 11))
    missing = []
    for number, entry in LIST.items():
        assert entry.tests
        for named in entry.tests:
            file, _, test = named.partition("::")
            there = {one.name for one in functions(parsed(ROOT / "tests" / file))}
            missing += [f"{number}: {named}"] if test not in there else []
    assert not missing


def test_no_test_of_the_list_is_left_out_of_it() -> None:
    """What is called ``test_row_NN`` stands under its number."""
    tree = parsed(ROOT / "tests/contract/test_security.py")
    rows = {int(one.name.split("_")[2]) for one in functions(tree) if one.name.startswith("test_row_")}
    assert rows == set(LIST)
