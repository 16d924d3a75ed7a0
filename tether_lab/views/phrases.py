"""Small texts that every view uses: sizes, moments, counts, values cut to fit."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime

from tether_lab.job.duration import words as duration

_JSON = json.JSONEncoder(ensure_ascii=False).encode          # made once: json.dumps makes one for each call
__all__ = ["brief", "clock", "count", "duration", "moment", "parameters", "size"]


def size(count: float) -> str:
    """``812 bytes``, ``2.1 KB``, ``100 MB``; powers of 1000."""
    if count < 1000:
        return f"{count:.0f} byte" + ("" if round(count) == 1 else "s")
    for unit in ("KB", "MB", "GB", "TB"):
        count /= 1000
        if count < 999.5 or unit == "TB":
            break
    return f"{count:.1f} {unit}" if count < 9.95 else f"{count:.0f} {unit}"


def clock(at: int) -> str:
    """Local ``10:32`` of UTC µs."""
    return _local(at).strftime("%H:%M")


def moment(at: int, now: int) -> str:
    """Local time of UTC µs: ``10:32:05`` today, ``3 Mar 10:32`` this year, else with the year."""
    then, today = _local(at), _local(now)
    if then.date() == today.date():
        return then.strftime("%H:%M:%S")
    year = "" if then.year == today.year else f" {then.year}"
    return f"{then.day} {then:%b}{year} {then:%H:%M}"


def _local(at: int) -> datetime:
    return datetime.fromtimestamp(at / 1e6, UTC).astimezone()


def count(number: int, word: str) -> str:
    """``1 job``, ``3 jobs``, ``2 retries``."""
    if number == 1:
        return f"1 {word}"
    plural = word[:-1] + "ies" if word.endswith("y") and word[-2] not in "aeiou" else word + "s"
    return f"{number:,} {plural}"


def quantity(number: float) -> str:
    """``12``, ``0.5``, ``1,204``, ``3.4e+09`` as short as it stays readable."""
    if not math.isfinite(number):
        return str(number)
    if abs(number) >= 1e9:
        return f"{number:.3g}"
    if number == int(number):
        return f"{int(number):,}"
    return f"{number:.1f}" if abs(number) >= 10 else f"{number:.3g}"


def waiting_for(reason: str) -> str:
    """What a job waits for, in words: of ``slot:train``, ``rate:api``, ``paused:low``, ``paused``."""
    kind, _, name = reason.partition(":")
    match kind:
        case "slot":
            return f"waits for a free slot of {name}"
        case "rate":
            return f"waits for its time under the rate of {name}"
        case "paused":
            return f"waits: the queue {name} is paused" if name else "waits: everything is paused"
        case "window":
            return "waits for its window to open"
        case "constraint":
            return f"waits for the machine: {name}"
        case "dependency":
            return "waits for a job before it"
        case _:
            return f"waits for {reason}"


def brief(text: str, longest: int) -> str:
    """``text`` in one line of at most ``longest`` characters, an ellipsis in the middle."""
    line = " ".join(text.split())
    if not line.isprintable():
        line = "".join(c for c in line if c.isprintable() or c == " ")
    if len(line) <= longest:
        return line
    head = (longest - 1) * 2 // 3
    return f"{line[:head]}…{line[len(line) - (longest - 1 - head):]}"


def parameters(payload: str, longest: int = 160) -> str:
    """``lr=0.1 xs=[1, 2]`` for a payload's JSON; empty for an empty one."""
    if payload == "{}":
        return ""
    try:
        values = json.loads(payload)
    except ValueError:
        return brief(payload, longest)
    if not isinstance(values, dict):
        return brief(payload, longest)
    said = " ".join(f"{name}={_value(value)}" for name, value in values.items())
    return brief(said, longest)


def _value(value: object) -> str:
    if isinstance(value, dict) and "$blob" in value:
        kind = value.get("type")
        return f"<{kind}>" if isinstance(kind, str) else "<object>"
    return str(value) if type(value) is int and abs(value) < 10**18 else brief(_JSON(value), 60)
