"""``%%job``: from a line and a cell to what the lab is asked for."""

from __future__ import annotations

import ast
import warnings
from typing import TYPE_CHECKING, Any

from tether_lab.errors import CellError

from .notebook import Memory, provenance, shell_state
from .parsing import JobLine, evaluate

if TYPE_CHECKING:
    from tether_lab.lab import CellRequest


def request(shell: Any, memory: Memory, line: JobLine, cell: str) -> CellRequest:
    """What ``lab.submit_cell`` takes. Raises CellError, OptionError; nothing was written."""
    from tether_lab.lab import CellRequest

    is_script = line.has("shell")
    transformed = cell if is_script else transform(shell, cell)
    if is_script and not cell.strip():
        raise CellError("the cell is empty", remedy="Put the script below the line of %%job.")
    notebook, cell_id = provenance(shell)
    return CellRequest(
        source=cell, transformed=transformed, namespace=shell.user_ns, key=line.key,
        parameters=evaluate(line.expressions, shell.user_ns), options=line.job_options(),
        kind="shell" if is_script else "cell",
        with_names=line.names("with"), without=line.names("without"),
        capture=str(line.flags.get("capture", "auto")), environ_names=line.names("env"),
        register_only=line.has("register"), notebook=notebook, cell_id=cell_id,
        shell=shell_state(shell), seeded=frozenset(memory.seeded),
        assigned=frozenset(memory.assigned))


def transform(shell: Any, cell: str) -> str:
    """The cell as plain Python (magics and ``!`` become calls), checked for syntax and content.

    Raises CellError that shows the line and points at the place, as Python does.
    """
    try:
        transformed = str(shell.transform_cell(cell))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")        # the job says them, with the cell's own filters
            compile(transformed, "<cell>", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT,
                    dont_inherit=True)
            is_empty = not ast.parse(transformed).body
    except SyntaxError as error:
        raise CellError(*_pointed(error, cell)) from None
    except ValueError as error:                    # null bytes
        raise CellError(f"the cell is not Python: {error}") from None
    if is_empty:
        raise CellError("the cell has no code in it", remedy="Put the work below the line of %%job.")
    return transformed


def _pointed(error: SyntaxError, cell: str) -> tuple[str]:
    """The message, the line and a caret below the place. Lines count from the ``%%job`` line, as
    the editor shows them."""
    lines = cell.split("\n")
    skipped = next((i for i, line in enumerate(lines) if line.strip()), 0)
    number = (error.lineno or 1) - 1 + skipped       # IPython drops blank lines at the top
    if not 0 <= number < len(lines):
        return (f"{type(error).__name__}: {error.msg}",)
    text = lines[number]
    at = max(0, (error.offset or 1) - 1)
    shown = text.lstrip()
    caret = " " * max(0, at - (len(text) - len(shown)))
    return (f"{type(error).__name__} in line {number + 2}: {error.msg}\n    {shown}\n    {caret}^",)
