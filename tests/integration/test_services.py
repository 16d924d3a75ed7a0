"""Services with a real worker: they stay, they speak, they come back."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from eventually import eventually

from tether_lab import (
    BadRequest,
    Lab,
    OptionError,
    PayloadError,
    Service,
    ServiceNotFound,
    UnknownHandler,
    ctx,
)
from tether_lab.cli.main import main


class Echo(Service):
    """Says what it hears."""

    key = "echo"

    def on_start(self, service: Any) -> None:
        self.ticks = 0
        service.send_event({"up": service.attempt})

    async def on_tick(self, service: Any) -> None:
        self.ticks += 1
        service.show(f"tick {self.ticks}")

    def on_message(self, service: Any, message: Any) -> None:
        import os

        if message == "die":
            os._exit(3)
        if message == "never again":
            from tether_lab import NoRetry

            raise NoRetry("useless")
        service.send_event({"heard": message})

    def on_stop(self, service: Any) -> None:
        service.send_event("bye")


@pytest.fixture
def lab() -> Iterator[Lab]:
    lab = Lab(runners=1, cancel_grace=3)
    yield lab
    lab.close()
    lab.worker.stop(now=True, timeout=15)


def heard(service: Any) -> list[Any]:
    return [event.value["heard"] for event in service.history(1000)
            if isinstance(event.value, dict) and "heard" in event.value]


def test_a_service_runs_hears_and_speaks_apart_from_jobs(lab: Lab) -> None:
    """Messages come in order, events go out, ticks tick; no list of jobs shows it; stopped is stopped."""
    service = lab.start_service("echo", Echo, update_interval="0.2s", title="The echo", body="listens")
    events = service.events(0)
    for n in range(20):
        lab.send_to_service("echo", {"n": n})
    for event in events:
        if event.value == {"heard": {"n": 19}}:
            break
    assert heard(service) == [{"n": n} for n in range(20)]
    eventually(lambda: service.text.startswith("tick"), within=10)
    assert "The echo service echo: running" in service._repr_mimebundle_()["text/plain"]
    assert "running" in lab.services()._repr_mimebundle_()["text/html"]
    assert lab.jobs() == []
    assert lab.stats().total == 0
    assert lab.history() == []
    assert lab.cancel(all=True) == {}
    assert lab.prune("0s").jobs == 0
    lab.handler("one")(lambda: 1).enqueue().wait(20)        # its place is not a job's
    lab.stop_service("echo")
    assert service.wait("stopped").status == "stopped"
    assert [event.value or event.kind for event in service.history(3)] == ["cancel_requested", "bye", "stopped"]
    service.remove()
    with pytest.raises(ServiceNotFound, match="no service 'echo'"):
        lab.get_service("echo")


def test_a_service_that_dies_comes_back_with_the_message_it_had(lab: Lab) -> None:
    """After a second, then later and later; the message that killed it five times is put aside."""
    service = lab.start_service("echo", Echo)
    service.send(1)
    service.send("die")
    service.send(2)
    eventually(lambda: service.status == "restarting", within=20)
    eventually(lambda: len([e for e in service.history(100) if e.kind == "died"]) == 2, within=20)
    assert "exit code 3" in service._repr_mimebundle_()["text/plain"]
    with lab.queue.write() as connection:          # as if three more attempts had died with it
        connection.execute("UPDATE service_message SET tries = 5 WHERE body LIKE '%die%'")
    service.restart()                              # does not wait for the backoff
    eventually(lambda: heard(service) == [1, 2], within=20)
    assert [e.kind for e in service.history(100) if e.kind == "given_up"] == ["given_up"]
    service.send("never again")
    service.wait("stopped")
    assert "useless" in str(service.row.error)


def test_a_service_outlives_its_worker(lab: Lab) -> None:
    """Stopped or killed: the next worker has it again, with what was not done with, and sooner than jobs."""
    service = lab.start_service("echo", Echo)
    service.wait("running")
    began = time.monotonic()
    lab.worker.stop(timeout=20)
    assert time.monotonic() - began < 10           # it does not wait for what never ends
    service.send("while down")                     # starts a worker
    eventually(lambda: heard(service) == ["while down"], within=20)
    status = lab.worker.status()
    assert status.pid is not None
    os.kill(status.pid, signal.SIGKILL)
    eventually(lambda: not lab.worker.is_running(), within=10)
    service.send("after the kill")
    eventually(lambda: heard(service) == ["while down", "after the kill"], within=20)
    assert service.row.epoch >= 3


def test_new_code_starts_it_again_and_the_same_cell_does_not(lab: Lab) -> None:
    """It follows the newest version of its handler; running the cell again is harmless."""
    service = lab.start_service("echo", Echo)
    service.wait("running")
    epoch = service.row.epoch
    assert lab.start_service("echo", Echo).row.epoch == epoch
    time.sleep(0.3)
    assert service.row.epoch == epoch

    def echo(service: Any, tone: str = "low") -> None:
        for message in service.messages():
            service.send_event({"heard": [tone, message]})

    lab.start_service("echo", echo, {"tone": "high"})
    service.send(7)
    eventually(lambda: heard(service) == [["high", 7]], within=20)

    async def listener(service: Any) -> None:
        async for message in service.messages():
            service.send_event({"heard": message})

    lab.start_service("echo", listener)
    service.send(8)
    eventually(lambda: heard(service)[-1] == 8, within=20)
    service.stop(force=True).wait("stopped")
    lab.start_service("echo")
    service.send(9)
    eventually(lambda: heard(service)[-1] == 9, within=20)


async def test_events_come_by_async_for(lab: Lab) -> None:
    """The same iterator serves an event loop."""
    service = lab.start_service("echo", Echo)
    async for event in lab.service_events("echo", after=0):
        if isinstance(event.value, dict):
            break
    assert event.value == {"up": 1}
    assert service.status == "running"


def test_services_have_places_of_their_own(lab: Lab) -> None:
    """As many as the setting says; one more waits until one ends."""
    with Lab(service_slots=2, runners=1) as narrow:
        for name in ("a", "b", "c"):
            narrow.start_service(name, Echo)
        eventually(lambda: [s.status for s in narrow.services()].count("running") == 2, within=20)
        assert [s.status for s in narrow.services()] == ["running", "running", "starting"]
        narrow.stop_service("a")
        narrow.get_service("c").wait("running")


@pytest.mark.parametrize(("given", "error", "words"), [
    ({"handler": "nobody"}, UnknownHandler, "no handler"), ({"timeout": "1h"}, OptionError, "it means"),
    ({"update_interval": 0}, OptionError, "update_interval"),
    ({"update_interval": "soon"}, OptionError, "update"),
    ({"payload": {"q": {1}}}, PayloadError, "q"), ({"name": ""}, OptionError, "name"),
    ({"colour": "red"}, OptionError, "no option"),
])
def test_a_service_that_cannot_be_is_refused_at_the_door(
    lab: Lab, given: dict[str, Any], error: type[Exception], words: str,
) -> None:
    """Each with what is wrong; nothing is written."""
    lab.register(Echo)
    with pytest.raises(error, match=words):
        lab.start_service(**{"name": "echo", **given})
    assert lab.services() == []


def test_messages_are_for_services_and_are_json(lab: Lab) -> None:
    """Unknown names, values that are no JSON, jobs that want mail, the stand-in of a kernel."""
    with pytest.raises(ServiceNotFound):
        lab.send_to_service("nobody", 1)
    lab.start_service("echo", Echo)
    with pytest.raises(PayloadError):
        lab.send_to_service("echo", float("nan"))
    with pytest.raises(BadRequest, match="Stop it first"):
        lab.get_service("echo").remove()
    with pytest.raises(BadRequest, match="only services"):
        ctx.receive()

    @lab.handler("job", retries=0)
    def job(ctx: Any) -> None:
        ctx.receive()

    done = job.enqueue().wait(20)
    assert "only services receive" in str(done.row.error)
    with pytest.raises(OptionError, match="~"):
        lab.enqueue("job", queue="~services")


def test_what_a_service_says_is_told_to_hooks(lab: Lab, tmp_path: Path) -> None:
    """on_service_event has the value; that it runs or ends is no start or failure of a job."""
    log = tmp_path / "log"

    def note(entry: Any) -> None:
        with open(str(log), "a") as file:
            file.write(f"{entry.event} {entry.key} {entry.detail.get('value')}\n")

    lab.on_service_event(note)
    lab.on_start(note)
    lab.start_service("echo", Echo)
    eventually(lambda: log.exists() and log.read_text() == "on_service_event echo {'up': 1}\n", within=30)


def test_a_service_of_somebody_else_does_not_run(lab: Lab) -> None:
    """What it is was signed; a changed row stops it, and says why."""
    lab.register(Echo)
    with Lab(autostart=False) as quiet:
        service = quiet.start_service("echo")
        with quiet.queue.write() as connection:
            connection.execute("UPDATE service SET payload = '{\"x\": 1}'")
    lab.worker.start()
    eventually(lambda: service.status == "stopped", within=20)
    assert "BadSignature" in str(service.row.error)


def test_the_terminal_and_the_magics_do_it_too(lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    """start, send, events, stop by the same words."""
    from IPython.core.interactiveshell import InteractiveShell

    lab.register(Echo)
    assert main(["service", "start", "echo", "--every", "1s", "--title", "T"]) == 0
    lab.get_service("echo").wait("running")
    assert main(["service", "send", "echo", '{"a": 1}']) == 0
    assert main(["service", "send", "echo", "b=2"]) == 0
    eventually(lambda: len(heard(lab.get_service("echo"))) == 2, within=10)
    assert main(["service", "events", "echo"]) == 0
    assert main(["service", "--json"]) == 0
    assert main(["service", "stop"]) == 2
    told = capsys.readouterr()
    assert '{"heard": {"b": 2}}' in told.out
    assert '"status": "running"' in told.out
    shell = InteractiveShell.instance()
    try:
        shell.run_line_magic("load_ext", "tether_lab")
        shell.user_ns["x"] = [3]
        shell.run_line_magic("jobs", "service send echo {'x': x}")
        eventually(lambda: heard(lab.get_service("echo"))[-1] == {"x": [3]}, within=10)
        assert len(shell.run_line_magic("jobs", "services")) == 1
        shell.run_line_magic("jobs", "service start echo --name two --every 2s").wait()
        shell.run_line_magic("jobs", "service events two")
        shell.run_line_magic("jobs", "service stop echo").wait("stopped")
        shell.run_line_magic("jobs", "service remove echo")
        shell.run_line_magic("jobs", "service --help")
        assert "%jobs service start KEY" in capsys.readouterr().out
    finally:
        shell.run_line_magic("unload_ext", "tether_lab")
        InteractiveShell.clear_instance()
