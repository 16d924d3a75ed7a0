"""What is put around all that an attempt says before it is written down: masks, and encryption.

The worker hands a job its payload in clear and takes its words in clear; the job never sees a key. Only
jobs with the options ``encrypt`` or ``secret`` have a cover, so that all others pay nothing for it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tether_lab.capture import BlobStore
from tether_lab.capture.blobs import LARGE
from tether_lab.job import ClaimedJob, JobOptions, ResultRow
from tether_lab.job_queue import sealed
from tether_lab.job_queue.claim import Ending
from tether_lab.job_queue.queue import Queue
from tether_lab.outcome import Finish, Requeue, RetryAt, Stored

DOTS = "•••"
FORM = ("k", "name", "id")
"""Fields of an output row that say what it is."""
SHORTEST = 4
"""Characters from which a secret value is looked for in what a job says: shorter ones are everywhere."""


@dataclass(frozen=True, slots=True)
class Cover:
    """Of one attempt. ``masks`` are texts that must not be shown; ``closes``: everything is encrypted."""

    queue: Queue
    uuid: str
    epoch: int
    masks: tuple[str, ...]
    closes: bool

    @classmethod
    def of(cls, queue: Queue, job: ClaimedJob, options: JobOptions, secret: Mapping[str, Any]) -> Cover | None:
        """None for a job that hides nothing."""
        if not options.encrypt and not secret:
            return None
        return cls(queue, job.uuid, job.claim.epoch, _masks(secret.values()), options.encrypt)

    def text(self, text: str, *place: str | int) -> str:
        """A text as it is to be stored in this place."""
        text = self._masked(text)
        return sealed.close(self.queue, text, *place) if self.closes else text

    def json(self, text: str, *place: str | int) -> str:
        """A JSON text; only what its strings say is masked, never its form."""
        if any(mask in text for mask in self.masks):
            text = json.dumps(self._within(json.loads(text)), ensure_ascii=False, separators=(",", ":"))
        return sealed.close(self.queue, text, *place) if self.closes else text

    def _masked(self, text: str) -> str:
        for mask in self.masks:
            text = text.replace(mask, DOTS)
        return text

    def _within(self, value: Any) -> Any:
        match value:
            case str():
                return self._masked(value)
            case list():
                return [self._within(part) for part in value]
            case dict():
                return {name: part if name in FORM else self._within(part) for name, part in value.items()}
            case _:
                return value

    def rows(self, rows: Sequence[tuple[int, str]]) -> list[tuple[int, str]]:
        """Rows of output."""
        return [(seq, self.json(body, "output", self.uuid, self.epoch, seq)) for seq, body in rows]

    def progress(self, progress: str | None) -> str | None:
        return None if progress is None else self.json(progress, "job", "progress", self.uuid)

    def events(self, events: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
        return [(kind, self._detail(kind, detail)) for kind, detail in events]

    def _detail(self, kind: str, detail: str) -> str:
        return detail if detail == "{}" else self.json(detail, "event", self.uuid, self.epoch, kind)

    def stored(self, stored: Stored) -> tuple[Stored, dict[str, bytes], dict[str, int]]:
        """A result or a kept value with its blobs encrypted: the value, small blobs, and large ones, which
        are files by now. A value without blobs is left: its row is closed later."""
        if not self.closes or not stored.blobs:
            return stored, dict(stored.blobs or {}), {}
        store = BlobStore(self.queue.folder.blobs, durable=self.queue.settings.durability == "power")
        body, small, large = stored.body, dict[str, bytes](), dict[str, int]()
        for digest, content in stored.blobs.items():
            name, closed = sealed.seal_blob(self.queue, content)
            body = body.replace(f'"{digest}"', f'"{name}"')
            if len(closed) < LARGE:
                small[name] = closed
            else:
                store.put_as(name, closed)
                large[name] = len(closed)
        return replace(stored, body=body, blobs=small), small, large

    def kept(self, name: str, body: str) -> str:
        """The body of a kept value. Masks do not touch it: it is loaded again."""
        return sealed.close(self.queue, body, "memo", self.uuid, name) if self.closes else body

    def ending(self, ending: Ending) -> Ending:
        """All that an ending says, covered."""
        place = (self.uuid, self.epoch)
        return replace(
            ending, step=self._step(ending), outputs=self.rows(ending.outputs),
            error=None if ending.error is None else self.text(ending.error, "attempt", "error", *place),
            traceback=None if ending.traceback is None else self.text(
                ending.traceback, "attempt", "traceback", *place),
            progress=self.progress(ending.progress), events=self.events(ending.events),
            detail=self._detail(ending.outcome_name, ending.detail),
            result=None if ending.result is None else self._result(ending.result))

    def _step(self, ending: Ending) -> Any:
        match ending.step:
            case Finish(reason=str(reason)) | RetryAt(reason=reason) | Requeue(reason=reason):
                return replace(ending.step, reason=self.text(reason, "job", "error", self.uuid))
            case _:
                return ending.step

    def _result(self, result: ResultRow) -> ResultRow:
        place = (self.uuid, self.epoch)
        text = self._masked(result.text)
        if not self.closes:
            return replace(result, text=text)
        return replace(result, body=sealed.close(self.queue, result.body, "result", "body", *place),
                       text=sealed.close(self.queue, text, "result", "text", *place))


def _masks(values: Any) -> tuple[str, ...]:
    """Secret values as they may stand in texts: plain, and inside JSON; the longest first."""
    found: set[str] = set()
    for value in values:
        match value:
            case dict():
                found.update(_masks(value.values()))
            case list():
                found.update(_masks(value))
            case bool() | None:
                pass
            case _ if len(str(value)) >= SHORTEST:
                text = str(value)
                found |= {text, json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1]}
    return tuple(sorted(found, key=len, reverse=True))
