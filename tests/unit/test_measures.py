"""Each measure against a plain-Python computation on SQLite's own rows of the seeded month."""

from __future__ import annotations

import itertools
import math
import statistics
from collections import Counter, defaultdict
from typing import Any

import pandas as pd
import pytest
from seeded import history

from tether_lab.analytics import depth, expectations, failures, policies, retries, times

LOSSES = {"failed", "timed_out", "crashed", "lost"}
HOUR, DAY = 3_600_000_000, 86_400_000_000


def at(moment: Any) -> int:
    """UTC µs of a moment in an index."""
    return int(pd.Timestamp(moment).as_unit("us")._value)


def percentile(values: list[float], p: float) -> float:
    """By the definition: position p/100·(n-1), linear between neighbours."""
    ordered = sorted(values)
    place = p / 100 * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def tries() -> dict[int, list[dict[str, Any]]]:
    """The counting attempts of each job, in order."""
    found: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for row in history().attempt_rows:
        if row["outcome"] in LOSSES | {"succeeded"}:
            found[row["job_id"]].append(row)
    return found


def ran(row: dict[str, Any]) -> float:
    return (row["finished_at"] - row["started_at"]) / 1e6


# -- times ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["wait", "run", "turnaround"])
def test_percentiles_of_each_key(what: str) -> None:
    """p50, p90, p95, p99 and counts of waits, runs, turnarounds."""
    values: dict[str, list[float]] = defaultdict(list)
    for row in history().job_rows:
        started, run_at = row["started_at"], row["run_at"]
        value = {"wait": None if started is None or started < run_at else
                 started - max(row["created_at"], run_at),
                 "run": None if started is None else row["finished_at"] - started,
                 "turnaround": row["finished_at"] - row["created_at"]}[what]
        if value is not None:
            values[row["key"]].append(value / 1e6)
    found = times.percentiles(history().jobs, what)
    assert list(found.index) == sorted(values)
    for key, known in values.items():
        assert found.loc[key, "count"] == len(known)
        for p in (50, 90, 95, 99):
            assert found.loc[key, f"p{p}"] == pytest.approx(percentile(known, p))


def test_percentiles_of_all_and_over_time() -> None:
    """Without groups there is one row; over time there is one a day, empty days too."""
    jobs = [row for row in history().job_rows if row["started_at"] is not None]
    whole = times.percentiles(history().jobs, "run", by=None)
    assert whole.loc["all", "p90"] == pytest.approx(percentile([ran(row) for row in jobs], 90))
    daily = times.percentiles_over_time(history().jobs, "run", "1D")
    by_day: dict[int, list[float]] = defaultdict(list)
    for row in jobs:
        by_day[row["finished_at"] // DAY].append(ran(row))
    assert [at(day) // DAY for day in daily.index] == list(range(min(by_day), max(by_day) + 1))
    for day, (count, p50, p95) in zip(daily.index, daily.to_numpy(), strict=True):
        values = by_day[at(day) // DAY]
        assert count == len(values)
        assert (p50, p95) == pytest.approx((percentile(values, 50), percentile(values, 95))) if values else (
            math.isnan(p50))


def test_throughput_counts_each_status() -> None:
    """Jobs that became final in each hour, by status."""
    found = times.throughput(history().jobs, "1h")
    expected = Counter((row["finished_at"] // HOUR, row["state"]) for row in history().job_rows)
    assert int(found.to_numpy().sum()) == len(history().job_rows)
    for moment, counts in found.iterrows():
        for state, count in counts.items():
            assert count == expected[at(moment) // HOUR, state]


def test_utilisation_is_the_share_of_runner_time() -> None:
    """Overlap of each attempt with each bin, summed the slow way."""
    found = times.utilisation(history().attempts, 2, "6h")
    busy: dict[int, int] = defaultdict(int)
    for row in history().attempt_rows:
        for number in range(row["started_at"] // (6 * HOUR), row["finished_at"] // (6 * HOUR) + 1):
            begin, end = number * 6 * HOUR, (number + 1) * 6 * HOUR
            busy[number] += max(0, min(row["finished_at"], end) - max(row["started_at"], begin))
    for moment, share in found.items():
        assert share == pytest.approx(busy[at(moment) // (6 * HOUR)] / (2 * 6 * HOUR), abs=1e-9)
    assert 0 < found.max() <= 1


def test_depth_is_counted_at_each_bin() -> None:
    """Waiting, running and resting jobs at the start of each bin, and the peak of waiting in it."""
    found = depth.queue_depth(history().jobs, history().attempts, "6h")
    by_job: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for row in history().attempt_rows:
        by_job[row["job_id"]].append((row["started_at"], row["finished_at"]))
    spans: dict[str, list[tuple[int, int]]] = {"waiting": [], "running": [], "resting": []}
    for row in history().job_rows:
        own = by_job[row["id"]]
        spans["waiting"].append((row["created_at"], own[0][0] if own else row["finished_at"]))
        spans["running"] += own
        spans["resting"] += [(before[1], after[0]) for before, after in itertools.pairwise(own)]
    for name, known in spans.items():
        assert list(found[name]) == [sum(begin <= at(t) < end for begin, end in known) for t in found.index]
    for t, peak in list(found["peak"].items())[::7]:
        begin, end = at(t), at(t) + 6 * HOUR
        moments = [begin, *(b for b, _ in spans["waiting"] if begin <= b < end)]
        assert peak == max(sum(b <= m < e for b, e in spans["waiting"]) for m in moments)


# -- failures ------------------------------------------------------------------------------------


def test_failure_rate_of_each_version() -> None:
    """Failures over attempts that ended by themselves, by key and version."""
    found = failures.failure_rate(history().attempts)
    ended = [row for job in tries().values() for row in job]
    counts = Counter((row["key"], row["version"]) for row in ended)
    bad = Counter((row["key"], row["version"]) for row in ended if row["outcome"] in LOSSES)
    assert {(row.key, row.handler_version): (row.attempts, row.failures) for row in found.itertuples()} == {
        name: (count, bad[name]) for name, count in counts.items()}
    assert (found["rate"] == found["failures"] / found["attempts"]).all()
    assert ((found["low"] <= found["rate"]) & (found["rate"] <= found["high"])).all()
    firsts = found.groupby("key")["first"].apply(lambda first: first.is_monotonic_increasing)
    assert firsts.all()


@pytest.mark.parametrize(("first", "second"), [
    ("ValueError: bad value in row 17", "ValueError: bad value in row 90210"),
    ("KeyError: 'close_12'", "KeyError: 'open'"),
    ("TypeError: <f at 0x7f01abcd>", "TypeError: <f at 0x55aa>"),
    ("OSError: [Errno 28] '/mnt/a/part-1'", "OSError: [Errno 28] '/mnt/b/part-2'"),
    ("Gone: 6ba7b810-9dad-11d1-80b4-00c04fd430c8", "Gone: 7ba7b810-9dad-11d1-80b4-00c04fd430c9"),
    ("Slow: timed out after 3.5 s", "Slow: timed out after 1e-3 s"),
    ("Missing: /srv/x/a.csv", "Missing: /srv/y/b.csv"),
    ('E: no "a \\" b" here', 'E: no "c" here'),
    ("E:  commit deadbeef01\n", "E: commit 0123456789abcdef")])
def test_errors_that_are_the_same_have_one_fingerprint(first: str, second: str) -> None:
    """Numbers, addresses, quoted parts, paths, ids and white space do not make another error."""
    assert failures.fingerprint(first) == failures.fingerprint(second)


@pytest.mark.parametrize(("first", "second"), [
    ("ValueError: x", "TypeError: x"), ("E: can't read", "E: can't write"),
    ("E: don't stop, won't go", "E: don't go, won't go"), ("E: utf8 codec", "E: ascii codec")])
def test_errors_that_differ_keep_their_words(first: str, second: str) -> None:
    """Types and words stay; an apostrophe quotes nothing."""
    assert failures.fingerprint(first) != failures.fingerprint(second)


def test_fingerprints_of_a_column() -> None:
    """As one by one; what is missing stays missing."""
    errors = history().attempts["error"]
    found = failures.fingerprints(errors)
    for error, print_ in zip(errors, found, strict=True):
        assert pd.isna(print_) if pd.isna(error) else print_ == failures.fingerprint(error)


def test_the_pareto_of_errors() -> None:
    """Counts, jobs, shares and their running sum, the most frequent first."""
    found = failures.error_pareto(history().attempts)
    bad = [row for row in history().attempt_rows if row["outcome"] in LOSSES]
    counts = Counter(failures.fingerprint(row["error"]) for row in bad)
    assert dict(zip(found["fingerprint"], found["count"], strict=True)) == counts
    assert list(found["count"]) == sorted(counts.values(), reverse=True)
    assert found["cumulative"].iloc[-1] == pytest.approx(1)
    for row in found.itertuples():
        own = [r for r in bad if failures.fingerprint(r["error"]) == row.fingerprint]
        assert row.jobs == len({r["job_id"] for r in own})
        assert row.keys == ", ".join(sorted({r["key"] for r in own}))
        assert at(row.first) == min(r["finished_at"] for r in own)
        assert row.share == len(own) / len(bad)


# -- retries -------------------------------------------------------------------------------------


def test_attempts_to_success() -> None:
    """The number of the attempt at which each job succeeded."""
    expected = Counter(next(n for n, row in enumerate(own, 1) if row["outcome"] == "succeeded")
                       for own in tries().values() if any(row["outcome"] == "succeeded" for row in own))
    found = retries.attempts_to_success(history().attempts)["all"]
    assert {n: count for n, count in found.items() if count} == expected
    by_key = retries.attempts_to_success(history().attempts, by="key")
    assert (by_key.sum(axis=1) == found).all()


def test_success_by_attempt() -> None:
    """How many attempts number n there were, and how many of them succeeded."""
    found = retries.success_by_attempt(history().attempts)
    for n in found.index:
        own = [job[n - 1] for job in tries().values() if len(job) >= n]
        assert found.loc[n, "tried"] == len(own)
        assert found.loc[n, "succeeded"] == sum(row["outcome"] == "succeeded" for row in own)
        assert found.loc[n, "rate"] == pytest.approx(found.loc[n, "succeeded"] / len(own))


def test_time_lost_to_failed_attempts() -> None:
    """Run, CPU and waiting seconds of attempts that were for nothing, by key."""
    found = retries.time_lost(history().attempts)
    expected: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0, 0.0, 0.0, 0.0])
    for own in tries().values():
        for n, row in enumerate(own):
            sums = expected[row["key"]]
            sums[4] += ran(row)
            if row["outcome"] in LOSSES:
                sums[0] += 1
                sums[1] += ran(row)
                sums[2] += (row["cpu_us"] or 0) / 1e6
                sums[3] += (own[n + 1]["started_at"] - row["finished_at"]) / 1e6 if n + 1 < len(own) else 0.0
    assert set(found.index) == set(expected)
    for key, (count, run, cpu, waits, total) in expected.items():
        columns = ["attempts", "run", "cpu", "waits", "total_run", "share"]
        assert tuple(found.loc[key, columns]) == pytest.approx((count, run, cpu, waits, total, run / total))
    assert list(found["run"]) == sorted(found["run"], reverse=True)


def test_retry_payoff() -> None:
    """Of the attempts number n that were lost: tried again, helped, rescued in the end, at what cost."""
    found = retries.retry_payoff(history().attempts)
    for n in found.index:
        lost = [own for own in tries().values() if len(own) >= n and own[n - 1]["outcome"] in LOSSES]
        retried = [own for own in lost if len(own) > n]
        helped = sum(own[n]["outcome"] == "succeeded" for own in retried)
        row = found.loc[n]
        assert (row["lost"], row["retried"], row["helped"]) == (len(lost), len(retried), helped)
        assert row["rescued"] == sum(any(r["outcome"] == "succeeded" for r in own) for own in retried)
        assert row["seconds"] == pytest.approx(sum(ran(own[n]) for own in retried))
        if retried:
            assert row["rate"] == pytest.approx(helped / len(retried))


@pytest.mark.parametrize("key", ["fetch-prices", "clean-table", "refresh-dashboard"])
def test_the_cost_of_each_number_of_attempts(key: str) -> None:
    """Every max_attempts is replayed job by job."""
    frame = history().attempts
    found = policies.cost_by_attempts(frame[frame["key"] == key], "5m")
    jobs = [own for own in tries().values() if own[0]["key"] == key]
    for m in found.index:
        spent = sum(ran(row) for own in jobs for row in own[:m])
        done = sum(any(row["outcome"] == "succeeded" for row in own[:m]) for own in jobs)
        lost = len(jobs) - done
        assert tuple(found.loc[m]) == pytest.approx((spent, done, lost, spent + lost * 300))
    assert policies.best_policy(frame[frame["key"] == key], "5m").max_attempts == found["cost"].idxmin()


def test_the_cost_of_each_delay() -> None:
    """Retries by the wait before them: how many helped, and the expected seconds to a success."""
    frame = history().attempts
    found = policies.cost_by_delay(frame[frame["key"] == "refresh-dashboard"])
    groups: dict[int, list[tuple[float, bool, float]]] = defaultdict(list)
    for own in (own for own in tries().values() if own[0]["key"] == "refresh-dashboard"):
        for before, row in itertools.pairwise(own):
            gap = (row["started_at"] - before["finished_at"]) / 1e6
            if before["outcome"] in LOSSES:
                groups[sum(gap >= bound for bound in policies.DELAYS) - 1].append(
                    (gap, row["outcome"] == "succeeded", ran(row)))
    assert len(found) == len(groups)
    for row, number in zip(found.itertuples(), sorted(groups), strict=True):
        gaps, wins, runs = zip(*groups[number], strict=True)
        assert (row.tried, row.helped) == (len(gaps), sum(wins))
        assert row.delay == pytest.approx(statistics.median(gaps))
        if sum(wins):
            assert row.seconds_to_success == pytest.approx(
                (statistics.median(gaps) + statistics.fmean(runs)) / (sum(wins) / len(wins)))


def test_policies_tell_hopeless_from_hopeful() -> None:
    """Where trying again never helps the best policy is one attempt, where it mostly helps it is several."""
    frame = history().attempts
    assert policies.best_policy(frame[frame["key"] == "clean-table"]).max_attempts == 1
    hopeful = policies.best_policy(frame[frame["key"] == "fetch-prices"])
    assert hopeful.max_attempts >= 2
    assert "attempts at most" in hopeful.reason
    with pytest.raises(ValueError, match="no attempts"):
        policies.best_policy(frame.iloc[:0])


# -- expectations --------------------------------------------------------------------------------


def test_slower_than_usual() -> None:
    """The robust z of each run's logarithm within its key; the slow Tuesday is found."""
    found = expectations.slower_than_usual(history().jobs)
    logs: dict[str, dict[int, float]] = defaultdict(dict)
    for row in history().job_rows:
        if row["started_at"] is not None:
            logs[row["key"]][row["id"]] = math.log(ran(row))
    expected: dict[int, float] = {}
    for values in logs.values():
        middle = statistics.median(values.values())
        mad = max(0.01, statistics.median(abs(x - middle) for x in values.values()))
        expected |= {number: z for number, x in values.items()
                     if len(values) >= 8 and (z := 0.6745 * (x - middle) / mad) > 3.5}
    assert dict(zip(found["id"], found["z"], strict=True)) == pytest.approx(expected)
    assert found["z"].is_monotonic_decreasing


def test_remaining_is_the_median_of_what_took_longer() -> None:
    """Conditioned on what has passed; beyond all history a tenth more; nothing known, nothing said."""
    assert expectations.remaining([10, 20, 30, 40], 0) == 25
    assert expectations.remaining([10, 20, 30, 40], 15) == 15
    assert expectations.remaining([10, 20], 50) == 5
    assert math.isnan(expectations.remaining([], 5))


def test_eta_fills_the_runners_in_order() -> None:
    """Running jobs end by their history, the others take the first free runner by priority and due time."""
    now = pd.Timestamp("2026-06-01 12:00", tz="UTC")
    minute = pd.Timedelta(minutes=1)

    def row(number: int, status: str, **values: Any) -> dict[str, Any]:
        return {"id": number, "key": "k", "status": status, "priority": 0, "scheduled_at": now - minute,
                "started_at": pd.NaT, "finished_at": pd.NaT, "run": pd.NaT, **values}

    done = [row(n, "completed", finished_at=now, run=n * minute) for n in (2, 4, 6)]
    frame = pd.DataFrame([
        *done, row(10, "running", started_at=now - 3 * minute), row(11, "pending"),
        row(12, "pending", priority=5), row(13, "scheduled", scheduled_at=now + 60 * minute)])
    for column in ("started_at", "finished_at"):
        frame[column] = pd.to_datetime(frame[column], utc=True)
    found = expectations.eta(frame, now, runners=2).set_index("id")
    # 10: the median of those over 3 min, (4, 6), less 3. 12 first: 0 + 4; 11 after 10: 2 + 4; 13: 60 + 4.
    assert dict(found["seconds"] / 60) == pytest.approx({10: 2, 12: 4, 11: 6, 13: 64})
    assert found["done_at"][13] == now + 64 * minute
    nothing = expectations.eta(frame[frame["status"] == "pending"], now)
    assert nothing["done_at"].isna().all()


# -- nothing there -------------------------------------------------------------------------------


def test_every_measure_takes_an_empty_frame() -> None:
    """No rows, no error: an empty answer with its columns."""
    jobs, attempts = history().jobs.iloc[:0], history().attempts.iloc[:0]
    empty = [times.percentiles(jobs), times.percentiles_over_time(jobs), times.throughput(jobs),
             times.utilisation(attempts, 1), depth.queue_depth(jobs, attempts), failures.failure_rate(attempts),
             failures.error_pareto(attempts), retries.attempts_to_success(attempts),
             retries.success_by_attempt(attempts), retries.time_lost(attempts), retries.retry_payoff(attempts),
             policies.cost_by_attempts(attempts), policies.cost_by_delay(attempts),
             expectations.slower_than_usual(jobs), expectations.eta(jobs, pd.Timestamp("2026-01-01", tz="UTC"))]
    assert [len(found) for found in empty] == [0] * len(empty)
