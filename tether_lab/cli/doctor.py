"""``tether-lab doctor``: what may be wrong here, in words, with what to do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict

from tether_lab.lab.checks import BAD, GOOD, WARNING, Check, examine

from .parsing import Arguments
from .terminal import coloured, printable, say, show_json

SIGNS = {GOOD: ("✔", "32"), WARNING: ("!", "33"), BAD: ("✘", "31")}


def run(given: Arguments) -> int:
    """Examine the lab. 1 if something keeps jobs from running, else 0."""
    checks = list(examine(given.lab))
    if given.json:
        show_json({"ok": all(check.state != BAD for check in checks),
                   "checks": [asdict(check) for check in checks]})
    else:
        for line in _lines(checks):
            say(line)
    return 1 if any(check.state == BAD for check in checks) else 0


def _lines(checks: list[Check]) -> Iterator[str]:
    width = max(len(check.name) for check in checks)
    for check in checks:
        sign, colour = SIGNS[check.state]
        shown = f"\x1b[{colour}m{sign}\x1b[0m" if coloured() else sign
        yield f"{shown} {check.name.ljust(width)}  {printable(check.text)}"
        for line in printable(check.remedy).splitlines():
            yield f"  {' ' * width}    {line}"
    wrong = sum(check.state == BAD for check in checks)
    doubtful = sum(check.state == WARNING for check in checks)
    if not wrong and not doubtful:
        yield "All is well."
    else:
        said = [f"{n} {what}" for n, what in ((wrong, "wrong"), (doubtful, "worth a look")) if n]
        yield ", ".join(said) + "."
