"""The card of a chain or batch: how far it is, and how each of its jobs stands."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from tether_lab.job import FINAL, JobRow, State
from tether_lab.job.workflow import BatchRow, ChainRow, Edge

from .edges import conditions_shown
from .headline import role
from .html import COLOURS
from .markup import Markup, tag
from .phrases import brief, clock, count, moment
from .tables import Cell, Table
from .text import SIGNS

MOST_SQUARES = 400
_ROLES = {"running": "running", "completed": "good", "failed": "bad", "cancelled": "ended"}


def bundle(kind: str, row: ChainRow | BatchRow, steps: Sequence[JobRow], states: Sequence[State],
           now: int, edges: Sequence[Edge] = ()) -> dict[str, Any]:
    """Text and HTML. ``edges`` of a chain: a condition is said with the step that it decides about."""
    asked = {step.id: [words for _, words in conditions_shown(tuple(e for e in edges if e.child == step.id))]
             for step in steps}
    ended = sum(state in FINAL for state in states)
    counts = Counter(states)
    said = ", ".join(f"{counts[state]:,} {state}" for state in State if counts[state]) or "nothing in it"
    lines = [f"{step.step or step.key} (job {step.id})" for step in steps]
    what = count(len(states), "step" if kind == "chain" else "job")
    head = f"{brief(row.name, 60)} {kind} {row.id}"
    text = [f"{SIGNS[_ROLES[row.status]]} {head}  {row.status}, {ended:,} of {what} ended"]
    for line, step in zip(lines, steps, strict=True):
        text.append(f"  {SIGNS[role(step.state)]} {line}: {step.state}{_why(step)}")
        text += [f"      if {words}" for words in asked[step.id]]
    text.append(f"  {said} · as of {clock(now)}")
    colour = COLOURS[_ROLES[row.status]]
    body = [tag("div", tag("strong", head), f" {SIGNS[_ROLES[row.status]]} {row.status}, "
                                               f"{ended:,} of {what} ended")]
    for line, step in zip(lines, steps, strict=True):
        body.append(tag("div", _square(step.state), f" {line}: {step.state}{_why(step)}"))
        body += [tag("div", "if ", tag("code", words), style="font-size:12px;opacity:.85;margin-left:1.6em")
                 for words in asked[step.id]]
    if not steps and states:
        body.append(tag("div", *map(_square, _thinned(states)), style="line-height:1;margin:6px 0",
                        role="img", aria_label=said))
    body.append(tag("div", f"{said} · as of {clock(now)}", style="font-size:12px;opacity:.85"))
    html = tag("div", *body, role="group", aria_label=f"{kind} {row.id}, {row.status}",
               style=f"border:1px solid rgba(128,128,128,.35);border-left:4px solid {colour};"
                     "border-radius:4px;padding:8px 12px;max-width:760px;font-size:13px")
    return {"text/plain": "\n".join(text), "text/html": str(html)}


def table(kind: str, rows: Sequence[ChainRow | BatchRow], now: int) -> Table:
    """Chains or batches, newest first."""
    lines = []
    for row in rows:
        counts = (Counter(row.counts) if isinstance(row, ChainRow) else
                  Counter({state: getattr(row, state.value) for state in FINAL}))
        said = ", ".join(f"{counts[state]:,} {state}" for state in State if counts[state])
        ended = sum(n for state, n in counts.items() if state in FINAL)
        lines.append((Cell(str(row.id)), Cell(brief(row.name, 40)), Cell(row.status, _ROLES[row.status]),
                      Cell(f"{ended:,} of {row.total:,}"), Cell(said), Cell(moment(row.created_at, now))))
    how = 'lab.chain("etl").then("extract").then("load").enqueue()' if kind == "chain" else \
        'lab.batch("score", items) or %%job --sweep'
    return Table("Chains" if kind == "chain" else "Batches",
                 (kind, "name", "status", "ended", "jobs", "enqueued"), tuple(lines), frozenset({kind}),
                 f"None yet. {how} makes one.")


def _why(step: JobRow) -> str:
    if step.state is State.BLOCKED and step.deps_left:
        return f", waits for {count(step.deps_left, 'step')}"
    return f", {brief(step.error, 120)}" if step.error and step.state in FINAL else ""


def _square(state: State) -> Markup:
    return tag("span", style="display:inline-block;width:9px;height:9px;margin:1px;border-radius:2px;"
                             f"background-color:{COLOURS[role(state)]}", title=state.value)


def _thinned(states: Sequence[State]) -> list[State]:
    """Not more squares than fit: each the worst of its neighbours."""
    together = -(-len(states) // MOST_SQUARES)
    worst = [State.FAILED, State.EXPIRED, State.CANCELLED, State.RUNNING, State.RETRYING, State.PENDING,
             State.SCHEDULED, State.BLOCKED, State.SKIPPED, State.COMPLETED]
    return [min(states[at:at + together], key=worst.index) for at in range(0, len(states), together)]
