"""Triggers with a real worker: files, the ends of other jobs, the web."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
from eventually import eventually

from tether_lab import BadRequest, Lab, OptionError, PayloadError, TriggerNotFound, UnknownHandler
from tether_lab.cli.main import main
from tether_lab.lab.cells import CellRequest
from tether_lab.lab.triggers import fire_web


@pytest.fixture
def lab() -> Iterator[Lab]:
    lab = Lab(runners=2)

    @lab.handler("load")
    def load(ctx: Any, files: list[Any] | None = None, base: int = 0) -> dict[str, Any]:
        return {"files": [[change, path.rpartition("/")[2]] for change, path in files or []], "base": base,
                "trigger": dict(ctx.trigger)}

    @lab.handler("report")
    def report(ctx: Any, region: str = "all") -> Any:
        return {"inputs": dict(ctx.inputs), "trigger": dict(ctx.trigger), "region": region}

    yield lab
    lab.close()
    lab.worker.stop(now=True, timeout=15)


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    (tmp_path / "inbox").mkdir()
    return tmp_path / "inbox"


def results(lab: Lab, key: str) -> list[Any]:
    return [job.result() for job in lab.jobs("completed", key=key, order="oldest")]


def watching(lab: Lab) -> list[psutil.Process]:
    pid = lab.worker.status().pid
    assert pid is not None
    found = []
    for child in psutil.Process(pid).children():
        with suppress(psutil.NoSuchProcess):               # ended meanwhile, collected or not
            if "tether_lab.worker.watching" in child.cmdline():
                found.append(child)
    return found


def test_a_cell_is_handed_the_files_it_names_beside_its_parameters(lab: Lab, inbox: Path) -> None:
    """By the name that it uses and does not have; what it brought along under that name stays."""
    for key, namespace in (("bare", {}), ("has", {"files": "its own"})):
        source = "[base, len(files)]"
        lab.submit_cell(CellRequest(source=source, transformed=source, namespace=namespace, key=key,
                                    parameters={"base": 1}, register_only=True))
        lab.trigger(key, files=str(inbox / "*.csv"), settle="0.2s")
    lab.worker.start()
    eventually(lambda: watching(lab), within=20)
    (inbox / "a.csv").write_text("1")
    eventually(lambda: {row.key for row in lab.rows("completed")} == {"bare", "has"}, within=30)
    assert results(lab, "bare")[0] == [1, 1]
    assert results(lab, "has")[0] == [1, len("its own")]


def test_files_that_change_make_a_job(lab: Lab, inbox: Path) -> None:
    """One for what came together; others and other changes make none; paused it makes none at all."""
    trigger = lab.trigger("load", files=str(inbox / "*.csv"), payload={"base": 3}, settle="0.2s")
    eventually(lambda: lab.worker.is_running() and watching(lab), within=20)

    def written() -> bool:                          # the watch begins a moment after its process
        (inbox / "a.csv").write_text("1")
        (inbox / "b.csv").write_text("2")
        (inbox / "c.txt").write_text("3")
        return bool(eventually(lambda: results(lab, "load"), within=20))

    assert written()
    first = results(lab, "load")[0]
    assert {name for _, name in first["files"]} == {"a.csv", "b.csv"}
    assert (first["base"], first["trigger"]["kind"], first["trigger"]["name"]) == (3, "files", "load")
    assert "when *.csv in" in trigger._repr_mimebundle_()["text/plain"]
    assert "the last (" in lab.triggers()._repr_mimebundle_()["text/html"]
    trigger.pause()
    eventually(lambda: not watching(lab), within=10)
    (inbox / "d.csv").write_text("4")
    trigger.resume()
    eventually(lambda: watching(lab), within=10)
    (helper,) = watching(lab)
    os.kill(helper.pid, signal.SIGKILL)            # what changes while it is gone is seen by the next one
    (inbox / "e.csv").write_text("5")
    eventually(lambda: any("e.csv" in str(found["files"]) for found in results(lab, "load")), within=30)
    assert not any("d.csv" in str(found["files"]) for found in results(lab, "load"))
    trigger.remove()
    eventually(lambda: not watching(lab), within=10)
    with pytest.raises(TriggerNotFound):
        lab.get_trigger("load")


def test_what_changed_while_no_worker_ran_counts(lab: Lab, inbox: Path) -> None:
    """Times of files tell the next worker; its helper goes with it."""
    with Lab(autostart=False) as quiet:
        quiet.trigger("load", files=inbox, settle=0.1)
        (inbox / "late.csv").write_text("1")
    lab.worker.start()
    eventually(lambda: results(lab, "load"), within=20)
    assert results(lab, "load")[0]["files"] == [["modified", "late.csv"]]
    (helper,) = watching(lab)
    os.kill(lab.worker.status().pid or 0, signal.SIGKILL)
    eventually(lambda: not helper.is_running() or helper.status() == psutil.STATUS_ZOMBIE, within=10)


def test_the_end_of_a_job_makes_another_with_its_result(lab: Lab) -> None:
    """By the transaction that ends it; only for the ends that were asked for; and none goes round."""
    lab.trigger("nightly", "report", {"region": "north"}, after="load")
    lab.trigger("alarm", "report", {"region": "bad"}, after="bad", on="failed")
    job = lab.enqueue("load", {"base": 7})
    eventually(lambda: results(lab, "report"), within=20)
    (found,) = results(lab, "report")
    assert found["inputs"]["load"]["base"] == 7
    assert found["trigger"] == {"name": "nightly", "kind": "job", "job": job.id, "key": "load",
                                "status": "completed"}

    @lab.handler("bad", retries=0)
    def bad() -> None:
        raise ValueError("no")

    bad.enqueue().wait(20)
    eventually(lambda: len(results(lab, "report")) == 2, within=20)
    assert results(lab, "report")[1]["region"] == "bad"
    with pytest.raises(BadRequest, match="go round for ever"):
        lab.trigger("back", "load", after="report")
    with pytest.raises(BadRequest, match="go round for ever"):
        lab.trigger("self", "load", after="load")


def test_a_web_trigger_has_a_secret_and_takes_a_body(lab: Lab) -> None:
    """The right secret makes a job; the wrong one, and a name that is none, tell the same."""
    @lab.handler("needy")
    def needy(day: str) -> str:
        return day

    assert fire_web(lab, "n", lab.trigger("n", "needy", web=True).secret, {"day": "x"}).result(20) == "x"
    trigger = lab.trigger("refresh", "report", web=True)
    secret = trigger.secret
    assert lab.trigger("refresh", "report", web=True).secret == secret
    job = fire_web(lab, "refresh", secret, {"region": "south"})
    assert job.result(20)["region"] == "south"
    assert job.result()["trigger"]["body"] == {"region": "south"}
    for name, word in (("refresh", "00"), ("refresh", "zz"), ("nope", secret), ("refresh", secret[:-2] + "00")):
        with pytest.raises(TriggerNotFound, match="no such trigger, or its secret"):
            fire_web(lab, name, word)
    with pytest.raises(PayloadError):
        fire_web(lab, "refresh", secret, {"colour": "red"})
    with pytest.raises(PayloadError):
        fire_web(lab, "refresh", secret, [1])
    trigger.pause()
    with pytest.raises(BadRequest, match="paused"):
        fire_web(lab, "refresh", secret)
    assert trigger.fire({"region": "x"}).result(20)["region"] == "x"
    with pytest.raises(BadRequest, match="not for the web"):
        _ = lab.trigger("after", "report", after="load").secret


@pytest.mark.parametrize(("given", "error", "words"), [
    ({}, OptionError, "waits for one thing"), ({"web": True, "after": "load"}, OptionError, "one thing"),
    ({"files": "/nowhere/at/all"}, BadRequest, "to watch"),
    ({"web": True, "delay": "1h"}, OptionError, "delay"),
    ({"after": "load", "on": "soon"}, OptionError, "on: 'soon'"), ({"web": True, "nme": 1}, OptionError, "nme"),
    ({"files": "/tmp", "changes": "renamed"}, OptionError, "changes"),
    ({"name": " ", "web": True}, OptionError, "name"),
    ({"files": "/tmp", "settle": "soon"}, OptionError, "settle"),
    ({"handler": "nope", "web": True}, UnknownHandler, "no"),
    ({"web": True, "payload": {"q": {1}}}, PayloadError, "q"),
])
def test_a_trigger_that_cannot_be_is_refused_at_the_door(
    lab: Lab, given: dict[str, Any], error: type[Exception], words: str,
) -> None:
    """Each with what is wrong; nothing is written."""
    with pytest.raises(error, match=words):
        lab.trigger(**{"name": "t", "handler": "report", **given})
    assert lab.triggers() == []


def test_a_trigger_of_somebody_else_makes_no_job(lab: Lab) -> None:
    """Its signature is checked before anything is signed on its word; it says so."""
    trigger = lab.trigger("nightly", "report", after="load")
    with lab.queue.write() as connection:
        connection.execute("UPDATE cause SET payload = '{\"region\": \"x\"}'")
    lab.enqueue("load").wait(20)
    eventually(lambda: trigger.row.trouble, within=10)
    assert lab.jobs(key="report") == []


def test_the_terminal_and_the_magics_do_it_too(
    lab: Lab, inbox: Path, capsys: pytest.CaptureFixture[str],
) -> None:
    """add, fire, pause, remove by the same words."""
    from IPython.core.interactiveshell import InteractiveShell

    assert main(["trigger", "add", "report", "region=n", "--after", "load", "--name", "t"]) == 0
    assert main(["trigger", "add", "report", "--web"]) == 0
    assert main(["trigger", "secret", "report"]) == 0
    assert main(["trigger", "fire", "t"]) == 0
    assert main(["trigger", "--json"]) == 0
    assert main(["trigger", "pause"]) == 2
    told = capsys.readouterr().out
    assert "when a job of load is completed" in told
    assert lab.get_trigger("report").secret in told
    shell = InteractiveShell.instance()
    try:
        shell.run_line_magic("load_ext", "tether_lab")
        shell.run_line_magic("jobs", f"trigger load --files '{inbox}/*.csv' --name in base=4")
        assert len(shell.run_line_magic("jobs", "triggers")) == 3
        assert shell.run_line_magic("jobs", "trigger fire in").result(30)["base"] == 4
        assert shell.run_line_magic("jobs", "trigger pause in").status == "paused"
        shell.run_line_magic("jobs", "trigger remove in")
        assert len(lab.triggers()) == 2
    finally:
        shell.run_line_magic("unload_ext", "tether_lab")
        InteractiveShell.clear_instance()
