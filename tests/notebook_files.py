"""Small notebooks, written for the tests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

SPEC = {"name": "python3", "display_name": "Python 3", "language": "python"}


def code(source: str, *tags: str) -> dict[str, Any]:
    """A cell of code."""
    return {"cell_type": "code", "metadata": {"tags": list(tags)}, "source": source, "outputs": [],
            "execution_count": None}


def markdown(source: str) -> dict[str, Any]:
    """A cell of text."""
    return {"cell_type": "markdown", "metadata": {}, "source": source}


def notebook(*cells: dict[str, Any], minor: int = 4, **kernelspec: str) -> dict[str, Any]:
    """A notebook of these cells."""
    return {"nbformat": 4, "nbformat_minor": minor, "metadata": {"kernelspec": {**SPEC, **kernelspec}},
            "cells": list(cells)}


def write(path: Path, *cells: dict[str, Any], **kernelspec: str) -> Path:
    """A notebook file, its sources as lists of lines, as Jupyter saves them."""
    cells = tuple({**cell, "source": cell["source"].splitlines(keepends=True)} for cell in cells)
    path.write_text(json.dumps(notebook(*cells, **kernelspec)))
    return path
