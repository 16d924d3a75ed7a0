"""Windows against a model that looks at every minute, through clock changes in three zones."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings, strategies as st

from tether_lab import OptionError
from tether_lab.job.policies.cron import DAYS
from tether_lab.job.policies.window import TimeWindow

ZONES = ("America/New_York", "Europe/Madrid", "Australia/Lord_Howe")
MINUTE = 60 * 1_000_000
# Around the clock changes of 2026 in these zones, and a week without any.
STARTS = [datetime(2026, month, day, tzinfo=UTC)
          for month, day in ((3, 7), (3, 28), (4, 3), (10, 2), (10, 24), (10, 31), (6, 15))]


def opened(window: TimeWindow, at: int) -> bool:
    """By the clock on the wall, minute by minute."""
    wall = datetime.fromtimestamp(at // 1_000_000, ZoneInfo(window.tz))
    hour, minute = (int(part) for part in str(window.start_hour).split(":"))
    end_hour, end_minute = (int(part) for part in str(window.end_hour).split(":"))
    start, end = hour * 60 + minute, (end_hour * 60 + end_minute) % 1440 or 1440
    now = wall.hour * 60 + wall.minute
    days = window.days_of_week or DAYS
    today, yesterday = DAYS[wall.weekday()] in days, DAYS[(wall.weekday() - 1) % 7] in days
    if start < end:
        return today and start <= now < end
    return (today and now >= start) or (yesterday and now < end)


@pytest.mark.row(41)
@settings(max_examples=40, deadline=None)
@example(start=122, end=181, days={"MON", "SUN"}, zone="America/New_York",
         begin=datetime(2026, 3, 7, tzinfo=UTC), minutes=0)      # the jump leaves one minute of it
@given(start=st.integers(0, 1439), end=st.integers(0, 1440), days=st.sets(st.sampled_from(DAYS)),
       zone=st.sampled_from(ZONES), begin=st.sampled_from(STARTS), minutes=st.integers(0, 3 * 1440))
def test_the_next_opening_is_the_first_open_minute(
    start: int, end: int, days: set[str], zone: str, begin: datetime, minutes: int,
) -> None:
    """Across midnight, in the gap, in the fold; an open window opens now."""
    window = TimeWindow(f"{start // 60}:{start % 60:02}", f"{end // 60}:{end % 60:02}", tuple(sorted(days)),
                        zone)
    now = round((begin + timedelta(minutes=minutes)).timestamp()) * 1_000_000
    at = now
    while not opened(window, at):
        at += MINUTE
    assert window.next_opening(now) == at
    assert window.is_open(now) == (at == now)


@pytest.mark.parametrize(("text", "shown"), [
    ("off_peak", "02:00-05:00"),
    ("22:00-06:00 MON-FRI Europe/Madrid", "22:00-06:00 MON,TUE,WED,THU,FRI Europe/Madrid"),
    ("9-17 SAT,SUN UTC", "09:00-17:00 SAT,SUN UTC"), ("8-12 FRI-MON UTC", "08:00-12:00 MON,FRI,SAT,SUN UTC"),
])
def test_windows_are_read_from_text(text: str, shown: str) -> None:
    """As on a flag."""
    assert str(TimeWindow.parse(text)).startswith(shown)


@pytest.mark.parametrize("text", ["25-26", "9:75-10", "nonsense", "9-17 XYZ UTC", "9-17 Europe/Madird", "24-3",
                                  "9"])
def test_windows_that_cannot_be_are_refused(text: str) -> None:
    """Hours, days, zones."""
    with pytest.raises((OptionError, ValueError)):
        TimeWindow.parse(text)
