"""Who may speak to the server: every route and verb, and every way of not being allowed."""

from __future__ import annotations

import contextlib
import http.cookiejar
import json
import re
import sqlite3
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import websocket
from openapi import OPERATIONS
from rest import TOKEN, Answer, Rest, served, server

from tether_lab import Lab
from tether_lab.server.routes import ROUTES

VERBS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
PATHS = sorted({path for path, _, _ in OPERATIONS} | set(ROUTES) | {"", "/", "/no/such/path"})


AUTHORIZER = """
from jupyter_server.auth import Authorizer

class Readers(Authorizer):
    def is_authorized(self, handler, user, action, resource):
        return "X-Reader" not in handler.request.headers or (action, resource) == ("read", "tether_lab")

c.ServerApp.authorizer_class = Readers
"""


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Rest, Lab]]:
    """An empty lab, and a server that shows it; whoever says X-Reader may read and no more."""
    folder = tmp_path_factory.mktemp("server")
    (folder / "config").mkdir()
    (folder / "config" / "jupyter_server_config.py").write_text(AUTHORIZER)
    with served(folder) as (rest, lab):
        yield rest, lab


@pytest.fixture(scope="module")
def cookies(both: tuple[Rest, Lab]) -> str:
    """The cookies of a browser that has logged in with the token."""
    jar = http.cookiejar.CookieJar()
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
    opener.open(f"{both[0].address}?token={TOKEN}", timeout=30).close()
    assert any(cookie.name.startswith("username-") for cookie in jar)
    return "; ".join(f"{cookie.name}={cookie.value}" for cookie in jar)


def filled(path: str, lab: str) -> str:
    """The path with something in each of its places that could be there."""
    known = {"lab": lab, "id": "1", "key": "add", "kind": "middleware", "name": "log"}
    return re.sub(r"{(\w+)}", lambda found: known[found[1]], path)


def refused(found: Answer, verb: str, path: str, how: str) -> None:
    """Nothing was done, nothing was told but that."""
    assert found.status in (403, 404), (verb, path, how, found.status, found.content[:300])
    if verb != "HEAD":
        assert set(found.json) == {"error"}
        assert set(found.error) == {"code", "message", "remedy", "where"}
    assert "default-src 'none'" in found.headers["content-security-policy"]


def ways(cookies: str, verb: str) -> dict[str, dict[str, str]]:
    """Headers of those who are not allowed."""
    xsrf = cookies.partition("_xsrf=")[2].partition(";")[0]
    found = {
        "bad token": {"Authorization": "token wrong"},
        "foreign origin": {"Cookie": cookies, "Origin": "http://evil.example", "X-XSRFToken": xsrf},
        "foreign host": {"Authorization": f"token {TOKEN}", "Host": "evil.example"}}
    return found if verb in ("GET", "HEAD") else {**found, "cookie without xsrf": {"Cookie": cookies}}


def body_of(verb: str) -> bytes | None:
    return b"{}" if verb in ("POST", "PUT", "PATCH") else None


def test_every_verb_refuses_whoever_is_not_allowed(both: tuple[Rest, Lab], cookies: str) -> None:
    """A bad token, a cookie without the XSRF header, a foreign origin, a foreign host: nothing is done."""
    rest, lab = both
    for path, verb, _ in OPERATIONS:
        for how, headers in ways(cookies, verb.upper()).items():
            found = rest.send(verb.upper(), filled(path, lab.uuid), raw=body_of(verb.upper()), headers=headers)
            refused(found, verb.upper(), path, how)


@pytest.mark.parametrize("verb", VERBS)
def test_no_path_and_no_verb_answers_without_a_token(both: tuple[Rest, Lab], verb: str) -> None:
    """Neither those of the document nor any other verb of their paths, nor paths that there are not."""
    rest, lab = both
    for path in PATHS:
        found = rest.send(verb, filled(path, lab.uuid), raw=body_of(verb), headers={})
        refused(found, verb, path, "no token")
    found = rest.send(verb, "/labs", raw=body_of(verb), headers={}, token="wrong")
    refused(found, verb, "/labs", "bad token in the query")


def test_a_server_with_jupyters_defaults_refuses_strangers_too(tmp_path: Path) -> None:
    """There a handler that forgot to ask for a login answers everybody: none of ours has."""
    with server(tmp_path, anybody=True) as rest:
        assert rest.send("GET", "/labs").status == 200
        for path, verb, _ in OPERATIONS:
            for one in (verb.upper(), "HEAD"):
                found = rest.send(one, filled(path, "0" * 32), raw=body_of(one), headers={})
                refused(found, one, path, "no token")


def test_the_same_requests_are_let_in_with_token_or_cookie(both: tuple[Rest, Lab], cookies: str) -> None:
    """So that the refusals above are for the reason they name."""
    rest, _ = both
    assert rest.send("GET", "/labs").status == 200
    assert rest.send("GET", "/labs", headers={"Cookie": cookies}).status == 200
    xsrf = {"Cookie": cookies, "X-XSRFToken": cookies.partition("_xsrf=")[2].partition(";")[0]}
    assert rest.send("POST", "~/resume", {}, headers=xsrf).status == 200
    assert rest.send("POST", "~/resume", {}, headers={**xsrf, "Origin": rest.address.rstrip("/")}).status == 200


def test_the_server_accepts_all_our_endpoints(both: tuple[Rest, Lab]) -> None:
    """With allow_unauthenticated_access=False the Jupyter server warns of handlers that ask for no login:
    of none of ours."""
    text = both[0].log.read_text()
    assert "tether_lab | extension was successfully loaded" in text
    named = re.findall(r"registered for (\S+)", text)
    assert not [name for name in named if "tether" in name], text


def test_the_event_stream_is_the_jupyter_servers_own(both: tuple[Rest, Lab]) -> None:
    """The only live channel is /api/events/subscribe, which refuses whoever has no token."""
    url = f"{both[0].address}api/events/subscribe".replace("http:", "ws:")
    for headers in ({}, {"Authorization": "token wrong"}):
        with pytest.raises(websocket.WebSocketException):
            websocket.create_connection(url, timeout=10, header=headers)


def test_a_user_without_the_right_is_refused(both: tuple[Rest, Lab]) -> None:
    """Jupyter's authorizer decides, on the resource tether_lab: reading, or acting."""
    rest, lab = both
    reader = {**rest.headers, "X-Reader": "yes"}
    assert rest.send("GET", "/labs", headers=reader).status == 200
    for path, verb, _ in OPERATIONS:
        if verb != "get":
            found = rest.send(verb.upper(), filled(path, lab.uuid), raw=body_of(verb.upper()), headers=reader)
            assert (found.status, found.error["code"]) == (403, "forbidden"), (verb, path)


def test_the_token_stands_nowhere(both: tuple[Rest, Lab]) -> None:
    """Neither in the log nor in anything that the API says."""
    rest, _ = both
    rest.send("GET", "/labs", token=TOKEN)
    assert TOKEN not in rest.log.read_text()
    for path in ("/labs", "~/settings", "~/doctor", "~/worker", "~/worker/log"):
        assert TOKEN not in rest.send("GET", path).content.decode()


def test_results_that_nobody_here_signed_are_not_shown(both: tuple[Rest, Lab]) -> None:
    """A result changed in the database: 409 without its text, on the page a word that it is not ours."""
    rest, lab = both

    def number() -> complex:
        return 1 + 2j

    job = lab.submit(number).wait(30)
    path = f"~/jobs/{job.id}"
    assert rest.get(f"{path}/result")["text"] == "(1+2j)"
    assert rest.send("GET", f"{path}/result/download", format="json").status == 409
    with contextlib.closing(sqlite3.connect(lab.folder.queue_db)) as connection, connection:
        connection.execute("UPDATE result SET body = replace(body, 'complex', 'evil'), text = 'forged'")
    found = rest.send("GET", f"{path}/result")
    assert (found.status, found.error["code"]) == (409, "bad_signature")
    assert rest.send("GET", f"{path}/result/download").status == 409
    page = rest.get(path)
    assert page["verified"] is False
    assert page["result"] is None
    assert "forged" not in json.dumps(page)


def test_the_server_loads_nothing_of_the_notebook() -> None:
    """All of its room and the verbs it calls: neither pandas nor plotly nor IPython nor ipywidgets."""
    code = (
        "import sys, pkgutil, importlib\nimport tether_lab.server as room\n"
        "for m in pkgutil.iter_modules(room.__path__):\n"
        "    importlib.import_module(f'tether_lab.server.{m.name}')\n"
        "from tether_lab.lab import Lab\nlab = Lab()\n"
        "lab.stats(); lab.rows(); lab.schedules(); lab.handlers()\n"
        "print(sorted({'IPython', 'ipykernel', 'ipywidgets', 'pandas', 'plotly', 'numpy'} & set(sys.modules)))")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"


def test_paths_do_not_lead_out(both: tuple[Rest, Lab]) -> None:
    """A lab is named by its uuid alone; what looks like a path is nothing."""
    rest, lab = both
    strange = ["../../etc", "..%2f..%2fetc%2fpasswd", "%252e%252e", "/etc/passwd", "%00", "default",
               lab.uuid.upper(), f"{lab.uuid}%0a", f"{lab.uuid}/../{lab.uuid}x"]
    for name in strange:
        found = rest.send("GET", f"/labs/{name}/jobs")
        assert found.status == 404, (name, found.status)
