"""Triggers: jobs when files change, when another key's job ends, when the Jupyter server is asked to."""

from __future__ import annotations

import json
import os
import uuid as uuids
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tether_lab.errors import BadRequest, BadSignature, OptionError, TriggerNotFound
from tether_lab.job import HandlerVersion, JobOptions, check_key, check_payload
from tether_lab.job.duration import seconds
from tether_lab.job.trigger import CHANGES, ENDS, TriggerRow
from tether_lab.worker.new_jobs import options_of
from tether_lab.worker.payload import read_payload

from . import clock
from .door import door
from .enqueue import find

if TYPE_CHECKING:
    from .job import Job
    from .lab import Lab

GROUPS = {"ended": ENDS, "failed": ("failed", "expired")}


@door
class TriggerHandle:
    """A trigger: ``.status``, ``.fire()``, ``.pause()``, ``.resume()``, ``.remove()``; ``.secret`` of one for
    the web."""

    def __init__(self, lab: Lab, name: str) -> None:
        self.lab, self.name = lab, name

    @property
    def row(self) -> TriggerRow:
        """As it stands. Raises TriggerNotFound once it was removed."""
        from tether_lab.job_queue import causes

        return causes.get(self.lab.queue, self.name)

    @property
    def payload(self) -> dict[str, Any]:
        """What its jobs are given beside what it was; secret fields by their length only. Raises KeyMissing if
        it is encrypted, and the key is not here."""
        from tether_lab.job_queue import sealed

        return sealed.for_people(self.lab.queue, self.row, "trigger")

    @property
    def status(self) -> str:
        """Active or paused."""
        return self.row.status

    @property
    def secret(self) -> str:
        """What a request must bring to fire it: the same for ever, unless the trigger is removed or the keys
        change. Raises BadRequest for one that is not for the web."""
        row = self.row
        if row.kind != "web":
            raise BadRequest(f"the trigger {self.name} is not for the web", where=self.name,
                             remedy="lab.trigger(name, key, web=True) makes one.")
        if row.key_id != self.lab.vault.key_id:
            row = _put(self.lab, row)
        return _secret(self.lab, row)

    def fire(self, payload: Mapping[str, Any] | None = None) -> Job:
        """A job of it now, whatever it waits for; ``payload`` on top of its own."""
        return _fire(self.lab, self.row, {"name": self.name, "kind": "asked"}, payload)

    def pause(self) -> TriggerHandle:
        """It makes no jobs until ``resume``; what happens meanwhile is not made up for."""
        return self._paused(True)

    def resume(self) -> TriggerHandle:
        """Go on with what happens from now on."""
        return self._paused(False)

    def remove(self) -> None:
        """Forget it; its jobs stay."""
        from tether_lab.job_queue import causes

        causes.remove(self.lab.queue, self.row)
        self.lab.waker.nudge()

    def _paused(self, paused: bool) -> TriggerHandle:
        from tether_lab.job_queue import causes

        causes.pause(self.lab.queue, self.row, paused=paused, now=clock.now())
        self.lab.waker.wake()
        return self

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        from tether_lab.views import triggers as view

        return view.bundle(self.row, clock.now())

    def __repr__(self) -> str:
        return f"<Trigger {self.name}>"


class Triggers(list[TriggerHandle]):
    """Triggers, shown as a table."""

    def __init__(self, lab: Lab) -> None:
        from tether_lab.job_queue import causes

        self.rows = causes.triggers(lab.queue)
        super().__init__(TriggerHandle(lab, row.name) for row in self.rows)

    def __repr__(self) -> str:
        return str(self._repr_mimebundle_()["text/plain"])

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        from tether_lab.views import triggers as view

        return view.table_bundle(self.rows, clock.now())


def trigger(lab: Lab, name: str, key: str, payload: object, said: Mapping[str, Any],
            given: Mapping[str, Any]) -> TriggerHandle:
    """Add a trigger, or give the one of this name another meaning. Raises UnknownHandler, OptionError,
    PayloadError, BadRequest; then nothing was written."""
    from tether_lab.job_queue import causes

    if not isinstance(name, str) or not name.strip() or len(name) > 200 or not name.isprintable():
        raise OptionError(f"name: {name!r:.60}", where="name", remedy="A text of 1 to 200 characters.")
    kinds = [kind for kind, word in (("files", "files"), ("job", "after"), ("web", "web")) if said[word]]
    if len(kinds) != 1:
        raise OptionError("a trigger waits for one thing", where="files",
                          remedy="Give one of files=…, after=KEY and web=True.")
    for word in ("delay", "at"):
        if given.get(word) is not None:
            raise OptionError(f"{word} and a trigger do not go together", where=word,
                              remedy="A window or constraints hold a job back.")
    handler = find(lab, key)
    options = options_of(given, JobOptions.from_json(handler.options), encrypt=lab.settings.encrypt)
    read_payload(payload, _lenient(lab.version(handler.head), kinds[0]), handler.defaults, lab.blob_store,
                 plain=True, limit=lab.settings.payload_limit)
    about = _files(said) if said["files"] else _after(said) if said["after"] else {}
    known = causes.find(lab.queue, name)
    _put(lab, TriggerRow(
        0, known.uuid if known else str(uuids.uuid4()), name, kinds[0], handler.key,
        json.dumps(about, sort_keys=True), check_payload(payload or {}), options.to_json(), about.get("after"),
        False, None, 0, None, 0, None, 0, "", b""))
    lab.waker.wake()
    return TriggerHandle(lab, name)


def fire_web(lab: Lab, name: str, secret: str, body: object = None) -> Job:
    """What a web request does: a job, with ``body`` (a JSON object) on top of the trigger's payload.

    Raises TriggerNotFound for an unknown name and for a wrong secret alike, BadRequest while it is paused,
    PayloadError for a body that its handler does not take.
    """
    from tether_lab.job_queue import causes

    row = causes.find(lab.queue, name)
    nobody = TriggerNotFound("there is no such trigger, or its secret is another one", where="name")
    if row is None or row.kind != "web":
        raise nobody
    try:
        lab.vault.verify(bytes.fromhex(secret), row.key_id, _domain(), lab.uuid, row.uuid)
    except (BadSignature, ValueError, TypeError):
        raise nobody from None
    if row.paused:
        raise BadRequest(f"the trigger {name} is paused", where="name", remedy="lab.get_trigger(name).resume()")
    given = json.loads(check_payload(body, largest=lab.settings.payload_limit))
    return _fire(lab, row, {"name": name, "kind": "web", "body": given}, given)


def _fire(lab: Lab, row: TriggerRow, why: dict[str, Any], payload: Mapping[str, Any] | None) -> Job:
    from tether_lab.job_queue import causes
    from tether_lab.worker.triggers import job_of, payload_of

    from .job import Job

    now = clock.now()
    handler = find(lab, row.key)
    given = {**json.loads(payload_of(lab.queue, row)), **(payload or {})}
    read_payload(given, lab.version(handler.head), handler.defaults, lab.blob_store, plain=True,
                 limit=lab.settings.payload_limit)
    job_id = causes.fire(lab.queue, row, job_of(lab.queue, lab.vault, row, why, now, more=dict(payload or {})),
                         now=now)
    lab.waker.wake()
    return Job(lab, job_id)


def _put(lab: Lab, row: TriggerRow) -> TriggerRow:
    from tether_lab.job_queue import causes, sealed
    from tether_lab.vault import signing
    from tether_lab.worker.triggers import payload_of

    payload, wanted = payload_of(lab.queue, row), JobOptions.from_json(row.options)
    mac = lab.vault.sign(signing.TRIGGER, *signing.trigger_fields(lab.uuid, row, payload))
    if wanted.encrypt or wanted.secret:
        payload = sealed.close(lab.queue, payload, "trigger", "payload", row.uuid)
    return causes.put(lab.queue, replace(row, payload=payload, key_id=lab.vault.key_id, mac=mac),
                      now=clock.now())


def _secret(lab: Lab, row: TriggerRow) -> str:
    return lab.vault.sign(_domain(), lab.uuid, row.uuid).hex()


def _domain() -> str:
    from tether_lab.vault import signing

    return signing.SECRET


def _lenient(version: HandlerVersion, kind: str) -> HandlerVersion:
    """Its parameters without the need for those that the occasion will bring."""
    declared = json.loads(version.parameters)
    brought = set(declared) if kind == "web" else {kind}
    return replace(version, parameters=json.dumps({
        name: {**about, "required": False} if name in brought else about for name, about in declared.items()}))


def _files(said: Mapping[str, Any]) -> dict[str, Any]:
    given = said["files"]
    paths = [given] if isinstance(given, str | os.PathLike) else list(given)
    found, pattern = [], said["pattern"] or "*"
    for path in (Path(os.fspath(path)).expanduser().absolute() for path in paths):
        if any(sign in path.name for sign in "*?["):         # lab.trigger(files="inbox/*.csv")
            pattern, path = path.name, path.parent
        if not path.exists():
            raise BadRequest(f"there is no {path} to watch", where="files", remedy="Make the folder first.")
        found.append(str(path))
    changes = [said["changes"]] if isinstance(said["changes"], str) else list(said["changes"])
    strange = [change for change in changes if change not in CHANGES]
    if strange or not changes:
        raise OptionError(f"changes: {(strange or ['none'])[0]!r}", where="changes",
                          remedy=f"Some of {', '.join(CHANGES)}.")
    try:
        settle = seconds(said["settle"], what="settle")
    except ValueError as error:
        raise OptionError(str(error), where="settle") from None
    return {"paths": found, "pattern": pattern, "changes": changes, "settle": min(settle, 3600.0),
            "recursive": bool(said["recursive"])}


def _after(said: Mapping[str, Any]) -> dict[str, Any]:
    on = said["on"]
    words: Iterable[str] = GROUPS.get(on, (on,)) if isinstance(on, str) else on
    listed = list(words)
    strange = [word for word in listed if word not in ENDS]
    if strange or not listed:
        raise OptionError(f"on: {(strange or ['nothing'])[0]!r}", where="on",
                          remedy=f"One of {', '.join(ENDS)}, or ended.")
    after = said["after"]
    return {"after": check_key(after if isinstance(after, str) else after.key), "on": listed}
