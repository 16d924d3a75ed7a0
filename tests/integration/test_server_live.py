"""What changes is told: as events, to those who missed some, to the Jupyter server itself, and to a worker
that is missing."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import statistics
import threading
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from eventually import eventually
from openapi import valid_by_name
from rest import Rest, Stream, served, stop

from tether_lab import Lab


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Rest, Lab]]:
    """A lab with a worker, and a server that shows it."""
    with served(tmp_path_factory.mktemp("server")) as (rest, lab):
        def quick(x: int = 0) -> int:
            return x

        def waits(gate: str) -> None:
            import pathlib
            import time as clock

            for n in range(2000):
                if pathlib.Path(gate).exists():
                    return
                print("tick", n, flush=True)
                clock.sleep(0.02)

        lab.register(quick, "quick")
        lab.register(waits, "waits")
        yield rest, lab


@pytest.fixture
def stream(both: tuple[Rest, Lab]) -> Iterator[Stream]:
    """The events from now on; what went before has been told."""
    found = both[0].listen()
    with contextlib.suppress(AssertionError):
        while True:
            found.next(0.5)
    yield found
    found.close()


FINAL = {"completed", "failed", "cancelled", "expired", "skipped"}


class Page:
    """What a page does: loads all rows, then keeps them by what changed."""

    def __init__(self, rest: Rest) -> None:
        self._rest, self.rows, self.cursor, self.loads = rest, dict[int, Any](), "", 0
        self.load()

    def load(self) -> None:
        page = self._rest.get("~/jobs", limit=1000)
        assert not page["more"]
        self.rows, self.cursor = {row["id"]: row for row in page["jobs"]}, page["cursor"]
        self.loads += 1

    def catch_up(self) -> None:
        more = True
        while more:
            found = self._rest.get("~/changes", since=self.cursor, limit=7)
            if found["reset"]:
                self.load()
                return
            self.rows |= {row["id"]: row for row in found["jobs"]}
            for gone in found["gone"]:
                self.rows.pop(gone, None)
            self.cursor, more = found["cursor"], found["more"]

    def standing(self) -> dict[int, str]:
        return {number: row["status"] for number, row in self.rows.items()}


def truth(rest: Rest) -> dict[int, str]:
    """What the queue says, by the API."""
    return {row["id"]: row["status"] for row in rest.get("~/jobs", limit=1000)["jobs"]}


def test_events_name_what_changed(both: tuple[Rest, Lab], stream: Stream) -> None:
    """Each event is as the document says and follows the one before; the change tells how the job stands, and
    its end is a note."""
    rest, lab = both
    job = lab.enqueue("quick", {"x": 3})
    seen = stream.until(lambda event: job.id in event["jobs"] and job.row.is_final)
    for event in seen:
        valid_by_name("ChangeEvent", event)
    assert [event["from"] for event in seen[1:]] == [event["to"] for event in seen[:-1]]

    def told() -> Any:
        found = rest.get("~/changes", since=seen[0]["from"])
        return found if any(note["kind"] == "succeeded" for note in found["notes"]) else None
    found = eventually(told)
    assert [(row["id"], row["status"]) for row in found["jobs"]] == [(job.id, "completed")]
    [note] = found["notes"]
    assert (note["job"], note["kind"], note["key"]) == (job.id, "succeeded", "quick")
    assert rest.get("~/changes", since=found["cursor"])["jobs"] == []


@pytest.mark.alone
def test_a_change_is_told_within_300_ms(both: tuple[Rest, Lab], stream: Stream) -> None:
    """From the commit to the event at a client: 300 ms at most, usually far less."""
    rest, lab = both
    took = []
    for n in range(10):
        job = lab.enqueue("quick", {"x": n}, delay="1h")
        began = time.perf_counter()
        stream.until(lambda event, job=job: job.id in event["jobs"])
        took.append(time.perf_counter() - began)
        time.sleep(0.25)                       # a change of its own, not one of a burst
    lab.cancel(key="quick")
    print(f"median {statistics.median(took) * 1000:.0f} ms, longest {max(took) * 1000:.0f} ms")
    assert statistics.median(took) < 0.1, took
    assert max(took) < 0.3, took


def test_at_most_five_events_a_second(both: tuple[Rest, Lab], stream: Stream, tmp_path: Path) -> None:
    """A job that prints without end, and jobs that come and go: five tellings a second."""
    _, lab = both
    gate = tmp_path / "gate"
    job = lab.enqueue("waits", {"gate": str(gate)})
    stream.until(lambda event: job.id in event["jobs"])
    began, count = time.monotonic(), 0
    while time.monotonic() - began < 2.0:
        lab.enqueue("quick")
        with contextlib.suppress(AssertionError):
            stream.next(0.05)
            count += 1
    gate.touch()
    job.wait(20)
    assert 2 <= count <= 5 * (time.monotonic() - began) + 1


def test_what_moves_without_an_event_row_is_told(both: tuple[Rest, Lab], stream: Stream) -> None:
    """A queue that is paused, a moment that comes: their jobs are in the news, and the topic is named."""
    rest, lab = both
    lab.pause("aside")
    job = lab.enqueue("quick", queue="aside")
    held = eventually(lambda: (row := job.row).waits_for and row, within=10)
    assert held.waits_for == "paused:aside"
    stream.until(lambda event: "queues" in event["topics"])
    page = Page(rest)
    lab.resume("aside")
    eventually(lambda: (page.catch_up(), page.rows[job.id]["status"] == "completed")[1], within=20)
    soon = lab.enqueue("quick", delay=0.5)
    eventually(lambda: (page.catch_up(), page.standing().get(soon.id))[1] == "completed", within=20)
    assert page.loads == 1


@pytest.mark.row(52)
def test_pages_that_missed_events_lose_nothing(both: tuple[Rest, Lab]) -> None:
    """A page that asks now and then, in small pages, ends with what the queue says; removed jobs make it
    load again, and so does a cursor of somebody else."""
    rest, lab = both
    page = Page(rest)
    jobs = []
    for n in range(3):
        jobs += lab.enqueue_many("quick", [{"x": n}] * 9)
        time.sleep(0.1)
        page.catch_up()
    for job in jobs:
        job.wait(40)                           # or there is nothing yet to be removed
    eventually(lambda: (page.catch_up(), page.standing() == truth(rest))[1], within=20)
    assert page.loads == 1
    assert rest.get("~/changes", since="deadbeef-3")["reset"] is True
    assert rest.get("~/changes", since="nonsense")["reset"] is True
    lab.prune(0.001)
    eventually(lambda: (page.catch_up(), page.standing() == truth(rest))[1], within=20)
    assert page.loads == 2


def test_two_labs_tell_each_their_own(both: tuple[Rest, Lab], stream: Stream) -> None:
    """Another lab appears in the list without being asked for; its changes carry its uuid."""
    rest, _ = both
    made = rest.post("/labs", {"name": "beside"})
    other = Stream(rest.listen()._socket, made["uuid"])
    replace(rest, lab=made["uuid"]).post("~/pause", {"queue": "low"})
    found = other.until(lambda event: "queues" in event["topics"])
    assert all(event["lab"] == made["uuid"] for event in found)
    other.close()


def activity(rest: Rest) -> str:
    """The Jupyter server's last activity, asked for without being any."""
    request = urllib.request.Request(f"{rest.address}api/status?no_track_activity=1", headers=rest.headers)
    with urllib.request.urlopen(request, timeout=10) as found:
        return str(json.loads(found.read())["last_activity"])


def test_jobs_keep_the_server_alive_and_an_open_panel_does_not(both: tuple[Rest, Lab], tmp_path: Path) -> None:
    """Asking is no activity of the Jupyter server; acting is, and so is a job that runs."""
    rest, lab = both
    before = activity(rest)
    for path in ("/labs", "~/jobs", "~/changes", "~/stats"):
        rest.get(path)
    assert activity(rest) == before
    rest.post("~/resume")
    acted = activity(rest)
    assert acted > before
    gate = tmp_path / "gate"
    job = lab.enqueue("waits", {"gate": str(gate)})
    eventually(lambda: activity(rest) > acted, within=40)
    gate.touch()
    job.wait(20)


def test_running_jobs_forbid_the_shutdown_for_want_of_activity() -> None:
    """What ExtensionApp is asked by `shutdown_no_activity`: True while jobs run, else nothing to say."""
    from tether_lab.server.app import TetherLabApp

    class Desk:
        class labs:
            running = 0

    app = TetherLabApp()
    app.desk = Desk  # type: ignore[assignment]
    assert not app.current_activity()
    Desk.labs.running = 2
    assert app.current_activity() is True


@pytest.mark.row(52)
@pytest.mark.timeout(180)
def test_a_server_that_restarts_says_so(both: tuple[Rest, Lab]) -> None:
    """Jobs go on meanwhile; the old cursor means nothing to the new server, the page loads again and ends with
    what the queue says."""
    rest, lab = both
    page, over = Page(rest), threading.Event()

    def work() -> None:
        while not over.is_set():
            lab.enqueue("quick", {"x": 1})
            time.sleep(0.05)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        known = len(page.rows)
        eventually(lambda: (page.catch_up(), len(page.rows) > known + 5)[1], within=20)
        rest.restart()
        page.catch_up()
        assert page.loads == 2
    finally:
        over.set()
        thread.join()
    eventually(lambda: set(truth(rest).values()) <= FINAL, within=60)
    eventually(lambda: (page.catch_up(), page.standing() == truth(rest))[1], within=20)
    assert page.standing() == truth(rest)


@pytest.mark.timeout(180)
def test_a_missing_worker_is_started_where_work_is_due(
    both: tuple[Rest, Lab], tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One that is stopped by the API stays stopped though work is left; a server that starts finds that work
    and starts a worker, and another one when that is killed. A server's end ends no worker."""
    rest, lab = both
    gate = tmp_path / "gate"
    rest.post("~/worker/stop")
    eventually(lambda: not lab.worker.is_running(), within=30)
    monkeypatch.setattr(lab.waker, "wake", lambda: None)        # whoever enqueues starts none
    left = lab.enqueue("waits", {"gate": str(gate)}, max_attempts=3)
    watched = time.monotonic()
    while time.monotonic() < watched + 2.5:
        assert not lab.worker.is_running()
        time.sleep(0.1)
    rest.restart()
    eventually(lambda: left.status == "running", within=40)
    first = lab.worker.status().pid
    assert first
    os.kill(first, signal.SIGKILL)
    second = eventually(lambda: (now := lab.worker.status()).running and now.pid not in (None, first) and now,
                        within=60)
    gate.touch()
    eventually(lambda: left.status == "completed", within=40)
    stop(rest.process)
    assert lab.worker.status().pid == second.pid
