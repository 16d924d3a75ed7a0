"""What user code asks of the lab while its job runs: a question over the control socket, an answer back."""

from __future__ import annotations

import json
import os
import threading
from typing import Any

from tether_lab import errors

from . import wire
from .channel import Channel
from .output import Output


class Calls:
    """One question at a time; threads of the job wait for each other."""

    _channel: Channel

    def __init__(self, output: Output) -> None:
        self._output = output
        self._lock, self._number, self._pid = threading.Lock(), 0, 0
        self.mail = threading.Event()      # to a service: there may be a message

    def connect(self, channel: Channel) -> None:
        """In the job's own process: this is where answers come from."""
        self._channel, self._pid = channel, os.getpid()

    def ask(self, verb: str, arguments: dict[str, Any], blobs: dict[str, bytes] | None = None) -> Any:
        """The answer, once what was asked is done and on disk. Raises what the lab says is wrong."""
        if os.getpid() != self._pid:
            raise errors.BadRequest(f"ctx.{verb} works in the job's own process", where=f"ctx.{verb}",
                                    remedy="Return the value to it, and call there.")
        with self._lock:
            self._number += 1
            number = self._number
            self._output.send(wire.Call(number, verb, json.dumps(arguments), blobs or {}))
            while True:
                message = self._channel.receive()
                if message is None:
                    raise errors.WorkerError("the worker is gone", where=f"ctx.{verb}")
                if isinstance(message, wire.Mail):
                    self.mail.set()
                elif isinstance(message, wire.Answer) and message.number == number:
                    break                  # another number: its caller was interrupted meanwhile
        if message.error is not None:
            raise raised(message)
        return None if message.value is None else json.loads(message.value)

    def listen(self, timeout: float) -> None:
        """Wait until the worker says something, which may be for another thread, or that long."""
        if self._channel.is_silent(timeout):
            return
        with self._lock:
            while not self._channel.is_silent(0):
                message = self._channel.receive()
                if message is None:
                    raise errors.WorkerError("the worker is gone", where="ctx.receive")
                if isinstance(message, wire.Mail):
                    self.mail.set()


def raised(answer: wire.Answer) -> errors.TetherLabError:
    """The error as the lab raised it there."""
    found = getattr(errors, answer.code, errors.TetherLabError)
    if not (isinstance(found, type) and issubclass(found, errors.TetherLabError)):
        found = errors.TetherLabError
    raised: errors.TetherLabError = found(answer.error or "", remedy=answer.remedy, where=answer.where)
    return raised
