"""One request: who asks is the Jupyter server's question, what they may say the document's, the rest a verb.

``Route`` is the only handler there is. It reads the request by ``openapi.json``, calls one verb, writes its
answer, and turns refusals into JSON with the remedy.
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import APIHandler
from tornado import web

from tether_lab import errors
from tether_lab.errors import TetherLabError

from . import contract, wire
from .contract import Json

if TYPE_CHECKING:
    from .desk import Desk
    from .labs import OpenedLab

AUTH_RESOURCE = "tether_lab"
LARGEST_BODY = 64_000_000

STATUS: tuple[tuple[type[TetherLabError], HTTPStatus], ...] = (
    (errors.MalformedRequest, HTTPStatus.BAD_REQUEST),
    (errors.DuplicateJob, HTTPStatus.CONFLICT),
    (errors.WrongState, HTTPStatus.CONFLICT),
    (errors.BadRequest, HTTPStatus.UNPROCESSABLE_ENTITY),
    (errors.JobNotFound, HTTPStatus.NOT_FOUND),
    (errors.ScheduleNotFound, HTTPStatus.NOT_FOUND),
    (errors.NothingThere, HTTPStatus.NOT_FOUND),
    (errors.StorageFull, HTTPStatus.INSUFFICIENT_STORAGE),
    (errors.RestrictedLab, HTTPStatus.FORBIDDEN),
    (errors.QueueError, HTTPStatus.SERVICE_UNAVAILABLE),
)
"""What is in none of these is a conflict: with the job's state, the worker's, the signature's."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """An answer to be saved, never shown: ``name`` of the file, its media type, its bytes."""

    name: str
    media: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Call:
    """What a verb is handed: the desk, the lab (where the path names one), and what was said."""

    desk: Desk
    path: Json
    query: Json
    body: Json
    opened: OpenedLab | None = None
    server: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def lab(self) -> OpenedLab:
        """The lab that the path names."""
        assert self.opened is not None, "the path names a lab"
        return self.opened

    async def hop(self, verb: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """A verb of the lab, whole, in a thread."""
        return await self.desk.labs.call(verb, *args, **kwargs)


Answer = Json | Attachment | None
Verb = Callable[[Call], Awaitable[Answer]]


class Route(APIHandler):
    """A path of the document with its verbs."""

    auth_resource = AUTH_RESOURCE

    def initialize(self, path: str, verbs: Mapping[str, Verb], desk: Desk) -> None:
        self._at, self._verbs, self._desk = path, verbs, desk

    @web.authenticated
    @authorized
    async def get(self, **path: str) -> None:
        """Asks; changes nothing."""
        await self._serve("get", path)

    @web.authenticated
    @authorized
    async def head(self, **path: str) -> None:
        """As get, without the body."""
        await self._serve("get", path)

    @web.authenticated
    @authorized
    async def post(self, **path: str) -> None:
        """Acts."""
        await self._serve("post", path)

    @web.authenticated
    @authorized
    async def put(self, **path: str) -> None:
        """Acts."""
        await self._serve("put", path)

    @web.authenticated
    @authorized
    async def patch(self, **path: str) -> None:
        """Acts."""
        await self._serve("patch", path)

    @web.authenticated
    @authorized
    async def delete(self, **path: str) -> None:
        """Removes."""
        await self._serve("delete", path)

    # -- one request -----------------------------------------------------------------------------

    async def _serve(self, verb: str, path: Mapping[str, str]) -> None:
        try:
            operation, call = self._verbs.get(verb), await self._read(verb, path)
            if operation is None or call is None:
                return
            answer = await operation(call)
        except TetherLabError as error:
            self._refuse(_status(error), wire.error(error))
            return
        self._write(answer, contract.operations()[self._at][verb].status)

    async def _read(self, verb: str, path: Mapping[str, str]) -> Call | None:
        """The request as a call; None if it was answered already."""
        known = contract.operations().get(self._at, {})
        if verb not in known:
            allowed = ", ".join(sorted(word.upper() for word in known)) or "none"
            self.set_header("Allow", allowed)
            self._refuse(HTTPStatus.METHOD_NOT_ALLOWED if known else HTTPStatus.NOT_FOUND, {
                "code": "method_not_allowed" if known else "not_found", "where": self.request.path[:200],
                "message": f"{self.request.method} is no verb of this path" if known else "no such path",
                "remedy": f"Verbs: {allowed}." if known else "GET …/v1/openapi.json lists the paths."})
            return None
        operation = known[verb]
        values = operation.path_values({name: text or "" for name, text in path.items()})
        if values is None:
            raise errors.NothingThere("there is nothing of this name", where=self.request.path[:200])
        query = operation.query_values(self.request.query_arguments)
        body = operation.body(self._raw()) if verb != "get" else {}
        opened = await self._desk.labs.get(values["lab"]) if "lab" in values else None
        return Call(self._desk, values, query, body, opened, self.settings, self.request.headers)

    def _raw(self) -> bytes:
        raw: bytes = self.request.body
        if len(raw) > LARGEST_BODY:
            raise web.HTTPError(413)
        kind = self.request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if raw.strip() and kind != "application/json":
            raise errors.MalformedRequest(f"the body is {kind or 'of no type'!r:.60}", where="Content-Type",
                            remedy="Send application/json.")
        return raw

    def _write(self, answer: Answer, status: int) -> None:
        self.set_header("Cache-Control", "no-store")
        if answer is None:
            self.set_status(HTTPStatus.NO_CONTENT)
            self.finish()
        elif isinstance(answer, Attachment):
            self.set_header("Content-Disposition", _disposition(answer.name))
            self.set_header("Content-Security-Policy", "sandbox; default-src 'none'; frame-ancestors 'none'")
            self.finish(answer.content, set_content_type=answer.media)
        else:
            self.set_status(status)
            self.finish(json.dumps(answer, ensure_ascii=False, allow_nan=False, separators=(",", ":")),
                        set_content_type="application/json; charset=UTF-8")

    def _refuse(self, status: int, error: Json) -> None:
        self.set_status(status)
        self.finish(json.dumps({"error": error}), set_content_type="application/json; charset=UTF-8")

    # -- of the Jupyter server -------------------------------------------------------------------

    def set_default_headers(self) -> None:
        """On every answer, refusals too."""
        super().set_default_headers()
        self.set_header("X-Content-Type-Options", "nosniff")

    def update_api_activity(self) -> None:
        """A page that is open and asks does not keep the server alive; who acts does."""
        if self.request.method not in ("GET", "HEAD"):
            super().update_api_activity()

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """What the Jupyter server refuses (no token, no XSRF header, foreign origin), and our own bugs."""
        said = _SAID.get(status_code, (HTTPStatus(status_code).phrase, ""))
        found = kwargs.get("exc_info", (None, None, None))[1]
        message = found.log_message if isinstance(found, web.HTTPError) and found.log_message else said[0]
        code = re.sub(r"\W+", "_", HTTPStatus(status_code).phrase.lower())
        self.finish(json.dumps({"error": {"code": code, "message": str(message)[:500], "remedy": said[1],
                                          "where": self.request.path[:200]}}),
                    set_content_type="application/json; charset=UTF-8")


_SAID = {
    403: ("not allowed", "Send the Jupyter server's token (Authorization: token …), with cookies X-XSRFToken."),
    404: ("there is no such path", ""),
    413: (f"the body is larger than {LARGEST_BODY // 1_000_000} MB", "Pass the name of a file instead."),
    500: ("a mistake of Tether Lab's", "The server's log has the traceback; please report it."),
}


def _status(error: TetherLabError) -> HTTPStatus:
    return next((status for kind, status in STATUS if isinstance(error, kind)), HTTPStatus.CONFLICT)


def _disposition(name: str) -> str:
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-.") or "download"
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
