"""Conditions on the edges of a chain with a real worker: asked where the result is, signed, asked again."""

from __future__ import annotations

import asyncio
import html
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tether_lab import BadRequest, Lab, OptionError
from tether_lab.job_queue import groups
from tether_lab.lab.board_reading import BoardReading
from tether_lab.lab.cells import CellRequest
from tether_lab.server import wire_together as wire
from tether_lab.views.dashboard.detail import detail


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    """A lab with steps of an ETL."""
    with Lab(tmp_path / "lab") as lab:
        @lab.handler("extract")
        def extract(rows: int = 0) -> dict[str, int]:
            return {"rows": rows}

        @lab.handler("load")
        def load(ctx: Any) -> Any:
            return ctx.inputs

        @lab.handler("report")
        def report(ctx: Any) -> list[str]:
            return sorted(name for name, value in ctx.inputs.items() if value is not None)

        @lab.handler("broken", retries=0)
        def broken() -> None:
            raise ValueError("no")

        yield lab
        lab.worker.stop(now=True, timeout=10)


def statuses(chain: Any) -> dict[str, str]:
    """By step."""
    return {name: str(job.status) for name, job in chain.steps.items()}


def test_a_condition_that_says_no_skips_a_step_and_the_policy_decides_about_what_follows(lab: Lab) -> None:
    """Skipped with a reason; a step that continues runs without that input. With rows, all of it runs."""
    least = 2
    builder = (lab.chain("etl").then("extract")
               .then("load", when=lambda result: result["rows"] >= least)
               .then("report", after=["extract", "load"], on_failure={"load": "continue"}))
    few, many = builder.enqueue({"rows": 1}), builder.enqueue({"rows": 2})
    assert few.wait(40).status == many.wait(40).status == "completed"
    assert statuses(few) == {"extract": "completed", "load": "skipped", "report": "completed"}
    assert few.result() == ["extract"]
    assert "its condition on the result of extract" in str(few.steps["load"].error)
    assert statuses(many) == dict.fromkeys(("extract", "load", "report"), "completed")
    assert many.result() == ["extract", "load"]
    assert len(lab.handlers()) == 4
    assert "~" not in "".join(handler.key for handler in lab.handlers())


def test_a_condition_that_raises_fails_its_step_alone_and_is_asked_again(lab: Lab, tmp_path: Path) -> None:
    """The error is named, the parent stays as it ended; a retry of the chain asks again about a new result."""
    path = tmp_path / "rows"

    def enough(result: Any) -> bool:
        return int(path.read_text()) > 0

    chain = lab.chain("etl").then("extract").then("load", when=enough).then("report").enqueue()
    assert chain.wait(40).status == "failed"
    assert statuses(chain) == {"extract": "completed", "load": "failed", "report": "cancelled"}
    assert "raised FileNotFoundError" in str(chain.steps["load"].error)
    assert chain.steps["extract"].row.attempt == 1
    path.write_text("0")
    chain.retry().wait(40)
    assert statuses(chain) == {"extract": "completed", "load": "skipped", "report": "skipped"}
    forgot = lab.chain("f").then("extract").then("load", when=lambda result: print(result)).enqueue()
    assert forgot.wait(40).status == "failed"
    assert "lack a return" in str(forgot.steps["load"].error)


def test_a_condition_is_shown_wherever_its_chain_is(lab: Lab) -> None:
    """In short, with what it said: card of the chain, card of the step, dashboard, figure, REST. Of two lambdas
    in one line each has its own words."""
    chain = (lab.chain("etl").then("extract")
             .then("load", when=lambda result: result["rows"] > 3)
             .then("report", name="a", after="extract", when=lambda r: r or 4)
             .then("report", name="b", after="extract", when=lambda r: (len(r)
                   < 9)).then("report", name="c", after="extract", when=lambda r: True).enqueue({"rows": 1}))
    assert [edge.condition for edge in groups.edges(lab.queue, chain.id)] == [
        'lambda result: result["rows"] > 3', "lambda r: r or 4", "lambda r: len(r) < 9", "lambda r: True"]
    chain.wait(40)
    drawn = chain._repr_mimebundle_()
    assert "if result['rows'] > 3 (extract: said no)" in drawn["text/plain"]
    assert "r or 4 (extract: said yes)" in drawn["text/html"]
    step = chain.steps["load"]
    assert "when result['rows'] > 3 (extract: said no)" in step._repr_mimebundle_()["text/plain"]
    page = asyncio.run(BoardReading(lab).open(step.id))
    assert "when result['rows'] > 3 (extract: said no)" in html.unescape(detail(page, "overview").body)
    figure = str(lab.figures.chain(chain).to_dict())
    assert "result['rows'] > 3: said no" in html.unescape(figure).replace("<br>", " ")
    sent = wire.graph(chain.row, chain.rows(), groups.edges(lab.queue, chain.id), at=chain.row.created_at)
    assert [(one["condition"], one["verdict"], one["words"]) for one in sent["edges"][:2]] == [
        ("result['rows'] > 3", "no", "waits for extract; if result['rows'] > 3: said no"),
        ("r or 4", "yes", "waits for extract; if r or 4: said yes")]


def test_cells_and_commands_are_asked_and_what_did_not_complete_is_not(lab: Lab) -> None:
    """A condition sees the result of any kind of step; of a step that failed the policy decides."""
    chain = (lab.chain("c").then("broken")
             .then("load", on_failure="continue", when=lambda result: False).enqueue())
    chain.wait(40)
    assert statuses(chain) == {"broken": "failed", "load": "completed"}
    lab.submit_cell(CellRequest(source="6 * 7", transformed="6 * 7", namespace={}, key="cell"))
    after_cell = lab.chain("c").then("cell").then("load", when=lambda result: result == 42).enqueue()
    assert after_cell.result(40) == {"cell": 42}


def test_a_condition_that_somebody_changed_is_not_run(lab: Lab) -> None:
    """Its code is signed, and which one it is stands in what is signed of the job."""
    lab.worker.stop(now=True, timeout=10)
    chain = lab.chain("c").then("extract", delay="1s").then("load", when=lambda result: True).enqueue()
    with closing(sqlite3.connect(lab.queue.path)) as connection, connection:
        connection.execute("UPDATE handler_version SET source = 'x' WHERE key = '~condition'")
    connection.close()
    lab.worker.start()
    chain.wait(40)
    assert statuses(chain)["extract"] == "failed"
    assert statuses(chain)["load"] == "cancelled"


def test_what_cannot_be_a_condition_or_a_policy_is_refused_at_the_door(lab: Lab) -> None:
    """No function, async, too many parameters, nobody to ask, a step it does not follow, an unknown policy."""
    async def later(result: Any) -> bool:
        return True

    for when, words in ((3, "is no function"), (later, "async"), (lambda: True, "one result"),
                        (lambda a, b: True, "one result"), ({"load": bool}, "does not come after")):
        with pytest.raises(BadRequest, match=words):
            lab.chain("c").then("extract").then("load", when=when)  # type: ignore[arg-type]
    with pytest.raises(BadRequest, match="no result to ask"):
        lab.chain("c").then("extract", when=lambda result: True)
    with pytest.raises(BadRequest, match="does not come after 'x'"):
        lab.chain("c").then("extract").then("load", on_failure={"x": "skip"})
    with pytest.raises(OptionError, match="one of fail, skip, continue"):
        lab.chain("c").then("extract").then("load", on_failure={"extract": "perhaps"})
    with pytest.raises(OptionError, match="one of fail, skip, continue"):
        lab.chain("c").then("extract", on_failure="perhaps")
    assert not lab.jobs()
