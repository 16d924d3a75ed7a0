"""Verbs of whole notebooks: their parameters for a form, and a run as a job."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

from tether_lab.errors import BadRequest, NothingThere
from tether_lab.job import notebook as text

from . import acting
from .api import Call
from .cells import notebook_of, root_of
from .contract import Json


def _path(call: Call, given: str) -> Path:
    found = notebook_of(given, root_of(call))
    if found is None or not found.is_file() or found.suffix != text.SUFFIX:
        raise NothingThere(f"there is no notebook {given!r:.200}", where="path",
                           remedy="Give its path as the file browser shows it.")
    return found


async def enqueue(call: Call) -> Json:
    """As it is on disk now."""
    said, lab = call.body, call.lab.lab

    def verb() -> int:
        path, options = _path(call, said["path"]), dict(said.get("options", {}))
        if isinstance(output := options.get("output"), str) and not output.startswith("~"):
            options["output"] = str(path.parent / output)       # not where this server happens to run
        return lab.enqueue_notebook(path, said.get("parameters"), key=said.get("key"), **options).id
    return await acting.enqueued(call.lab, [await call.hop(verb)])


async def parameters(call: Call) -> Json:
    """What its tagged cell assigns."""
    def verb() -> Json:
        path = _path(call, call.query["path"])
        try:
            book = text.read_notebook(path.read_text(encoding="utf-8"), path.name)
        except (OSError, UnicodeDecodeError) as error:
            raise BadRequest(f"{path.name} cannot be read: {error}", where="path") from None
        return declared(call.query["path"], book)
    found: Json = await call.hop(verb)
    return found


def declared(path: str, book: Json) -> Json:
    """What a notebook's tagged cell assigns; None where nobody can tell (Parameters)."""
    names = text.declared(book)
    found = None if names is None else [_parameter(book, name) for name in names]
    return {"path": path, "kernel": text.kernel_of(book), "parameters": found}


def _parameter(book: Json, name: str) -> Json:
    """Its value as it is written, and as JSON where it is a plain one."""
    written = text.assigned(book).get(name, "")
    value: Any = None
    try:
        value = ast.literal_eval(written)
    except (ValueError, SyntaxError):
        return {"name": name, "default": None, "text": written}
    return {"name": name, "default": value if _plain(value) else None, "text": written}


def _plain(value: object) -> bool:
    from tether_lab.worker.payload import is_json

    return is_json(value) and not (isinstance(value, float) and value != value)  # noqa: PLR0124  NaN
