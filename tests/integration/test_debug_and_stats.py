"""A failed job run again under the debugger; what the statistics say; jobs of a key as they change; modules."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tether_lab import BadRequest, BadSignature, Lab
from tether_lab.cli.main import main
from tether_lab.lab import modules
from tether_lab.lab.cells import CellRequest
from tether_lab.testing import InlineLab, ManualClock, inline_lab as made


@pytest.fixture
def inline_lab() -> Iterator[InlineLab]:
    with made(clock=ManualClock()) as lab:
        yield lab


def test_a_function_is_debugged_with_its_payload_and_steps(
    inline_lab: InlineLab, capsys: pytest.CaptureFixture[str],
) -> None:
    """The debugger stands in the user's frame, and the job in the queue stays as it was."""
    lab, factor = inline_lab, 10

    @lab.handler("divide", retries=0)
    def divide(ctx: Any, n: int) -> float:
        base = ctx.step("base", lambda: factor)
        ctx.enqueue("divide", {"n": n})
        return base / n

    job = divide.enqueue(n=0)
    with lab.queue.write() as connection:        # it failed, some time
        connection.execute("UPDATE job SET state = 'failed', finished_at = 1, attempt = 1, epoch = 1")
    frames: list[Any] = []
    job.debug(debugger=lambda trace: frames.append(trace.tb_frame.f_locals["n"]))
    assert frames == [0]
    said = capsys.readouterr().err
    assert "ZeroDivisionError" in said
    assert "ctx.enqueue divide: not done while debugging" in said
    assert len(lab.jobs()) == 1
    assert job.status == "failed"
    fine = divide.enqueue(n=4)
    assert fine.debug() == 2.5


def test_a_cell_is_debugged_with_its_captures(inline_lab: InlineLab) -> None:
    """Its variables, its parameters; the namespace of whoever debugs is left alone."""
    cell = "y = xs[where]\ny * 2"
    job, _, _ = inline_lab.submit_cell(CellRequest(
        source=cell, transformed=cell, namespace={"xs": [1, 2]}, key="cell", parameters={"where": 7}))
    assert job is not None
    seen: list[tuple[Any, str]] = []
    job.debug(debugger=lambda trace: seen.append(
        (trace.tb_frame.f_globals["xs"], trace.tb_frame.f_code.co_filename)))
    assert seen == [([1, 2], f"<job {job.id}: cell>")]
    assert "xs" not in vars(sys.modules["__main__"])
    with inline_lab.queue.write() as connection:
        connection.execute("UPDATE job SET payload = '{\"where\":0}'")
    with pytest.raises(BadSignature):
        job.debug()


def test_a_command_cannot_be_debugged(inline_lab: InlineLab) -> None:
    """It is no Python; the remedy names its output."""
    with pytest.raises(BadRequest, match="shell"):
        inline_lab.enqueue_command(["true"]).debug()


def test_statistics_tell_rates_waits_and_who_is_slow(inline_lab: InlineLab) -> None:
    """By key, over the time asked for; a job beyond twice the usual is named, and what is left is said."""
    lab, clock = inline_lab, inline_lab.clock
    assert clock is not None

    @lab.handler("train", retries=0)
    def train(seconds: int) -> None:
        clock.advance(seconds)
        if seconds == 99:
            raise ValueError("no")

    for seconds in (10, 20, 30, 99):
        job = train.enqueue(seconds=seconds)
        clock.advance(5)
        lab.drain()
    slow = train.enqueue(seconds=1)
    with lab.queue.write() as connection:
        connection.execute("UPDATE job SET state = 'running', worker = 'w', lease_until = 1, started_at = ? "
                           "WHERE id = ?", (clock.utc(), slow.id))
        connection.execute("INSERT INTO attempt (job_id, epoch, attempt, worker, started_at) VALUES "
                           "(?, 1, 1, 'w', ?)", (slow.id, clock.utc()))
    clock.advance(15)
    one = lab.stats("1h").keys["train"]
    assert (one.completed, one.failed, one.running) == (3, 1, 1)
    assert (one.usual, one.wait, one.eta) == (20.0, 5.0, 5.0)
    assert one.success_rate == 0.75
    assert one.slower == ()
    clock.advance(60)
    found = lab.stats("1h")
    assert found.keys["train"].slower == (slow.id,)
    assert 0 < found.per_hour <= 3 * 3600
    assert "slower than usual: job" in str(found._repr_mimebundle_()["text/plain"])
    clock.advance("2h")
    assert lab.stats("1h").keys == {}
    assert job.status == "failed"


def test_a_key_is_monitored(inline_lab: InlineLab) -> None:
    """What is unfinished at once, then each change, of this key alone."""
    lab = inline_lab
    lab.register(lambda: 1, "one")
    lab.register(lambda: 2, "two")
    first = lab.enqueue("one")
    with lab.monitor("one") as rows:
        assert next(rows).state == "pending"
        lab.enqueue("two")
        lab.drain()
        row = next(rows)
        assert (row.id, row.state) == (first.id, "completed")
        second = lab.enqueue("one", priority=3)
        assert next(rows).id == second.id


def test_installed_modules_register_and_are_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:
    """By entry point, when an unknown key is asked for; one that raises is told of and harms nothing."""
    about = tmp_path / "acme_jobs-1.2.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-jobs\nVersion: 1.2\n")
    (about / "entry_points.txt").write_text(
        "[tether_lab.modules]\nacme = acme_jobs:register\nbroken = acme_jobs:broken\n")
    (tmp_path / "acme_jobs.py").write_text(
        "def hello(name: str = 'you'):\n    return f'hello {name}'\n"
        "def register(lab):\n    lab.register(hello, 'acme.hello')\n"
        "    lab.schedule('acme.hello', interval='1d')\n"
        "def broken(lab):\n    raise RuntimeError('no licence')\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    lab = Lab("modules", autostart=False)
    assert lab.enqueue("acme.hello", {"name": "ada"}).status == "pending"
    acme, broken = lab.modules()
    assert (acme.package, acme.version, acme.handlers) == ("acme-jobs", "1.2", ("acme.hello",))
    assert broken.error == "RuntimeError: no licence"
    assert "the module broken of acme-jobs could not be registered" in capsys.readouterr().err
    modules.forget(lab)
    lab.modules()
    assert [handler.versions for handler in lab.handlers()] == [1], "registering again changes nothing"
    assert len(lab.schedules()) == 1
    assert main(["modules", "--lab", "modules"]) == 1
    assert "acme.hello" in capsys.readouterr().out
    modules.forget(lab)
