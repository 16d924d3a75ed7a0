"""``tether-lab enqueue KEY name=value …``."""

from __future__ import annotations

import json
import sys
from typing import Any

from tether_lab.errors import PayloadError

from .job import parse_value, watch
from .labs import open_lab
from .parsing import Arguments, options
from .terminal import job_json, say, show_json


def run(given: Arguments) -> int:
    """One job of a registered handler; with ``--wait`` its output and its end."""
    lab = open_lab(given)
    job = lab.enqueue(given.key, payload(given), **options(given))
    if given.json:
        show_json(job_json(job.row))
    if given.wait:
        return watch(job)
    if not given.json:
        say(f"Job {job.id} ({given.key}) is {job.status}: tether-lab job {job.id} follow")
    lab.close()
    return 0


def payload(given: Arguments) -> dict[str, Any]:
    """The payload that the command line says, from values or as JSON."""
    values: dict[str, Any] = {}
    if given.payload is not None:
        text = sys.stdin.read() if given.payload == "-" else given.payload
        try:
            values = json.loads(text)
        except ValueError as error:
            raise PayloadError(f"--payload is no JSON: {error}", remedy="As in --payload '{\"lr\": 0.1}'.",
                               where="--payload") from None
        if not isinstance(values, dict):
            raise PayloadError("--payload is no JSON object", remedy="As in --payload '{\"lr\": 0.1}'.",
                               where="--payload")
    for pair in given.values:
        name, equals, text = pair.partition("=")
        if not equals or not name:
            raise PayloadError(f"{pair!r:.60} is no value", remedy="Values are written name=value.",
                               where="values")
        values[name] = parse_value(text)
    return values
