"""What the end of a job means to others: promotion, policies, counters, callbacks.

Always inside the transaction that ends the job, so that no crash can come between. Jobs that nobody
waits for, in no chain and no batch, never get here.
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tether_lab.job import FINAL, State
from tether_lab.job.workflow import Parent, Verdict, after_end

from .rows import plain
from .statements import sql


@dataclass(frozen=True, slots=True)
class Ended:
    """A job that has just become final, and what hangs on it."""

    job_id: int
    state: State
    has_children: bool
    chain_id: int | None
    batch_id: int | None

    @property
    def matters(self) -> bool:
        return self.has_children or self.chain_id is not None or self.batch_id is not None


def link(connection: sqlite3.Connection, job_id: int, parents: Sequence[Parent], step: str | None,
         known: Mapping[str, int], now: int) -> None:
    """Let a job that was just inserted wait for its parents, some of which may have ended already.
    ``known``: the jobs inserted with it, by uuid."""
    for parent in parents:
        connection.execute(sql("edge_add"), {
            "parent": parent.job_id or known.get(parent.uuid), "child": job_id, "name": parent.name,
            "policy": parent.policy})
    rows = connection.execute(sql("edge_parents"), {"id": job_id}).fetchall()
    connection.execute(sql("link"), {"id": job_id, "deps_left": len(rows), "step": step})
    connection.execute(sql("edge_mark"), {"ids": json.dumps([row[0] for row in rows])})
    for row in rows:
        if row[5]:
            _tell_children(connection, Ended(row[0], State(row[4]), True, None, None), now, job_id)


def judge(connection: sqlite3.Connection, parent: int, verdicts: Iterable[Verdict]) -> None:
    """Write down what conditions said about the result of a job that completes now; ``settle`` reads it."""
    connection.executemany(sql("edge_judge"), [
        {"parent": parent, "uuid": one.child, "verdict": one.word, "trouble": plain(one.trouble)}
        for one in verdicts])


def ended_by_id(connection: sqlite3.Connection, ids: Iterable[int]) -> list[Ended]:
    """Those of these jobs that are final and matter to others."""
    rows = connection.execute(sql("job_links"), {"ids": json.dumps(list(ids))}).fetchall()
    return [Ended(row[0], State(row[1]), bool(row[2]), row[3], row[4]) for row in rows if row[1] in FINAL]


def settle(connection: sqlite3.Connection, ended: Iterable[Ended], now: int) -> int:
    """Let children go on or end with their parents, count in batches, call back. How many jobs may
    start because of it."""
    released = 0
    chains: dict[int, None] = {}
    batches: dict[int, Counter[State]] = defaultdict(Counter)
    left = deque(one for one in ended if one.matters)
    while left:
        one = left.popleft()
        if one.chain_id is not None:
            chains[one.chain_id] = None
        if one.batch_id is not None:
            batches[one.batch_id][one.state] += 1
        if one.has_children:
            count, stopped = _tell_children(connection, one, now)
            released += count
            left += stopped
    for chain_id in chains:
        row = connection.execute(sql("chain_settle"), {"id": chain_id, "now": now}).fetchone()
        if row is not None and row[0] is not None:
            released += _release(connection, row[0], now)
    for batch_id, counts in batches.items():
        released += count_in_batch(connection, batch_id, counts, now)
    return released


def _tell_children(connection: sqlite3.Connection, parent: Ended, now: int,
                   only: int | None = None) -> tuple[int, list[Ended]]:
    """(how many may start, those that end with it). ``only`` this child."""
    released, stopped = 0, []
    rows = connection.execute(sql("edge_children"), {"id": parent.job_id, "child": only}).fetchall()
    for row in rows:
        child, policy, before, state = row[0], row[2], row[3], State(row[4])
        becomes = after_end(policy, parent.state, row[11])
        word = "met" if becomes is None else "broken"
        if before != word:
            connection.execute(sql("edge_set"), {"parent": parent.job_id, "child": child, "state": word})
        if state is not State.BLOCKED or before == "met":
            continue
        if becomes is None:
            found = connection.execute(sql("step_release"), {"id": child, "now": now}).fetchone()
            released += found is not None and found[0] == 0
        elif _stop(connection, parent, child, becomes, now, row[12]):
            stopped.append(Ended(child, becomes, bool(row[10]), row[8], row[9]))
    return released, stopped


def _stop(connection: sqlite3.Connection, parent: Ended, child: int, becomes: State, now: int,
          trouble: str | None) -> bool:
    _, name, _ = connection.execute(sql("job_brief"), {"id": parent.job_id}).fetchone()
    reason = f"{name} (job {parent.job_id}), which it waits for, {_words(parent.state)}"
    if parent.state is State.COMPLETED:
        said = "said no" if becomes is State.SKIPPED else trouble
        reason = f"its condition on the result of {name} (job {parent.job_id}) {said}"
    found = connection.execute(sql("step_stop"), {"id": child, "state": becomes.value, "now": now,
                                                  "reason": reason}).fetchone()
    if found is None:
        return False
    connection.execute(sql("event_add"), (found[0], becomes.value, now, json.dumps(
        {"because": parent.job_id, "reason": reason}), child))
    return True


def _words(state: State) -> str:
    return {State.FAILED: "failed", State.EXPIRED: "expired"}.get(state, f"was {state}")


# -- batches and callbacks ---------------------------------------------------------------------------


def count_in_batch(connection: sqlite3.Connection, batch_id: int, counts: Counter[State], now: int) -> int:
    """Count members that ended; call back at the first final failure and at the end. How many
    callbacks may start."""
    values = {state.value: counts.get(state, 0) for state in FINAL}
    over, all_well, any_failed, then, catch, finally_ = connection.execute(
        sql("batch_count"), {**values, "id": batch_id, "now": now}).fetchone()
    due = [(then, over and all_well), (catch, any_failed), (finally_, over)]
    released = sum(_release(connection, job_id, now) for job_id, wanted in due if job_id and wanted)
    if over:
        for job_id, wanted in due:
            if job_id and not wanted:
                connection.execute(sql("callback_skip"), {
                    "id": job_id, "now": now, "reason": "it was not needed: see how the batch ended"})
    return released


def _release(connection: sqlite3.Connection, job_id: int, now: int) -> int:
    """A callback may start, if it did not before."""
    return connection.execute(sql("callback_release"), {"id": job_id, "now": now}).fetchone() is not None


# -- again -------------------------------------------------------------------------------------------


def reopen(connection: sqlite3.Connection, roots: Iterable[int], now: int) -> list[int]:
    """After these jobs were taken back to pending: those with parents still at work wait for them, and
    what had ended with them waits again. The jobs that were taken back beside ``roots``."""
    again: list[int] = []
    given = list(roots)
    for job_id in given:
        _wait_again(connection, job_id, now, insist=True)
    left = deque(given)
    while left:
        parent = left.popleft()
        for row in connection.execute(sql("edge_children"), {"id": parent, "child": None}).fetchall():
            child, state = row[0], State(row[4])
            if state is State.BLOCKED and row[3] == "met":
                _wait_again(connection, child, now, insist=False)
            elif row[3] == "broken" and _ended_with_parents(state, asked=row[6] is not None, never_ran=row[13]):
                if _still_broken(connection, child):
                    continue
                take_back(connection, child, now)
                _wait_again(connection, child, now, insist=False)
                again.append(child)
                left.append(child)
    return again


def _ended_with_parents(state: State, *, asked: bool, never_ran: bool) -> bool:
    """Whether a step's end was that of its parents, or of a condition about one: such a step never began,
    and nobody ``asked`` for its cancel. (Which of them it was does not matter: it may have said yes since.)"""
    return bool(never_ran) and not asked and state in (State.CANCELLED, State.SKIPPED, State.FAILED)


def _still_broken(connection: sqlite3.Connection, child: int) -> bool:
    rows = connection.execute(sql("edge_parents"), {"id": child}).fetchall()
    return any(over and after_end(policy, State(state), verdict) is not None
               for _, _, policy, _, state, over, verdict in rows)


def _wait_again(connection: sqlite3.Connection, job_id: int, now: int, *, insist: bool) -> None:
    """Set a job's edges by how its parents stand now. ``insist``: somebody wants it although a parent
    ended badly; that parent's input is None then."""
    left = 0
    rows = connection.execute(sql("edge_parents"), {"id": job_id}).fetchall()
    for parent, _, policy, before, state, over, verdict in rows:
        met = over and (insist or after_end(policy, State(state), verdict) is None)
        left += not met
        word = "met" if met else "open"
        if word != before:
            connection.execute(sql("edge_set"), {"parent": parent, "child": job_id, "state": word})
    if rows:
        connection.execute(sql("step_block"), {"id": job_id, "deps_left": left, "now": now})


def take_back(connection: sqlite3.Connection, job_id: int, now: int, **version: object) -> int | None:
    """A final job to pending again, its batch and chain told; its epoch, or None if it is not final."""
    row = connection.execute(sql("job_links_one"), {"id": job_id}).fetchone()
    found = connection.execute(sql("retry"), {"id": job_id, "now": now, "handler_id": None, "key_id": None,
                                              "mac": None, "options": None, **version}).fetchone()
    if found is None:
        return None
    connection.execute(sql("event_add"), (found[0], "retried", now, "{}", job_id))
    state, chain_id, batch_id = row
    if chain_id is not None:
        connection.execute(sql("chain_reopen"), {"id": chain_id})
    if batch_id is not None:
        count_in_batch(connection, batch_id, Counter({State(state): -1}), now)
    return int(found[0])
