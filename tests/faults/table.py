"""``make faults``: the tests that carry ``@pytest.mark.row``, and a table of what they showed.

A pytest plugin (``-p faults.table``). A row passes if each of its tests passed; a row that nothing
showed is a failure too.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import pytest
from faults.matrix import ROWS


@dataclass(slots=True)
class Shown:
    """What the tests of one row gave."""

    passed: int = 0
    failed: int = 0
    seconds: float = 0.0

    @property
    def verdict(self) -> str:
        return "FAIL" if self.failed else "pass" if self.passed else "MISSING"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Rows travel with the reports, also from xdist's processes."""
    for item in items:
        rows = sorted({row for mark in item.iter_markers("row") for row in mark.args})
        if rows:
            item.user_properties.append(("rows", ",".join(map(str, rows))))


def shown(reports: list[pytest.TestReport]) -> dict[int, Shown]:
    """Rows by number, from the reports of a run."""
    found: dict[int, Shown] = defaultdict(Shown)
    for report in reports:
        rows = dict(report.user_properties).get("rows")
        for row in map(int, str(rows).split(",")) if rows else ():
            one = found[row]
            one.seconds += report.duration
            one.failed += report.failed
            one.passed += report.passed and report.when == "call"
    return found


def lines(found: dict[int, Shown]) -> list[str]:
    """The table."""
    told = [f"{'row':>3}  {'fault':50}  {'injected':48}  {'tests':>5}  {'result':7}  {'time':>7}"]
    for number, row in ROWS.items():
        one = found.get(number, Shown())
        told.append(f"{number:3}  {row.fault[:50]:50}  {row.injected[:48]:48}  {one.passed + one.failed:5}  "
                    f"{one.verdict:7}  {one.seconds:5.1f} s")
    green = sum(found.get(number, Shown()).verdict == "pass" for number in ROWS)
    return [*told, f"{green} of {len(ROWS)} rows pass", *apart()]


def apart() -> list[str]:
    """The browser tests that show a row as well: they run in a process of their own (make test)."""
    folder = Path(__file__).parents[1]
    return [f"not run here: row {', '.join(rows)} of {path.relative_to(folder.parent)} (pytest tests/browser)"
            for path in sorted((folder / "browser").rglob("test_*.py"))
            if (rows := re.findall(r"pytest\.mark\.row\(([\d, ]+)\)", path.read_text()))]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = [report for kind in ("passed", "failed", "error")
               for report in terminalreporter.stats.get(kind, ())]
    found = shown(reports)
    if found:
        terminalreporter.section("the fault matrix")
        for line in lines(found):
            terminalreporter.write_line(line)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """A row that no test shows fails the run, unless one row was asked for by name."""
    reporter = session.config.pluginmanager.getplugin("terminalreporter")
    if reporter is None or hasattr(session.config, "workerinput") or session.config.option.keyword:
        return
    reports = [r for kind in ("passed", "failed") for r in reporter.stats.get(kind, ())]
    if set(ROWS) - set(shown(reports)) and session.exitstatus == 0:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
