"""The pages beside the notebooks: schedules, figures, long lists, two people, three themes."""

from __future__ import annotations

from pathlib import Path

import pytest
from browsers import stay_here
from eventually import eventually
from in_jobs import greets
from many_jobs import put_many
from playwright.sync_api import Browser, expect
from shown_lab import LONG, THEMES, Server, Shown

from tether_lab import Lab


@pytest.mark.timeout(240)
def test_a_schedule_from_the_editor_to_its_job(shown: Shown, lab: Lab) -> None:
    """The next five runs follow what is typed; a rule that cannot be is refused in words; run now runs."""
    lab.register(greets, "greets")
    before = {job.id for job in lab.jobs(key="greets")}
    shown.open()
    shown.command("tether-lab:open-schedules")
    page = shown.page.locator(".tl-Page:visible")
    page.get_by_role("button", name="New schedule").click()
    form = page.locator(".tl-Form")
    form.get_by_label("Runs", exact=True).select_option("greets")
    form.get_by_label("Name", exact=True).fill("every morning")
    form.get_by_label("Cron", exact=True).fill("0 99 * * *")
    expect(form.locator(".tl-Preview .tl-Error")).to_be_visible()
    form.get_by_label("Cron", exact=True).fill("30 7 * * 1-5")
    expect(form.locator(".tl-Next li")).to_have_count(5)
    form.get_by_label("Values (JSON)").fill('{"name": "Ada"}')
    form.get_by_role("button", name="Add schedule").click()
    item = page.locator(".tl-Item", has_text="every morning")
    expect(item).to_contain_text("active")
    item.get_by_role("button", name="Pause").click()
    expect(item).to_contain_text("paused")
    item.get_by_role("button", name="Run now").click()
    job = eventually(lambda: next((new for new in lab.jobs(key="greets") if new.id not in before), None),
                     within=30)
    expect(shown.tab(job.id).locator(".tl-Outputs-area")).to_contain_text("hello Ada", timeout=LONG)
    shown.forgive("422")                    # the refused rule: the browser itself notes the answer


@pytest.mark.timeout(300)
def test_a_screen_reader_finds_nothing_serious_in_three_themes(shown: Shown, lab: Lab) -> None:
    """axe in the panel, on a failed job with its line of code, schedules, chains, in each theme."""
    def breaks() -> float:
        here = 0
        return 1 / here

    lab.register(breaks, "breaks")
    lab.register(greets, "greets")
    failed = lab.enqueue("breaks", max_attempts=1).wait(60)
    lab.chain("two").then("greets", name="first").then("greets", name="second").enqueue()
    shown.open()
    shown.panel.get_by_label("Order of jobs").select_option("status")
    shown.command("tether-lab:open-job", id=failed.id)
    expect(shown.tab(failed.id).locator(".tl-CodeBlock-failed")).to_be_attached()
    shown.command("tether-lab:open-chains")
    expect(shown.page.locator(".tl-Page:visible .tl-Node").first).to_be_visible()
    shown.command("tether-lab:open-schedules")
    shown.page.locator(".tl-Page:visible").get_by_role("button", name="New schedule").click()
    for theme in THEMES:
        shown.theme(theme)
        assert shown.axe("#tether-lab-panel") == []
        assert shown.axe(".tl-Page") == []


@pytest.mark.timeout(180)
def test_ten_thousand_jobs_by_keyboard(shown: Shown, home: Path) -> None:
    """Few rows are drawn however many there are; arrows, Shift and End work; the search asks the server."""
    with Lab("many", autostart=False) as many:
        put_many(many, 10_000)
    shown.open()
    shown.panel.get_by_label("Lab").select_option("many")
    grid = shown.panel.get_by_role("grid", name="Jobs")
    expect(shown.panel.locator(".tl-Head").first).to_be_visible()
    expect(grid.locator("[role=row]").first).to_be_visible()
    assert grid.locator(".tl-Row").count() < 60
    took = shown.page.evaluate("""async () => { const took = [];
        const grid = document.querySelector('.tl-Grid');
        for (let n = 0; n < 60; n++) { const begun = performance.now(); grid.scrollTop += 700;
            await new Promise(requestAnimationFrame); took.push(performance.now() - begun); }
        return took.sort((a, b) => a - b); }""")
    print(f"ms a frame while scrolling: median {took[30]:.0f}, worst {took[-1]:.0f}")
    assert grid.locator(".tl-Row").count() < 60
    assert took[30] < 100
    grid.locator(".tl-Row").first.click()
    shown.page.keyboard.press("Shift+ArrowDown")
    shown.page.keyboard.press("Shift+ArrowDown")
    expect(shown.panel.get_by_role("toolbar", name="Chosen jobs")).to_contain_text("3 jobs chosen")
    shown.page.keyboard.press("Escape")
    expect(shown.panel.get_by_role("toolbar", name="Chosen jobs")).to_have_count(0)
    shown.panel.get_by_label("Search jobs").fill("#7")
    expect(shown.row(7)).to_be_visible()


@pytest.mark.row(52)
@pytest.mark.timeout(180)
def test_two_browsers_at_once(
    server: Server, shown: Shown, lab: Lab, browser: Browser, strangers: list[str], tmp_path: Path,
) -> None:
    """What one person cancels, the other sees; both are told the same."""
    lab.register(greets, "greets")
    page = browser.new_page(viewport={"width": 700, "height": 700})
    stay_here(page, strangers)
    other = Shown(page, server, lab).open()
    shown.open()
    job = lab.enqueue("greets", delay="1h")
    expect(shown.row(job.id)).to_contain_text("scheduled")
    expect(other.row(job.id)).to_contain_text("scheduled")
    other.row(job.id).click()
    other.page.keyboard.press("Delete")
    expect(other.row(job.id)).to_contain_text("cancelled")
    expect(shown.row(job.id)).to_contain_text("cancelled")
    assert lab.get(job.id).status == "cancelled"
    page.context.close()
    assert not other.complaints
