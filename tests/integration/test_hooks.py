"""Hooks and notifications: internal jobs that are told what happened, and change nothing about it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from eventually import eventually
from labs import working_lab

from tether_lab import BadRequest, JobFailed, Lab, OptionError
from tether_lab.job.hooks import HOOKS
from tether_lab.job_queue import happenings


@pytest.fixture
def lab() -> Iterator[Lab]:
    yield from working_lab(runners=1)


def told(log: Path) -> list[str]:
    return log.read_text().splitlines() if log.exists() else []


def hooked(lab: Lab, log: Path, **about: Any) -> None:
    """Everything that happens to jobs, in a file."""
    path = str(log)

    @lab.hook("on_start", "on_success", "on_failure", "on_retry", "on_cancel", "on_soft_timeout",
              "on_progress", "on_chain_complete", "on_batch_complete", **about)
    def tell(entry: Any) -> None:
        from pathlib import Path

        with Path(path).open("a") as file:
            file.write(f"{entry.event} {entry.key} {entry.status} {entry.attempt}\n")


def test_each_hook_is_told_once_what_happened(lab: Lab, tmp_path: Path) -> None:
    """Success, retries, failure, cancel, progress, soft timeout: with one runner, beside a job that runs."""
    log = tmp_path / "log"
    hooked(lab, log)

    @lab.handler("slow", timeout="200ms/20s")
    def slow(ctx: Any) -> int:
        import time
        from pathlib import Path

        ctx.progress(0.5, "half")
        deadline = time.monotonic() + 15
        while time.monotonic() < deadline and not (
                ctx.soft_timed_out and "on_progress slow" in Path(str(log)).read_text()):
            time.sleep(0.02)
        return 1

    @lab.handler("bad", retries=1, retry="fixed:100ms")
    def bad() -> None:
        raise ValueError("no")

    log.touch()
    lab.enqueue("slow", delay="1h").cancel()
    assert slow.enqueue().result(timeout=30) == 1
    assert "on_progress slow running 1" in told(log), "the hook ran while its job held the only runner"
    with pytest.raises(JobFailed, match="no"):
        bad.enqueue().result(timeout=30)
    wanted = ["on_cancel slow cancelled 0", "on_start slow running 1", "on_progress slow running 1",
              "on_soft_timeout slow running 1", "on_success slow completed 1", "on_start bad running 1",
              "on_retry bad retrying 1", "on_start bad running 2", "on_failure bad failed 2"]
    eventually(lambda: sorted(told(log)) == sorted(wanted), within=15)


def test_hooks_stand_outside_lists_counts_and_pauses(lab: Lab, tmp_path: Path) -> None:
    """Nobody meets them who does not ask for their key; a pause of everything does not hold them."""
    log = tmp_path / "log"
    hooked(lab, log, keys="work")
    lab.register(lambda: 1, "work")
    lab.register(lambda: 1, "other")
    lab.enqueue("other").result(timeout=30)
    lab.enqueue("work").result(timeout=30)
    lab.pause()
    waiting = lab.enqueue("work")
    waiting.cancel()
    eventually(lambda: "on_cancel work cancelled 0" in told(log), within=15)
    assert {line.split()[1] for line in told(log)} == {"work"}
    assert [job.key for job in lab.jobs()] == ["work", "work", "other"]
    assert lab.stats().total == 3
    assert len(lab.history()) == 2
    assert set(lab.frames.jobs()["job_key" if "job_key" in lab.frames.jobs() else "key"]) == {"work", "other"}
    assert lab.cancel(all=True) == {}
    eventually(lambda: {row.state for row in lab.rows(key="~on_cancel:tell")} == {"completed"})
    assert [h.key for h in lab.handlers()] == ["other", "work"]


def test_a_hook_that_fails_changes_no_outcome_and_its_job_says_so(lab: Lab) -> None:
    """The job is completed; after three attempts its history names the hook and the error."""
    @lab.on_success(keys="work")
    def broken(entry: Any) -> None:
        raise RuntimeError("no such mailbox")

    lab.register(lambda: 7, "work")
    job = lab.enqueue("work")
    assert job.result(timeout=30) == 7
    for _ in range(2):                       # its retries are due at once, for the test
        eventually(lambda: lab.rows("retrying", key="~on_success:broken"), within=15)
        with lab.queue.write() as connection:
            connection.execute("UPDATE job SET run_at = 0 WHERE state = 'retrying'")
        lab.waker.wake()
    eventually(lambda: any(event.kind == "hook_failed" for event in job.events), within=15)
    (event,) = [event for event in job.events if event.kind == "hook_failed"]
    assert "no such mailbox" in str(event.detail["error"])
    assert event.detail["hook"] == "on_success:broken"
    assert job.status == "completed"


def test_chains_and_batches_tell_their_end(lab: Lab, tmp_path: Path) -> None:
    """Once each, with how they ended; an empty batch, too."""
    log = tmp_path / "log"
    hooked(lab, log, keys=["etl", "many", "none"])
    lab.register(lambda: 1, "one")
    lab.chain("etl").then("one").then("one", name="two").enqueue().wait(30)
    lab.batch("many", [{}, {}], "one").wait(30)
    lab.batch("none", [], "one")
    eventually(lambda: sorted(told(log)) == [
        "on_batch_complete many completed 0", "on_batch_complete none completed 0",
        "on_chain_complete etl completed 0"], within=15)


def test_what_is_no_change_of_state_is_told_through_one_function(lab: Lab, tmp_path: Path) -> None:
    """Services fire on_service_event this way; without a hook nothing is written."""
    log = str(tmp_path / "log")
    lab.register(lambda: 1, "work")
    job = lab.enqueue("work")
    job.wait(30)
    with lab.queue.write() as connection:
        assert not happenings.tell(connection, "on_service_event", job.id, 1)

    @lab.on_service_event
    async def heard(entry: Any, ctx: Any) -> None:
        from pathlib import Path

        Path(log).write_text(f"{entry.detail['value']} {ctx.key}")  # noqa: ASYNC240 — a few bytes

    with lab.queue.write() as connection:
        assert happenings.tell(connection, "on_service_event", job.id, 1, json.dumps({"value": 5}))
    lab.waker.wake()
    eventually(lambda: Path(log).exists() and Path(log).read_text() == "5 ~on_service_event:heard", within=15)


def test_what_a_service_sends_is_told(lab: Lab, tmp_path: Path) -> None:
    """By the service's name; what ordinary jobs send is no service's."""
    log = str(tmp_path / "log")

    @lab.on_service_event(keys="ticker")
    def heard(entry: Any) -> None:
        from pathlib import Path

        with Path(log).open("a") as file:
            file.write(f"{entry.key} {entry.detail['value']}\n")

    def tick(ctx: Any) -> None:
        import time

        ctx.send_event("tick")
        while not ctx.cancelled:
            time.sleep(0.02)

    lab.register(tick, "tick")
    lab.register(lambda ctx: ctx.send_event("no service"), "ticker")
    lab.enqueue("ticker").result(timeout=30)
    lab.start_service("ticker", "tick")
    eventually(lambda: Path(log).exists() and Path(log).read_text() == "ticker tick\n", within=35)
    lab.stop_service("ticker")


def test_hooks_with_mistakes_are_refused_at_the_door(lab: Lab) -> None:
    """Unknown events, nothing to take, names that jobs may not have."""
    with pytest.raises(BadRequest, match="no hook 'on_end'") as refused:
        lab.hook("on_end")(lambda entry: None)
    assert "on_success" in str(refused.value)
    with pytest.raises(BadRequest, match="takes nothing"):
        lab.on_success(lambda: None, name="x")
    with pytest.raises(BadRequest, match="no on_success 'x'"):
        lab.remove_extra("on_success", "x")
    lab.register(lambda: 1, "work")
    with pytest.raises(OptionError, match="does not start with ~"):
        lab.enqueue("work", queue="~hooks")
    assert lab.extras() == []


def test_every_hook_has_a_verb_and_a_row_in_the_readme(lab: Lab) -> None:
    """Declared once: HOOKS."""
    readme = (Path(__file__).parents[2] / "README.md").read_text()
    for event in HOOKS:
        assert callable(getattr(lab, event))
        assert f"`{event}`" in readme


class Ear(BaseHTTPRequestHandler):
    """A webhook on the loopback: remembers, and refuses its first request."""

    heard: list[dict[str, Any]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        type(self).heard.append(json.loads(body))
        self.send_response(503 if len(type(self).heard) == 1 else 204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Says nothing."""


def test_notify_tells_a_webhook_a_command_and_the_history(lab: Lab, tmp_path: Path) -> None:
    """Each once, tried again when it did not hear; the card and the toast read the event."""
    Ear.heard = []
    server = HTTPServer(("127.0.0.1", 0), Ear)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    log = tmp_path / "log"
    script = tmp_path / "tell.sh"
    script.write_text(f"#!/bin/sh\necho \"$TETHER_LAB_TEXT\" >> {log}\n")
    script.chmod(0o700)
    lab.register(lambda: 1, "work")
    job = lab.enqueue("work", notify=f"http://127.0.0.1:{server.server_port}/hook,command:{script}")
    job.result(timeout=30)
    eventually(lambda: lab.rows("retrying", key="~notify:job"), within=15)
    with lab.queue.write() as connection:
        connection.execute("UPDATE job SET run_at = 0 WHERE state = 'retrying'")
    lab.waker.wake()
    eventually(lambda: len(Ear.heard) == 2, within=15)
    server.shutdown()
    server.server_close()
    assert Ear.heard[1]["status"] == "completed"
    assert Ear.heard[1]["id"] == job.id
    assert Ear.heard[1]["text"].startswith("work completed in ")
    assert len(told(log)) == 1, "who was told is not told again"
    (event,) = [event for event in job.events if event.kind == "notified"]
    assert str(event.detail["text"]).startswith("work completed")
    assert [extra.name for extra in lab.extras()] == []


HOSTILE = "$(touch pwned); `touch pwned` <b onclick=x>&amp;</b> --icon=/etc/passwd \\n\n' \" \0 \ud800 ü"


@pytest.mark.parametrize("way", ["api", "command line", "handler"])
def test_notify_tells_the_desktop_in_plain_text(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str,
) -> None:
    """notify-send gets a title and a text in which nothing is an option, markup or meant for a shell."""
    programs, log = tmp_path / "bin", tmp_path / "log"
    programs.mkdir()
    script = programs / "notify-send"
    script.write_text(f"#!/bin/sh\nfor one in \"$@\"; do printf '%s\\0' \"$one\"; done > {log}.new\n"
                      f"mv {log}.new {log}\n")
    script.chmod(0o700)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    hostile = HOSTILE

    def work() -> None:
        raise ValueError(hostile)

    lab.register(work, "work", retries=0, **({"notify": "desktop"} if way == "handler" else {}))
    if way == "command line":
        subprocess.run([sys.executable, "-m", "tether_lab", "enqueue", "work", "--notify", "failure,desktop",
                        "--lab", str(lab.folder.path)], check=True, capture_output=True)
        job = lab.get(1)
    else:
        job = lab.enqueue("work", **({"notify": "desktop"} if way == "api" else {}))
    job.wait(30)
    eventually(log.exists, within=20)
    name, mark, title, text, rest = log.read_bytes().decode().split("\0")
    assert (name, mark, title, rest) == ("--app-name=Tether Lab", "--", "work", "")
    assert text.startswith("work failed in ")
    assert "$(touch pwned); `touch pwned` &lt;b onclick=x&gt;&amp;amp;&lt;/b&gt; --icon=/etc/passwd" in text
    assert not list(tmp_path.rglob("pwned"))
    assert not Path("pwned").exists()
    (event,) = [event for event in job.events if event.kind == "notified"]
    assert "<b onclick=x>" in str(event.detail["text"])


def test_a_machine_without_a_desktop_says_so(lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The job is none the worse for it; who should have been told, and was not, stands in the history of the
    internal job."""
    monkeypatch.setenv("PATH", str(tmp_path))
    lab.register(lambda: 1, "work")
    job = lab.enqueue("work", notify="desktop")
    assert job.result(timeout=30) == 1
    (told_by,) = eventually(lambda: lab.rows("retrying", key="~notify:job"), within=20)
    assert "this machine has no notify-send" in str(told_by.error)
    assert job.status == "completed"


def test_notify_may_be_for_failures_only(lab: Lab) -> None:
    """A success says nothing then; ctx.notify is an event at any time."""
    def work(ctx: Any, fails: bool) -> None:
        ctx.notify("half way", title="work", url="https://example.org/report")
        if fails:
            raise ValueError("x")

    lab.register(work, "work", retries=0)
    good = lab.enqueue("work", {"fails": False}, notify="failure,toast").wait(30)
    bad = lab.enqueue("work", {"fails": True}, notify="failure,toast").wait(30)
    says = [[event.detail["text"] for event in job.events if event.kind == "notified"] for job in (good, bad)]
    assert says[0] == ["half way"]
    assert len(says[1]) == 2
    assert "failed" in str(says[1][1])
    for wrong in ("mail:me", "", "failure,success", "ftp://x/y"):
        with pytest.raises(OptionError, match="notify"):
            lab.enqueue("work", {"fails": True}, notify=wrong)
