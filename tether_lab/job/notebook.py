"""A notebook file as the source of a handler: read, checked, its parameters found, values put in.

Parameters are papermill's: a cell tagged ``parameters`` assigns the defaults, and the values of a job go
into a cell tagged ``injected-parameters`` right behind it (first of all, if no cell is tagged). Plain JSON
in, plain JSON out; nothing of Jupyter is imported.
"""

from __future__ import annotations

import ast
import copy
import json
import keyword
import re
import uuid
from typing import Any

from tether_lab.errors import BadRequest, PayloadError

SUFFIX = ".ipynb"
WORDS = ("name", "job", "date", "time")
WORD = re.compile(r"\{(\w+)\}")
"""In the name of the executed copy: one of WORDS, or a parameter."""
PARAMETERS, INJECTED = "parameters", "injected-parameters"
Notebook = dict[str, Any]


def read_notebook(text: str, where: str) -> Notebook:
    """The notebook without its outputs. Raises BadRequest for what is none, or is too old."""
    try:
        found = json.loads(text)
        cells, version = found["cells"], int(found["nbformat"])
        sound = isinstance(cells, list) and all(
            isinstance(cell, dict) and isinstance(cell.get("source", ""), str | list) for cell in cells)
    except (ValueError, KeyError, TypeError) as error:
        raise BadRequest(f"{where} is not a notebook of format 4: {type(error).__name__} {error}", where=where,
                         remedy="Open it in JupyterLab and save it once.") from None
    if version < 4 or not sound:
        raise BadRequest(f"{where} is not a notebook of format 4", where=where,
                         remedy="Open it in JupyterLab and save it once.")
    if not any(cell.get("cell_type") == "code" and source(cell).strip() for cell in cells):
        raise BadRequest(f"{where} has no code in it", where=where, remedy="Save it, if it is open.")
    for cell in cells:
        cell["source"] = source(cell)           # files keep it as a list of lines
        if cell.get("cell_type") == "code":
            cell["outputs"], cell["execution_count"] = [], None
            cell.setdefault("metadata", {}).pop("execution", None)
    found.setdefault("metadata", {}).pop("widgets", None)
    return dict(found)


def source(cell: dict[str, Any]) -> str:
    """The text of a cell, however it is stored."""
    text = cell.get("source", "")
    return text if isinstance(text, str) else "".join(text)


def kernel_of(notebook: Notebook) -> str:
    """The kernelspec that it names."""
    return str(notebook["metadata"].get("kernelspec", {}).get("name") or "python3")


def language_of(notebook: Notebook) -> str:
    """The language of its kernel, in lower case."""
    metadata = notebook["metadata"]
    return str(metadata.get("kernelspec", {}).get("language")
               or metadata.get("language_info", {}).get("name") or "python").lower()


def declared(notebook: Notebook) -> tuple[str, ...] | None:
    """The parameters that its tagged cell assigns; None if there is no such cell, or nobody can tell."""
    body = _statements(notebook)
    if body is None:
        return None
    targets = [t for statement in body for t in (
        statement.targets if isinstance(statement, ast.Assign) else
        [statement.target] if isinstance(statement, ast.AnnAssign) else [])]
    return tuple(dict.fromkeys(n.id for t in targets for n in ast.walk(t) if isinstance(n, ast.Name)))


def assigned(notebook: Notebook) -> dict[str, str]:
    """What each parameter is assigned there, as it is written; those of ``a, b = …`` are left out."""
    found = {}
    for statement in _statements(notebook) or ():
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=value) | \
                    ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                found[name] = ast.unparse(value)
    return found


def _statements(notebook: Notebook) -> list[ast.stmt] | None:
    at = _tagged(notebook, PARAMETERS)
    if at is None or language_of(notebook) != "python":
        return None
    lines = [line for line in source(notebook["cells"][at]).splitlines()
             if not line.lstrip().startswith(("%", "!"))]
    try:
        return ast.parse("\n".join(lines)).body
    except SyntaxError:
        return None


def injected(notebook: Notebook, values: dict[str, Any]) -> Notebook:
    """A copy with a cell that assigns these values. Raises PayloadError for a name that is none, or a
    language whose values nobody here can write."""
    found = copy.deepcopy(notebook)
    cells = found["cells"]
    old = _tagged(found, INJECTED)
    if old is not None:
        del cells[old]
    if not values:
        return found
    cell: dict[str, Any] = {
        "cell_type": "code", "execution_count": None, "outputs": [], "metadata": {"tags": [INJECTED]},
        "source": assignments(values, language_of(found))}
    if (int(found["nbformat"]), int(found.get("nbformat_minor", 0))) >= (4, 5):
        cell["id"] = uuid.uuid4().hex[:8]
    at = _tagged(found, PARAMETERS)
    cells.insert(0 if at is None else at + 1, cell)
    return found


def assignments(values: dict[str, Any], language: str) -> str:
    """One line a value, in this language."""
    write = _WRITERS.get(language)
    if write is None:
        raise PayloadError(f"parameters cannot be written in {language}", where="parameters",
                           remedy=f"It works in {', '.join(_WRITERS)}; elsewhere read TETHER_LAB_JOB_PAYLOAD.")
    lines = [write(_name(name), value) for name, value in values.items()]
    return "\n".join(["# parameters of this job", *lines])


def _name(name: str) -> str:
    if not name.isidentifier() or keyword.iskeyword(name):
        raise PayloadError(f"{name!r:.60} cannot be the name of a variable", where=f"$.{name}")
    return name


def _r(value: Any) -> str:
    match value:
        case None:
            return "NULL"
        case bool():
            return "TRUE" if value else "FALSE"
        case list():
            return f"list({', '.join(map(_r, value))})"
        case dict():
            return f"list({', '.join(f'{json.dumps(k)} = {_r(v)}' for k, v in value.items())})"
        case _:
            return json.dumps(value)


def _julia(value: Any) -> str:
    match value:
        case None:
            return "nothing"
        case list():
            return f"[{', '.join(map(_julia, value))}]"
        case dict():
            return f"Dict({', '.join(f'{_julia(k)} => {_julia(v)}' for k, v in value.items())})"
        case str():
            return json.dumps(value, ensure_ascii=False).replace("$", r"\$")
        case _:
            return json.dumps(value)


_WRITERS = {
    "python": lambda name, value: f"{name} = {value!r}",
    "r": lambda name, value: f"{name} <- {_r(value)}",
    "julia": lambda name, value: f"{name} = {_julia(value)}",
}


def _tagged(notebook: Notebook, tag: str) -> int | None:
    for at, cell in enumerate(notebook["cells"]):
        if cell.get("cell_type") == "code" and tag in (cell.get("metadata", {}).get("tags") or ()):
            return at
    return None


def headings(notebook: Notebook) -> list[str]:
    """For each cell what it is about: its first line of code under the heading above it."""
    found, above = [], ""
    for cell in notebook["cells"]:
        lines = [line.strip() for line in source(cell).splitlines() if line.strip()]
        if cell.get("cell_type") == "markdown":
            above = next((line.lstrip("#").strip() for line in lines if line.startswith("#")), above)
        code = next((line for line in lines if not line.startswith("#")), lines[0] if lines else "")
        found.append(" · ".join(part for part in (above, code[:60]) if part))
    return found
