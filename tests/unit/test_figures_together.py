"""The chain as a graph and the batch as a grid: what they draw is how the jobs stand."""

from __future__ import annotations

import html
import random
from collections import Counter

import pytest

from tests.unit.view_samples import NOW, SECOND, row
from tether_lab.errors import JobNotFound
from tether_lab.job import JobRow, State
from tether_lab.job.workflow import Edge
from tether_lab.testing import temporary_lab
from tether_lab.views.figures import style, together

EVIL = "<b onclick=x>&</b>"


def steps(*states: State) -> list[JobRow]:
    return [row(id=number, key=f"step-{number}", step=None, state=state, started_at=NOW - SECOND,
                finished_at=NOW if state.value in ("completed", "failed") else None)
            for number, state in enumerate(states, 1)]


DIAMOND = [Edge(1, 2), Edge(1, 3, "skip"), Edge(2, 4, "continue"), Edge(3, 4)]


@pytest.mark.parametrize("theme", style.THEMES)
def test_each_step_stands_behind_those_it_waits_for(theme: str) -> None:
    """A mark a step in the colour and with the sign of its status; an edge a line, from left to right."""
    rows = steps(State.COMPLETED, State.RUNNING, State.FAILED, State.BLOCKED)
    drawn = together.chain_graph("etl", rows, DIAMOND, NOW, theme)
    marks = {trace.name: trace for trace in drawn.data if trace.mode == "markers+text"}
    assert {name: (trace.marker.color, trace.text[0]) for name, trace in marks.items()} == {
        state.value: together.LOOKS[state] for state in (s.state for s in rows)}
    place = together._places([1, 2, 3, 4], DIAMOND)
    assert {number: x for number, (x, _) in place.items()} == {1: 0.0, 2: 1.0, 3: 1.0, 4: 2.0}
    lines = [trace for trace in drawn.data if trace.mode == "lines+markers"]
    dashes = Counter(trace.line.dash for trace in lines for _ in trace.x[::4])
    assert dashes == {"solid": 2, "dash": 1, "dot": 1}
    assert {note.text for note in drawn.layout.annotations} == {f"step-{number}" for number in range(1, 5)}
    assert "4 steps: 1 blocked, 1 running, 1 completed, 1 failed" in drawn.layout.title.subtitle.text


def test_a_condition_stands_on_its_edge_with_what_it_said() -> None:
    """A dash of its own, a diamond with a sign, a label in short, all of it for those who point at it."""
    rows = steps(State.COMPLETED, State.SKIPPED, State.FAILED, State.BLOCKED)
    asked = [Edge(1, 2, "fail", "load", "lambda result: result['rows'] > 0", "no"),
             Edge(1, 3, "skip", "load", "def enough(result):\n    return True\n", "failed", f"raised {EVIL}"),
             Edge(2, 4, "continue", "clean", "lambda r: r"), Edge(3, 4, "fail", "mail")]
    drawn = together.chain_graph("etl", rows, asked, NOW)
    dashes = Counter(trace.line.dash for trace in drawn.data if trace.mode == "lines+markers"
                     for _ in trace.x[::4])
    assert dashes == {"dashdot": 3, "solid": 1}
    assert "has a condition" in {trace.name for trace in drawn.data if trace.mode == "lines+markers"}
    marks = next(trace for trace in drawn.data if trace.name == "condition")
    assert list(marks.text) == ["»", "✘", "?"]
    assert "said no" in marks.customdata[0]
    assert "goes on if that fails" in marks.customdata[2].replace("<br>", " ")
    assert "not asked yet" in marks.customdata[2].replace("<br>", " ")
    assert "<b onclick" not in marks.customdata[1]
    labels = {html.unescape(note.text.replace("<br>", " ")) for note in drawn.layout.annotations}
    assert {"if enough()", "if r", "if result['rows'] > 0"} <= labels


def test_any_graph_goes_from_left_to_right_and_no_two_steps_meet() -> None:
    """Random graphs: a child is further right than each of its parents, places are unique."""
    draw = random.Random(5)
    for _ in range(30):
        size = draw.randint(1, 40)
        edges = [Edge(parent, child) for child in range(1, size) for parent in range(child)
                 if draw.random() < 2 / size]
        place = together._places(range(size), edges)
        assert all(place[edge.parent][0] < place[edge.child][0] for edge in edges)
        assert len(set(place.values())) == size


@pytest.mark.parametrize("size", [1, 7, 96, 1203])
def test_a_square_for_each_job_in_order(size: int) -> None:
    """Row by row the statuses as they came; small grids have signs, large ones crosses where jobs failed."""
    draw = random.Random(size)
    states = [draw.choice([State.COMPLETED, State.FAILED, State.PENDING]) for _ in range(size)]
    jobs = [(number, state, 1, NOW, NOW + number * SECOND) for number, state in enumerate(states, 1)]
    drawn = together.batch_grid("sweep", jobs)
    grid = drawn.data[0]
    known = list(together.LOOKS)
    shown = [known[int(code)] for line in grid.z for code in line if code is not None and code == code]
    assert shown == states
    assert "job 1" in grid.customdata[0][0]
    assert (grid.text is not None) == (size <= together.SIGNED)
    legend = {trace.name.split(" ")[1]: int(trace.name.split("(")[1][:-1].replace(",", ""))
              for trace in drawn.data if trace.type == "scatter" and trace.name}
    assert legend == Counter(state.value for state in states)
    if size > together.SIGNED:
        crosses = next(trace for trace in drawn.data if trace.type == "scatter" and not trace.name)
        assert len(crosses.x) == states.count(State.FAILED)


def test_texts_of_users_bring_no_markup() -> None:
    """Names, steps and errors are shown as they are."""
    evil = [row(id=1, key=EVIL, step=EVIL, state=State.FAILED, error=EVIL, finished_at=NOW)]
    grid = together.batch_grid(EVIL, [(1, State.FAILED, 1, 1, 2)])
    for drawn in (together.chain_graph(EVIL, evil, [], NOW), grid):
        assert "onclick=x>" not in str(drawn.to_json()).replace("\\u003e", ">")


def test_empty_ones_say_why() -> None:
    """No axes, one sentence."""
    for drawn in (together.chain_graph("c", [], [], NOW), together.batch_grid("b", [])):
        assert not drawn.data
        assert len(drawn.layout.annotations[0].text) > 15


def test_the_lab_draws_both() -> None:
    """By number or handle; a number that is none is refused."""
    with temporary_lab(autostart=False) as lab:
        @lab.handler("f")
        def f(n: int = 0) -> int:
            return n

        chain = lab.chain("c").then("f").then("f", name="again", on_failure="skip").enqueue()
        batch = lab.batch("b", [{"n": n} for n in range(5)], "f")
        assert "2 steps: 1 blocked, 1 pending" in lab.figures.chain(chain).layout.title.subtitle.text
        assert "5 jobs: 5 pending" in lab.figures.batch(batch.id).layout.title.subtitle.text
        assert "chain()" in repr(lab.figures)
        for draw in (lab.figures.chain, lab.figures.batch):
            with pytest.raises(JobNotFound):
                draw(99)
