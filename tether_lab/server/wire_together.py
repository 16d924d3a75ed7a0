"""Chains and batches as JSON, as ``openapi.json`` describes them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from tether_lab.job import FINAL, JobRow, State
from tether_lab.job.workflow import BatchRow, ChainRow, Edge
from tether_lab.views.edges import edge_words, label

from .wire import Json, job, maybe, moment


def chain(row: ChainRow) -> Json:
    """A chain as it stands."""
    ended = sum(n for state, n in row.counts.items() if state in FINAL)
    return _group(row, row.total, ended, {state.value: n for state, n in row.counts.items() if n})


def batch(row: BatchRow) -> Json:
    """A batch as it stands; of those that have not ended only the number is known."""
    counts = {name: getattr(row, name) for name in ("completed", "failed", "cancelled", "expired", "skipped")}
    return _group(row, row.total, row.ended, {name: n for name, n in counts.items() if n})


def _group(row: ChainRow | BatchRow, total: int, ended: int, counts: dict[str, int]) -> Json:
    return {"id": row.id, "uuid": row.uuid, "name": row.name, "status": row.status, "total": total,
            "ended": ended, "progress": ended / total if total else 1.0, "counts": counts,
            "created_at": moment(row.created_at), "finished_at": maybe(row.finished_at)}


def graph(row: ChainRow, jobs: Sequence[JobRow], edges: Iterable[Edge], *, at: int,
          worker_alive: bool | None = None) -> Json:
    """A chain with its jobs and who waits for whom (ChainDetail)."""
    return {"at": moment(at), "chain": chain(row),
            "nodes": [job(one, at=at, worker_alive=worker_alive) for one in jobs],
            "edges": [{"from": one.parent, "to": one.child, "policy": one.policy,
                       "condition": None if one.condition is None else label(one),
                       "verdict": one.verdict if one.condition is not None else None,
                       "words": edge_words(one)} for one in edges]}


def members(row: BatchRow, found: Iterable[tuple[int, State]], *, at: int) -> Json:
    """A batch with how each of its jobs stands (BatchDetail)."""
    listed: list[Any] = [[job_id, state.value] for job_id, state in found]
    return {"at": moment(at), "batch": batch(row), "members": listed}
