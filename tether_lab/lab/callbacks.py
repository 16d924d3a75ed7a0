"""Callbacks of chains and batches: ordinary jobs, put in with them, that wait for their moment."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from tether_lab.job import JobOptions
from tether_lab.worker.new_jobs import options_of
from tether_lab.worker.payload import OPEN, Payload

from .enqueue import find, new_jobs
from .handler import RegisteredHandler

if TYPE_CHECKING:
    from tether_lab.job_queue.enqueue import NewJob
    from tether_lab.job_queue.groups import Callbacks

    from .lab import Lab


def callbacks_of(lab: Lab, kind: str, **keys: str | RegisteredHandler | None) -> Callbacks:
    """Jobs of these handlers; each is told the number under ``kind``, if its parameters want that.

    Unknown keys are refused here, before anything is written.
    """
    plain = {event: key.key if isinstance(key, RegisteredHandler) else key
             for event, key in keys.items() if key is not None}
    heads = {event: find(lab, key) for event, key in plain.items()}

    def made(number: int) -> dict[str, NewJob]:
        found = {}
        for event, head in heads.items():
            version = lab.version(head.head)
            declared = json.loads(version.parameters)
            told = OPEN in declared or kind in declared or version.kind == "cell"
            payload = json.dumps({**json.loads(head.defaults), **({kind: number} if told else {})})
            options = options_of({}, JobOptions.from_json(head.options), encrypt=lab.settings.encrypt)
            (job,) = new_jobs(lab, version, [Payload(payload)], options)
            found[event] = replace(job, description=f"{event} of {kind} {number}")
        return found

    return made
