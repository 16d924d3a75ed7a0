"""How figures and the dashboard look: light and dark, narrow and wide, empty and full, as kept pictures."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from browsers import LabServer
from looks import looks_as_kept
from many_jobs import put_many
from playwright.sync_api import Page, expect
from seeded import UNTIL, lab_with_history

from tether_lab import Lab
from tether_lab.testing import seed_history

NARROW, WIDE = {"width": 620, "height": 2000}, {"width": 1300, "height": 2000}
PLAIN = ".Toastify, .jp-toast { display: none !important; } .tl-clock { visibility: hidden; }"
"""What is not ours on the page, and what no two runs show alike."""


@pytest.mark.timeout(180)
def test_the_figures_look_as_they_did(page: Page, tmp_path: Path) -> None:
    """Each figure of the report, wide and light, and at 600 px and dark; nothing overflows sideways."""
    with lab_with_history(900) as (lab, _):
        places = [lab.report(tmp_path / f"{theme}.html", theme=theme) for theme in ("light", "dark")]
    for place, size in zip(places, (WIDE, NARROW), strict=True):
        page.set_viewport_size(size)  # type: ignore[arg-type]
        page.goto(place.as_uri())
        figures = page.locator(".figure")
        expect(figures.last.locator(".main-svg").first).to_be_visible(timeout=60_000)
        for number in range(figures.count()):
            looks_as_kept(figures.nth(number).screenshot(), f"figure-{number:02}-{place.stem}")
        assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.timeout(120)
def test_figures_become_pictures(tmp_path: Path) -> None:
    """kaleido draws PNG and SVG with the Chromium that is there."""
    with lab_with_history(200) as (lab, _):
        figure = lab.figures.failures()
        png, svg = (lab.figures.save(figure, tmp_path / f"f.{kind}", scale=1) for kind in ("png", "svg"))
    assert png.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    assert "What fails most" in svg.read_text()
    looks_as_kept(png.read_bytes(), "figure-by-kaleido")


@pytest.mark.timeout(240)
def test_the_dashboard_looks_as_it_did(lab_server: LabServer, page: Page,
                                       run_all: Callable[[str], None]) -> None:
    """Wide and light, dark, narrow, with a job open, a figure, 100 000 jobs, and empty."""
    with Lab("month", autostart=False) as lab:
        seed_history(lab, jobs=300, seed=7, until=UNTIL)
    with Lab("many", autostart=False) as lab:
        put_many(lab, 100_000)
    cells = (f"Lab({name!r}, autostart=False).dashboard(rows=10)" for name in ("month", "many", "empty"))
    lab_server.write("looks.ipynb", "from tether_lab import Lab", *cells)
    page.set_viewport_size(WIDE)  # type: ignore[arg-type]
    page.goto(lab_server.page_of("looks.ipynb"))
    page.add_style_tag(content=PLAIN)
    run_all("looks.ipynb")
    page.evaluate("() => window.jupyterapp.commands.execute('application:toggle-left-area')")
    month, many, empty = (page.locator(".tl-board").nth(number) for number in range(3))
    expect(empty.locator(".tl-empty")).to_contain_text("No jobs yet", timeout=90_000)
    expect(month.locator(".tl-range")).to_contain_text("of 300", timeout=60_000)
    expect(many.locator(".tl-range")).to_contain_text("of 100,000", timeout=60_000)
    for board, name in ((month, "light"), (many, "many"), (empty, "empty")):
        looks_as_kept(board.screenshot(), f"dashboard-{name}")
    page.mouse.move(2, 2)
    month.locator("tbody tr").nth(1).press("Enter")
    month.get_by_role("tab", name="Overview").click()
    expect(month.locator(".tl-body")).to_contain_text("details")
    looks_as_kept(month.screenshot(), "dashboard-open")
    page.keyboard.press("Escape")
    page.evaluate("""() => {
        window.jupyterapp.commands.execute('apputils:change-theme', {theme: 'JupyterLab Dark'}); }""")
    expect(month).to_have_class("tl-board tl-dark", timeout=20_000)
    expect(month.locator(".tl-detail")).to_be_hidden()
    looks_as_kept(month.screenshot(), "dashboard-dark")
    page.set_viewport_size(NARROW)  # type: ignore[arg-type]
    looks_as_kept(month.screenshot(), "dashboard-narrow")
    assert month.evaluate("board => board.scrollWidth <= board.clientWidth")
