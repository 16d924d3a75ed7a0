"""Outputs and results as files: attachments that no browser shows in the Jupyter server's name."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tether_lab.errors import WrongState
from tether_lab.views.fold import fold, plain

from .api import Attachment, Call
from .contract import Json
from .jobs import verified_result

if TYPE_CHECKING:
    from tether_lab.lab import Lab


async def outputs(call: Call) -> Attachment:
    """The job as a notebook of one cell, or its text."""
    found: Attachment = await call.hop(_outputs, call.lab.lab, call.path["id"], call.query["format"])
    return found


def _outputs(lab: Lab, job_id: int, kind: str) -> Attachment:
    from tether_lab.lab.follow import latest

    row = lab.read_row(job_id)
    shown = fold(latest(lab, job_id))
    name = f"{row.key}-{row.id}-output"
    if kind == "txt":
        return Attachment(f"{name}.txt", "text/plain; charset=UTF-8", _text(shown).encode())
    version = lab.version(row.handler_id)
    cell: Json = {"cell_type": "code", "execution_count": None, "id": f"job-{row.id}", "metadata": {},
            "outputs": shown, "source": version.source}
    book = {"cells": [cell], "nbformat": 4, "nbformat_minor": 5, "metadata": {
        "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
        "tether_lab": {"lab": lab.uuid, "job": row.id, "uuid": row.uuid, "version": version.version}}}
    return Attachment(f"{name}.ipynb", "application/x-ipynb+json",
                      json.dumps(book, ensure_ascii=False, indent=1).encode())


def _text(shown: list[dict[str, Any]]) -> str:
    parts = []
    for output in shown:
        if output["output_type"] == "stream":
            parts.append(output["text"])
        elif output["output_type"] == "error":
            parts.append("\n".join(output["traceback"]) + "\n")
        else:
            said = output["data"].get("text/plain", "")
            parts.append(("".join(said) if isinstance(said, list) else str(said)) + "\n")
    return "".join(plain(part) for part in parts)


async def result(call: Call) -> Attachment:
    """The result as JSON, or its text form. Never a pickle: those load code, and only in Python."""
    found = await call.hop(verified_result, call.lab.lab, call.path["id"])
    kind = call.query.get("format", "json" if found.kind == "json" else "txt")
    if kind == "json" and found.kind != "json":
        raise WrongState(f"the result of job {found.job_id} is a {found.type or found.kind}, no JSON",
                         where="format",
                         remedy="format=txt gives its text form; job.result() in Python the value.")
    name = f"job-{found.job_id}-result.{kind}"
    if kind == "json":
        return Attachment(name, "application/json; charset=UTF-8", found.body.encode())
    return Attachment(name, "text/plain; charset=UTF-8", plain(found.text).encode())
