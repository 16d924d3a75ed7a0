"""Frames: each column against SQLite's own rows, filters, dtypes, refusals."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pandas as pd
import pytest
from seeded import UNTIL, history, lab_with_history, rows

from tether_lab.errors import BadRequest
from tether_lab.job import FINAL, State
from tether_lab.job_queue import history as verb
from tether_lab.job_queue.enqueue import NewJob
from tether_lab.job_queue.frame_columns import DTYPES, JOBS, TABLES, described
from tether_lab.lab import Lab
from tether_lab.testing import seed_history, temporary_lab

ALIASES = {"id", "job_key", "identifier", "payload", "parameters", "status", "description", "attempts",
           "max_attempts", "retry_count", "max_retries", "retry_delay", "last_attempt_at", "last_error",
           "error_message", "priority", "scheduled_at", "executed_at", "completed_at", "failed_at",
           "created_at", "updated_at"}


@pytest.fixture
def small() -> Iterator[Lab]:
    with lab_with_history(200) as (lab, _):
        yield lab


def micro(value: Any) -> int | None:
    """UTC µs or µs of a cell of a frame."""
    return None if value is pd.NaT else int(value.as_unit("us")._value)


def plain(value: Any) -> Any:
    """A cell as SQLite would say it."""
    if isinstance(value, pd.Timestamp | pd.Timedelta) or value is pd.NaT:
        return micro(value)
    if isinstance(value, tuple):
        return value
    return None if pd.isna(value) else value


def said(frame: pd.DataFrame, column: str) -> list[Any]:
    return [plain(value) for value in frame[column]]


def test_every_column_of_jobs_is_what_sqlite_says() -> None:
    """Each column of the jobs frame, computed again from plain rows."""
    frame, found = history().jobs, history().job_rows
    options = [json.loads(row["options"]) for row in found]
    expected: dict[str, list[Any]] = {name: [row[source] for row in found] for name, source in {
        "id": "id", "key": "key", "job_key": "key", "identifier": "key", "handler_version": "version",
        "kind": "kind", "queue": "queue", "status": "state", "priority": "priority", "attempts": "attempt",
        "max_attempts": "max_attempts", "created_at": "created_at", "scheduled_at": "run_at",
        "started_at": "started_at", "last_attempt_at": "started_at", "executed_at": "started_at",
        "finished_at": "finished_at", "error": "error", "last_error": "error", "error_message": "error",
        "uuid": "uuid", "payload": "payload", "parameters": "payload", "options": "options",
        "description": "description", "worker": "worker", "crash_count": "crash_count",
        "expires_at": "expires_at", "cancel_requested_at": "cancel_requested_at",
        "updated_at": "updated_at"}.items()}
    expected["tags"] = [tuple(json.loads(row["tags"])) for row in found]
    expected["due_at"] = expected["created_at"]
    expected["notebook"] = [f"{row['key']}.ipynb" for row in found]
    expected["git_commit"] = [None] * len(found)
    expected["retry_count"] = [max(row["attempt"] - 1, 0) for row in found]
    expected["max_retries"] = [row["max_attempts"] - 1 for row in found]
    expected["retry_delay"] = [round(o["retry"]["delay"] * 1e6) for o in options]
    expected["run"] = [row["started_at"] and row["finished_at"] - row["started_at"] for row in found]
    expected["turnaround"] = [row["finished_at"] - row["created_at"] for row in found]
    expected["wait"] = [None if row["started_at"] is None or row["started_at"] < row["run_at"] else
                        row["started_at"] - max(row["created_at"], row["run_at"]) for row in found]
    for name, state in (("completed_at", "completed"), ("failed_at", "failed")):
        expected[name] = [row["finished_at"] if row["state"] == state else None for row in found]
    assert list(frame) == [column.name for column in JOBS]
    assert set(expected) == set(frame)
    for name, values in expected.items():
        assert said(frame, name) == values, name


def test_every_column_of_attempts_is_what_sqlite_says() -> None:
    """Each column of the attempts frame, computed again from plain rows."""
    frame, found = history().attempts, history().attempt_rows
    for name, source in {"job_id": "job_id", "epoch": "epoch", "attempt": "attempt", "key": "key",
                         "handler_version": "version", "worker": "worker", "started_at": "started_at",
                         "finished_at": "finished_at", "outcome": "outcome", "error_type": "error_type",
                         "error": "error", "cpu": "cpu_us", "peak_bytes": "peak_bytes",
                         "exit_code": "exit_code", "signal": "signal", "pid": "pid",
                         "traceback": "traceback", "enqueued_at": "created_at"}.items():
        assert said(frame, name) == [row[source] for row in found], name
    assert said(frame, "run") == [row["finished_at"] - row["started_at"] for row in found]


def test_dtypes_are_those_of_the_table() -> None:
    """Moments, durations, categories, nullable numbers: as declared, empty frames too."""
    with temporary_lab(autostart=False) as lab:
        for name, table in TABLES.items():
            empty = getattr(lab.frames, name)(columns="all")
            for frame in (empty, *([getattr(history(), name)] if hasattr(history(), name) else [])):
                assert {c: str(t) for c, t in frame.dtypes.items()} == {
                    column.name: DTYPES[column.type] for column in table}, name


def test_the_columns_of_other_libraries_are_there() -> None:
    """The columns that people know from elsewhere are columns of the jobs frame."""
    assert {column.name for column in JOBS} >= ALIASES


def test_docstrings_list_every_column() -> None:
    """What a verb says about its columns is the table that it reads by."""
    with temporary_lab(autostart=False) as lab:
        for name, table in TABLES.items():
            text = getattr(type(lab.frames), name).__doc__
            assert described(name) in text
            assert all(column.name in text and column.meaning in text for column in table)
            assert len({column.name for column in table}) == len(table)


def test_filters_are_those_of_a_plain_loop(small: Lab) -> None:
    """since, until, key, status, tag, job, limit: as a loop over all rows would choose."""
    found = rows(small, "SELECT * FROM job ORDER BY id")
    middle = UNTIL - timedelta(days=15)
    at = round(middle.timestamp() * 1e6)
    cases: list[tuple[dict[str, Any], Any]] = [
        ({"since": middle}, lambda r: r["created_at"] >= at),
        ({"until": middle.isoformat()}, lambda r: r["created_at"] < at),
        ({"key": "clean-table"}, lambda r: r["key"] == "clean-table"),
        ({"key": ["clean-table", "back-up"]}, lambda r: r["key"] in ("clean-table", "back-up")),
        ({"status": "failed"}, lambda r: r["state"] == "failed"),
        ({"status": "final"}, lambda r: r["state"] in FINAL),
        ({"status": ["failed", State.CANCELLED]}, lambda r: r["state"] in ("failed", "cancelled")),
        ({"tag": "mail"}, lambda r: "mail" in json.loads(r["tags"])),
        ({"job": 7}, lambda r: r["id"] == 7)]
    for given, fits in cases:
        assert list(small.frames.jobs(**given)["id"]) == [r["id"] for r in found if fits(r)], given
    assert list(small.frames.jobs(limit=5)["id"]) == [r["id"] for r in found[-5:]]
    tries = rows(small, "SELECT a.* FROM attempt a ORDER BY job_id, epoch")
    failed = small.frames.attempts(outcome=["failed", "timed_out"], since=middle)
    assert list(zip(failed["job_id"], failed["epoch"], strict=True)) == [
        (r["job_id"], r["epoch"]) for r in tries
        if r["outcome"] in ("failed", "timed_out") and r["started_at"] >= at]
    assert len(small.frames.attempts(job=7)) == sum(r["job_id"] == 7 for r in tries)


def test_events_and_outputs_are_what_sqlite_says(small: Lab) -> None:
    """Kinds, texts, moments, sizes of both frames."""
    events, found = small.frames.events(), rows(small, "SELECT * FROM event ORDER BY id")
    for name, source in {"id": "id", "job_id": "job_id", "epoch": "epoch", "event": "kind", "at": "at",
                         "detail": "detail"}.items():
        assert said(events, name) == [row[source] for row in found]
    assert set(small.frames.events(event="retrying")["event"]) == {"retrying"}
    outputs = small.frames.outputs(columns="all")
    found = rows(small, "SELECT * FROM output ORDER BY job_id, epoch, seq")
    assert said(outputs, "text") == [json.loads(row["body"])["text"] for row in found]
    assert said(outputs, "size") == [len(row["body"].encode()) for row in found]
    assert set(outputs["output"]) == {"stream"}
    assert set(outputs["name"]) == {"stdout"}
    assert small.frames.outputs(output="error").empty


def test_a_running_attempt_has_no_end_and_no_duration() -> None:
    """What is not known yet is missing, not zero."""
    from queues import NOW, put, registered, turn

    with temporary_lab(autostart=False) as lab:
        put(lab.queue, registered(lab.queue), 2)
        turn(lab.queue, limit=1)
        attempts, jobs = lab.frames.attempts(columns="all"), lab.frames.jobs()
    assert list(attempts["outcome"]) == ["running"]
    assert attempts[["finished_at", "run", "peak_bytes", "cpu"]].isna().all(axis=None)
    assert list(jobs["status"]) == ["running", "pending"]
    assert said(jobs, "wait") == [0, None]
    assert micro(jobs["started_at"][0]) == NOW


def test_due_follows_delay_and_at() -> None:
    """due_at is when a job could first have begun, whatever became of it since."""
    with temporary_lab(autostart=False) as lab:
        for options in ({}, {"delay": "1h"}, {"at": "2090-01-01T00:00:00+00:00"}):
            lab.enqueue_command(["true"], key="f", **options)
        frame = lab.frames.jobs(columns=["created_at", "due_at", "scheduled_at"])
    assert ((frame["due_at"] - frame["scheduled_at"]).abs() < timedelta(seconds=1)).all()
    assert micro(frame["due_at"][1] - frame["created_at"][1]) == 3_600_000_000


def test_columns_do_not_share_what_one_writes_to() -> None:
    """Two names of one thing are two arrays."""
    frame = history().jobs[["started_at", "last_attempt_at"]].copy()
    frame.loc[0, "started_at"] = pd.NaT
    assert frame["last_attempt_at"][0] is not pd.NaT


@pytest.mark.parametrize(("given", "words"), [
    ({"columns": ["statu"]}, "did you mean 'status'"), ({"columns": "most"}, "core"),
    ({"status": "broken"}, "accepted"), ({"limit": -1}, "limit"), ({"since": "soon"}, "since")])
def test_wrong_questions_are_refused_with_a_remedy(small: Lab, given: dict[str, Any], words: str) -> None:
    """A column, word, moment or limit that does not exist is named, with what does."""
    with pytest.raises(BadRequest, match=words):
        small.frames.jobs(**given)


def test_an_unknown_outcome_is_refused(small: Lab) -> None:
    """Outcomes are a closed list."""
    with pytest.raises(BadRequest, match="timed_out"):
        small.frames.attempts(outcome="broken")


# -- the seeded month ----------------------------------------------------------------------------


def test_a_seed_makes_one_history() -> None:
    """Equal seeds make equal months, another one another."""
    def told(seed: int) -> list[tuple[Any, ...]]:
        with lab_with_history(150, seed) as (lab, _):
            return [tuple(row.values()) for row in rows(
                lab, "SELECT id, key, payload, state, created_at, finished_at, attempt, error FROM job")] + [
                tuple(row.values()) for row in rows(lab, "SELECT * FROM attempt")]

    assert told(3) == told(3) != told(4)


def test_the_month_has_its_stories() -> None:
    """A bad deploy, retries with different pay-off, crashes, time-outs, cancels, a slow Tuesday, nights."""
    outcomes = Counter(row["outcome"] for row in history().attempt_rows)
    assert {"succeeded", "failed", "timed_out", "cancelled", "crashed"} <= set(outcomes)
    assert {row["state"] for row in history().job_rows} <= {str(state) for state in FINAL}
    ended: dict[str, list[str]] = {}
    for row in history().attempt_rows:
        if row["key"] == "send-report":
            ended.setdefault(row["version"], []).append(row["outcome"])
    rates = sorted(outcomes.count("failed") / len(outcomes) for outcomes in ended.values())
    assert rates[-1] > 0.6 > 0.2 > rates[-2]
    begin, end = history().seeded.slow
    assert begin.weekday() == 1
    jobs = history().jobs
    slow = jobs[(jobs["created_at"] >= begin) & (jobs["created_at"] < end) & (jobs["key"] == "fetch-prices")]
    usual = jobs[(jobs["created_at"] < begin) & (jobs["key"] == "fetch-prices")]
    assert slow["run"].median() > 2.5 * usual["run"].median()
    assert jobs.loc[jobs["created_at"].between(begin, end), "wait"].max() > timedelta(minutes=5)
    assert usual["wait"].median() < timedelta(seconds=1)
    backups = jobs[jobs["key"] == "back-up"]
    assert set(backups["created_at"].dt.hour) <= {1, 2, 3, 4}


def test_seeded_rows_are_signed_and_final(small: Lab) -> None:
    """A seeded result loads like a real one; a seeded handler's code refuses to run."""
    done = small.jobs(status="completed", limit=1)[0]
    assert "made_up" in done.result(timeout=1)
    source = small.version(small.handlers()[0].head).source
    with pytest.raises(RuntimeError, match="made up"):
        exec(source)
    assert set(small.counts()) <= FINAL
    with pytest.raises(BadRequest, match="final"):
        verb.write(small.queue, [verb.PastJob(NewJob("u", "k", 1), State.PENDING, 1, 2)])
    with pytest.raises(BadRequest, match="months"):
        seed_history(small, months=0)


def test_the_frame_of_schedules_has_its_dtypes_with_rows_and_without() -> None:
    """One row a schedule; what it does not have is missing, never a zero."""
    from tether_lab.analytics.schedules import MEANINGS

    with temporary_lab(autostart=False) as lab:
        empty = lab.frames.schedules()

        @lab.handler("report")
        def report() -> None:
            """Nothing."""

        lab.schedule("report", cron="0 9 * * MON-FRI", tz="Europe/Madrid")
        lab.schedule("report", interval="1h", name="hourly").pause()
        full = lab.frames.schedules()
    for frame in (empty, full):
        assert list(frame) == list(MEANINGS)
        assert [str(frame[name].dtype) for name in frame] == [
            "object" if dtype == "str" else dtype for dtype, _ in MEANINGS.values()]
    assert list(full["status"]) == ["active", "paused"]
    assert list(full["next_at"].isna()) == [False, True]
    assert full["interval"].isna()[0]


def test_spans_that_numpy_works_out_are_those_of_sql() -> None:
    """wait, run and turnaround beside their moments and alone: the same, also of unfinished jobs."""
    from queues import put, registered, turn

    spans = ["wait", "run", "turnaround"]
    with lab_with_history(300) as (lab, _):
        put(lab.queue, registered(lab.queue), 3)
        turn(lab.queue, limit=2)
        beside, alone = lab.frames.jobs(), {name: lab.frames.jobs(columns=[name])[name] for name in spans}
        attempts = lab.frames.attempts()
        run = lab.frames.attempts(columns=["run"])["run"]
    for name in spans:
        assert beside[name].equals(alone[name]), name
        assert str(beside[name].dtype) == "timedelta64[us]"
    assert beside["run"].isna().sum() >= 3
    assert attempts["run"].equals(run)


@pytest.mark.alone
def test_frames_are_quick_and_light() -> None:
    """100 000 jobs: core columns at the rate of a million in 4 s; a week of them, and what is held, in
    proportion. CPU time, and generous: `make bench` has the figures."""
    import time

    from many_jobs import put_many

    with temporary_lab(autostart=False) as lab:
        put_many(lab, 100_000)
        lab.frames.jobs(limit=10)
        begun = time.process_time()
        frame = lab.frames.jobs()
        whole = time.process_time() - begun
        begun = time.process_time()
        newest = lab.frames.jobs(limit=5000)
        week = time.process_time() - begun
    assert (len(frame), len(newest)) == (100_000, 5000)
    assert whole < 0.8
    assert week < 0.2
    assert frame.memory_usage(deep=True).sum() < 40_000_000
