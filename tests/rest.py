"""A Jupyter server with Tether Lab in it, as a process, and what a client needs to speak to it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import websocket
from openapi import valid_answer
from servers import address

from tether_lab import Lab
from tether_lab.testing import temporary_lab

TOKEN = "a-token-for-this-test"
PLACE = "tether-lab/api/v1"
EVENT = "https://schemas.tether-lab.dev/changes/v1"


@dataclass
class Answer:
    """What came back: the status, the headers in lower case, the body."""

    status: int
    headers: dict[str, str]
    content: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.content)

    @property
    def error(self) -> dict[str, str]:
        found: dict[str, str] = self.json["error"]
        return found


@dataclass
class Rest:
    """``get("/labs")``, ``post("~/jobs", {…})``; ``send`` for everything out of the ordinary."""

    address: str
    process: subprocess.Popen[bytes]
    log: Path
    environ: dict[str, str]
    lab: str = ""
    headers: dict[str, str] = field(default_factory=lambda: {"Authorization": f"token {TOKEN}"})

    def send(self, verb: str, path: str, body: Any = None, /, *, raw: bytes | None = None,
             headers: Mapping[str, str] | None = None, **query: Any) -> Answer:
        """One request. ``path`` is below the API; ``~`` at its start stands for the lab of the test."""
        url = f"{self.address}{PLACE}{self.whole(path)}"
        if query:
            url += "?" + urllib.parse.urlencode(query)
        data = raw if raw is not None else None if body is None else json.dumps(body).encode()
        known = dict(self.headers if headers is None else headers)
        if data is not None:
            known.setdefault("Content-Type", "application/json")
        request = urllib.request.Request(url, data, known, method=verb)
        try:
            with urllib.request.urlopen(request, timeout=60) as found:
                return Answer(found.status, {k.lower(): v for k, v in found.headers.items()}, found.read())
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, {k.lower(): v for k, v in error.headers.items()}, error.read())

    def whole(self, path: str) -> str:
        """The path with the lab in it."""
        return f"/labs/{self.lab}{path[1:]}" if path.startswith("~") else path

    def get(self, path: str, /, **query: Any) -> Any:
        """The JSON of a GET that works, as the document describes it."""
        found = self.send("GET", path, **query)
        assert found.status == 200, (found.status, found.content[:2000])
        valid_answer("GET", self.whole(path), found.json)
        return found.json

    def post(self, path: str, body: Any = None, *, verb: str = "POST") -> Any:
        """The JSON of a POST that works, as the document describes it; None for an empty answer."""
        found = self.send(verb, path, body)
        assert found.status in (200, 201, 202, 204), (found.status, found.content[:2000])
        if found.content:
            valid_answer(verb, self.whole(path), found.json)
        return found.json if found.content else None

    def refused(self, verb: str, path: str, body: Any = None, /, **query: Any) -> tuple[int, dict[str, str]]:
        """Status and error of a request that is refused."""
        found = self.send(verb, path, body, **query)
        assert found.status >= 400, found.content[:2000]
        assert set(found.error) == {"code", "message", "remedy", "where"}
        return found.status, found.error

    def restart(self) -> None:
        """The Jupyter server goes and comes back at the same address, with the same surroundings."""
        stop(self.process)
        port = int(self.address.rsplit(":", 1)[1].strip("/"))
        self.process = start(self.log.parent, port=port, environ=self.environ).process

    def listen(self) -> Stream:
        """The events of this lab from now on."""
        url = f"{self.address}api/events/subscribe".replace("http:", "ws:")
        return Stream(websocket.create_connection(url, timeout=30, header=self.headers), self.lab)


class Stream:
    """Change events of a lab as they come."""

    def __init__(self, socket: Any, lab: str) -> None:
        self._socket, self._lab = socket, lab

    def next(self, within: float = 20.0) -> dict[str, Any]:
        """The next one. AssertionError if there is none in that time."""
        deadline = time.monotonic() + within
        while (left := deadline - time.monotonic()) > 0:
            self._socket.settimeout(left)
            with contextlib.suppress(websocket.WebSocketTimeoutException):
                found: dict[str, Any] = json.loads(self._socket.recv())
                if found["schema_id"] == EVENT and found["lab"] == self._lab:
                    return {name: value for name, value in found.items()
                            if not name.startswith(("__", "schema_"))}
        raise AssertionError(f"no event within {within:g} s")

    def until(self, wanted: Callable[[dict[str, Any]], bool], within: float = 20.0) -> list[dict[str, Any]]:
        """All up to the first that is wanted."""
        seen = [self.next(within)]
        while not wanted(seen[-1]):
            seen.append(self.next(within))
        return seen

    def close(self) -> None:
        """Hear no more."""
        self._socket.close()


def start(folder: Path, *options: str, port: int = 0, environ: Mapping[str, str] = os.environ,
          anybody: bool = False) -> Rest:
    """A server with a fresh configuration; its files and its log below ``folder``. ``anybody``: as Jupyter's
    defaults have it, a handler that does not ask for a login answers everybody."""
    runtime, work = folder / "runtime", folder / "work"
    for place in (runtime, work):
        place.mkdir(parents=True, exist_ok=True)
    environ = {**environ, "JUPYTER_RUNTIME_DIR": str(runtime), "JUPYTER_CONFIG_DIR": str(folder / "config"),
               "JUPYTER_DATA_DIR": str(folder / "data")}
    log = folder / "server.log"
    with log.open("ab") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "jupyter_server", "--ServerApp.ip=127.0.0.1", f"--ServerApp.port={port}",
             f"--IdentityProvider.token={TOKEN}", "--allow-root", f"--ServerApp.root_dir={work}",
             "--ServerApp.open_browser=False", f"--ServerApp.allow_unauthenticated_access={anybody}",
             "--ServerApp.jpserver_extensions={'tether_lab': True}", *options],
            env=environ, stdout=file, stderr=file, start_new_session=True)
    try:
        return Rest(address(runtime), process, log, environ)
    except BaseException:
        stop(process)
        raise


def stop(process: subprocess.Popen[bytes]) -> None:
    """SIGTERM, then, if need be, SIGKILL, to the server and what it started."""
    try:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(15)
    except ProcessLookupError:
        return
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)


@contextmanager
def server(folder: Path, *options: str, anybody: bool = False) -> Iterator[Rest]:
    """A server for the time of a test."""
    found = start(folder, *options, anybody=anybody)
    try:
        yield found
    finally:
        stop(found.process)


@contextmanager
def served(folder: Path, *options: str, **settings: Any) -> Iterator[tuple[Rest, Lab]]:
    """A lab of its own with its worker, and a server that shows it. For a whole module: what the lab's home
    is was decided here, whatever the environment of a test says."""
    with temporary_lab(**settings) as lab:
        assert lab.vault.key_id
        lab.worker.start()
        with server(folder, *options) as rest:
            rest.lab = lab.uuid
            yield rest, lab
