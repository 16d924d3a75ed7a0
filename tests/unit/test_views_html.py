"""Cards and tables as HTML and MIME bundles: safe, self-contained, readable without style."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser

import pytest

from tests.unit.view_samples import EVIL, NOW, SNAPSHOTS
from tether_lab.job import Event, Handler, State
from tether_lab.views.board import card
from tether_lab.views.html import COLOURS, card_html, table_html
from tether_lab.views.markup import Markup, join, tag
from tether_lab.views.mime import JOB_MIME, Shown, bundle, table_bundle
from tether_lab.views.tables import counts_table, events_table, handler_table, jobs_table

VOID = {"br", "hr"}
ALLOWED = {"div", "span", "strong", "code", "pre", "details", "summary", "table", "thead", "tbody",
           "tr", "th", "td"}


class Page(HTMLParser):
    """Elements, attributes and text of some HTML; asserts that it nests."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.text = ""
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("name", SNAPSHOTS)
def test_cards_nest_and_hold_nothing_active(name: str, full: bool) -> None:
    """Known elements only, no handlers, no links, no scripts, whatever the job is called."""
    page = Page(card_html(card(SNAPSHOTS[name]), full=full))
    assert page.tags <= ALLOWED
    assert not [a for a in page.attributes if a.startswith("on") or a in ("href", "src", "class", "id")]


@pytest.mark.row(29)
def test_what_users_name_is_escaped_everywhere() -> None:
    """A key, parameter, error or tag full of HTML is shown as text."""
    html = card_html(card(SNAPSHOTS["evil"]), full=True)
    assert "<script" not in html
    assert "<img" not in html
    assert "\u202e" not in html
    assert "alert(1)" in html
    for table in (jobs_table([SNAPSHOTS["evil"].row], NOW),
                  handler_table([Handler(EVIL, 1, EVIL, EVIL, json.dumps({EVIL: EVIL}), "{}", NOW)], NOW),
                  events_table(12, [Event(1, 12, 1, EVIL, NOW, {EVIL: EVIL})], NOW),
                  counts_table({State.FAILED: 1}, [(EVIL, EVIL)])):
        assert Page(table_html(table)).tags <= ALLOWED


def test_text_is_escaped_unless_made_by_tag() -> None:
    """Only what tag() wrote counts as HTML."""
    assert join("<b>", tag("b", "&")) == "&lt;b&gt;<b>&amp;</b>"
    assert tag("p", title='a"b') == '<p title="a&quot;b"></p>'
    assert isinstance(tag("br"), Markup)
    assert tag("p", "a\x00\ud800b") == "<p>ab</p>"


def test_without_style_the_words_still_stand() -> None:
    """GitHub removes style: status, percentage and error are words, not colours."""
    running = Page(re.sub(r' style="[^"]*"', "", card_html(card(SNAPSHOTS["running"]))))
    assert "running" in running.text
    assert "40 %" in running.text
    failed = Page(re.sub(r' style="[^"]*"', "", card_html(card(SNAPSHOTS["failed"]))))
    assert "ValueError: loss is nan" in failed.text


def test_bars_are_progress_bars_to_a_screen_reader() -> None:
    """Role, value and label are there; the card itself has a name."""
    html = card_html(card(SNAPSHOTS["running"]))
    assert 'role="progressbar"' in html
    assert 'aria-valuenow="40.0"' in html
    assert 'aria-label="epochs"' in html
    assert 'aria-label="Job 12, train, running"' in html


def _luminance(colour: str) -> float:
    parts = [int(colour[i:i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("role", COLOURS)
def test_badges_are_readable(role: str) -> None:
    """White on each role's colour has a contrast of at least 4.5."""
    assert 1.05 / (_luminance(COLOURS[role]) + 0.05) >= 4.5


def test_cards_stay_small() -> None:
    """A card is rewritten every two seconds: long values do not make it long."""
    assert len(card_html(card(SNAPSHOTS["long"]))) < 12_000


def test_the_bundle_has_text_html_and_our_type() -> None:
    """Version 1 of our type names the lab, the job and the moment, and is plain JSON."""
    data = bundle(SNAPSHOTS["running"])
    assert set(data) == {"text/plain", "text/html", JOB_MIME}
    ours = json.loads(json.dumps(data[JOB_MIME]))
    assert (ours["version"], ours["lab"], ours["job"]) == (1, "lab", {"id": 12, "uuid": "4f0e"})
    assert ours["at"].endswith("Z")
    assert ours["snapshot"]["status"] == "running"
    assert ours["snapshot"]["bars"][0]["fraction"] == 0.4


def test_shown_displays_and_prints() -> None:
    """What a magic returns shows as its bundle and prints as its text."""
    shown = Shown(table_bundle(jobs_table([], NOW)))
    assert "No jobs yet" in repr(shown)
    assert set(shown._repr_mimebundle_()) == {"text/plain", "text/html"}
