"""What jobs say may be hostile, and the server may go: nothing runs, nothing is lost."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import pytest
from eventually import eventually
from in_jobs import Shouts
from playwright.sync_api import expect
from shown_lab import LONG, Shown

from tether_lab import Lab

CORPUS = (
    "<script>window.pwned = 'script'</script>",
    "<img src=x onerror=\"window.pwned = 'onerror'\">",
    "<svg onload=\"window.pwned = 'svg'\"><a xlink:href=\"javascript:window.pwned = 1\">x</a></svg>",
    "<a href=\"javascript:window.pwned = 'href'\">look</a>",
    "<form action=\"javascript:window.pwned = 'form'\"><button>go</button></form>",
    "<iframe srcdoc=\"<script>parent.pwned = 'iframe'</script>\"></iframe>",
    "<style>@import 'http://evil.example/x.css'; body { display: none }</style>",
    "[look](javascript:window.pwned='markdown')",
    "<img src='http://evil.example/pixel.png'>",
    "<img srcset='//evil.example/a.png 1x, //evil.example/b.png 2x'>",
    "<picture><source srcset='http://evil.example/p.webp'>",
    "<img src='data:image/gif;base64,R0lGODlhAQABAAAAACw='></picture>",
    "<div style=\"background-image: url('http://evil.example/css.png')\">x</div>",
    "<b style='background: u\\72l(//evil.example/escaped.png)'>x</b>",
    "<table background='//evil.example/t.png'></table>",
    "<video poster='http://evil.example/poster.png' src='//evil.example/v.mp4' autoplay></video>",
    "<audio autoplay><source src='http://evil.example/a.mp3'></audio>",
    "<link rel=stylesheet href='//evil.example/l.css'>",
    "<iframe src='http://evil.example/frame'></iframe><object data='//evil.example/o'></object>",
    "<embed src='//evil.example/e'>",
    "<svg><image href='http://evil.example/i.png'/><use xlink:href='//evil.example/u.svg#a'/></svg>",
    "\n\n![picture](http://evil.example/markdown.png)\n\n",
    "</textarea></pre></div>\u202e${window.pwned = 'template'}{{window.pwned = 'braces'}}",
)
EVERYTHING = "".join(CORPUS)


@pytest.fixture
def hostile(lab: Lab) -> int:
    """A failed job whose every text is hostile: description, tags, payload, prints, displays, log, error."""
    def shout(text: str, ctx: Any) -> None:
        import sys

        from IPython.display import HTML, SVG, Javascript, Latex, Markdown, display

        print(text)
        print(text, file=sys.stderr)
        ctx.log(text)
        ctx.notify(text, title=text, url="javascript:window.pwned='notify'")
        ctx.progress(0.5, text)
        display(HTML(text), Markdown(text), Latex(r"\href{javascript:window.pwned='latex'}{x}"))
        display(Javascript("window.pwned = 'javascript'"))
        display(SVG("<svg xmlns='http://www.w3.org/2000/svg' onload=\"window.pwned = 'svg'\"><script>"
                    "window.pwned = 'svg script'</script></svg>"))
        display(Latex(r"$\style{background-image: url(http://evil.example/latex.png)}{x}$"))
        display({"application/vnd.vegalite.v5+json": {
            "data": {"url": "http://evil.example/data.json"}, "mark": "bar",
            "encoding": {"x": {"field": "a"}}}}, raw=True)
        display({"text/html": text, "text/plain": text, "application/javascript": "window.pwned = 1"},
                raw=True)
        raise ValueError(text)

    lab.register(shout, "shout", retries=0)
    job = lab.enqueue("shout", {"text": EVERYTHING}, description=EVERYTHING[:1000],
                      tags=[part[:80].replace(",", " ") for part in CORPUS], max_attempts=1)
    return job.wait(90).id


@pytest.mark.timeout(240)
def test_nothing_that_a_job_says_runs(shown: Shown, lab: Lab, hostile: int) -> None:
    """The corpus through names, tags, payload, outputs, errors and notices, in the panel and on the job's page:
    no script ran, no other machine was asked for a picture, sheet, sound or number (`strangers`), no error of
    ours on the console; in the place of what was not loaded stands a note."""
    assert lab.get(hostile).status == "failed"
    shown.open()
    row = shown.row(hostile)
    expect(row).to_contain_text("failed", timeout=LONG)
    row.dblclick()
    page = shown.tab(hostile)
    expect(page).to_contain_text("ValueError", timeout=LONG)
    page.get_by_role("tab", name="Output", exact=True).click()
    outputs = page.locator(".tl-Outputs-area")
    expect(outputs.locator(".tl-LeftOut", has_text="picture from evil.example").first).to_be_visible()
    expect(outputs).to_contain_text("not loaded: application/vnd.vegalite.v5+json names other machines")
    assert "evil.example" not in outputs.locator("[src], [srcset], [poster], [style]").evaluate_all(
        "found => found.map(one => one.cloneNode(false).outerHTML).join()")
    for name in page.get_by_role("tab").all_inner_texts():
        page.get_by_role("tab", name=name, exact=True).first.click()
        time.sleep(0.3)                     # whatever would run has the time to
    assert shown.page.evaluate("() => window.pwned") is None
    assert shown.page.locator("iframe[srcdoc]").count() == 0
    assert shown.page.evaluate("() => getComputedStyle(document.body).display") != "none"
    hrefs = shown.page.evaluate(
        "() => [...document.querySelectorAll('a[href]')].map(a => a.getAttribute('href'))")
    assert not [href for href in hrefs if href.strip().lower().startswith("javascript")]
    shown.forgive("404")                    # the picture x, of this very server


@pytest.mark.row(52)
@pytest.mark.timeout(240)
def test_no_name_of_anything_runs(shown: Shown, lab: Lab) -> None:
    """The corpus as name of a schedule, a chain, a step and a batch, as text of a service and in what it says:
    their pages show it as text."""
    short = EVERYTHING[:200]
    lab.register(lambda: 1, "small")
    lab.schedule("small", interval="1d", name=CORPUS[0])
    lab.chain(CORPUS[1]).then("small", name=CORPUS[2][:60]).enqueue()
    lab.batch(CORPUS[1], [{}, {}], "small")
    lab.start_service("shouts", Shouts, {"text": short}, title=short, body=short)
    shown.open()
    for page, words in (("schedules", "window.pwned = 'script'"), ("chains", "window.pwned = 'onerror'"),
                        ("services", "window.pwned = 'script'")):
        shown.command(f"tether-lab:open-{page}")
        expect(shown.page.locator(".tl-Page:visible")).to_contain_text(words, timeout=LONG)
    item = shown.page.locator(".tl-Page:visible [data-service=shouts]")
    expect(item).to_contain_text("running", timeout=LONG)
    item.get_by_text("What happened").click()
    expect(item.get_by_role("region", name="Events of shouts")).to_contain_text("pwned", timeout=LONG)
    time.sleep(0.3)                         # whatever would run has the time to
    assert shown.page.evaluate("() => window.pwned") is None
    service = lab.get_service("shouts").stop(force=True)
    eventually(lambda: service.row.status == "stopped", within=60)
    shown.page.goto("about:blank")          # or it may ask for the one that is removed, and hear a 404
    service.remove()
    for schedule in lab.schedules():
        schedule.unschedule()


@pytest.mark.timeout(300)
def test_outputs_of_a_foreign_lab_are_trusted_only_once_the_lab_is(
    shown: Shown, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A lab made with another key is shown, said to be so, and offers no trust, whatever its jobs came to; once
    it was trusted its outputs may be, by a person's click, and only then their scripts run."""
    def draws(text: str) -> None:
        from IPython.display import HTML, display

        display(HTML(f"<b>{text}</b><script>window.pwned = 'trusted'</script>"))
        raise ValueError("and then it fails")

    mine = tmp_path / "another-person"
    mine.mkdir(mode=0o700)
    with monkeypatch.context() as other:
        other.setenv("XDG_CONFIG_HOME", str(mine))
        with Lab("theirs") as theirs:
            theirs.register(draws, "draws", retries=0)
            job = theirs.enqueue("draws", {"text": "look here"}).wait(60)
            theirs.worker.stop(now=True, timeout=20)
    shown.open()
    shown.panel.get_by_label("Lab").select_option("theirs")
    expect(shown.panel).to_contain_text("made with another key")
    expect(shown.panel.get_by_role("button", name="Start it")).to_have_count(0)
    shown.row(job.id).dblclick()
    page = shown.tab(job.id)
    page.get_by_role("tab", name="Output", exact=True).click()
    expect(page.locator(".tl-Outputs-area")).to_contain_text("look here")
    expect(page).to_contain_text("These outputs are not trusted")
    expect(page.get_by_role("button", name="Trust them")).to_have_count(0)
    assert shown.page.evaluate("() => window.pwned") is None

    with Lab("theirs") as theirs:
        assert theirs.restricted
        assert theirs.trust(accept=True).own
    expect(shown.panel).not_to_contain_text("made with another key")
    page.get_by_role("button", name="Trust them").click()
    shown.page.wait_for_function("() => window.pwned === 'trusted'")
    with Lab("theirs") as theirs:
        theirs.worker.stop(now=True, timeout=20)


@pytest.mark.timeout(300)
def test_the_server_goes_and_comes_back_while_jobs_run(shown: Shown, lab: Lab) -> None:
    """Jobs are made before, while it is away, and after: the panel shows each of them once, as it stands,
    without a reload of the page."""
    def small() -> int:
        return 1

    lab.register(small, "small")
    shown.open()
    made = [lab.enqueue("small").id]
    expect(shown.row(made[0])).to_contain_text("completed", timeout=LONG)
    over = threading.Event()

    def work() -> None:
        while not over.is_set():
            made.append(lab.enqueue("small").id)
            over.wait(0.5)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        shown.server.end()
        away = len(made)
        eventually(lambda: len(made) > away + 1, within=20, say="jobs that were made while it was away")
        shown.server.start()
    finally:
        over.set()
        thread.join()
    eventually(lambda: all(lab.get(number).status == "completed" for number in made), within=60)
    for number in made[-8:]:
        expect(shown.row(number)).to_contain_text("completed", timeout=LONG)
        assert shown.row(number).count() == 1
    shown.complaints.clear()                # the requests that met nobody
