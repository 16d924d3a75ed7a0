"""What the server says in every situation, as values: the golden JSON of ``tests/wire`` is made of them.

    python tests/wire_samples.py        writes tests/wire/*.json anew

Read by pytest (against the code and ``openapi.json``) and by the tests of the front end.
"""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.unit.view_samples import (
    EVIL,
    NOW,
    OPTIONS_SET,
    SECOND,
    SNAPSHOTS,
    attempt,
    row,
    version,
)
from tether_lab.errors import JobNotFound, OptionError, PayloadError, QueueCorrupt, UnknownHandler
from tether_lab.job import Event, Handler, ResultRow, State, Usage
from tether_lab.job.extras import Extra
from tether_lab.job.policies.schedule import Rule
from tether_lab.job.schedule import Fire, ScheduleRow
from tether_lab.job.service import ServiceRow
from tether_lab.job.trigger import TriggerRow
from tether_lab.job.workflow import BatchRow, ChainRow, Edge
from tether_lab.lab.history import Run
from tether_lab.lab.limits import QueueState
from tether_lab.lab.schedules import next_fires
from tether_lab.lab.services import ServiceEvent
from tether_lab.server import (
    notebooks,
    wire,
    wire_detail,
    wire_lab,
    wire_lasting,
    wire_time,
    wire_together,
)
from tether_lab.settings import Settings
from tether_lab.views.board import Snapshot
from tether_lab.views.fold import fold
from tether_lab.worker.spawn import WorkerStatus

WIRE = Path(__file__).parent / "wire"
LAB = "3f6c1a52-8f0e-4c77-9a52-5f4f6a1d2e11"
CURSOR = "k3f9x2-17"
AT = wire.moment(NOW)
TRACE = ("---------------\nValueError      Traceback (most recent call last)\nCell In[1], line 2\n"
         "      1 for epoch in range(3):\n----> 2     step(epoch)\n\nValueError: loss is nan")
CODE = "for epoch in range(3):\n    step(epoch)\nprint('done')\n"
RESULT = ResultRow(12, "4f0e", 1, "json", '{"loss":0.02}', "{'loss': 0.02}", "dict", 13, "k1", b"")
ROWS = [
    {"k": "stream", "name": "stdout", "text": "epoch 1\repoch 2\n"},
    {"k": "display_data", "data": {"text/plain": "<Figure>", "text/html": f"<b>figure</b>{EVIL}"}, "metadata": {}},
    {"k": "stream", "name": "stderr", "text": f"\x1b[31mwatch out\x1b[0m {EVIL}\n"},
    {"k": "execute_result", "data": {"text/plain": "{'loss': 0.02}"}, "metadata": {}},
    {"k": "error", "ename": "ValueError", "evalue": "loss is nan", "traceback": TRACE.split("\n")},
]


def events(*kinds: str) -> tuple[Event, ...]:
    """One event a second, the last one now."""
    return tuple(Event(40 + n, 12, 1, kind, NOW - (len(kinds) - n) * SECOND, {}) for n, kind in enumerate(kinds))


def detail(snapshot: Snapshot, **changes: Any) -> wire.Json:
    """A job's page; its code is CODE."""
    whole = replace(snapshot, lab=LAB, version=replace(snapshot.version or version(), source=CODE))
    return wire_detail.detail(whole, cursor=CURSOR, **{"newer": False, "verified": True, **changes})


def details() -> dict[str, wire.Json]:
    """The job page in its situations."""
    failed = SNAPSHOTS["failed"]
    attempts = (attempt(1, "failed", error="loss is nan", error_type="ValueError", traceback=TRACE),
                attempt(2, "crashed", usage=Usage(signal=9), error="killed: out of memory"),
                attempt(3, "failed", error="loss is nan", error_type="ValueError", traceback=TRACE))
    told = Event(44, 12, 1, "notified", NOW, {"text": "half way", "title": "train", "url": ""})
    return {
        "pending": detail(SNAPSHOTS["pending"]),
        "running": detail(replace(SNAPSHOTS["running"], events=(*events("started"), told))),
        "failed": detail(replace(failed, attempts=attempts, events=events("started", "failed", "retrying")),
                         newer=True),
        "completed": detail(replace(SNAPSHOTS["completed"], result=RESULT, events=events("started", "succeeded"),
                                    row=replace(SNAPSHOTS["completed"].row, options=OPTIONS_SET))),
        "step of a chain": detail(Snapshot(LAB, row(
            state=State.BLOCKED, waits_for="dependency", chain_id=3, step="load", deps_left=1), NOW), parents=[10, 11]),
        "not signed": detail(replace(SNAPSHOTS["completed"], result=RESULT), verified=False),
        "evil": detail(SNAPSHOTS["evil"]),
    }


def chain() -> wire.Json:
    """Four steps: one done, one running, one to come, one that failed and was tolerated."""
    steps = [row(id=10, key="extract", step="extract", chain_id=3, state=State.COMPLETED, attempt=1,
                 started_at=NOW - 60 * SECOND, finished_at=NOW - 50 * SECOND),
             row(id=11, key="clean", step="clean", chain_id=3, state=State.RUNNING, attempt=1, epoch=1,
                 started_at=NOW - 20 * SECOND),
             row(id=12, key="mail", step="mail", chain_id=3, state=State.FAILED, attempt=1, error="OSError: no mail",
                 started_at=NOW - 20 * SECOND, finished_at=NOW - 19 * SECOND),
             row(id=13, key="load", step="load", chain_id=3, state=State.BLOCKED, waits_for="dependency", deps_left=1)]
    found = ChainRow(3, "c-3", "etl", NOW - 70 * SECOND, None, {
        State.COMPLETED: 1, State.RUNNING: 1, State.FAILED: 1, State.BLOCKED: 1}, 1)
    edges = [Edge(10, 11, "fail", "extract", "lambda result: result['rows'] > 0", "yes"),
             Edge(10, 12, "fail", "extract"), Edge(11, 13, "fail", "clean", "def enough(result): ..."),
             Edge(12, 13, "continue", "mail")]
    return wire_together.graph(found, steps, edges, at=NOW, worker_alive=True)


def batch() -> wire.Json:
    """Six items, half way."""
    states = [State.COMPLETED, State.COMPLETED, State.FAILED, State.RUNNING, State.PENDING, State.PENDING]
    found = BatchRow(5, "b-5", "upload", 6, 2, 1, 0, 0, 0, NOW - 90 * SECOND, None)
    return wire_together.members(found, list(enumerate(states, 20)), at=NOW)


def shown(payload: str) -> wire.Json:
    """A payload that can be read here."""
    return {"payload": json.loads(payload), "unreadable": None}


def schedule(name: str = "sync", **changes: Any) -> wire.Json:
    """Every weekday at nine, in Madrid."""
    rule = Rule(cron="0 9 * * MON-FRI", tz="Europe/Madrid", anchor=NOW, jitter=30 * SECOND)
    found = ScheduleRow(1, "s-1", name, "sync", rule, '{"full":true}', '{"timeout":{"hard":600,"soft":null}}',
                        rule.after(NOW), False, None, NOW - 86400 * SECOND, NOW, "k1", b"")
    found = replace(found, **changes)
    return wire_time.schedule(found, next_fires(found, NOW, 5), shown(found.payload))


def service(name: str = "sensor", **changes: Any) -> ServiceRow:
    """It runs, and said something a second ago."""
    found = ServiceRow(1, "v-1", name, "sensor", '{"port":7000}', "{}", SECOND, "Roof sensor", "listens",
                       "heard 3", NOW - SECOND, True, 12, 0, NOW, NOW - 3600 * SECOND, "k1", b"", State.RUNNING, 1,
                       None, None, NOW - 1800 * SECOND, 4242, False, 2)
    return replace(found, **changes)


def services() -> dict[str, ServiceRow]:
    """As they stand: one in each status, one that was asked to end, one that never started."""
    return {
        "running": service(),
        "starting": service("young", id=2, pid=None, started_at=None, messages=0),
        "restarting": service("shaky", id=3, epoch=4, pid=None, error="OSError: no route", messages=0),
        "stopped": service("old", id=4, wanted=False, state=State.CANCELLED, pid=None, title="", body=""),
        "ending": service("slow", id=5, wanted=False, ending=True),
        "never started": service("new", id=6, state=None, job_id=None, started_at=None, pid=None, epoch=0),
        "evil": service("evil", id=7, title=EVIL, note=EVIL, error=EVIL),
    }


def triggers() -> list[wire.Json]:
    """One of each kind; one is paused, one in trouble."""
    files = TriggerRow(1, "t-1", "inbox", "files", "load", json.dumps(
        {"paths": ["/data/in"], "pattern": "*.csv", "changes": ["added", "modified"], "settle": 1.0, "recursive": False}),
        '{"quick":true}', "{}", None, False, None, 3, NOW - 60 * SECOND, NOW, 12, NOW - 3600 * SECOND, "k1", b"")
    after = replace(files, id=2, name="then", kind="job", about='{"after":"load","on":["completed","failed"]}',
                    after_key="load", paused=True, fired=0, fired_at=None, job_id=None)
    web = replace(files, id=3, name="hook", kind="web", about="{}", trouble="no handler is registered under 'load'")
    return [wire_lasting.trigger(one, shown(one.payload)) for one in (files, after, web)]


def parameters() -> dict[str, wire.Json]:
    """What a form is made of: for Python, for a notebook without parameters, for a kernel that nobody can read."""
    def book(language: str, *cells: tuple[str, list[str]]) -> wire.Json:
        return {"cells": [{"cell_type": "code", "source": source, "metadata": {"tags": tags}} for source, tags in cells],
                "metadata": {"kernelspec": {"name": language, "language": language}}, "nbformat": 4}

    written = ("region = 'north'\nrate: float = 0.5\nfast = True\nnothing = None\nsizes = [1, 2]\n"
               "today = clock.now()\nlimit = float('nan')")
    return {"tagged": notebooks.declared("report.ipynb", book("python", (written, ["parameters"]))),
            "without any": notebooks.declared("sub/plain.ipynb", book("python", ("1 + 1", []))),
            "another language": notebooks.declared("r.ipynb", book("R", ("x <- 1", ["parameters"])))}


FIRES = [Fire(NOW - 3600 * SECOND, NOW - 3599 * SECOND, "enqueued", 11),
         Fire(NOW - 7200 * SECOND, NOW - 3599 * SECOND, "missed", None),
         Fire(NOW - 9000 * SECOND, NOW - 9000 * SECOND, "asked", 9)]
ERRORS = {
    "job_not_found": JobNotFound("there is no job 99 in the lab", remedy="lab.jobs() lists them.", where="99"),
    "payload_error": PayloadError("$.a[3] is NaN, which JSON cannot say", remedy="Use None, or a text.", where="$.a[3]"),
    "option_error": OptionError("there is no option 'timout'; did you mean 'timeout'?", remedy="Options: …", where="timout"),
    "unknown_handler": UnknownHandler("no handler is registered under 'trian'; did you mean 'train'?", where="key"),
}


def lists() -> dict[str, tuple[str, Any]]:
    """Everything that is a list, or small: file name to (schema or path of the operation, value)."""
    running = WorkerStatus("running", 4242, "0.1.0", "w-7")
    settings = Settings(runners=4)
    head = Handler("train", 1, "ab12cd34ef56", "cell", '{"lr":0.1}', '{"timeout":{"hard":600,"soft":null}}', NOW, 3)
    asked = replace(version(), parameters='{"lr":{"required":false,"type":"number"}}')
    worker = wire_lab.worker(running, settings, settings.runners)
    labs = [{"uuid": LAB, "name": "default", "default": True, "path": "~/.local/state/tether-lab/labs/default",
             "counts": {"pending": 3, "running": 1, "completed": 120}, "counts_at": AT, "worker": worker,
             "cursor": CURSOR, "restricted": False, "error": None},
            {"uuid": None, "name": "thesis", "default": False, "path": "~/.local/state/tether-lab/labs/thesis",
             "counts": {}, "counts_at": None, "worker": None, "cursor": None,
             "restricted": False, "error": wire.error(QueueCorrupt("queue.db is damaged", remedy="Put back a backup.", where="queue.db"))}]
    told = Event(44, 12, 1, "notified", NOW, {"text": "half way", "title": "train", "url": "https://example.org"})
    ended = Event(45, 12, 1, "succeeded", NOW, {})
    shown = {name: wire.job(one.row, at=NOW, lab=LAB, worker_alive=one.worker_alive)
             for name, one in SNAPSHOTS.items()}
    counts = {state.value: 0 for state in State} | {"pending": 3, "running": 1, "completed": 120}
    groups = {"waiting": 3, "final": 120, "active": 1, "unfinished": 4}
    origins: dict[str, tuple[object, str]] = {"runners": (4, "default"), "preload": (("numpy",), "TETHER_LAB_PRELOAD")}
    about = {name: Settings.__dataclass_fields__[name].metadata for name in origins}
    return {
        "labs": ("Labs", {"at": AT, "version": "0.1.0", "default": LAB, "labs": labs}),
        "job-page": ("JobPage", {"at": AT, "cursor": CURSOR, "more": True, "jobs": [
            {**one, "id": len(shown) - n} for n, one in enumerate(shown.values())]}),
        "record-page": ("RecordPage", {"at": AT, "cursor": CURSOR, "more": False,
                                       "records": [wire.record(SNAPSHOTS["failed"].row)]}),
        "changes": ("Changes", {"at": AT, "cursor": CURSOR, "reset": False, "jobs": [shown["running"]], "gone": [7],
                                "topics": ["schedules", "worker"], "more": False,
                                "notes": [wire.note(told, "train"), wire.note(ended, "train")]}),
        "change-event": ("ChangeEvent", {"lab": LAB, "from": "k3f9x2-16", "to": CURSOR, "jobs": [12, 13], "more": False,
                                         "topics": ["jobs"], "notes": 1}),
        "stats": ("Stats", wire.stats(counts, groups, at=NOW, handlers=4, next_due=NOW + 60 * SECOND, worker="running")),
        "outputs": ("Outputs", {"cursor": "1.4", "epoch": 1, "start": 0, "outputs": fold(ROWS), "total": 5, "final": True}),
        "history": ("history", {"at": AT, "runs": [
            wire_lab.run(Run(12, "train", 1, "succeeded", NOW - 5 * SECOND, NOW, None, State.COMPLETED)),
            wire_lab.run(Run(13, "train", 1, None, NOW - SECOND, None, None, State.RUNNING))]}),
        "queues": ("queues", {"at": AT, "queues": [wire_lab.queue(QueueState("critical", 100.0, False, 0)),
                                                   wire_lab.queue(QueueState("default", 1.0, True, 12))]}),
        "handlers": ("handlers", {"at": AT, "handlers": [wire_lab.handler(head, asked)]}),
        "handler": ("HandlerDetail", {"handler": wire_lab.handler(head, asked),
                                      "versions": wire_lab.versions(head, [asked, replace(version(), id=2)])}),
        "extras": ("extras", {"at": AT, "extras": [wire_lab.extra(Extra("middleware", "log", 1, ("train",))),
                                                   wire_lab.extra(Extra("resource", "db", scope="runner"))]}),
        "schedules": ("schedules", {"at": AT, "schedules": [
            schedule(), schedule("hourly", id=2, rule=Rule(interval=3600 * SECOND, tz="UTC", anchor=NOW), paused=True),
            schedule("broken", id=3, trouble="no handler is registered under 'sync'")]}),
        "schedule": ("ScheduleDetail", {"schedule": schedule(), "fires": wire_time.fires(FIRES)}),
        "preview": ("Preview", {"next": schedule()["next"], "words": "every weekday at 09:00 Europe/Madrid",
                                "tz": "Europe/Madrid"}),
        "services": ("services", {"at": AT, "services": [
            wire_lasting.service(one, NOW) for one in services().values()]}),
        "service": ("ServiceDetail", wire_lasting.service_detail(service(), [
            ServiceEvent.of(Event(40, 12, 1, "started", NOW - 2 * SECOND, {})),
            ServiceEvent.of(Event(41, 12, 1, "event", NOW - SECOND, {"value": {"heard": [1, None, EVIL]}})),
            ServiceEvent.of(Event(42, 12, 1, "notified", NOW, {"text": "half way"}))], NOW)),
        "triggers": ("triggers", {"at": AT, "triggers": triggers()}),
        "chains": ("chains", {"at": AT, "chains": [chain()["chain"]]}),
        "chain": ("ChainDetail", chain()),
        "batches": ("batches", {"at": AT, "batches": [batch()["batch"]]}),
        "batch": ("BatchDetail", batch()),
        "worker": ("Worker", worker),
        "settings": ("settings", {"at": AT, "settings": wire_lab.settings(origins, about)}),
        "doctor": ("doctor", {"at": AT, "ok": True, "checks": [
            {"name": "queue", "state": "good", "text": "opens; 124 jobs", "remedy": ""},
            {"name": "disk", "state": "warning", "text": "1.5 GB free", "remedy": "Captures may need more."}]}),
        "enqueued": ("Enqueued", {"ids": [12], "jobs": [shown["pending"]]}),
        "acted": ("Acted", {"ids": [12, 13], "counts": {"running": 1, "pending": 1}, "errors": [
            {"id": 99, "error": wire.error(ERRORS["job_not_found"])}]}),
        "stack": ("Stack", {"job": 12, "at": AT, "text": "main thread\n  Cell, line 2 in <module>\n    step(epoch)"}),
        "analytics": ("Analytics", {"computed_at": AT, "cursor": CURSOR, "fresh": True, "seconds": 1.4, "sections": [
            {"title": "What happened?", "text": "124 jobs of 4 handlers were enqueued.", "figures": [
                {"title": "Jobs that ended", "figure": {"data": [{"type": "bar", "y": [3, 1]}], "layout": {}}}]}]}),
    }


def samples() -> dict[str, Any]:
    """File name to content: ``{"schema": name, "value": …}``, or ``"values"`` by situation."""
    before = os.environ.get("TZ")
    os.environ["TZ"] = "UTC"
    time.tzset()
    try:
        found: dict[str, Any] = {name: {"schema": schema, "value": value} for name, (schema, value) in lists().items()}
        found["job-summaries"] = {"schema": "JobSummary", "values": {
            name: wire.job(one.row, at=NOW, lab=LAB, worker_alive=one.worker_alive)
            for name, one in SNAPSHOTS.items()}}
        found["job-details"] = {"schema": "JobDetail", "values": details()}
        found["parameters"] = {"schema": "Parameters", "values": parameters()}
        found["errors"] = {"schema": "Error", "values": {
            name: {"error": wire.error(one)} for name, one in ERRORS.items()}}
        return found
    finally:
        if before is None:
            del os.environ["TZ"]
        else:
            os.environ["TZ"] = before
        time.tzset()


def text_of(content: object) -> str:
    """As it stands in the files."""
    return json.dumps(content, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def write() -> None:
    """All of them anew."""
    WIRE.mkdir(exist_ok=True)
    for name, content in samples().items():
        (WIRE / f"{name}.json").write_text(text_of(content))


if __name__ == "__main__":
    write()
