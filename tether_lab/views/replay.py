"""Outputs of a job put into the current cell, as they would stand under the original one.

``Replay`` takes rows as they come (following a job), ``republish`` folded outputs (afterwards).
IPython is asked for only when something is shown; without it text goes to the standard streams.
Call it from the thread that runs the cell only.
"""

from __future__ import annotations

import sys
import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from .fold import Output


class Replay:
    """Shows rows in the current cell. Display ids get a prefix of their own, so that two replays of
    one job do not update each other. ``errors`` False leaves the last traceback out: the caller
    raises it, or calls ``settle``."""

    def __init__(self, *, errors: bool = True) -> None:
        self._prefix = f"tether-{uuid.uuid4().hex[:12]}-"
        self._errors = errors
        self._shell = _shell()
        self.error: Mapping[str, Any] | None = None
        self.unshown: Mapping[str, Any] | None = None
        self.shown = 0

    def row(self, body: Mapping[str, Any]) -> None:
        """Show one row as the queue stores it."""
        kind = body["k"]
        self.shown += 1
        self.settle()
        if kind == "stream":
            self._stream(body["name"], body["text"])
        elif kind in ("display_data", "update_display_data"):
            self._display(body, update=kind == "update_display_data")
        elif kind == "execute_result":
            self._result(body)
        elif kind == "clear_output" and self._shell is not None:
            self._shell.display_pub.clear_output(wait=bool(body.get("wait")))
        elif kind == "error":
            self.error = self.unshown = body
            if self._errors:
                self.settle()

    def settle(self) -> None:
        """Show the traceback that was left out: the job went on after it."""
        if self.unshown is not None:
            self._error(self.unshown)
            self.unshown = None

    def attempt(self) -> None:
        """The job begins anew: what ended the last attempt has been said."""
        self.error = self.unshown = None

    def _stream(self, name: str, text: str) -> None:
        stream = sys.stderr if name == "stderr" else sys.stdout
        stream.write(text)
        stream.flush()

    def _display(self, body: Mapping[str, Any], *, update: bool) -> None:
        data, metadata = dict(body["data"]), dict(body.get("metadata") or {})
        if self._shell is None:
            if not update:
                self._plain(data)
            return
        transient = {"display_id": self._prefix + str(body["id"])} if body.get("id") else {}
        self._shell.display_pub.publish(data=data, metadata=metadata, transient=transient,
                                        update=update)

    def _result(self, body: Mapping[str, Any]) -> None:
        """As an ``execute_result`` of the current cell, so that it gets the cell's own prompt."""
        data, metadata = dict(body["data"]), dict(body.get("metadata") or {})
        if self._shell is None:
            self._plain(data)
            return
        hook = self._shell.displayhook
        hook.start_displayhook()
        hook.write_output_prompt()
        hook.write_format_data(data, metadata)
        hook.finish_displayhook()

    def _error(self, body: Mapping[str, Any]) -> None:
        lines = [str(line) for line in body["traceback"]]
        name, value = str(body["ename"]), str(body["evalue"])
        if self._shell is None:
            self._stream("stderr", "\n".join(lines) + "\n")
            return
        self._shell._showtraceback(type(name, (Exception,), {}), value, lines)  # noqa: SLF001 — the one way to send an error that was not raised

    def _plain(self, data: Mapping[str, Any]) -> None:
        text = data.get("text/plain", "")
        self._stream("stdout", ("".join(text) if isinstance(text, list) else str(text)) + "\n")


def republish(outputs: Iterable[Output]) -> int:
    """Show folded outputs (nbformat v4) in the current cell; how many there were."""
    replay = Replay()
    for output in outputs:
        kind = output["output_type"]
        replay.row({**output, "k": kind})
    return replay.shown


def _shell() -> Any:
    """The running IPython, or None. Never imports IPython into a process without it."""
    ipython = sys.modules.get("IPython")
    return ipython.get_ipython() if ipython is not None else None
