"""The frame of schedules: one row a schedule, with what became of its last fire."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd

from tether_lab.job_queue import schedules, sealed
from tether_lab.job_queue.queue import Queue

MEANINGS = {
    "name": ("str", "its name"), "key": ("str", "job key of the handler that it runs"),
    "when": ("str", "its rule in words"), "interval": ("timedelta64[us]", "time between two fires"),
    "cron": ("str", "its cron expression"), "tz": ("str", "time zone of the expression"),
    "overlap": ("category", "what a fire does while a job of it is unfinished"),
    "misfire": ("category", "what becomes of fires that no worker was there for"),
    "status": ("category", "active, paused or over"), "next_at": ("datetime64[us, UTC]", "next fire"),
    "last_at": ("datetime64[us, UTC]", "last fire that was dealt with"),
    "last_outcome": ("category", "enqueued, skipped, missed or asked"),
    "last_job": ("Int64", "number of its job"), "trouble": ("str", "why its last fire made no job"),
    "payload": ("str", "payload as JSON"), "created_at": ("datetime64[us, UTC]", "made"),
    "updated_at": ("datetime64[us, UTC]", "last change"),
}
"""Each column: its dtype and what it means. Texts that are missing are None."""


def load(queue: Queue) -> pd.DataFrame:
    """All schedules, in the order of their next fires."""
    found = [_values(queue, row) for row in schedules.schedules(queue)]
    columns: dict[str, Any] = {}
    series: Any
    for name, (dtype, _) in MEANINGS.items():
        values = [row[name] for row in found]
        if dtype.startswith("datetime"):
            moments = pd.to_datetime(pd.array(values, "Int64"), unit="us", utc=True)
            series = pd.Series(moments)
            columns[name] = series.astype(dtype)
        elif dtype.startswith("timedelta"):
            series = pd.Series(pd.to_timedelta(pd.array(values, "Int64"), unit="us"))
            columns[name] = series.astype(dtype)
        else:
            columns[name] = pd.Series(values, dtype="object" if dtype == "str" else dtype)
    return pd.DataFrame(columns)


def _payload(queue: Queue, row: Any) -> str:
    try:
        return json.dumps(sealed.for_people(queue, row, "schedule"), ensure_ascii=False)
    except sealed.CLOSED:
        return "[encrypted]"


def _values(queue: Queue, row: Any) -> dict[str, Any]:
    last = next(iter(schedules.fires(queue, row, 1)), None)
    rule = row.rule
    return {
        "name": row.name, "key": row.key, "when": rule.words(), "interval": rule.interval, "cron": rule.cron,
        "tz": rule.tz, "overlap": rule.overlap, "misfire": rule.misfire, "status": row.status,
        "next_at": None if row.paused else row.next_at, "last_at": last.at if last else None,
        "last_outcome": last.outcome if last else None, "last_job": last.job_id if last else None,
        "trouble": row.trouble, "payload": _payload(queue, row), "created_at": row.created_at,
        "updated_at": row.updated_at}
