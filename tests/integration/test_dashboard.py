"""The dashboard without a front end: it keeps up by itself, its buttons act, it ends when it is closed."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from eventually import eventually

from tether_lab.errors import BadRequest, JobNotFound
from tether_lab.lab import Lab
from tether_lab.testing import temporary_lab
from tether_lab.views.dashboard.question import Question
from tether_lab.views.dashboard.widget import PLOTLY, Dashboard


def statuses(dashboard: Dashboard) -> dict[int, str]:
    """Job numbers to the status that their row shows."""
    return {line["what"]["job"]: line["cells"][2]["text"] for line in dashboard.view.page.get("lines", ())}


def press(dashboard: Dashboard, verb: str, **what: Any) -> str:
    """As the view sends a click; what it says then."""
    number = int(dashboard.view.said.get("n", 0)) + 1
    dashboard._heard(None, {"do": {"verb": verb, **what}, "n": number}, [])
    return str(eventually(lambda: dashboard.view.said.get("n") == number and dashboard.view.said)["text"])


@pytest.fixture
def lab() -> Iterator[Lab]:
    with temporary_lab(runners=2) as found:
        yield found


@pytest.fixture
def idle() -> Iterator[Lab]:
    """A lab in which nothing runs."""
    with temporary_lab(autostart=False) as found:
        @found.handler("f")
        def f(n: int = 0) -> int:
            return n

        yield found


def opened(dashboard: Dashboard) -> Dashboard:
    dashboard.pump.start()
    assert dashboard.pump.looked.wait(10)
    return dashboard


def test_many_jobs_are_cancelled_and_run_again_at_once(idle: Lab) -> None:
    """What was done is counted in one sentence; those that could not be are counted, and the first one said."""
    ids = [idle.enqueue("f", {"n": n}, delay="1h").id for n in range(4)]
    dashboard = opened(idle.dashboard(rate=20))
    assert press(dashboard, "cancel", jobs=ids[:3]) == "3 jobs cancelled."
    assert press(dashboard, "cancel", jobs=ids[:3]) == "They had ended already."
    assert press(dashboard, "retry", jobs=ids).startswith(f"3 jobs once more. 1 not: job {ids[3]}")
    assert press(dashboard, "retry", jobs=ids[3:]).startswith(f"job {ids[3]}")
    assert press(dashboard, "cancel", jobs=[ids[0]]) == "1 job cancelled."
    dashboard.close()


def test_it_keeps_up_while_the_main_thread_is_held(lab: Lab, tmp_path: Path) -> None:
    """Progress, statuses and outputs arrive though nobody asks; when it is closed no thread is left."""
    gate = tmp_path / "gate"

    @lab.handler("work")
    def work(ctx: Any, gate: str) -> int:
        import pathlib
        import time

        ctx.progress(1, 4, "first")
        print("a line of output")
        while not pathlib.Path(gate).exists():
            time.sleep(0.01)
        return 7

    job = lab.enqueue("work", {"gate": str(gate)})
    dashboard = opened(lab.dashboard(rate=20))
    eventually(lambda: statuses(dashboard) == {job.id: "running"})
    eventually(lambda: dashboard.view.page["lines"][0]["cells"][3]["bar"] == 0.25)
    dashboard.ask(job=job.id)
    eventually(lambda: "a line of output" in str(dashboard.stage.outputs))
    assert dashboard.stage.layout.display is None
    dashboard.ask(detail="stack")
    eventually(lambda: "in work" in dashboard.view.detail["body"])
    gate.touch()
    held = time.monotonic() + 1.0
    while time.monotonic() < held:              # this thread does nothing else meanwhile
        sum(range(1000))
    assert statuses(dashboard) == {job.id: "completed"}
    dashboard.close()
    assert not any(thread.name == "tether-lab dashboard" for thread in threading.enumerate())


def test_buttons_act_and_say_what_they_did(idle: Lab) -> None:
    """Cancel, retry, sooner, pause of a queue and of all; a chain, a batch and a schedule."""
    job = idle.enqueue("f")
    chain, batch = idle.chain("c").then("f").enqueue(), idle.batch("b", [{"n": 1}, {"n": 2}], "f")
    idle.schedule("f", interval="1h", name="hourly")
    dashboard = opened(idle.dashboard())
    assert "priority 10" in press(dashboard, "up", job=job.id)
    assert job.row.priority == 10
    assert "was cancelled" in press(dashboard, "cancel", job=job.id)
    assert "had ended already" in press(dashboard, "cancel", job=job.id)
    assert "once more" in press(dashboard, "retry", job=job.id)
    assert job.status == "pending"
    assert "low is paused" in press(dashboard, "pause", queue="low")
    assert press(dashboard, "pause").startswith("Everything is paused")
    eventually(lambda: dashboard.view.head["paused"])
    press(dashboard, "resume")
    assert not any(queue.paused for queue in idle.queues())
    press(dashboard, "cancel", chain=chain.id)
    press(dashboard, "cancel", batch=batch.id)
    assert (chain.status, batch.status) == ("cancelled", "cancelled")
    press(dashboard, "retry", batch=batch.id)
    assert batch.status == "running"
    press(dashboard, "pause", schedule="hourly")
    assert idle.get_schedule("hourly").status == "paused"
    assert "hourly" in press(dashboard, "run", schedule="hourly")
    for tab in ("chains", "batches", "schedules", "queues"):
        dashboard.ask(tab=tab)
        eventually(lambda tab=tab: dashboard.view.question["tab"] == tab and dashboard.view.page["lines"])
    dashboard.close()


def test_services_have_a_tab_and_are_no_jobs(lab: Lab) -> None:
    """What it says, since when; stopped and started by buttons; its job opens, and is in no list of jobs."""
    def hear(ctx: Any) -> None:
        import time

        while not ctx.cancelled:
            time.sleep(0.02)

    service = lab.start_service("ears", hear, title="Ears", body="all quiet")
    service.wait("running")
    dashboard = opened(lab.dashboard(tab="services", rate=20))
    eventually(lambda: "all quiet" in str(dashboard.view.page["lines"]))
    (line,) = dashboard.view.page["lines"]
    dashboard.ask(**line["opens"])
    eventually(lambda: dashboard.view.detail.get("job") == service.job.id)
    assert "asked to end" in press(dashboard, "stop", service="ears")
    service.wait("stopped")
    eventually(lambda: dashboard.view.page["lines"][0]["actions"] == [["start", "Start"]])
    dashboard.ask(tab="jobs")
    eventually(lambda: "No jobs yet" in dashboard.view.page["empty"])
    assert sum(tile["count"] for tile in dashboard.view.head["tiles"]) == 0
    dashboard.close()


def test_mistakes_are_said_in_the_view(idle: Lab) -> None:
    """A button that does not exist, a job that is gone, a question that cannot be: a sentence, no traceback."""
    dashboard = opened(idle.dashboard())
    assert "cannot 'explode'" in press(dashboard, "explode", job=1)
    assert "no job 99" in press(dashboard, "cancel", job=99)
    assert dashboard.view.said["role"] == "bad"
    dashboard._heard(None, {"ask": {"colour": "red"}}, [])
    assert "no 'colour'" in dashboard.view.said["text"]
    dashboard.ask(job=99)
    eventually(lambda: "no job 99" in dashboard.view.said["text"])
    eventually(lambda: dashboard.view.question["job"] is None)
    with pytest.raises(BadRequest, match="accepted"):
        dashboard.ask(status="broken")
    dashboard.close()


@pytest.mark.parametrize("given", [{"rate": 0}, {"rate": 1000}, {"rows": 7}, {"status": "broken"},
                                   {"tab": "x"}])
def test_a_dashboard_that_cannot_be_is_refused(idle: Lab, given: dict[str, Any]) -> None:
    """Bad input is refused before anything is made."""
    with pytest.raises(BadRequest):
        idle.dashboard(**given)


def test_it_rests_while_nobody_looks(idle: Lab) -> None:
    """The last view that goes ends the thread, the next one starts it again; its news are there at once."""
    dashboard = opened(idle.dashboard(rate=20))
    for view in ("a", "b"):
        dashboard._heard(None, {"view": view, "there": True}, [])
    dashboard._heard(None, {"view": "a", "there": False}, [])
    assert dashboard.pump.is_running
    dashboard._heard(None, {"view": "b", "there": False}, [])
    eventually(lambda: not dashboard.pump.is_running)
    job = idle.enqueue("f")
    dashboard._heard(None, {"view": "c", "there": True}, [])
    eventually(lambda: statuses(dashboard) == {job.id: "pending"})
    dashboard.close()


def test_looks_are_coalesced(idle: Lab) -> None:
    """Two hundred changes in a burst are a few looks, and the last state is shown."""
    dashboard = opened(idle.dashboard(rate=4))
    eventually(lambda: dashboard.view.head["tiles"][1]["count"] == 0)
    before, begun = dashboard.pump.looks, time.monotonic()
    jobs = [idle.enqueue("f", {"n": n}) for n in range(200)]
    eventually(lambda: jobs[-1].id in statuses(dashboard))
    assert dashboard.pump.looks - before <= 6 * (time.monotonic() - begun) + 4
    dashboard.close()


def test_a_count_that_was_not_due_is_made_up_for(idle: Lab) -> None:
    """The last change before a silence is counted, though counts have rests between them."""
    dashboard = opened(idle.dashboard(rate=20))
    for n in range(3):
        idle.enqueue("f", {"n": n})
        eventually(lambda n=n: len(statuses(dashboard)) == n + 1)
    eventually(lambda: dashboard.view.head["tiles"][1]["count"] == 3)
    eventually(lambda: dashboard.view.page["total"] == 3)
    dashboard.close()


def test_a_lab_that_cannot_be_read_is_said_and_read_again() -> None:
    """The last rows stay, the error stands above them; it goes when reading works again."""
    from tether_lab.lab.dashboard import LabSource

    with temporary_lab(autostart=False) as lab:
        source = LabSource(lab)
        look, trouble = source.look, [OSError("the disk is gone")]

        async def failing(question: Question) -> Any:
            if trouble:
                raise trouble[0]
            return await look(question)

        source.look = failing  # type: ignore[method-assign]
        dashboard = opened(Dashboard(source, Question(), rate=20))
        eventually(lambda: "the disk is gone" in dashboard.view.page.get("error", ""))
        trouble.clear()
        dashboard.pump.poke()
        eventually(lambda: not dashboard.view.page["error"])
        dashboard.close()


def test_figures_are_drawn_by_the_notebook(idle: Lab) -> None:
    """The analytics tab puts plotly's own JSON beside the view, in the theme that was asked for."""
    dashboard = opened(idle.dashboard(tab="analytics"))
    eventually(lambda: dashboard.stage.outputs, within=30)
    drawn = dashboard.stage.outputs[0]["data"][PLOTLY]
    assert "What ran when" in drawn["layout"]["title"]["text"]
    dashboard.ask(figure="throughput", theme="dark")
    eventually(lambda: "#16181d" in str(dashboard.stage.outputs), within=30)
    dashboard.close()


def test_one_job_one_chain_one_batch_have_views_of_their_own(idle: Lab) -> None:
    """``job.widget()`` opens the job, a group's widget lists its jobs and no others."""
    job, batch = idle.enqueue("f"), idle.batch("b", [{"n": n} for n in range(3)], "f")
    one, many = opened(job.widget()), opened(batch.widget())
    assert one.view.only == "job"
    eventually(lambda: one.view.detail.get("job") == job.id)
    eventually(lambda: set(statuses(many)) == {each.id for each in batch.jobs})
    group = many.view.page["group"]
    assert (group["what"], group["cells"][1]["text"]) == ({"batch": batch.id}, "b")
    assert "being cancelled" in press(many, "cancel", **group["what"])
    eventually(lambda: many.view.page["group"]["cells"][2]["text"] == "cancelled")
    for dashboard in (one, many):
        dashboard.close()
    with pytest.raises(JobNotFound):
        type(job)(idle, 99).widget()
