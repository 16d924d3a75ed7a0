"""What a person does to schedules, chains, batches, queues and the worker, and what becomes of it on screen."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from eventually import eventually
from in_jobs import greets
from playwright.sync_api import Locator, expect
from shown_lab import LONG, Shown

from tether_lab import Lab


def holds_until(gate: Path) -> Callable[[], str]:
    """A handler that waits until the gate is there."""
    path = str(gate)

    def holds() -> str:
        import pathlib
        import time as clock

        print("in it")

        def waits_for_it() -> None:
            while not pathlib.Path(path).exists():
                clock.sleep(0.02)

        waits_for_it()
        return "through"
    return holds


def fails_until(gate: Path) -> Callable[[], str]:
    """A handler that fails while the gate is not there."""
    path = str(gate)

    def fussy() -> str:
        import pathlib

        if not pathlib.Path(path).exists():
            raise OSError("the gate is shut")
        return "through"
    return fussy


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Path]:
    """Jobs that wait for it go on at the latest at the end of the test."""
    found = tmp_path / "gate"
    yield found
    found.touch()


@pytest.fixture
def ready(lab: Lab, gate: Path) -> Iterator[Lab]:
    """A lab with its handlers; nothing of it waits or is paused afterwards."""
    lab.register(greets)
    lab.register(holds_until(gate), "holds")
    lab.register(fails_until(gate), "fussy", retries=0)
    yield lab
    lab.resume()
    for schedule in lab.schedules():
        schedule.unschedule()
    lab.cancel([job.id for job in (*lab.jobs("waiting"), *lab.jobs("running"))])
    if not lab.worker.is_running():
        lab.worker.start()


def page_of(shown: Shown, command: str) -> Locator:
    shown.command(command)
    return shown.page.locator(".tl-Page:visible")


@pytest.mark.timeout(300)
def test_a_schedule_is_edited_paused_resumed_and_removed(shown: Shown, ready: Lab) -> None:
    """Its new rule and values are stored, secret ones stay, its next runs follow; paused it shows none; it goes
    once confirmed."""
    ready.schedule("greets", {"name": "Ada"}, interval="90m", name="often")
    shown.open()
    page = page_of(shown, "tether-lab:open-schedules")
    item = page.locator(".tl-Item", has_text="often")
    expect(item.locator(".tl-Next li")).to_have_count(5)
    item.get_by_role("button", name="Edit").click()
    form = page.get_by_role("form", name="Edit often")
    expect(form.get_by_label("Every", exact=True)).to_have_value("1h30m")
    form.get_by_label("Every", exact=True).fill("soon")
    form.get_by_role("button", name="Save").click()
    expect(form.locator(".tl-Failed")).to_contain_text("soon")
    form.get_by_label("When", exact=True).select_option("cron")
    form.get_by_label("Cron", exact=True).fill("15 4 * * *")
    form.get_by_label("If the last run still runs").select_option("queue")
    values = form.get_by_label("Values (JSON)")
    expect(values).to_have_value(re.compile('"name": "Ada"'))
    values.fill('{"name": "Grace"}')
    form.get_by_role("button", name="Save").click()
    expect(form).to_have_count(0)
    expect(item).to_contain_text("04:15")
    expect(item).to_contain_text("Grace")
    [stored] = ready.schedules()
    assert (stored.row.rule.cron, stored.row.rule.overlap) == ("15 4 * * *", "queue")
    assert stored.payload == {"name": "Grace"}
    stored.lab.schedule("greets", {"name": "Ada"}, cron="15 4 * * *", secret="name", name="often")
    expect(item).to_contain_text("••• (3 chars)")
    item.get_by_role("button", name="Edit").click()
    expect(form).to_contain_text("Some of its values are secret")
    form.get_by_label("Cron", exact=True).fill("20 4 * * *")
    form.get_by_role("button", name="Save").click()
    expect(item).to_contain_text("04:20")
    assert stored.run_now().payload == {"name": "••• (3 chars)"}

    item.get_by_role("button", name="Pause").click()
    expect(item).to_contain_text("Paused: it does not fire.")
    item.get_by_role("button", name="Resume").click()
    expect(item.locator(".tl-Next li")).to_have_count(5)
    item.get_by_role("button", name="Remove").click()
    assert ready.schedules(), "it asks first"
    item.get_by_role("button", name="Really remove?").click()
    expect(page).to_contain_text("Nothing is scheduled.")
    assert not ready.schedules()
    shown.forgive("422")                    # the refused rule: the browser itself notes the answer


@pytest.mark.timeout(300)
def test_a_chain_fails_is_run_again_and_is_cancelled(shown: Shown, ready: Lab, gate: Path) -> None:
    """What failed runs again and what comes after it follows; all that has not ended is cancelled at once."""
    chain = ready.chain("etl").then("greets", name="extract").then("fussy", name="load") \
        .then("greets", name="tell").enqueue()
    shown.open()
    page = page_of(shown, "tether-lab:open-chains")
    page.get_by_role("button", name="etl").click()
    head = page.locator(".tl-Job-head")
    expect(head).to_contain_text("failed", timeout=LONG)
    expect(page.locator(".tl-Node", has_text="load")).to_contain_text("the gate is shut", timeout=LONG)
    gate.touch()
    head.get_by_role("button", name="Again from what failed").click()
    expect(head).to_contain_text("completed", timeout=LONG)
    expect(page.locator(".tl-Node", has_text="tell")).to_contain_text("completed", timeout=LONG)
    expect(head.get_by_role("button")).to_have_count(0)
    assert chain.wait(30).status == "completed"

    gate.unlink()
    other = ready.chain("slow").then("holds", name="hold").then("greets", name="then").enqueue()
    page.get_by_role("button", name="slow").click()
    expect(page.locator(".tl-Node", has_text="hold")).to_contain_text("running", timeout=LONG)
    head.get_by_role("button", name="Cancel all").click()
    expect(head).to_contain_text("cancelled", timeout=LONG)
    for step in ("hold", "then"):
        expect(page.locator(".tl-Node", has_text=step)).to_contain_text("cancelled", timeout=LONG)
    assert other.wait(30).status == "cancelled"


@pytest.mark.timeout(300)
def test_a_batch_is_cancelled_and_its_failures_run_again(shown: Shown, ready: Lab, gate: Path) -> None:
    """A tile a job, in the colour of its state; those that failed are named and run again with one button."""
    batch = ready.batch("uploads", [{}] * 6, "fussy")
    shown.open()
    page = page_of(shown, "tether-lab:open-chains")
    page.get_by_role("button", name="uploads").click()
    head = page.locator(".tl-Job-head")
    expect(head).to_contain_text("6 failed", timeout=LONG)
    expect(page.locator(".tl-Tile.tl-role-bad")).to_have_count(6, timeout=LONG)
    expect(page).to_contain_text("6 jobs failed")
    gate.touch()
    head.get_by_role("button", name="Again from what failed").click()
    expect(page.locator(".tl-Tile.tl-role-good")).to_have_count(6, timeout=LONG)
    assert batch.wait(30).status == "completed"

    gate.unlink()
    held = ready.batch("held", [{}] * 5, "holds")
    page.get_by_role("button", name="held").click()
    expect(head).to_contain_text("running", timeout=LONG)
    head.get_by_role("button", name="Cancel all").click()
    expect(page.locator(".tl-Tile.tl-role-ended")).to_have_count(5, timeout=LONG)
    assert held.wait(30).status == "cancelled"


@pytest.mark.timeout(300)
def test_where_a_job_is_now_and_its_turn(shown: Shown, ready: Lab, gate: Path) -> None:
    """The stack of a running job names the function that it is in; a waiting job gets the priority typed."""
    job = ready.enqueue("holds")
    later = ready.enqueue("greets", delay="2h", priority=3)
    shown.open()
    shown.command("tether-lab:open-job", id=job.id)
    tab = shown.tab(job.id)
    expect(tab.locator(".tl-Job-head")).to_contain_text("running", timeout=LONG)
    expect(tab.locator(".tl-Outputs-area")).to_contain_text("in it", timeout=LONG)
    expect(tab.get_by_role("button", name="Priority")).to_have_count(0)
    tab.get_by_role("button", name="Where is it now?").click()
    stack = tab.get_by_role("region", name="Stack of the running job")
    expect(stack).to_contain_text("waits_for_it", timeout=LONG)
    assert shown.axe(".tl-Page") == []
    tab.get_by_role("button", name="hide").click()
    expect(stack).to_have_count(0)

    shown.command("tether-lab:open-job", id=later.id)
    shown.tab(later.id).get_by_role("button", name="Priority 3").click()
    dialog = shown.page.locator(".jp-Dialog")
    expect(dialog.get_by_role("spinbutton")).to_have_value("3")
    dialog.get_by_role("spinbutton").fill("8")
    dialog.get_by_role("button", name="Set").click()
    expect(shown.tab(later.id).get_by_role("button", name="Priority 8")).to_be_visible()
    assert ready.get(later.id).row.priority == 8


@pytest.mark.timeout(300)
def test_queues_are_paused_and_the_worker_is_started(shown: Shown, ready: Lab) -> None:
    """While a queue is paused its jobs say so and the panel, too; resumed they run. Where no worker runs, the
    panel starts one."""
    shown.open()
    shown.panel.get_by_role("button", name="Pause").click()
    shown.page.locator(".jp-Dialog").get_by_role("button", name="Pause").click()
    expect(shown.panel).to_contain_text("Paused: nothing more starts.")
    held = ready.enqueue("greets", {"name": "later"})
    expect(shown.row(held.id)).to_contain_text("paused", timeout=LONG)
    shown.panel.get_by_role("button", name="Resume everything").click()
    expect(shown.row(held.id)).to_contain_text("completed", timeout=LONG)
    expect(shown.panel.locator(".tl-Paused")).to_have_count(0)

    ready.enqueue("greets", queue="slow", delay="1h")
    ready.enqueue("greets", delay="1h")
    ready.pause("slow")
    expect(shown.panel).to_contain_text("The queue slow is paused.")
    shown.panel.get_by_role("button", name="Resume slow").click()
    expect(shown.panel.locator(".tl-Paused")).to_have_count(0)
    assert not [queue.name for queue in ready.queues() if queue.paused]

    ready.worker.stop(now=True, timeout=20)
    expect(shown.panel.locator(".tl-Worker")).to_contain_text("No worker runs")
    shown.panel.get_by_role("button", name="Start it").click()
    expect(shown.panel.locator(".tl-Worker")).to_contain_text("Worker ready", timeout=LONG)
    eventually(ready.worker.is_running, within=30)


@pytest.mark.timeout(300)
def test_many_are_chosen_and_cancelled_together(shown: Shown, ready: Lab) -> None:
    """Chosen with mouse and keyboard, they get a priority, are cancelled once a person says so, run again."""
    jobs = [ready.enqueue("greets", delay="3h", description=f"number {n}") for n in range(7)]
    shown.open()
    shown.row(jobs[-1].id).click()
    shown.row(jobs[1].id).click(modifiers=["Shift"])
    bar = shown.panel.get_by_role("toolbar", name="Chosen jobs")
    expect(bar).to_contain_text("6 jobs chosen")
    shown.row(jobs[3].id).click(modifiers=["Control"])
    expect(bar).to_contain_text("5 jobs chosen")
    shown.row(jobs[3].id).click(modifiers=["Control"])
    bar.get_by_role("button", name="Priority").click()
    shown.page.locator(".jp-Dialog").get_by_role("spinbutton").fill("5")
    shown.page.locator(".jp-Dialog").get_by_role("button", name="Set").click()
    eventually(lambda: all(ready.get(job.id).row.priority == 5 for job in jobs[1:]), within=30)
    assert ready.get(jobs[0].id).row.priority == 0
    bar.get_by_role("button", name="Cancel 6").click()
    dialog = shown.page.locator(".jp-Dialog")
    expect(dialog).to_contain_text("Cancel 6 jobs?")
    dialog.get_by_role("button", name="Keep them").click()
    time.sleep(0.3)
    assert all(ready.get(job.id).status == "scheduled" for job in jobs)
    bar.get_by_role("button", name="Cancel 6").click()
    dialog.get_by_role("button", name="Cancel them").click()
    for job in jobs[1:]:
        expect(shown.row(job.id)).to_contain_text("cancelled", timeout=LONG)
    assert ready.get(jobs[0].id).status == "scheduled"
    bar.get_by_role("button", name="Run again 6").click()
    eventually(lambda: all(ready.get(job.id).status == "completed" for job in jobs[1:]), within=90)
    for job in jobs[1:]:
        expect(shown.row(job.id)).to_contain_text("completed", timeout=LONG)
