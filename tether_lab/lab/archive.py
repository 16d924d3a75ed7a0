"""Ended jobs and their handlers in one private file: from one lab into another.

A zip archive: ``about.json``, ``handlers.jsonl``, ``jobs.jsonl`` and ``blobs/``. Taken in, everything
signed is verified against the lab it comes from: what one of this user's keys signed is signed for the new
lab; anything else keeps its foreign signature, so that it is shown, and not loaded or run until ``trust``.
"""

from __future__ import annotations

import json
import os
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tether_lab.errors import BadRequest, BadSignature, KeyMissing, TetherLabError
from tether_lab.settings import make_private

if TYPE_CHECKING:
    from .lab import Lab

FORMAT = 1
LARGEST_LINE = 512_000_000


@dataclass(frozen=True, slots=True)
class Moved:
    """How many handler versions and jobs went into the file, or came out of it; how many jobs were there
    already; how many are foreign until they are trusted; which could not be taken in, and why."""

    path: Path
    handlers: int = 0
    jobs: int = 0
    known: int = 0
    foreign: int = 0
    refused: int = 0
    reason: str = ""


def export(lab: Lab, path: str | os.PathLike[str], *, key: str | None, since: object) -> Moved:
    """Write ended jobs (of ``key``, enqueued after ``since``), with the handlers they ran, into a new file of
    mode 0600. Payloads, outputs and results are in it, as they are stored."""
    from tether_lab.job_queue import archive
    from tether_lab.settings import version

    from . import clock

    target = Path(path).expanduser().absolute()
    if target.exists():
        raise BadRequest(f"{target} is there already", where=str(target), remedy="Choose another name.")
    make_private(target.parent)
    aside = target.with_name(f".{target.name}.{os.getpid()}")
    heads = {head["version_uuid"]: head for head in archive.heads(lab.queue, key)}
    wanted, digests, jobs = {int(head["head"]) for head in heads.values()}, set[str](), 0
    try:
        with os.fdopen(os.open(aside, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "w+b") as file, \
                zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as zipped:
            zipped.writestr("about.json", json.dumps({
                "format": FORMAT, "uuid": lab.uuid, "lab": lab.name, "made_at": time.time(),
                "tether_lab": version()}))
            with zipped.open("jobs.jsonl", "w") as lines:
                for record in archive.jobs(lab.queue, key, clock.since(since, present=clock.now())):
                    lines.write(archive.to_json(record).encode("utf-8", "surrogatepass") + b"\n")
                    wanted.add(record["job"]["handler_id"])
                    digests.update(record["blobs"])
                    jobs += 1
            with zipped.open("handlers.jsonl", "w") as lines:
                for number in sorted(wanted):
                    found = archive.version(lab.queue, number)
                    digests.update(lab.version(number).manifest.blobs)
                    line = {"version": found, "head": heads.get(found["uuid"])}
                    lines.write(archive.to_json(line).encode("utf-8", "surrogatepass") + b"\n")
            for digest in sorted(digests):
                content = archive.blob(lab.queue, digest)
                if content is not None:
                    zipped.writestr(f"blobs/{digest}", content)
        aside.rename(target)
    finally:
        aside.unlink(missing_ok=True)
    return Moved(target, len(wanted), jobs)


def import_(lab: Lab, path: str | os.PathLike[str]) -> Moved:
    """Take such a file in. Jobs get new numbers and keep their names; taken in twice they are there once."""
    source = Path(path).expanduser().absolute()
    try:
        with zipfile.ZipFile(source) as zipped:
            about = json.loads(zipped.read("about.json"))
            if about.get("format") != FORMAT:
                raise BadRequest(f"{source} has format {about.get('format')}; this Tether Lab knows {FORMAT}",
                                 where=str(source), remedy="pip install -U tether-lab")
            return _Import(lab, zipped, str(about["uuid"])).run(source)
    except (OSError, zipfile.BadZipFile, KeyError, ValueError, TypeError) as error:
        if isinstance(error, TetherLabError):
            raise
        raise BadRequest(f"{source} is no archive of jobs: {error}", where=str(source),
                         remedy="tether-lab export FILE writes one.") from None


class _Import:
    def __init__(self, lab: Lab, zipped: zipfile.ZipFile, uuid: str) -> None:
        from .sealing import Resealed

        self._lab, self._zip, self._again = lab, zipped, Resealed(lab, uuid)
        self._names = set(zipped.namelist())
        self._versions: dict[int, int] = {}
        self._hashes: dict[int, str] = {}

    def run(self, source: Path) -> Moved:
        from tether_lab.job_queue import archive

        known = archive.known(self._lab.queue)
        handlers = jobs = before = foreign = refused = 0
        reason = ""
        for line in self._lines("handlers.jsonl"):
            try:
                new, own = self._version(line["version"], line["head"])
            except (KeyMissing, BadSignature) as error:
                refused, reason = refused + 1, error.message
                continue
            handlers, foreign = handlers + new, foreign + (not own)
        for line in self._lines("jobs.jsonl"):
            if line["job"]["uuid"] in known:
                before += 1
                continue
            try:
                own = self._job(line)
            except (KeyMissing, BadSignature) as error:
                refused, reason = refused + 1, error.message
                continue
            jobs, foreign = jobs + 1, foreign + (not own)
        self._lab.forget_versions()
        return Moved(source, handlers, jobs, before, foreign, refused, reason)

    def _lines(self, name: str) -> Iterator[Any]:
        from tether_lab.job_queue import archive

        with self._zip.open(name) as lines:
            for line in lines:
                yield archive.from_json(line.decode("utf-8", "surrogatepass"))

    def _version(self, record: dict[str, Any], head: dict[str, Any] | None) -> tuple[bool, bool]:
        from tether_lab.job_queue import archive

        old = int(record["id"])
        ready, manifest, own = self._again.version(record)
        small, large = self._blobs(manifest.blobs)
        if head is not None:
            head = {**head, "defaults": self._again.text(head["defaults"], "handler", "defaults", head["key"])}
        number, new = archive.add_version(self._lab.queue, ready, head, small, large)
        self._versions[old], self._hashes[old] = number, record["version"]
        return new, own

    def _job(self, record: dict[str, Any]) -> bool:
        from tether_lab.job_queue import archive

        handler = int(record["job"]["handler_id"])
        if handler not in self._versions:
            raise BadSignature(f"job {record['job']['uuid']} came without its handler", where="jobs.jsonl")
        ready, own = self._again.job(record, self._hashes[handler])
        small, large = self._blobs(record["blobs"])
        archive.add_job(self._lab.queue, ready, self._versions[handler], small, large)
        return own

    def _blobs(self, digests: Any) -> tuple[dict[str, bytes], dict[str, int]]:
        """Small ones for rows, large ones as files now; those that were pruned are left out."""
        from tether_lab.capture import LARGE

        small, large = dict[str, bytes](), dict[str, int]()
        for digest in digests:
            if f"blobs/{digest}" in self._names:
                content = self._again.blob(str(digest), self._zip.read(f"blobs/{digest}"))
                if len(content) < LARGE:
                    small[digest] = content
                else:
                    self._lab.blob_store.put_as(digest, content)
                    large[digest] = len(content)
        return small, large
