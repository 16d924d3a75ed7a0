"""What cards and tables say, decided as values."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.unit.view_samples import (
    COMPLETED,
    FAILED,
    NOW,
    OPTIONS_SET,
    RUNNING,
    SECOND,
    SNAPSHOTS,
    attempt,
    bars,
    row,
    version,
)
from tether_lab.job import OPTIONS, Event, Handler, JobOptions, State
from tether_lab.views.bars import MOST, read_progress
from tether_lab.views.board import Snapshot, card
from tether_lab.views.options_shown import options_shown
from tether_lab.views.phrases import brief, count, parameters, size
from tether_lab.views.tables import counts_table, events_table, handler_table, jobs_table
from tether_lab.views.text import draw_card, draw_table, said

HEADLINES = {
    "pending": "pending, waits for a free runner",
    "no worker": "pending, waits for a worker, and none is running",
    "blocked": "blocked, waits for a free GPU",
    "running": "running for 50 s, 45 s left",
    "cancelling": "running, being cancelled for 3.0 s, ran 50 s",
    "completed": "completed in 5.0 s",
    "failed": "failed after 5.0 s and 3 attempts",
    "cancelled": "cancelled before it started",
    "expired": "expired, no runner was free before its deadline",
}


@pytest.mark.parametrize("name", HEADLINES)
def test_the_headline_says_where_the_job_stands(name: str) -> None:
    """Status, since when and what for, in one phrase."""
    assert said(card(SNAPSHOTS[name])) == HEADLINES[name]


@pytest.mark.parametrize("state", list(State))
def test_every_status_has_a_card(state: State) -> None:
    """No status is without headline and colour role."""
    drawn = card(Snapshot("lab", row(state=state, finished_at=NOW, started_at=NOW), NOW))
    assert drawn.headline
    assert drawn.role in ("waiting", "running", "retrying", "good", "bad", "ended")


def test_a_card_says_when_it_was_true_and_how_to_ask_again() -> None:
    """'as of' and the magic that shows the present end every card."""
    for snapshot in SNAPSHOTS.values():
        assert card(snapshot).as_of.endswith("; %job 12")
        assert draw_card(card(snapshot)).endswith("; %job 12")


@pytest.mark.parametrize("name", [option.name for option in OPTIONS])
def test_every_option_shows_in_the_card(name: str) -> None:
    """An option is done only when its card says it."""
    value = getattr(OPTIONS_SET, name)
    options = replace(JobOptions(), **{name: value})
    shown = card(Snapshot("lab", row(options=options, priority=options.priority, queue=options.queue,
                                     tags=options.tags, description=options.description), NOW))
    silent = card(Snapshot("lab", row(), NOW))
    assert draw_card(shown) != draw_card(silent)
    if name not in ("tags", "description"):
        assert name.replace("_", " ") in dict(shown.options)


def test_options_that_were_not_set_are_not_shown() -> None:
    """A plain job's card has no line of options."""
    assert options_shown(row()) == ()
    assert dict(options_shown(row(max_attempts=3))) == {"max attempts": "3"}


def test_bars_tell_rate_and_time_left() -> None:
    """tqdm's numbers become a fraction, a rate and an ETA; the summary beside them is not a bar."""
    progress = read_progress(RUNNING.progress)
    (bar,) = progress.bars
    assert (bar.label, bar.percent, bar.text) == ("epochs", "40 %", "12/30 · 2.5 s/epoch · 45 s left")
    assert progress.left == 45.0


def test_a_bar_without_total_counts() -> None:
    """Nothing is invented where the end is unknown."""
    (bar,) = read_progress(bars({"n": 1500, "rate": 10.0, "unit": "rows"})).bars
    assert bar.fraction is None
    assert bar.text == "1,500 rows · 10 rows/s"


def test_a_share_is_its_percentage() -> None:
    """ctx.progress(0.4, "loading") needs no '0.4/1'."""
    (bar,) = read_progress(bars({"n": 0.4, "total": 1, "elapsed": 4, "description": "loading"})).bars
    assert (bar.percent, bar.text) == ("40 %", "6.0 s left")


def test_nearly_done_is_not_100_percent() -> None:
    """999 of 1000 show 99 %."""
    (bar,) = read_progress(bars({"n": 999, "total": 1000})).bars
    assert bar.percent == "99 %"


@pytest.mark.parametrize("text", [None, "", "nonsense", "[]", '{"bars": [3]}', '{"bars":[{"n":"x"}]}'])
def test_bad_progress_is_no_progress(text: str | None) -> None:
    """A card never fails over what a job reports."""
    assert len(read_progress(text).bars) <= 1


def test_many_bars_are_counted() -> None:
    """A job with 20 bars shows the first few and says how many more there are."""
    progress = read_progress(bars(*[{"id": i, "position": i} for i in range(20)]))
    assert len(progress.bars) == MOST
    assert progress.more == 20 - MOST


def test_captures_are_listed_with_sizes_largest_first() -> None:
    """One line for the eye, one row each for the curious."""
    drawn = card(SNAPSHOTS["pending"])
    assert drawn.captured == "df 100 MB, model 2.1 KB, +2 functions; imports np"
    assert [(c.name, c.size) for c in drawn.captures][:2] == [("df", "100 MB"), ("model", "2.1 KB")]
    assert drawn.warnings == ("helpers.py was edited after it was imported",)


def test_a_failed_card_has_the_error_a_remedy_and_the_traceback() -> None:
    """The last traceback, without terminal codes."""
    error = card(SNAPSHOTS["failed"]).error
    assert error is not None
    assert error.line == "ValueError: loss is nan"
    assert "%jobs retry 12" in error.remedy
    assert error.traceback.startswith("ValueError  Traceback")


@pytest.mark.parametrize(("error", "remedy"), [
    ("ModuleNotFoundError: No module named 'torch'", "Install torch where the notebook runs"),
    ("timed out after 60 s", "--timeout"),
    ("killed: out of memory", "--memory"),
    ("crash loop: 3 crashes, the last: SIGSEGV", "%jobs output 12"),
])
def test_remedies_fit_the_error(error: str, remedy: str) -> None:
    """What to do next depends on what went wrong."""
    found = card(Snapshot("lab", replace(FAILED, error=error), NOW, version=version())).error
    assert found is not None
    assert remedy in found.remedy


def test_attempts_tell_how_each_ended() -> None:
    """Crashes name the signal, usage is shown."""
    views = card(SNAPSHOTS["failed"]).attempts
    assert [v.outcome for v in views] == ["failed", "crashed (signal 9)", "failed"]
    assert views[0].used == "4.2 s CPU, 1.2 GB peak"


def test_a_dead_worker_is_said() -> None:
    """A running job without a worker is not claimed to run."""
    assert "worker died" in card(SNAPSHOTS["dead worker"]).headline


def test_slower_than_usual_is_said() -> None:
    """The history of the key tells what is usual."""
    quiet = replace(RUNNING, progress=None)
    assert card(Snapshot("lab", quiet, NOW, typical=60.0)).headline == "for 50 s of the usual 1 min"
    assert "slower than the usual" in card(Snapshot("lab", quiet, NOW, typical=10.0)).headline


def test_a_completed_card_offers_result_outputs_and_kept_variables() -> None:
    """Each hint is one thing to type."""
    drawn = card(replace(SNAPSHOTS["completed"], row=replace(COMPLETED, options=JobOptions(keep=("model",)))))
    assert drawn.result == "{'loss': 0.02} (dict)"
    assert drawn.hints == ("job.result() gives the result", "%jobs load 12 brings back model",
                           "%jobs output 12 shows 3 outputs")


def test_warnings_of_events_are_shown_once() -> None:
    """A warning in the history stands in the card; the same one twice stands once."""
    event = Event(1, 12, 1, "warning", NOW, {"message": "the disk is nearly full"})
    drawn = card(Snapshot("lab", row(), NOW, events=(event, replace(event, id=2))))
    assert drawn.warnings == ("the disk is nearly full",)


def test_tables_say_what_is_worth_knowing() -> None:
    """Running jobs their progress, failed ones their error; empty tables a sentence."""
    table = jobs_table([RUNNING, FAILED, COMPLETED], NOW, total=300)
    text = draw_table(table, width=140)
    assert "50 s, 40 %, 45 s left" in text
    assert "ValueError: loss is nan" in text
    assert "3 of 300 jobs" in text
    assert "No jobs yet" in draw_table(jobs_table([], NOW))
    assert "No job matches failed" in draw_table(jobs_table([], NOW, filtered="failed"))


def test_a_table_fits_its_width() -> None:
    """Columns shrink before lines wrap."""
    text = draw_table(jobs_table([replace(FAILED, key="k" * 200, error="e" * 300)], NOW), width=80)
    assert max(map(len, text.split("\n")[:-1])) <= 80


def test_other_tables_draw() -> None:
    """Handlers, events and counts have their columns."""
    handler = Handler("train", 1, "ab12", "cell", '{"lr": 0.1}', '{"timeout": {"hard": 60}}', NOW, 2)
    assert "lr=0.1" in draw_table(handler_table([handler], NOW), width=120)
    assert "started" in draw_table(events_table(12, [Event(1, 12, 1, "started", NOW)], NOW))
    assert "1,204" in draw_table(counts_table({State.COMPLETED: 1204}))


@pytest.mark.parametrize(("number", "text"), [(1, "1 byte"), (999, "999 bytes"), (2100, "2.1 KB"),
                                              (999_600, "1.0 MB"), (100e6, "100 MB"), (3e15, "3000 TB")])
def test_sizes_read_well(number: float, text: str) -> None:
    """Powers of 1000, two digits."""
    assert size(number) == text


def test_texts_are_cut_in_the_middle() -> None:
    """Both ends of a long name tell more than one."""
    assert brief("a" * 50 + "b" * 50, 11) == "aaaaaa…bbbb"
    assert len(brief("x" * 500, 40)) == 40
    assert count(2, "retry") == "2 retries"
    assert parameters('{"df": {"$blob": "ab", "type": "DataFrame"}, "n": 1}') == "df=<DataFrame> n=1"


def test_unfinished_attempt_counts_until_now() -> None:
    """An attempt that still runs took as long as it runs."""
    assert card(Snapshot("lab", RUNNING, NOW, attempts=(attempt(1, None),))).attempts[0].took == "1 min"
    assert SECOND == 1_000_000
