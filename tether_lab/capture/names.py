"""Which names must exist before a piece of source runs; see ``flow`` for how it is found out."""

from __future__ import annotations

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
    names = Names()
    try:
        Flow(names).run(body)
    except RecursionError as error:
        raise CellError("the cell is nested too deeply to be analysed",
                        remedy="Split its longest expression.") from error
    if any(call.startswith(("globals", "locals", "vars")) for call, _ in names.dynamic):
        # "{x}".format(**globals()) reads what the braces name.
        for text, line in names.strings:
            names.mention(braced(text), line)
    return names


def _syntax(source: str) -> str:
    try:
        compile(source, "<cell>", "exec")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return f"{type(error).__name__}: {error}"
    return ""
