"""The options of a job that differ from the default, in words. An option that a card cannot say
is not done: a test goes through every declared one."""

from __future__ import annotations

import json
from typing import Any

from tether_lab.job import (
    OPTIONS,
    Concurrency,
    Constraints,
    Dedup,
    JobOptions,
    JobRow,
    Notify,
    RateLimit,
    RetryPolicy,
    Timeout,
    TimeWindow,
)

from .phrases import brief, duration, moment, quantity, size


def options_shown(row: JobRow) -> tuple[tuple[str, str], ...]:
    """(name, words) for each option that was set. Tags and description have their own places."""
    blank, options = JobOptions(), row.options
    said: list[tuple[str, str]] = []
    for option in OPTIONS:
        value = getattr(options, option.name)
        if option.name == "priority":
            value = row.priority
        elif option.name == "queue":
            value = row.queue
        elif option.name == "max_attempts" and value is None and row.max_attempts > 1:
            value = row.max_attempts
        if value == getattr(blank, option.name) or option.name in ("tags", "description"):
            continue
        said.append((option.name.replace("_", " "), brief(_words(option.name, value, row), 200)))
    return tuple(said)


def _words(name: str, value: Any, row: JobRow) -> str:
    match name, value:
        case ("retry", RetryPolicy()):
            return _retry(value)
        case ("timeout", Timeout()):
            return _timeout(value)
        case ("dedup", Dedup()):
            what = "fields " + ", ".join(value.fields) if value.by == "fields" else value.by
            return f"by {what}" + (f" for {duration(value.ttl)}" if value.ttl else "")
        case ("concurrency", Concurrency()):
            return (f"{value.max_concurrent} at once under {value.key or row.key}"
                    + (f", {value.strategy}" if value.strategy != "fifo" else ""))
        case ("rate_limit", RateLimit()):
            return f"{value.max_executions} in {duration(value.window)} under {value.key or row.key}"
        case ("window", TimeWindow()):
            return str(value)
        case ("constraints", Constraints()):
            return _constraints(value)
        case ("notify", Notify()):
            return ", ".join(value.targets) + ("" if value.when == "always" else f" on {value.when}")
        case (("expedite" | "encrypt"), _):
            return "yes"
        case ("at", _):
            return moment(round(value * 1e6), row.created_at)
        case (("delay" | "expires"), _):
            return duration(value)
        case ("memory", _):
            return size(value)
        case ("max_output", _):
            return f"{value:,} characters"
        case ("cache", bool()):
            return "any age" if value else "off"
        case ("cache", _):
            return f"at most {duration(value)} old"
        case ("meta", _):
            return json.dumps(value, ensure_ascii=False)
        case (("keep" | "secret" | "after"), _):
            return ", ".join(word.removesuffix(":fail") for word in value)
        case _:
            return str(value)


def _retry(policy: RetryPolicy) -> str:
    match policy.kind:
        case "exponential":
            said = f"after {duration(policy.delay)}, ×{quantity(policy.multiplier)} each time"
            if policy.max_delay != RetryPolicy().max_delay:
                said += f", at most {duration(policy.max_delay)}"
        case "linear":
            said = f"after {duration(policy.delay)}, then {duration(policy.delay)} more each time"
        case "fixed":
            said = f"after {duration(policy.delay)} each time"
        case _:
            said = "after " + ", ".join(duration(delay) for delay in policy.delays)
    if policy.on:
        said += f"; on {', '.join(policy.on)}"
    if policy.not_on:
        said += f"; not on {', '.join(policy.not_on)}"
    return said


def _timeout(timeout: Timeout) -> str:
    parts = []
    if timeout.soft is not None:
        parts.append(f"soft {duration(timeout.soft)}" + (" (raised in the job)" if timeout.catch else ""))
    if timeout.hard is not None:
        parts.append(duration(timeout.hard) if timeout.soft is None else f"hard {duration(timeout.hard)}")
    if timeout.total is not None:
        parts.append(f"all attempts {duration(timeout.total)}")
    return ", ".join(parts) or "none"


def _constraints(value: Constraints) -> str:
    """``network, memory above 2 GB, load below 0.8``."""
    said = [] if value.network == "none" else ["network" if value.network == "connected" else value.network]
    said += [word for word, wanted in (("battery not low", value.battery_not_low), ("charging", value.charging),
                                       ("idle", value.idle), ("a free GPU", value.gpu)) if wanted]
    said += [f"{what} above {size(amount)}" for what, amount in (
        ("memory", value.min_free_memory), ("disk", value.min_free_disk)) if amount is not None]
    return ", ".join([*said, *([f"load below {value.max_load:g}"] if value.max_load is not None else [])])
