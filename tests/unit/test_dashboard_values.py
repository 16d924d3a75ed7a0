"""What a dashboard says, as values: head, pages, the open job, questions; nothing is drawn here."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.unit.view_samples import NOW, SECOND, attempt, row, version
from tether_lab.errors import BadRequest
from tether_lab.job import State
from tether_lab.job.policies.schedule import Rule
from tether_lab.job.schedule import ScheduleRow
from tether_lab.job.workflow import BatchRow, ChainRow
from tether_lab.job_queue.board import Tally
from tether_lab.views.board import Snapshot
from tether_lab.views.dashboard import board, tabs, twin
from tether_lab.views.dashboard.detail import detail
from tether_lab.views.dashboard.found import Found, Opened, QueueLine
from tether_lab.views.dashboard.question import DETAILS, Question, asked

EVIL = "<img src=x onerror=alert(1)>"


def tally(**counts: int) -> list[Tally]:
    return [Tally("train", "default", State(state), jobs, jobs // 2, jobs) for state, jobs in counts.items()]


def found(**changes: Any) -> Found:
    blank = Found(lab="thesis", at=NOW, worker=4711, worker_alive=True, runners=2,
                  tally=tally(pending=10, running=1, completed=5, failed=4, cancelled=2), usual={"train": 30.0},
                  running=[row(state=State.RUNNING, started_at=NOW - 10 * SECOND)],
                  rows=[row(), row(id=11, state=State.COMPLETED, started_at=NOW - 9 * SECOND, finished_at=NOW)])
    return replace(blank, **changes)


def ask(before: Question | None = None, **changes: Any) -> Question:
    return asked(before or Question(), changes, tabs=tuple(tabs.TABS))


def said(given: Found) -> list[str]:
    return [text for text, _ in board.head(given).lines]


def test_the_head_counts_and_says_what_is_usual() -> None:
    """Tiles by group, busy runners, the last hour, when all will be done."""
    head = board.head(found())
    assert {tile.label: tile.count for tile in head.tiles} == {
        "running": 1, "waiting": 10, "retrying": 0, "failed": 4, "completed": 5, "other ends": 2}
    assert head.worker == "worker: running, pid 4711"
    assert not head.can_start
    lines = said(found())
    assert "1 of 2 runners busy" in lines
    assert f"all done in about {(10 * 30 + 20) // 2 // 60} min 40 s" in lines
    assert "last hour: 10 ended, 2 failed (20%)" in lines


def test_a_job_far_beyond_its_usual_time_is_named() -> None:
    """Twice the usual and five seconds more; an unknown key is never slow."""
    late = row(state=State.RUNNING, started_at=NOW - 80 * SECOND)
    assert any("job 12 (train) is slower than usual: 1 min 20 s, usually 30 s" in line
               for line in said(found(running=[late])))
    assert not board.slow(found(running=[replace(late, key="other")]))
    assert not board.slow(found(running=[replace(late, started_at=NOW - 62 * SECOND)]))


@pytest.mark.parametrize("changes", [
    {"tally": None}, {"worker_alive": False}, {"paused": True}, {"usual": {}}, {"tally": [], "running": []}])
def test_nobody_promises_an_end_that_is_not_known(changes: dict[str, Any]) -> None:
    """Without counts, worker, history or work there is no forecast."""
    assert board.done_in(found(**changes)) is None


def test_numbers_that_are_being_counted_are_not_zero() -> None:
    """Before the first count a tile has no number."""
    assert [tile.count for tile in board.head(found(tally=None)).tiles] == [None] * 6
    assert board.jobs_page(found(tally=None), Question()).total is None


def test_a_page_says_where_it_stands() -> None:
    """First, last, total by the tally or by the search, whether there is more."""
    page = board.jobs_page(found(), ask(size=10))
    assert (page.first, page.last, page.total, page.more) == (1, 2, 22, False)
    page = board.jobs_page(found(rows=[row()] * 10, total=95), Question(size=10, page=2, words="x"))
    assert (page.first, page.last, page.total, page.more) == (21, 30, 95, True)
    assert [cell.text for cell in page.lines[0].cells][:3] == ["12", "train", "pending"]
    assert board.jobs_page(found(), Question(status="failed")).total == 4


def test_an_empty_page_says_why() -> None:
    """With a filter its words, without one how to make the first job."""
    assert "No job fits failed, tag mail" in board.jobs_page(
        found(rows=[]), Question(status="failed", tag="mail")).empty
    assert "%%job" in board.jobs_page(found(rows=[], tally=[]), Question()).empty
    for name, (_, draw) in tabs.TABS.items():
        if draw is not None:
            assert draw(found(rows=[]), Question(tab=name)).empty


@pytest.mark.parametrize(("state", "verbs"), [
    (State.PENDING, ["cancel", "up", "down"]), (State.BLOCKED, ["cancel", "up", "down"]),
    (State.RUNNING, ["cancel"]), (State.COMPLETED, ["retry"]), (State.FAILED, ["retry"])])
def test_buttons_fit_the_status(state: State, verbs: list[str]) -> None:
    """What cannot be done is not offered."""
    assert [verb for verb, _ in board.actions(row(state=state))] == verbs


def test_a_second_cancel_ends_at_once() -> None:
    """A running job that was asked to stop can be ended."""
    assert board.actions(row(state=State.RUNNING, cancel_requested_at=NOW)) == (("kill", "End it now"),)


def test_a_running_job_has_its_bar() -> None:
    """The outermost bar, as a fraction."""
    progress = '{"bars": [{"n": 25, "total": 100, "elapsed": 5}]}'
    line = board.jobs_page(found(rows=[row(state=State.RUNNING, progress=progress, started_at=NOW)]),
                           Question()).lines[0]
    assert line.cells[3].bar == 0.25


def test_the_other_tabs_have_a_line_each() -> None:
    """Chains, batches, schedules and queues: how far, what can be done, where a click leads."""
    schedule = ScheduleRow(1, "u", "nightly", "report", Rule(interval=60 * SECOND), "{}", "{}",
                           NOW + 60 * SECOND, False, None, NOW, NOW, "k", b"")
    given = found(
        chains=[ChainRow(3, "u", "etl", NOW, None, {State.COMPLETED: 1, State.PENDING: 3})],
        batches=[BatchRow(4, "u", "sweep", 10, 4, 1, 0, 0, 0, NOW, NOW)], schedules=[schedule],
        queues=[QueueLine("low", 0.1, True, 7)])
    chain, batch, plan, queue = (tabs.page(given, Question(tab=name)).lines[0]
                                 for name in ("chains", "batches", "schedules", "queues"))
    assert (chain.cells[3].text, chain.cells[3].bar) == ("1 of 4 jobs", 0.25)
    assert chain.actions == (("cancel", "Cancel"),)
    assert ask(Question(tab="chains"), **chain.opens).chain == 3
    assert (batch.cells[3].bar, batch.actions[0][0]) == (0.5, "retry")
    assert "in 1 min" in plan.cells[3].text
    assert [verb for verb, _ in plan.actions] == ["pause", "run"]
    assert ask(Question(tab="schedules"), **plan.opens).key == "report"
    assert queue.actions == (("resume", "Resume"),)


@pytest.mark.parametrize("chosen", DETAILS)
def test_the_open_job_escapes_what_is_not_ours(chosen: str) -> None:
    """Keys, payloads, errors and code of users bring no markup into the view."""
    evil = row(key=EVIL, payload=f'{{"x":"{EVIL}"}}', state=State.FAILED, error=EVIL, epoch=1, attempt=1,
               finished_at=NOW)
    drawn = detail(Opened(Snapshot(lab="u", row=evil, at=NOW, version=version(source=EVIL),
                                   attempts=(attempt(1, "failed", error=EVIL, traceback=EVIL),)),
                          version(source=EVIL), stack=EVIL), chosen)
    assert "<img" not in drawn.body
    assert drawn.body
    assert drawn.chosen == chosen
    assert ("stack" in [word for word, _ in drawn.tabs]) == (chosen == "stack")


def test_outputs_stand_beside_the_view() -> None:
    """Where there are some the notebook draws them, else a sentence says so."""
    shown = detail(Opened(Snapshot(lab="u", row=row(epoch=1), at=NOW, outputs=2)), "outputs")
    assert (shown.stage, shown.body, shown.tabs[0][1]) == (True, "", "Outputs 2")
    assert "has not begun" in detail(Opened(Snapshot(lab="u", row=row(), at=NOW)), "outputs").body


@pytest.mark.parametrize(("changes", "words"), [
    ({"colour": "red"}, "has no 'colour'"), ({"size": 7}, "Accepted: 10"), ({"page": "2"}, "page is"),
    ({"page": True}, "page is"), ({"down": 1}, "down is"), ({"sort": "mac"}, "Accepted: id"),
    ({"status": "broken"}, "accepted"), ({"tab": "secrets"}, "Accepted: jobs"),
    ({"words": "x" * 300}, "words is")])
def test_a_question_that_cannot_be_is_refused(changes: dict[str, Any], words: str) -> None:
    """Names, types and words are checked at the door."""
    with pytest.raises(BadRequest) as refused:
        ask(**changes)
    assert words in f"{refused.value.message} {refused.value.remedy}"


def test_a_new_filter_begins_at_the_first_page() -> None:
    """Another filter or order goes back to the first page, another tab closes the job."""
    before = Question(page=7, job=12)
    assert ask(before, status="failed").page == 0
    assert ask(before, sort="key").page == 0
    assert ask(before, detail="code") == replace(before, detail="code")
    assert ask(before, tab="chains").job is None
    assert ask(before, page=-3).page == 0


def test_the_twins_say_what_the_view_says() -> None:
    """Numbers, rows and when it was true, as text and as HTML under the name that the view hides."""
    text = twin.text(found(), Question())
    html = str(twin.html(found(rows=[row(key=EVIL)]), Question(), "twin-1"))
    for words in ("Lab thesis", "10 waiting", "4 failed", "train", "as of", "%jobs dashboard"):
        assert words in text
    assert 'class="twin-1"' in html
    assert "<img" not in html
    assert "has not been shown" in twin.text(None, Question())
