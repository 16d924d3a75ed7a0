"""A cell as a job where there is no kernel to ask: what stands in it, and nothing of a notebook's variables.

    python -m tether_lab.cell.alone < request.json

A short-lived process in the Python that the cell is for, called by the server. One JSON object in (lab,
source, key, parameters, options, notebook, cell_id), one out: ``{"job": 12}`` or ``{"error": {…}}``.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tether_lab.errors import TetherLabError


def submit(said: Mapping[str, Any]) -> int:
    """The number of the job. Raises CellError, OptionError, PayloadError; then nothing was written."""
    from IPython.core.inputtransformer2 import TransformerManager

    from tether_lab.job import check_payload
    from tether_lab.job.options import read_options
    from tether_lab.lab import CellRequest, Lab

    from .submit import transform

    check_payload(said["parameters"])
    plain: Any = TransformerManager       # untyped in IPython
    with Lab(Path(said["lab"])) as lab:
        job, _, _ = lab.submit_cell(CellRequest(
            source=said["source"], transformed=transform(plain(), said["source"]), namespace={},
            key=said["key"], parameters=said["parameters"], options=read_options(said["options"]),
            capture="none", notebook=said["notebook"], cell_id=said["cell_id"]))
    assert job is not None, "it was not only registered"
    return job.id


def main() -> int:
    """Always 0 with an answer; anything else is a mistake of ours, with its traceback."""
    try:
        answer: dict[str, Any] = {"job": submit(json.load(sys.stdin))}
    except TetherLabError as error:
        answer = {"error": {"code": error.code, "message": error.message, "remedy": error.remedy,
                            "where": error.where}}
    sys.stdout.write(json.dumps(answer))
    return 0


if __name__ == "__main__":
    sys.exit(main())
