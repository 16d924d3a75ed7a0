"""Which names must exist before a piece of source runs; see ``flow`` for how it is found out."""

from __future__ import annotations

import ast
import sys

from tether_lab.errors import CellError

from .evidence import BUILTINS, INTERACTIVE, Import, Names
from .flow import Flow
from .texts import braced, parse

__all__ = ["BUILTINS", "INTERACTIVE", "Import", "Names", "analyse"]


def analyse(python_source: str) -> Names:
    """Analyse a cell that IPython has transformed to Python (top-level ``await`` is fine).

    Raises CellError if it is not valid Python.
    """
    body = parse(python_source)
    if body is None:
        raise CellError("the cell is not valid Python", remedy=_syntax(python_source))
    names = _walk(body)
    if any(call.startswith(("globals", "locals", "vars")) for call, _ in names.dynamic):
        # "{x}".format(**globals()) reads what the braces name.
        for text, line in names.strings:
            names.mention(braced(text) if "{" in text else [], line)
    return names


def _walk(body: list[ast.stmt]) -> Names:
    """Walk the tree, deeper than Python's limit allows where a long sum needs it: calls of Python
    functions take no C stack."""
    limit = sys.getrecursionlimit()
    for deepest in (limit, limit + 50_000):
        names = Names()
        sys.setrecursionlimit(deepest)
        try:
            Flow(names).run(body)
        except RecursionError:
            continue
        finally:
            sys.setrecursionlimit(limit)
        return names
    raise CellError("the cell is nested too deeply to be analysed",
                    remedy="Split its longest expression.")


def _syntax(source: str) -> str:
    try:
        compile(source, "<cell>", "exec")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return f"{type(error).__name__}: {error}"
    return ""
