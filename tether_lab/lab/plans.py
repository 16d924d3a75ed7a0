"""What enqueuing one key again and again needs each time: looked up, checked and spelled out once.

A plan is used only while the key's head is what it was made for, which the transaction that adds the jobs
looks at; so it can be old, but never wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tether_lab.job import Handler, HandlerVersion, JobOptions
from tether_lab.worker.new_jobs import is_timeless, new_jobs, options_of
from tether_lab.worker.payload import Payload

if TYPE_CHECKING:
    from tether_lab.job_queue.enqueue import NewJob

    from .lab import Lab

MOST = 64
_PLAIN = (str, int, float, bool, type(None))


@dataclass(frozen=True, slots=True)
class Plan:
    """One key with one set of options. ``template`` is a job of it without name, payload and signature,
    which ``sign`` makes of the first two; None if jobs with these options are not alike."""

    handler: Handler
    version: HandlerVersion
    options: JobOptions
    template: NewJob | None
    sign: Callable[[str, str], bytes]


class Plans:
    """The plans of one lab, the latest ones."""

    def __init__(self) -> None:
        self._kept: dict[object, Plan] = {}

    def of(self, lab: Lab, key: str, given: Mapping[str, Any], *, fresh: bool = False) -> Plan:
        """The plan for a key; ``fresh``: made anew. Raises UnknownHandler, OptionError."""
        # 1, 1.0 and True are equal, and not all of them are a priority.
        name = (key, tuple((k, type(v), v) for k, v in given.items() if type(v) in _PLAIN))
        found = None if fresh or len(name[1]) < len(given) else self._kept.get(name)
        if found is None or (found.template is not None and found.template.key_id != lab.vault.key_id):
            found = _made(lab, key, given)
            self._kept.pop(name, None)
            if found.template is not None and len(name[1]) == len(given):
                self._kept[name] = found
                while len(self._kept) > MOST:
                    self._kept.pop(next(iter(self._kept)))
        return found


def _made(lab: Lab, key: str, given: Mapping[str, Any]) -> Plan:
    from tether_lab.vault import signing

    from .enqueue import find

    handler = find(lab, key)
    version = lab.version(handler.head)
    options = options_of(given, JobOptions.from_json(handler.options), encrypt=lab.settings.encrypt)
    template = None
    if is_timeless(options) and version.kind != "notebook":      # a notebook is read anew each time
        unsigned = (lab.vault.key_id, b"")
        (template,) = new_jobs(lab.queue, lambda *_: unsigned, version, [Payload("{}")], options, 0)
    stored = signing.lasting_options(template.options) if template is not None else ""
    sign = lab.vault.signer(signing.JOB, lab.uuid, None, version.key, version.version, None, stored)
    return Plan(handler, version, options, template, sign)
