"""Figures: what they draw is what the measures say; they are safe, small and explain themselves."""

from __future__ import annotations

import itertools
import json
import math
import sys
from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import plotly.graph_objects as go
import pytest
from seeded import history, lab_with_history

from tether_lab.analytics import failures as failing, retries as retrying, times
from tether_lab.errors import BadRequest, JobNotFound
from tether_lab.views.figures import (
    backoff,
    durations,
    failures,
    flow,
    report,
    retries,
    saving,
    style,
    timeline,
)

NOW = datetime(2026, 6, 1, tzinfo=UTC)
EVIL = "<b onclick=x>&</b></script><script>alert(1)</script>"
LOSSES = {"failed", "timed_out", "crashed", "lost"}

ALL: dict[str, Callable[[pd.DataFrame, pd.DataFrame, str], go.Figure]] = {
    "timeline": lambda jobs, attempts, theme: timeline.timeline(attempts, theme, NOW),
    "bars": lambda jobs, attempts, theme: timeline.timeline(attempts.tail(200), theme, NOW),
    "throughput": lambda jobs, attempts, theme: flow.throughput(jobs, theme),
    "depth": lambda jobs, attempts, theme: flow.queue_depth(jobs, attempts, theme),
    "calendar": lambda jobs, attempts, theme: flow.calendar(jobs, theme),
    "run": lambda jobs, attempts, theme: durations.percentiles(jobs, theme, "run"),
    "wait": lambda jobs, attempts, theme: durations.percentiles(jobs, theme, "wait"),
    "versions": lambda jobs, attempts, theme: durations.by_version(attempts, theme),
    "pareto": lambda jobs, attempts, theme: failures.pareto(attempts, theme),
    "rate": lambda jobs, attempts, theme: failures.failure_rate(attempts, theme),
    "attempts": lambda jobs, attempts, theme: retries.attempts_to_success(attempts, theme),
    "success": lambda jobs, attempts, theme: retries.success_by_attempt(attempts, theme),
    "lost": lambda jobs, attempts, theme: retries.time_lost(attempts, theme),
    "payoff": lambda jobs, attempts, theme: retries.payoff(attempts, theme),
    "policy": lambda jobs, attempts, theme: retries.policy(attempts, theme),
    "backoff": lambda jobs, attempts, theme: backoff.backoff(attempts.head(5), theme)}


def drawn(name: str, theme: str = "light") -> go.Figure:
    return ALL[name](history().jobs, history().attempts, theme)


def points(figure: go.Figure) -> int:
    """Marks of all traces."""
    return sum(max(len(trace[axis]) for axis in ("x", "y") if trace[axis] is not None) for trace in figure.data)


# -- what all have -------------------------------------------------------------------------------


@pytest.mark.parametrize("theme", style.THEMES)
@pytest.mark.parametrize("name", ALL)
def test_each_figure_has_data_a_title_and_hovers(name: str, theme: str) -> None:
    """A bold title, a line that says how much is shown, a hover on each trace, the look of the theme."""
    figure = drawn(name, theme)
    assert figure.data
    assert figure.layout.title.text.startswith("<b>")
    assert len(figure.layout.title.subtitle.text) > 20
    assert all(len(line) <= style.NARROW for line in figure.layout.title.subtitle.text.split("<br>"))
    assert all(trace.hovertemplate or trace.hoverinfo == "skip" for trace in figure.data)
    assert figure.layout.template.layout.paper_bgcolor == style.paper(theme)[0]
    assert points(figure) <= 4000


@pytest.mark.parametrize("name", ALL)
def test_a_figure_without_data_says_why(name: str) -> None:
    """No axes, one sentence."""
    figure = ALL[name](history().jobs.iloc[:0], history().attempts.iloc[:0], "dark")
    assert not figure.data
    assert figure.layout.title.text.startswith("<b>")
    assert len(figure.layout.annotations[0].text) > 15


@pytest.mark.parametrize("name", ALL)
def test_texts_of_users_are_escaped(name: str) -> None:
    """Keys and errors cannot bring markup into a figure or a script into its page."""
    jobs, attempts = history().jobs.copy(), history().attempts.copy()
    for frame in (jobs, attempts):
        frame["key"] = pd.Categorical([EVIL] * len(frame))
        frame["error"] = frame["error"].where(frame["error"].isna(), EVIL)
    figure = ALL[name](jobs, attempts, "light")
    assert "onclick=x>" not in str(figure.to_json()).replace("\\u003e", ">")
    assert "<script>alert" not in saving.page("t", "", [saving.Section(EVIL, EVIL, [figure])])


def test_colours_can_be_told_apart_on_both_papers() -> None:
    """Each colour has a contrast of 3 : 1 or more on white and on near-black."""
    def luminance(colour: str) -> float:
        parts = [int(colour[place:place + 2], 16) / 255 for place in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    used = {colour for colour, *_ in (*style.OUTCOMES.values(), *style.STATUSES.values())} | {style.AMBER}
    for theme in style.THEMES:
        background = luminance(style.paper(theme)[0])
        for colour in used:
            light, dark = sorted((luminance(colour), background), reverse=True)
            assert (light + 0.05) / (dark + 0.05) >= 3, (colour, theme)


def test_an_unknown_theme_is_refused() -> None:
    """Light or dark."""
    with pytest.raises(BadRequest, match="light or dark"):
        drawn("pareto", "sepia")


# -- what each draws -----------------------------------------------------------------------------


def test_the_timeline_has_a_bar_for_each_attempt_and_none_overlap() -> None:
    """Starts and lengths are the attempts'; two bars of a lane never run at once."""
    frame = history().attempts.tail(300)
    figure = timeline.timeline(frame, now=NOW)
    bars = [(y, times.micros(pd.Series(pd.to_datetime([base], utc=True)))[0], x) for trace in figure.data
            for base, x, y in zip(trace.base, trace.x, trace.y, strict=True)]
    expected = Counter((round(run.total_seconds() * 1e3, 3)) for run in frame["run"])
    assert Counter(round(x, 3) for _, _, x in bars) == expected
    lanes: dict[float, list[tuple[float, float]]] = defaultdict(list)
    for lane, start, length in bars:
        lanes[lane].append((start, start + length * 1e3))
    for spans in lanes.values():
        spans.sort()
        assert all(before[1] <= after[0] + 1 for before, after in itertools.pairwise(spans))


def test_many_attempts_become_the_mean_number_running() -> None:
    """The sum of load times bin width is the run time of all; counts of starts and losses add up."""
    frame = pd.concat([history().attempts] * 2, ignore_index=True)
    assert len(frame) > timeline.BARS
    heat = timeline.timeline(frame, now=NOW).data[0]
    load = pd.DataFrame(heat.z).fillna(0).to_numpy()
    width = (pd.Timestamp(heat.x[1]) - pd.Timestamp(heat.x[0])).total_seconds()
    assert load.sum() * width == pytest.approx(times.seconds(frame["run"]).sum(), rel=0.01)
    assert int(heat.customdata[:, :, 0].sum()) == len(frame)
    assert int(heat.customdata[:, :, 1].sum()) == sum(outcome in LOSSES for outcome in frame["outcome"])


def test_throughput_stacks_every_ended_job() -> None:
    """The bars of a status add up to its jobs, and its name in the legend says how many."""
    counts = Counter(row["state"] for row in history().job_rows)
    figure = drawn("throughput")
    assert {trace.name: sum(trace.y) for trace in figure.data} == {
        f"{status} ({number:,})": number for status, number in counts.items()}


def test_the_calendar_counts_each_job_once() -> None:
    """Hours by days for a month, weekdays by weeks for half a year."""
    jobs = history().jobs
    hours = flow.calendar(jobs).data[0]
    assert len(hours.y) == 24
    found = Counter((row["created_at"] // 3_600_000_000) % 24 for row in history().job_rows)
    assert [int(row.sum()) for row in hours.z] == [found[hour] for hour in range(24)]
    assert int(hours.customdata.sum()) == sum(row["state"] == "failed" for row in history().job_rows)
    first = jobs["created_at"].min()
    long = flow.calendar(jobs.assign(created_at=first + (jobs["created_at"] - first) * 6)).data[0]
    assert tuple(long.y) == flow.DAYS
    assert int(long.z.sum()) == len(jobs)


def test_versions_are_boxes_of_quantiles() -> None:
    """Five quantiles for each version of each key, of successful attempts only."""
    runs: dict[tuple[str, str], list[float]] = defaultdict(list)
    for row in history().attempt_rows:
        if row["outcome"] == "succeeded":
            runs[row["key"], row["version"]].append((row["finished_at"] - row["started_at"]) / 1e6)
    box = drawn("versions").data[0]
    assert len(box.median) == len(runs)
    assert sorted(box.median) == pytest.approx(sorted(pd.Series(values).median() for values in runs.values()))
    assert sorted(box.upperfence) == pytest.approx(sorted(pd.Series(v).quantile(0.95) for v in runs.values()))


def test_the_pareto_lists_the_most_frequent_errors() -> None:
    """Bars are the counts of fingerprints, falling; what is not listed is added up."""
    counts = failing.error_pareto(history().attempts)["count"]
    bars = list(drawn("pareto").data[0].x)
    assert bars[:failures.LISTED] == list(counts[:failures.LISTED])
    assert sum(bars) == counts.sum()


def test_retry_figures_draw_their_measures() -> None:
    """Attempts to success, success by attempt, time lost: the numbers of the measures."""
    frame = history().attempts
    taken = retrying.attempts_to_success(frame)["all"]
    assert [0 if math.isnan(y) else y for y in drawn("attempts").data[0].y] == list(taken)
    assert list(drawn("success").data[0].y) == list(retrying.success_by_attempt(frame)["rate"])
    lost = retrying.time_lost(frame).query("attempts > 0")
    assert list(drawn("lost").data[0].x) == list(lost["run"])
    shares = list(drawn("payoff").data[0].x)
    assert shares == sorted(shares, reverse=True)
    pays = retrying.retry_payoff(frame[frame["key"] == "fetch-prices"])
    assert pays["helped"].sum() / pays["retried"].sum() == pytest.approx(
        dict(zip(drawn("payoff").data[0].y, shares, strict=True))["fetch-prices"])


def test_the_waterfall_has_each_wait_and_each_run() -> None:
    """From enqueued on: waits and runs of a job follow each other without a gap."""
    number = history().attempts["job_id"].value_counts().idxmax()
    own = [row for row in history().attempt_rows if row["job_id"] == number]
    job = next(row for row in history().job_rows if row["id"] == number)
    figure = backoff.backoff(history().attempts.query("job_id == @number"),
                             enqueued=datetime.fromtimestamp(job["created_at"] / 1e6, UTC))
    spans = sorted((base, base + x) for trace in figure.data
                   for base, x in zip(trace.base, trace.x, strict=True))
    assert spans[0][0] == pytest.approx(0, abs=1e-6)
    assert all(a[1] == pytest.approx(b[0], abs=1e-5) for a, b in itertools.pairwise(spans))
    assert spans[-1][1] == pytest.approx((own[-1]["finished_at"] - job["created_at"]) / 1e6)
    assert len(spans) == 2 * len(own)


@pytest.mark.parametrize(("value", "text"), [(0.004, "0.4 %"), (0.12, "12 %"), (1, "100 %"), (0.9996, "99.9 %"),
                                             (0.9999999999, "100 %"), (0, "0 %"), (float("nan"), "–")])
def test_shares_read_as_people_say_them(value: float, text: str) -> None:
    """What is not all never reads 100."""
    assert style.percent(value) == text


# -- files ---------------------------------------------------------------------------------------


def test_a_page_needs_nothing_else(tmp_path: Path) -> None:
    """One file with plotly inside, nothing to fetch, both looks, at most 3 MB beside plotly itself."""
    from plotly.offline import get_plotlyjs

    target = saving.save(drawn("timeline"), tmp_path / "figure.html")
    text = target.read_text()
    assert len(text) - len(get_plotlyjs()) < 3_000_000
    own = text.replace(get_plotlyjs(), "")
    assert "http://" not in own
    assert "https://" not in own
    assert 'role="img"' in own
    assert "<title>What ran when</title>" in own
    assert target.stat().st_mode & 0o077 == 0
    assert [p.name for p in tmp_path.iterdir()] == ["figure.html"]


def test_a_picture_without_kaleido_names_the_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is missing, how to get it, and what works without."""
    monkeypatch.setitem(sys.modules, "kaleido", None)
    with pytest.raises(BadRequest, match=r"tether-lab\[image\]"):
        saving.save(drawn("pareto"), tmp_path / "figure.png")
    with pytest.raises(BadRequest, match=r"\.html"):
        saving.save(drawn("pareto"), tmp_path / "figure.docx")


def test_the_report_holds_every_figure_and_says_what_it_shows() -> None:
    """Questions as headings, sentences with the measures' numbers; an empty lab has a report too."""
    text = report.report(history().jobs, history().attempts, title="The lab x", now=NOW)
    bad = sum(row["outcome"] in LOSSES for row in history().attempt_rows)
    assert f"{bad:,} of " in text
    assert text.count('class="figure"') == 13
    for heading in ("What happened?", "Is it quick?", "What fails?", "Does trying again pay?"):
        assert heading in text
    nothing = history().jobs.iloc[:0], history().attempts.iloc[:0]
    empty = report.report(*nothing, title="x", now=NOW, theme="dark")
    assert "No jobs were enqueued" in empty


# -- the lab -------------------------------------------------------------------------------------


def test_the_lab_draws_saves_and_reports(tmp_path: Path) -> None:
    """Every verb of lab.figures gives a figure of the rows that fit; wrong questions are refused."""
    with lab_with_history(250) as (lab, _):
        names = [name for name in vars(type(lab.figures)) if not name.startswith("_") and name != "save"]
        for name in names:
            if name in ("chain", "batch"):         # of one chain or batch: see test_figures_together
                continue
            given = {"policy": ("clean-table",), "backoff": (3,)}.get(name, ())
            assert isinstance(getattr(lab.figures, name)(*given, theme="dark"), go.Figure)
        assert all(f"{name}()" in repr(lab.figures) for name in names)
        one = lab.figures.throughput(key="back-up")
        assert sum(sum(trace.y) for trace in one.data) == len(lab.frames.jobs(key="back-up"))
        path = lab.report(tmp_path / "week.html", since="2026-05-20", until="2026-05-27")
        assert path.stat().st_size > 4_000_000
        assert json.dumps("light") in path.read_text()[-4000:]
        for wrong in (lambda: lab.report("week.pdf"), lambda: lab.figures.percentiles("speed")):
            with pytest.raises(BadRequest):
                wrong()
        with pytest.raises(JobNotFound):
            lab.figures.backoff(10_000)


def test_drawing_never_changes_a_frame() -> None:
    """Frames that are handed in stay as they were."""
    jobs, attempts = history().jobs.copy(), history().attempts.copy()
    for draw in ALL.values():
        draw(jobs, attempts, "light")
    pd.testing.assert_frame_equal(jobs, history().jobs)
    pd.testing.assert_frame_equal(attempts, history().attempts)
