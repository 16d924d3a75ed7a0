"""The dotted names that a cell sets, read from its text: told for every executed cell, so it is quick."""

from __future__ import annotations

import re

_DOTTED = r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+"
_ASSIGNED = re.compile(rf"(?<![\w.])({_DOTTED})\s*(?:\[[^\]\n]*\]\s*)?(?:[-+*/%|&^@]|//|\*\*|<<|>>)?=(?!=)")
_SETATTR = re.compile(r"(?<![\w.])setattr\(\s*([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)\s*,\s*['\"](\w+)['\"]")


def assigned(source: str) -> set[str]:
    """What its lines set, or set items of: ``math.tau = 6``, ``pd.DataFrame.head = mine``."""
    found = set(_ASSIGNED.findall(source)) if "." in source and "=" in source else set()
    if "setattr" in source:
        found |= {".".join(parts) for parts in _SETATTR.findall(source)}
    return found
