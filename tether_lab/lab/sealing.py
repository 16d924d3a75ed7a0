"""Records of another lab, for this one: verified there, opened there, signed and closed here."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tether_lab.errors import BadSignature
from tether_lab.job import Manifest
from tether_lab.vault import signing
from tether_lab.vault.sealing import is_sealed

if TYPE_CHECKING:
    from .lab import Lab


class Resealed:
    """``uuid`` is the lab that records come from. What is closed with a key that is not here raises
    KeyMissing; what only somebody else's key signed keeps that signature."""

    def __init__(self, lab: Lab, uuid: str) -> None:
        self._lab, self._uuid, self._vault = lab, uuid, lab.vault

    def text(self, text: str | None, *place: Any) -> str | None:
        """A closed text, closed for here; another one as it is."""
        if text is None or not is_sealed(text):
            return text
        return self._vault.seal_text(self.opened(text, *place), self._lab.uuid, *place)

    def opened(self, text: str, *place: Any) -> str:
        return self._vault.unseal_text(text, self._uuid, *place) if is_sealed(text) else text

    def blob(self, digest: str, content: bytes) -> bytes:
        """A blob: checked against its name, or opened and closed anew."""
        from tether_lab.capture.blobs import digest_of

        if len(digest) > 40:
            plain = self._vault.unseal(content, self._uuid, "blob", digest)
            return self._vault.seal(plain, self._lab.uuid, "blob", digest)
        if digest_of(content) != digest:
            raise BadSignature(f"blob {digest[:12]} does not hold what its name says", where=digest)
        return content

    def _signed(self, mac: bytes, key_id: str, domain: str, theirs: tuple[Any, ...],
                ours: tuple[Any, ...]) -> tuple[dict[str, Any], bool]:
        """Our signature, if one of our keys signed it there; theirs else."""
        if not self._vault.knows(key_id):
            return {"key_id": key_id, "mac": mac}, False
        self._vault.verify(mac, key_id, domain, *theirs)
        return {"key_id": self._vault.key_id, "mac": self._vault.sign(domain, *ours)}, True

    def version(self, record: dict[str, Any]) -> tuple[dict[str, Any], Manifest, bool]:
        """A handler version as it is stored here, what it took along, and whether it is ours."""
        from tether_lab.job_queue import rows

        manifest = self.opened(record["manifest"], "version", "manifest", record["uuid"])
        version = rows.handler_version({**record, "manifest": manifest}, self._lab.queue)
        signed, own = self._signed(record["mac"], record["key_id"], signing.HANDLER,
                                   signing.handler_fields(self._uuid, version),
                                   signing.handler_fields(self._lab.uuid, version))
        stored = self.text(record["manifest"], "version", "manifest", record["uuid"])
        return {**record, **signed, "manifest": stored}, version.manifest, own

    def job(self, record: dict[str, Any], version: str) -> tuple[dict[str, Any], bool]:
        """A job with its past as it is stored here, and whether it is ours."""
        job = dict(record["job"])
        uuid, payload = job["uuid"], self.opened(job["payload"], "job", "payload", job["uuid"])
        theirs = signing.job_fields(self._uuid, uuid, job["key"], version, payload, job["options"])
        hidden = self._hidden(payload, uuid)
        ours = signing.job_fields(self._lab.uuid, uuid, job["key"], version, hidden, job["options"])
        signed, own = self._signed(job["mac"], job["key_id"], signing.JOB, theirs, ours)
        if is_sealed(job["payload"]):
            hidden = self._vault.seal_text(hidden, self._lab.uuid, "job", "payload", uuid)
        job |= {**signed, "payload": hidden, "error": self.text(job["error"], "job", "error", uuid)}
        attempts = [{**one, "error": self.text(one["error"], "attempt", "error", uuid, one["epoch"]),
                     "traceback": self.text(one["traceback"], "attempt", "traceback", uuid, one["epoch"])}
                    for one in record["attempts"]]
        events = [[*one[:5], self.text(one[5], "event", uuid, one[2], one[3])] for one in record["events"]]
        outputs = [[seq, epoch, self.text(body, "output", uuid, epoch, seq)]
                   for seq, epoch, body in record["outputs"]]
        return {"job": job, "attempts": attempts, "events": events, "outputs": outputs,
                "result": self._result(record["result"])}, own

    def _hidden(self, payload: str, uuid: str) -> str:
        """A payload whose secret fields are closed for here."""
        import json

        from tether_lab.job_queue import sealed

        if sealed.SECRET not in payload:
            return payload
        values = json.loads(payload)
        for name, value in values.items():
            if isinstance(value, dict) and sealed.SECRET in value:
                value[sealed.SECRET] = self.text(value[sealed.SECRET], "secret", uuid, name)
        return json.dumps(values, ensure_ascii=False, separators=(",", ":"))

    def _result(self, row: Any) -> Any:
        from tether_lab.job_queue import rows

        if row is None:
            return None
        _, uuid, epoch, kind, stored, text, *_ = row
        body = self.opened(stored, "result", "body", uuid, epoch)
        found = rows.result((*row[:4], body, "", *row[6:]), self._lab.queue)
        signed, _ = self._signed(found.mac, found.key_id, signing.RESULT,
                                 signing.result_fields(self._uuid, uuid, epoch, kind, body),
                                 signing.result_fields(self._lab.uuid, uuid, epoch, kind, body))
        found = replace(found, **signed)
        return (*row[:4], self.text(stored, "result", "body", uuid, epoch),
                self.text(text, "result", "text", uuid, epoch), *row[6:8], found.key_id, found.mac)
