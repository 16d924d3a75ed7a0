"""Every verb over HTTP, on a real lab in a real Jupyter server: what it does, and what it refuses."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from eventually import eventually
from hypothesis import HealthCheck, given, settings, strategies as st
from openapi import OPERATIONS
from rest import Rest, served

from tether_lab import Lab


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Rest, Lab]]:
    """A lab with three handlers and its worker, and a server that shows it."""
    with served(tmp_path_factory.mktemp("server")) as (rest, lab):
        def add(x: int = 1, y: int = 2) -> dict[str, int]:
            print("adding", x, y)
            return {"sum": x + y}

        def fails(x: int = 0) -> float:
            print("before it")
            return 1 / x

        def waits(gate: str) -> str:
            import pathlib
            import time as clock

            while not pathlib.Path(gate).exists():
                clock.sleep(0.02)
            return "done"

        for function in (add, fails, waits):
            lab.register(function, function.__name__)
        yield rest, lab


@pytest.fixture
def rest(both: tuple[Rest, Lab]) -> Rest:
    return both[0]


def done(rest: Rest, job_id: int, status: str = "completed") -> dict[str, Any]:
    """The job's page once it stands so."""
    def there() -> Any:
        page = rest.get(f"~/jobs/{job_id}")
        return page if page["job"]["status"] == status else None
    found: dict[str, Any] = eventually(there, within=30, say=f"job {job_id} {status}")
    return found


def test_a_job_from_its_request_to_its_result(rest: Rest) -> None:
    """Put in with options, seen as row and page, its output, events, attempts, result; both as files."""
    made = rest.post("~/jobs", {"key": "add", "payload": {"x": 5}, "options": {
        "tags": ["a", "b"], "description": "five", "priority": 3, "timeout": "10m"}})
    [job_id] = made["ids"]
    page = done(rest, job_id)
    assert page["result"]["value"] == {"sum": 7}
    assert page["verified"] is True
    assert page["job"]["tags"] == ["a", "b"]
    assert page["options"]["timeout"]["hard"] == 600
    assert page["record"]["status"] == "completed"
    assert [event["kind"] for event in page["events"]][:2] == ["enqueued", "started"]
    assert "x + y" in page["source"]["source"]
    path = f"~/jobs/{job_id}"
    assert rest.get(f"{path}/payload") == {"x": 5}
    assert rest.get(f"{path}/outputs")["outputs"] == [
        {"output_type": "stream", "name": "stdout", "text": "adding 5 2\n"}]
    assert rest.get(f"{path}/result")["value"] == {"sum": 7}
    assert [one["outcome"] for one in rest.get(f"{path}/attempts")["attempts"]] == ["succeeded"]
    assert rest.get(f"{path}/events", after=1)["events"][0]["kind"] != "enqueued"
    assert rest.get(f"{path}/captures")["bytes"] >= 0
    assert rest.get(f"{path}/source")["line"] is None
    book = rest.send("GET", f"{path}/outputs/download")
    assert json.loads(book.content)["cells"][0]["outputs"][0]["text"] == "adding 5 2\n"
    for answer, name in ((book, f'filename="add-{job_id}-output.ipynb"'),
                         (rest.send("GET", f"{path}/result/download"), f'filename="job-{job_id}-result.json"'),
                         (rest.send("GET", f"{path}/outputs/download", format="txt"), ".txt")):
        assert answer.status == 200
        assert answer.headers["content-disposition"].startswith("attachment;")
        assert name in answer.headers["content-disposition"]
        assert "sandbox" in answer.headers["content-security-policy"]
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_what_failed_shows_its_line_and_runs_again(rest: Rest) -> None:
    """The failing line of the source, no result (409), retry by path and by ids, with_code."""
    [job_id] = rest.post("~/jobs", {"key": "fails", "options": {"max_attempts": 1}})["ids"]
    page = done(rest, job_id, "failed")
    line = page["source"]["line"]
    assert page["source"]["source"].splitlines()[line - 1].strip() == "return 1 / x"
    assert page["attempts"][0]["line"] == line
    assert page["attempts"][0]["error_type"] == "ZeroDivisionError"
    status, error = rest.refused("GET", f"~/jobs/{job_id}/result")
    assert (status, error["code"]) == (409, "job_failed")
    assert rest.post(f"~/jobs/{job_id}/retry")["id"] == job_id
    assert len(done(rest, job_id, "failed")["attempts"]) == 2
    acted = rest.post("~/retry", {"ids": [job_id, 999_999], "with_code": True})
    assert acted["ids"] == [job_id]
    assert [(one["id"], one["error"]["code"]) for one in acted["errors"]] == [(999_999, "job_not_found")]
    assert rest.refused("POST", "~/jobs/999999/retry")[0] == 404


def test_cancel_in_every_way(rest: Rest, tmp_path: Any) -> None:
    """By path, ids (unknown ones named), key, tag; exactly one way at a time."""
    later = {"delay": "1h"}
    many = rest.post("~/jobs", {"key": "add", "payloads": [{"x": n} for n in range(4)], "options": {
        **later, "tags": ["heap"]}})["ids"]
    assert rest.post(f"~/jobs/{many[0]}/cancel")["status"] == "cancelled"
    acted = rest.post("~/cancel", {"ids": [many[1], 888_888]})
    assert acted["ids"] == [many[1]]
    assert acted["counts"] == {"scheduled": 1}
    assert acted["errors"][0]["id"] == 888_888
    assert rest.post("~/cancel", {"tag": "heap"})["counts"] == {"scheduled": 2}
    assert rest.post("~/cancel", {"key": "nobody"})["counts"] == {}
    assert rest.refused("POST", "~/cancel", {})[0] == 400
    assert rest.refused("POST", "~/cancel", {"key": "a", "tag": "b"})[0] == 400
    gate = tmp_path / "gate"
    [running] = rest.post("~/jobs", {"key": "waits", "payload": {"gate": str(gate)}})["ids"]
    done(rest, running, "running")
    eventually(lambda: "waits" in rest.get(f"~/jobs/{running}/stack")["text"])
    status, error = rest.refused("POST", f"~/jobs/{running}/retry")
    assert (status, error["code"]) == (409, "wrong_state")
    rest.post(f"~/jobs/{running}/cancel", {"force": True})
    done(rest, running, "cancelled")
    assert rest.refused("GET", f"~/jobs/{running}/stack")[0] == 409


def test_pages_filters_and_search(rest: Rest) -> None:
    """Pages by before and offset meet without a gap or a double; filters, records, search."""
    ids = rest.post("~/jobs", {"key": "add", "payloads": [{"x": n} for n in range(25)], "options": {
        "delay": "1h", "tags": ["paged"], "description": "50% of_it"}})["ids"]
    seen: list[int] = []
    more, before = True, {}
    while more:
        page = rest.get("~/jobs", tag="paged", limit=10, **before)
        seen += [job["id"] for job in page["jobs"]]
        more, before = page["more"], {"before": seen[-1]}
    assert seen == sorted(ids, reverse=True)
    oldest = rest.get("~/jobs", tag="paged", order="oldest", limit=3, before=ids[1])
    assert [job["id"] for job in oldest["jobs"]] == ids[2:5]
    assert len(rest.get("~/jobs", tag="paged", offset=20)["jobs"]) == 5
    assert rest.get("~/jobs", q="50% of_")["jobs"][0]["id"] == ids[-1]
    assert not rest.get("~/jobs", q="50% ofXit")["jobs"]
    assert ids[3] in [job["id"] for job in rest.get("~/jobs", q=str(ids[3]))["jobs"]]
    assert {job["status"] for job in rest.get("~/jobs", status="waiting", key="add")["jobs"]} == {"scheduled"}
    records = rest.get("~/jobs", view="record", limit=1, tag="paged")["records"]
    assert records[0]["job_key"] == "add"
    assert rest.refused("GET", "~/jobs", status="nope")[0] == 422
    assert "limit" in rest.refused("GET", "~/jobs", limt=3)[1]["message"]
    assert rest.post(f"~/jobs/{ids[0]}/prioritise", {"priority": 9})["priority"] == 9
    assert rest.post("~/prioritise", {"ids": ids[1:3], "priority": 4})["ids"] == ids[1:3]
    rest.post("~/cancel", {"tag": "paged"})


def test_what_is_asked_wrongly_says_what_where_and_what_to_do(rest: Rest) -> None:
    """400 for the form, 422 for the content, 404 for what is not there, 405 for verbs; always a remedy."""
    jobs = "~/jobs"
    assert rest.refused("POST", jobs, {"key": "trian"})[1]["code"] == "unknown_handler"
    assert rest.refused("POST", jobs, {"key": "add", "options": {"timout": 3}})[1]["code"] == "option_error"
    status, error = rest.refused("POST", jobs, {"key": "add", "payload": {"x": "no"}})
    assert (status, error["where"]) == (422, "$.x")
    assert rest.refused("POST", jobs, {"key": "add", "payload": {"x": {"$blob": "a"}}})[0] == 422
    assert rest.refused("POST", jobs, {"key": "add", "palyoad": {}})[0] == 400
    for raw in (b"{", b'{"key": NaN}', b'{"key": "a", "key": "b"}', b'{"key": "\\ud800"}', b"[" * 5000, b"[]",
                b"1" * 6000, b"\xff"):
        found = rest.send("POST", jobs, raw=raw)
        assert (found.status, found.error["code"]) == (400, "malformed_request"), raw[:20]
    plain = rest.send("POST", jobs, raw=b'{"key": "a"}', headers=rest.headers | {"Content-Type": "text/plain"})
    assert plain.error["where"] == "Content-Type"
    assert rest.refused("GET", "/labs/3f6c1a52-8f0e-4c77-9a52-5f4f6a1d2e11/jobs")[1]["code"] == "lab_not_found"
    for path in ("/labs/..%2f..%2fetc", "/labs/default", "/nothing", "~/jobs/0x1", "~/jobs/%00",
                 f"~/jobs/{10**30}", "~/handlers/..%252e", ""):
        assert rest.send("GET", path).status == 404, path
    found = rest.send("DELETE", jobs)
    assert (found.status, found.headers["allow"]) == (405, "GET, POST")
    assert rest.refused("GET", "~/jobs/777777")[1]["remedy"]


def test_schedules_from_preview_to_removal(rest: Rest) -> None:
    """Preview, add, change, pause, resume, run, remove; the same name again changes it."""
    coming = rest.post("~/schedules/preview", {"cron": "0 9 * * MON-FRI", "tz": "Europe/Madrid", "n": 3})
    assert len(coming["next"]) == 3
    assert "weekday" in coming["words"]
    assert rest.refused("POST", "~/schedules/preview", {"cron": "61 * * * *"})[0] == 422
    assert rest.refused("POST", "~/schedules/preview", {"interval": "10m", "tz": "Mars/Base"})[0] == 422
    assert rest.refused("POST", "~/schedules/preview", {})[0] == 422
    name = "nightly / ..?"
    made = rest.post("~/schedules", {"key": "add", "name": name, "interval": "1h", "payload": {"x": 3},
                                               "options": {"tags": ["by time"]}})
    again = rest.post("~/schedules", {"key": "add", "name": name, "interval": "2h"})
    assert again["id"] == made["id"]
    path = f"~/schedules/{made['id']}"
    assert rest.post(path, {"cron": "*/5 * * * *", "tz": "UTC"}, verb="PATCH")["rule"]["cron"] == "*/5 * * * *"
    changed = rest.post(path, {"payload": {"x": 7}}, verb="PATCH")
    assert (changed["payload"], changed["rule"]["cron"]) == ({"x": 7}, "*/5 * * * *")
    assert rest.refused("PATCH", path, {"payload": {"unknown": 7}})[0] == 422
    assert rest.post(f"{path}/pause")["status"] == "paused"
    assert rest.post(f"{path}/resume")["status"] == "active"
    job = rest.post(f"{path}/run")
    assert job["schedule"] == name
    assert rest.get(path)["fires"][0] | {"job": job["id"], "outcome": "asked"} == rest.get(path)["fires"][0]
    assert [one["name"] for one in rest.get("~/schedules")["schedules"]] == [name]
    rest.post(path, verb="DELETE")
    assert rest.refused("GET", path)[0] == 404


def test_chains_batches_and_sweeps(rest: Rest) -> None:
    """A graph with its edges, a batch with its members, a sweep; cancel and retry of the whole."""
    made = rest.post("~/chains", {"name": "etl", "input": {"x": 2}, "steps": [
        {"key": "add", "name": "first"}, {"key": "fails", "name": "second", "options": {"max_attempts": 1}},
        {"key": "add", "name": "last", "after": ["first", "second"]}]})
    path = f"~/chains/{made['id']}"
    graph = eventually(lambda: (found := rest.get(path))["chain"]["status"] != "running" and found, within=30)
    names = {node["id"]: node["step"] for node in graph["nodes"]}
    assert {(names[edge["from"]], names[edge["to"]]) for edge in graph["edges"]} == {
        ("first", "second"), ("first", "last"), ("second", "last")}
    assert graph["chain"]["status"] == "completed"
    assert rest.refused("POST", f"{path}/retry")[0] == 409
    assert rest.get("~/chains")["chains"][0]["id"] == made["id"]
    assert rest.refused("POST", "~/chains", {"name": "c", "steps": [
        {"key": "add", "name": "a", "after": ["b"]}, {"key": "add", "name": "b", "after": ["a"]}]})[0] == 422
    batch = rest.post("~/batches", {"name": "adds", "key": "add", "items": [{"x": n} for n in range(3)],
                                              "options": {"delay": "1h"}})
    inside = rest.get(f"~/batches/{batch['id']}")
    assert [state for _, state in inside["members"]] == ["scheduled"] * 3
    assert rest.post(f"~/batches/{batch['id']}/cancel")["counts"] == {"cancelled": 3}
    assert rest.post(f"~/batches/{batch['id']}/retry")["ended"] <= 3
    swept = rest.post("~/sweeps", {"key": "add", "values": {"x": [1, 2], "y": [3, 4]}})
    assert swept["total"] == 4
    assert rest.get("~/jobs", batch=swept["id"])["jobs"][0]["batch"] == swept["id"]
    rest.post("~/cancel", {"batch": swept["id"]})
    assert rest.refused("POST", "~/cancel", {"batch": 4711})[0] == 404
    assert len(rest.get("~/batches")["batches"]) == 2


def test_everything_else_that_is_asked(rest: Rest) -> None:
    """Labs, stats, settings, doctor, queues and pauses, handlers, extras, history, the worker and its log."""
    labs = rest.get("/labs")
    assert labs["default"] == rest.lab
    assert rest.get("~")["name"] == "default"
    assert rest.post("/labs", {"name": "another"})["name"] == "another"
    assert {one["name"] for one in rest.get("/labs")["labs"]} == {"default", "another"}
    assert rest.refused("POST", "/labs", {"name": "../up"})[0] == 400
    assert rest.refused("POST", "/labs", {"name": "new\nline"})[0] in (400, 422)
    assert rest.get("~/stats")["handlers"] >= 3
    assert {"name": "runners", "origin": "default"}.items() <= next(
        one for one in rest.get("~/settings")["settings"] if one["name"] == "runners").items()
    assert rest.get("~/doctor")["ok"] is True
    assert next(q for q in rest.post("~/pause", {"queue": "low"})["queues"] if q["name"] == "low")["paused"]
    assert not any(q["paused"] for q in rest.post("~/resume")["queues"])
    assert {one["key"] for one in rest.get("~/handlers")["handlers"]} >= {"add", "fails", "waits"}
    assert rest.get("~/handlers/add")["versions"][0]["head"] is True
    assert rest.refused("GET", "~/handlers/nope")[0] == 404
    assert rest.get("~/extras")["extras"] == []
    assert rest.refused("DELETE", "~/extras/middleware/log")[0] == 404
    done(rest, rest.post("~/jobs", {"key": "add"})["ids"][0])
    assert rest.get("~/history", limit=1)["runs"][0]["outcome"] == "succeeded"
    assert rest.get("~/worker")["running"] is True
    assert rest.get("~/worker/log", lines=5)["text"]
    assert rest.post("~/prune", {"dry_run": True, "older_than": "1d"})["jobs"] == 0
    assert rest.post("~/worker/start")["state"] == "running"
    assert rest.get("/openapi.json")["openapi"] == "3.1.0"


def test_a_cell_without_a_kernel(rest: Rest) -> None:
    """Put in as it stands, magics and all, by the kernel's Python; refused with the line that is wrong."""
    [job_id] = rest.post("~/cells", {
        "source": "import os\n!echo shell speaks\nprint(n + 1)\nn * 2", "key": "alone", "parameters": {"n": 20},
        "kernel": "python3", "notebook": "RTC:book.ipynb", "cell_id": "c7"})["ids"]
    page = done(rest, job_id)
    assert page["result"]["value"] == 40
    assert "shell speaks" in str(rest.get(f"~/jobs/{job_id}/outputs"))
    assert page["provenance"]["notebook"].endswith("book.ipynb")
    assert page["provenance"]["cell_id"] == "c7"
    status, error = rest.refused("POST", "~/cells", {"source": "x = = 1"})
    assert (status, error["code"]) == (422, "cell_error")
    assert rest.refused("POST", "~/cells", {"source": "1", "kernel": "cobol"})[1]["where"] == "kernel"
    assert rest.refused("POST", "~/cells", {"source": "1", "notebook": "../../x.ipynb"})[0] == 422
    assert rest.refused("POST", "~/cells", {"source": "1", "options": {"at": "never"}})[0] == 422


def test_services_and_triggers(both: tuple[Rest, Lab]) -> None:
    """A service from its start to its removal, with a message and what it says; a web trigger with its
    secret, refused without, paused, fired by hand, removed."""
    rest, lab = both

    def echo(ctx: Any) -> None:
        while not ctx.cancelled:
            message = ctx.receive(timeout=0.2)
            if message is not None:
                ctx.send_event({"heard": message})

    lab.register(echo, "echo")
    made = rest.post("~/services", {"name": "ear / ..", "key": "echo", "title": "Ear", "update_interval": 0.5})
    path = f"~/services/{made['id']}"
    assert rest.post(f"{path}/send", {"message": {"n": 1}})["message"] >= 1

    def heard() -> Any:
        found = rest.get(path)
        return found if {"heard": {"n": 1}} in [event["value"] for event in found["events"]] else None
    found = eventually(heard, within=30)
    assert found["service"]["status"] == "running"
    assert found["service"]["job"] not in [job["id"] for job in rest.get("~/jobs", limit=1000)["jobs"]]
    assert [one["title"] for one in rest.get("~/services")["services"]] == ["Ear"]
    rest.post(f"{path}/stop", {"force": True})
    eventually(lambda: rest.get(path)["service"]["status"] == "stopped", within=30)
    rest.post(path, verb="DELETE")
    assert rest.refused("GET", path)[0] == 404

    secret = lab.trigger("from outside", "add", {"x": 1}, web=True).secret
    url, header = "~/triggers/from%20outside", {**rest.headers, "X-Tether-Lab-Secret": secret}
    assert rest.refused("POST", url, {"x": 7})[1]["code"] == "trigger_not_found"
    assert rest.send("POST", url, {}, headers={**header, "X-Tether-Lab-Secret": secret[::-1]}).status == 404
    assert rest.send("POST", url, {"x": "no"}, headers=header).status == 422
    fired = rest.send("POST", url, {"x": 7}, headers=header)
    assert fired.status == 202
    assert done(rest, fired.json["job"])["result"]["value"] == {"sum": 9}
    [shown] = rest.get("~/triggers")["triggers"]
    assert shown["fired"] == 1
    assert secret not in json.dumps(shown)
    assert rest.post(f"{url}/pause")["status"] == "paused"
    assert rest.send("POST", url, {}, headers=header).status == 409
    assert rest.post(f"{url}/resume")["status"] == "active"
    assert rest.post(f"{url}/fire", {"x": 2})["job"]
    rest.post(url, verb="DELETE")
    assert rest.get("~/triggers")["triggers"] == []


def test_a_notebook_with_its_parameters(rest: Rest) -> None:
    """Its parameters with defaults for a form, a run of it; nothing outside the server's folder is read."""
    work = rest.log.parent / "work"
    cells = [nbformat.v4.new_code_cell("lr = 0.1\nname: str = 'a'\nmany = [1] * 3",
                                       metadata={"tags": ["parameters"]}),
             nbformat.v4.new_code_cell("print(lr)")]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), work / "report.ipynb")
    found = rest.get("/notebooks/parameters", path="RTC:report.ipynb")
    assert [(one["name"], one["default"], one["text"]) for one in found["parameters"]] == [
        ("lr", 0.1, "0.1"), ("name", "a", "'a'"), ("many", None, "[1] * 3")]
    [job_id] = rest.post("~/notebooks", {"path": "report.ipynb", "parameters": {"lr": 0.5}})["ids"]
    page = done(rest, job_id)
    assert page["payload"] == {"lr": 0.5}
    assert page["job"]["kind"] == "notebook"
    for path in ("../secret.ipynb", "/etc/passwd", "none.ipynb", "a\0b.ipynb"):
        assert rest.refused("GET", "/notebooks/parameters", path=path)[0] in (400, 404, 422), path
        assert rest.refused("POST", "~/notebooks", {"path": path})[0] in (404, 422), path
    assert rest.refused("GET", "/notebooks/parameters")[0] == 400
    assert rest.refused("POST", "~/notebooks", {"path": "report.ipynb", "parameters": {"nope": 1}})[0] == 422


def test_outputs_come_in_parts(both: tuple[Rest, Lab], tmp_path: Any) -> None:
    """What was had already does not come again; what grew does; another attempt begins anew."""
    rest, lab = both

    def speaks(gate: str) -> None:
        import pathlib
        import time as clock

        from IPython.display import display

        print("one", flush=True)
        display({"text/plain": "a value"}, raw=True)
        print("two", flush=True)
        while not pathlib.Path(gate).exists():
            clock.sleep(0.02)
        print("three", flush=True)

    lab.register(speaks, "speaks")
    gate = tmp_path / "gate"
    [job_id] = rest.post("~/jobs", {"key": "speaks", "payload": {"gate": str(gate)}})["ids"]
    path = f"~/jobs/{job_id}/outputs"
    first = eventually(lambda: (found := rest.get(path))["total"] == 3 and found, within=30)
    assert first["final"] is False
    again = rest.get(path, after=first["cursor"])
    assert (again["start"], again["outputs"]) == (3, [])
    gate.touch()
    grown = eventually(lambda: (found := rest.get(path, after=first["cursor"]))["final"] and found, within=30)
    assert grown["start"] == 2
    assert grown["outputs"] == [{"output_type": "stream", "name": "stdout", "text": "two\nthree\n"}]
    for strange in ("x", "1.2.3.4", "9.9.9.9", "1.999999999999999999999.a.b", "..."):
        assert rest.get(path, after=strange)["start"] == 0


def test_figures_are_drawn_elsewhere(rest: Rest) -> None:
    """Plotly JSON by section, kept until something changes; a wrong filter is refused at once."""
    found = rest.get("~/analytics", theme="dark")
    assert found["sections"][0]["title"] == "What happened?"
    assert sum(len(section["figures"]) for section in found["sections"]) >= 10
    assert all(figure["figure"]["layout"] for section in found["sections"] for figure in section["figures"])
    began = time.monotonic()
    assert rest.get("~/analytics", theme="dark")["computed_at"] == found["computed_at"]
    assert time.monotonic() - began < 1
    assert rest.refused("GET", "~/analytics", since="yesterday or so")[0] == 422
    loaded = Path(f"/proc/{rest.process.pid}/maps").read_text()
    assert "/numpy/" not in loaded
    assert "/pandas/" not in loaded


BODIES = [(path, verb) for path, verb, about in OPERATIONS if "requestBody" in about
          and not path.endswith(("/worker/stop", "/labs", "/cells"))]
_numbers = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
_words = st.text(max_size=12) | st.sampled_from(["add", "1h", "2026-01-01", "*/5 * * * *", "UTC", "limited"])
_json = st.recursive(
    st.none() | st.booleans() | _numbers | _words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8)
_options = st.sampled_from(
    ["timeout", "retry", "dedup", "at", "delay", "tags", "window", "constraints", "meta", "nope", "concurrency",
     "rate_limit", "seed", "keep", "memory", "cache", "queue"])


def shaped(draw: Any, schema: dict[str, Any], components: dict[str, Any]) -> Any:
    """A value that often fits the schema, and often nearly does."""
    if "$ref" in schema:
        return shaped(draw, components[schema["$ref"].rpartition("/")[2]], components)
    if draw(st.integers(0, 9)) == 0:
        return draw(_json)
    kinds = schema.get("type", "object")
    kind = draw(st.sampled_from(kinds)) if isinstance(kinds, list) else kinds
    if "properties" in schema:
        wanted = [name for name in schema["properties"]
                  if name in schema.get("required", ()) or draw(st.booleans())]
        return {name: shaped(draw, schema["properties"][name], components) for name in wanted}
    if kind == "array":
        return [shaped(draw, schema.get("items", {}), components) for _ in range(draw(st.integers(0, 3)))]
    if kind == "object" and "options" in schema.get("description", "").lower():
        return draw(st.dictionaries(_options, _json, max_size=2))
    plain = {"string": st.sampled_from(["add", "fails", "10m", "x"]) | st.text(max_size=8), "null": st.none(),
             "integer": st.integers(-5, 9) | st.integers(), "number": st.floats(allow_nan=False),
             "boolean": st.booleans(), "object": st.dictionaries(st.text(max_size=5), _json, max_size=2)}
    return draw(plain[kind])


@pytest.mark.timeout(300)
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(data=st.data())
def test_no_body_is_too_strange(both: tuple[Rest, Lab], data: st.DataObject) -> None:
    """Whatever a body says, the answer is done or refused with a reason: never a 500."""
    from openapi import SCHEMAS

    rest, _ = both
    path, verb = data.draw(st.sampled_from(BODIES))
    about = next(one for where, word, one in OPERATIONS if (where, word) == (path, verb))
    schema = about["requestBody"]["content"]["application/json"]["schema"]
    body = shaped(data.draw, schema, SCHEMAS)
    found = rest.send(verb.upper(), path.replace("/labs/{lab}", "~").replace("{id}", "1"), body)
    assert found.status < 500, (path, body, found.content[:500], rest.log.read_text()[-3000:])
    if found.status >= 400:
        assert set(found.error) == {"code", "message", "remedy", "where"}
