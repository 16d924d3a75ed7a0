"""Handlers: what may be one, what is stored, what stays callable; and cells as they are submitted."""

from __future__ import annotations

import functools
import json
import pickle
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from tether_lab import BadRequest, CaptureRefused, CellError, Lab, OptionError
from tether_lab.job import JobOptions
from tether_lab.lab import CellRequest, RegisteredHandler
from tether_lab.lab.travel import LabElsewhere
from tether_lab.runner import context


@pytest.fixture
def lab() -> Lab:
    return Lab(autostart=False)


def test_the_decorator_bare_named_and_with_options(lab: Lab) -> None:
    """All three register; the function stays what it was."""

    @lab.handler
    def bare(x: int = 1) -> int:
        """It adds."""
        return x + 1

    @lab.handler("named", retries=2, timeout="5m")
    def other(x: int) -> int:
        return x

    @lab.handler()
    async def coroutine() -> int:
        return 3

    assert [h.key for h in lab.handlers()] == ["bare", "coroutine", "named"]
    assert bare(4) == 5
    assert (bare.__name__, bare.__doc__, bare.key) == ("bare", "It adds.", "bare")
    assert isinstance(other, RegisteredHandler)
    head = next(h for h in lab.handlers() if h.key == "named")
    assert JobOptions.from_json(head.options).max_attempts == 3
    assert other.enqueue(x=2).row.max_attempts == 3
    assert lab.is_registered("named")
    assert not lab.is_registered("nobody")


def test_a_plain_call_gets_a_stand_in_for_ctx(lab: Lab) -> None:
    """``ctx`` may be left out or given; progress harms nobody."""

    @lab.handler
    def train(ctx: Any, lr: float = 0.1) -> tuple[Any, float]:
        ctx.progress(1.0)
        return ctx, lr

    stand_in, lr = train(lr=0.5)
    assert (stand_in.attempt, lr) == (1, 0.5)
    mine = context.current()
    assert train(mine, 2.0) == (mine, 2.0)


def test_map_takes_dicts_and_single_values(lab: Lab) -> None:
    """A value that is no dict is the handler's only parameter."""

    @lab.handler
    def square(ctx: Any, x: int) -> int:
        return x * x

    assert [job.payload for job in square.map([1, {"x": 2}], tags="m")] == [{"x": 1}, {"x": 2}]


class Report:
    key = "report"

    def execute(self, ctx: Any, day: str = "today") -> str:
        return day


class Sync:
    identifier = "sync"

    def execute(self, ctx: Any) -> dict[str, Any]:
        return dict(ctx.payload)


def test_classes_with_execute_are_handlers(lab: Lab) -> None:
    """Their key is their own; execute's parameters are the job's; ctx alone takes any payload."""
    assert lab.register(Report).key == "report"
    assert lab.register(Sync).key == "sync"
    assert lab.register(Sync, "other").key == "other"
    assert lab.enqueue("report", {"day": "monday"}).row.kind == "class"
    lab.enqueue("sync", {"whatever": 1})
    with pytest.raises(BadRequest, match="no parameter 'dya'"):
        lab.enqueue("report", {"dya": 1})


def test_equal_code_is_the_same_version(lab: Lab) -> None:
    """Registering again adds nothing; other code makes a new head, old jobs keep theirs."""

    def one() -> int:
        return 1

    def two() -> int:
        return 2

    first = lab.register(one, "f").version
    assert lab.register(one, "f").version.id == first.id
    job = lab.enqueue("f")
    second = lab.register(two, "f").version
    assert second.id != first.id
    assert job.row.handler_version == first.version
    assert lab.enqueue("f").row.handler_version == second.version


def generator() -> Iterator[int]:
    yield 1


class Nothing:
    pass


@pytest.mark.parametrize(("target", "says"), [
    (5, "neither a function nor a class"), (Nothing, "no method execute"), (generator, "generator"),
    (lambda: 1, "no name"), (lambda *a: a, "cannot be filled"), (lambda x, /: x, "cannot be filled"),
])
def test_what_cannot_be_a_handler_is_refused(lab: Lab, target: Any, says: str) -> None:
    """At registration, with what to do instead."""
    key = None if says == "no name" else "key"
    with pytest.raises(BadRequest, match=says) as caught:
        lab.register(target, key)
    assert caught.value.remedy
    assert lab.handlers() == []


@pytest.mark.row(24)
def test_what_it_cannot_take_along_is_refused(lab: Lab, tmp_path: Any) -> None:
    """A function that needs an open file names the variable."""
    with (tmp_path / "x").open("w") as file:

        def write() -> None:
            file.write("x")

        with pytest.raises(CaptureRefused, match="file"):
            lab.register(write)
    assert lab.handlers() == []


def test_submit_binds_by_name(lab: Lab) -> None:
    """Positional and keyword arguments become the payload; a wrong call is refused at once."""

    def scale(x: int, factor: int = 2, **more: int) -> int:
        return x * factor

    job = lab.submit(scale, 3, factor=4, extra=5)
    assert job.payload == {"x": 3, "factor": 4, "extra": 5}
    assert job.key.startswith("scale-")
    assert lab.submit(scale, 1).row.handler_id == job.row.handler_id
    with pytest.raises(BadRequest, match="cannot be called like that"):
        lab.submit(scale)
    with pytest.raises(BadRequest):
        lab.submit(functools.partial(scale, 1), 2, 3, 4)


def test_a_lab_taken_into_a_job_stands_still(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """Loaded in a job it says that the queue is out of reach; elsewhere it is the lab again."""
    stored = pickle.dumps(lab)
    assert pickle.loads(stored).uuid == lab.uuid
    monkeypatch.setattr(context, "running", lambda: True)
    inside = pickle.loads(stored)
    assert isinstance(inside, LabElsewhere)
    with pytest.raises(BadRequest, match="cannot reach the queue"):
        inside.enqueue("x")
    with pytest.raises(BadRequest, match="cannot reach the queue"):
        Lab()


# -- cells --------------------------------------------------------------------------------------


def cell(source: str, **more: Any) -> CellRequest:
    return CellRequest(**{"source": source, "transformed": source, "namespace": {}, **more})


def test_a_cell_becomes_a_version_and_a_job(lab: Lab) -> None:
    """Values on the line are its payload and the defaults of its next jobs."""
    job, version, notice = lab.submit_cell(cell("print(lr * base)", key="train", namespace={"base": 3},
                                                parameters={"lr": 0.1, "n": 2}))
    assert job is not None
    assert (job.payload, job.row.max_attempts, notice) == ({"lr": 0.1, "n": 2}, 1, None)
    assert [v.name for v in version.manifest.variables] == ["base"]
    assert lab.enqueue("train", {"lr": 5}).payload == {"lr": 5, "n": 2}
    with pytest.raises(BadRequest, match="did you mean 'lr'"):
        lab.enqueue("train", {"lrr": 5})


def test_a_default_that_is_no_json_is_held_by_each_job(lab: Lab) -> None:
    """A value on the line may be any object; later jobs of the handler are given it too."""
    lab.submit_cell(cell("when", key="k", parameters={"when": (1, 2)}, register_only=True))
    job = lab.enqueue("k")
    assert job.payload["when"]["type"] == "tuple"
    with lab.queue.read() as connection:
        held = connection.execute("SELECT digest FROM job_blob WHERE job_id = 1").fetchall()
    assert [digest for (digest,) in held] == [json.loads(job.payload["when"]["$blob"])["stream"]]


def test_a_cell_without_a_key_gets_one_of_its_code(lab: Lab) -> None:
    """The same code has the same key, whatever its data; other code has another."""
    first, one, _ = lab.submit_cell(cell("x + 1", namespace={"x": 1}))
    second, two, _ = lab.submit_cell(cell("x + 1", namespace={"x": 2}))
    third, _, _ = lab.submit_cell(cell("x + 2", namespace={"x": 1}))
    assert first is not None
    assert second is not None
    assert third is not None
    assert first.key == second.key != third.key
    assert first.key.startswith("cell-")
    assert one.version != two.version


def test_register_only_enqueues_nothing(lab: Lab) -> None:
    """The handler is there, without a job."""
    job, version, _ = lab.submit_cell(cell("1", key="later", register_only=True))
    assert job is None
    assert lab.counts() == {}
    assert lab.handlers()[0].head == version.id


@pytest.mark.row(23, 24)
def test_a_bad_cell_leaves_nothing_behind(lab: Lab) -> None:
    """Syntax, keys, parameters, warm cells, captures: refused before anything is written."""
    with pytest.raises(CellError):
        lab.submit_cell(cell("  \n"))
    with pytest.raises(CellError):
        lab.submit_cell(cell("def"))
    with pytest.raises(BadRequest):
        lab.submit_cell(cell("1", key="a b"))
    with pytest.raises(BadRequest):
        lab.submit_cell(cell("1", parameters={"x": float("nan")}))
    with pytest.raises(OptionError, match="warm"):
        lab.submit_cell(cell("1", options=JobOptions(isolation="warm")))
    with pytest.raises(CaptureRefused, match="lock"):
        lab.submit_cell(cell("lock", namespace={"lock": threading.Lock()}))
    assert lab.handlers() == []
    assert lab.counts() == {}


def test_another_notebook_taking_the_key_is_told(lab: Lab) -> None:
    """The notice names the version and notebook that had it."""
    lab.submit_cell(cell("1", key="k", notebook="a.ipynb"))
    _, _, notice = lab.submit_cell(cell("2", key="k", notebook="b.ipynb"))
    assert "a.ipynb" in (notice or "")


def test_commands_are_named_by_their_program(lab: Lab) -> None:
    """A list travels as it is, a text goes to the shell; an empty one is refused."""
    job = lab.enqueue_command(["/bin/echo", "a b", "$HOME"], tags="x")
    assert json.loads(job.version.source) == ["/bin/echo", "a b", "$HOME"]
    assert job.key.startswith("echo-")
    assert lab.enqueue_command("ls | wc -l").version.source == "ls | wc -l"
    assert lab.enqueue_command("ls", key="mine").key == "mine"
    for empty in ([], "", "  "):
        with pytest.raises(BadRequest, match="empty"):
            lab.enqueue_command(empty)
