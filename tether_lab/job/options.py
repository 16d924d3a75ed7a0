"""Every option of a job, declared once: keyword, flag, REST field and help come from here."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path
from typing import Any

from tether_lab.errors import OptionError

from .duration import seconds
from .policies.constraints import Constraints
from .policies.dedup import CONFLICTS, Dedup
from .policies.limits import RATES, Concurrency, RateLimit
from .policies.notify import Notify
from .policies.retry import RetryPolicy
from .policies.timeout import PRESETS, Timeout
from .policies.window import TimeWindow
from .stored import stored
from .workflow import POLICIES


@dataclass(frozen=True, slots=True)
class JobOptions:
    """How one job runs. Stored with the job as JSON and signed, but for ``priority`` and the due
    time, which change. Seconds are floats; None means the default of the handler or the lab."""

    priority: int = 0
    queue: str = "default"
    delay: float | None = None
    at: float | None = None              # POSIX seconds
    expires: float | None = None         # seconds after enqueue
    max_attempts: int | None = None
    retry: RetryPolicy | None = None
    timeout: Timeout | None = None
    dedup: Dedup | None = None
    on_conflict: str = "existing"        # what a job does whose dedup key is held
    concurrency: Concurrency | None = None
    rate_limit: RateLimit | None = None
    window: TimeWindow | None = None
    constraints: Constraints | None = None
    expedite: bool = False
    encrypt: bool = False
    secret: tuple[str, ...] = ()         # fields of the payload that nobody is shown
    notify: Notify | None = None
    isolation: str = "clean"
    memory: int | None = None            # bytes
    max_output: int | None = None        # characters of text kept at the head
    keep: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    description: str | None = None
    meta: dict[str, Any] = field(default_factory=dict)
    cache: float | bool | None = None    # True, or the oldest acceptable age in seconds
    seed: int | None = None
    after: tuple[str, ...] = ()          # jobs to wait for: number or key, with :skip or :continue
    output: str | None = None          # notebooks: a full path, with {name} {job} {date} {time}
    kernel: str | None = None          # notebooks: the name of a kernelspec
    parents: tuple[str, ...] = ()        # name=uuid of the jobs whose results it is handed
    judges: tuple[str, ...] = ()         # uuid=version: the condition that decides about a child of it
    shared_input: bool = False           # its payload is a chain's: keys that it does not take are fine
    scheduled_for: float | None = None   # POSIX seconds of the fire that made it; ctx.scheduled_for
    schedule: str | None = None          # and the name of its schedule
    trigger: dict[str, Any] | None = None   # what made it: ctx.trigger
    service: str | None = None           # the name of the service whose job it is
    update_interval: float | None = None   # seconds between two ticks of a service
    notebook_random: bool = False        # set by %%job: go on from the notebook's random state

    def to_json(self) -> str:
        """Only what differs from the default, keys sorted: equal options have equal texts."""
        blank = JobOptions()
        changed = {f.name: getattr(self, f.name) for f in fields(self)
                   if getattr(self, f.name) != getattr(blank, f.name)}
        for name in ("retry", "timeout", "dedup", "concurrency", "rate_limit", "window", "constraints", "notify"):
            if changed.get(name) is not None:
                changed[name] = asdict(changed[name])
        return json.dumps(changed, separators=(",", ":"), sort_keys=True, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> JobOptions:
        """Of ``to_json``. Equal texts give the same object, which nobody can change, but for those with a dict."""
        return _parsed(text) if '"trigger"' in text or '"meta"' in text else _known(text)


@stored("a job's options")
def _parsed(text: str) -> JobOptions:
    raw = json.loads(text)
    if raw.get("retry") is not None:
        retry = raw["retry"]
        raw["retry"] = RetryPolicy(**{**retry, "delays": tuple(retry["delays"]),
                                      "on": tuple(retry["on"]), "not_on": tuple(retry["not_on"])})
    if raw.get("timeout") is not None:
        raw["timeout"] = Timeout(**raw["timeout"])
    if raw.get("dedup") is not None:
        raw["dedup"] = Dedup.parse(raw["dedup"])
    if raw.get("concurrency") is not None:
        raw["concurrency"] = Concurrency(**raw["concurrency"])
    if raw.get("rate_limit") is not None:
        raw["rate_limit"] = RateLimit(**raw["rate_limit"])
    if raw.get("window") is not None:
        raw["window"] = TimeWindow(**{**raw["window"], "days_of_week": tuple(raw["window"]["days_of_week"])})
    if raw.get("constraints") is not None:
        raw["constraints"] = Constraints(**raw["constraints"])
    if raw.get("notify") is not None:
        raw["notify"] = Notify.parse(raw["notify"])
    for name in ("keep", "tags", "parents", "judges", "secret", "after"):
        if name in raw:
            raw[name] = tuple(raw[name])
    return JobOptions(**{name: value for name, value in raw.items() if name in JobOptions.__dataclass_fields__})


@lru_cache(maxsize=512)
def _known(text: str) -> JobOptions:
    """Most jobs of a lab have one of a few texts: a page of a thousand reads each once."""
    return _parsed(text)


@dataclass(frozen=True, slots=True)
class Option:
    """One option: its keyword, the flag it is on a magic or command line, how text and values are
    read (``parse`` raises ValueError or OptionError), what it takes, what it does."""

    name: str
    parse: Callable[[Any], Any]
    takes: str                           # as shown in help: "N", "10m", "NAME,NAME" …
    help: str

    @property
    def flag(self) -> str:
        return "--" + self.name.replace("_", "-")


def _integer(low: int, high: int) -> Callable[[Any], int]:
    def parse(value: Any) -> int:
        try:
            number = int(value)
        except (TypeError, ValueError):
            raise ValueError(f"a whole number from {low} to {high}; got {value!r}") from None
        if isinstance(value, bool | float) or not low <= number <= high:
            raise ValueError(f"a whole number from {low} to {high}; got {value!r}")
        return number
    return parse


def _text(longest: int) -> Callable[[Any], str]:
    def parse(value: Any) -> str:
        if not isinstance(value, str) or not value.strip() or len(value) > longest or "\0" in value:
            raise ValueError(f"a text of 1 to {longest} characters; got {value!r:.80}")
        return value
    return parse


def _queue(value: Any) -> str:
    name = _text(100)(value)
    if name.startswith("~"):
        raise ValueError(f"a name that does not start with ~; got {name!r}")
    return name


def _names(value: Any) -> tuple[str, ...]:
    parts = value.split(",") if isinstance(value, str) else list(value)
    names = tuple(str(p).strip() for p in parts if str(p).strip())
    if any(len(n) > 200 or "\0" in n for n in names) or len(names) > 100:
        raise ValueError("at most 100 names of at most 200 characters")
    return names


def _one_of(*words: str) -> Callable[[Any], str]:
    def parse(value: Any) -> str:
        if value not in words:
            raise ValueError(f"one of {', '.join(words)}; got {value!r}")
        return str(value)
    return parse


def _when(value: Any) -> float:
    """POSIX seconds of a datetime or an ISO text; naive ones are in the local zone."""
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    if not isinstance(value, datetime):
        raise ValueError(f"a datetime or a text such as 2026-03-01T09:30; got {value!r}")
    try:
        moment = value.astimezone(UTC).timestamp()
    except (OverflowError, OSError) as error:
        raise ValueError(f"a date between 1970 and 9998; got {value!r}") from error
    if not 0 <= moment < 253_000_000_000:
        raise ValueError(f"a date between 1970 and 9998; got {value!r}")
    return moment


def size(value: Any) -> int:
    """Bytes in ``512MB``, ``2GB`` or a number; powers of 1000, as everywhere in Tether Lab."""
    text = str(value).strip().upper().removesuffix("B").strip()
    factor = {"K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}.get(text[-1:], 1)
    try:
        number = float(text[:-1] if factor > 1 else text) * factor
    except ValueError:
        raise ValueError(f"a size such as 512MB or 2GB; got {value!r}") from None
    if isinstance(value, bool) or not 1 <= number <= 10**15:
        raise ValueError(f"a size such as 512MB or 2GB; got {value!r}")
    return int(number)


def _retry(value: Any) -> RetryPolicy:
    """A RetryPolicy, or its kind by name, with ``:delay`` and the exceptions where wanted:
    ``fixed:30s,on=ConnectionError+TimeoutError``, ``linear,not_on=ValueError``."""
    if isinstance(value, RetryPolicy):
        return value
    if isinstance(value, Mapping):
        return RetryPolicy(**value)
    words = [word.strip() for word in str(value).split(",")]
    rules = {name: tuple(names.split("+")) for name, given, names in
             (word.partition("=") for word in words) if given}
    kind, _, delay = ",".join(word for word in words if "=" not in word).partition(":")
    policy = _retry_kind(kind, delay) if rules.keys() <= {"on", "not_on"} else None
    if policy is None:
        raise ValueError("exponential[:2s], linear[:10s], fixed[:30s], custom:5s,1m,1h or a RetryPolicy; then, "
                         f"for some exceptions only, ,on=NAME+NAME or ,not_on=NAME; got {value!r}")
    return policy.only(**rules) if rules else policy


def _retry_kind(kind: str, delay: str) -> RetryPolicy | None:
    match kind:
        case "exponential":
            return RetryPolicy.exponential(None, delay or 2.0)
        case "linear":
            return RetryPolicy.linear(None, delay or 2.0)
        case "fixed":
            return RetryPolicy.fixed(delay or 2.0)
        case "custom" if delay:
            return RetryPolicy.custom(None, tuple(delay.split(",")))
    return None


def _truth(value: Any) -> bool:
    word = str(value).strip().lower()
    if word not in ("true", "yes", "1", "on", "false", "no", "0", "off"):
        raise ValueError(f"yes or no; got {value!r}")
    return word in ("true", "yes", "1", "on")


def _cache(value: Any) -> float | bool:
    return value if isinstance(value, bool) else seconds(value, what="cache")


def _after(value: Any) -> tuple[str, ...]:
    """Whom to wait for: numbers, keys, job handles; each text may end in :fail, :skip or :continue."""
    single = hasattr(value, "__index__")
    listed = value.split(",") if isinstance(value, str) else [value] if single else list(value)
    found = [word.strip() if isinstance(word, str) else str(int(word)) for word in listed]
    found = [word for word in found if word]
    for word in found:
        _, colon, policy = word.rpartition(":")
        if colon and policy not in POLICIES:
            raise ValueError(f"jobs, as in 12 or extract:skip (or {', '.join(POLICIES)}); got {word!r:.80}")
    return tuple(found)


def _path(value: Any) -> str:
    """A full path, from here: a job has no working folder yet."""
    return str(Path(_text(4000)(str(value))).expanduser().absolute())


def _meta(value: Any) -> dict[str, Any]:
    from .request import check_payload

    return dict(json.loads(check_payload(json.loads(value) if isinstance(value, str) else value)))


OPTIONS: tuple[Option, ...] = (
    Option("priority", _integer(-1_000_000, 1_000_000), "N", "Higher runs first within its queue."),
    Option("queue", _queue, "NAME", "The queue to wait in: critical, high, default, low or any name."),
    Option("delay", lambda v: seconds(v, what="delay"), "10m", "Run no earlier than this long from now."),
    Option("at", _when, "TIME", "Run no earlier than this moment (2026-03-01T09:30)."),
    Option("expires", lambda v: seconds(v, what="expires"), "1h", "Give up if it has not started by then."),
    Option("max_attempts", _integer(1, 1000), "N", "Executions at most (--retries N means N + 1)."),
    Option("retry", _retry, "POLICY", "exponential, linear, fixed or custom, as in fixed:30s or fixed:30s,on=ConnectionError."),
    Option("timeout", Timeout.parse, "10m", "End an attempt after this long; SOFT/HARD, or " + ", ".join(PRESETS) + "; then ,total=1h for all attempts."),
    Option("dedup", Dedup.parse, "KIND", "One job for equal ones: input, key, fields=NAME,NAME, with a ttl as in input:1h."),
    Option("on_conflict", _one_of(*CONFLICTS), "MODE", "When dedup finds one: existing, replace, raise or debounce."),
    Option("concurrency", Concurrency.parse, "N", "At most N at once (limited: 3); KEY:N and KEY:N:STRATEGY share a key."),
    Option("rate_limit", RateLimit.parse, "10/min", "At most so many starts in any such time; or " + ", ".join(RATES) + "."),
    Option("window", TimeWindow.parse, "WINDOW", "Start only then: off_peak (02-05), or '22:00-06:00 MON-FRI Europe/Madrid'."),
    Option("constraints", Constraints.parse, "LIST", "Start only if: network, unmetered, battery, charging, idle, gpu, memory>2GB, disk>10GB, load<0.8."),
    Option("expedite", _truth, "yes", "Start next: in the queue critical, before all others there."),
    Option("encrypt", _truth, "yes", "Encrypt its payload, outputs, errors, result and captures on disk."),
    Option("secret", _names, "NAME,NAME", "Payload fields that are encrypted, and never shown or printed."),
    Option("notify", Notify.parse, "WHO", "Tell of its end: toast, desktop, https://…, command:…; 'failure,' or 'success,' before it."),
    Option("isolation", _one_of("clean", "warm"), "KIND", "clean: a process of its own; warm: a reused one (functions only)."),
    Option("memory", size, "2GB", "End an attempt whose processes hold more than this (looked at four times a second)."),
    Option("max_output", size, "1MB", "Text kept from the start of the output; the end is always kept."),
    Option("keep", _names, "NAME,NAME", "Store these variables beside the result: job.vars['name']."),
    Option("tags", _names, "TAG,TAG", "Words to find the job by."),
    Option("description", _text(2000), "TEXT", "A sentence shown with the job."),
    Option("meta", _meta, "JSON", "Any JSON object, kept with the job."),
    Option("cache", _cache, "AGE", "If the same code, data and payload already completed, return that job."),
    Option("seed", _integer(0, 2**63 - 1), "N", "Seed the random generators of the job from this number."),
    Option("after", _after, "JOB,JOB", "Start after these (numbers, or keys: their newest jobs); KEY:skip, KEY:continue if one fails."),
    Option("output", _path, "PATH", "Notebooks: the executed copy, as in runs/{name}-{date}-{job}.ipynb, {PARAMETER} too (default: beside it)."),
    Option("kernel", _text(200), "NAME", "Notebooks: run in this kernel (default: the one it names)."),
)
BY_NAME = {option.name: option for option in OPTIONS}


def read_options(given: Mapping[str, Any], *, base: JobOptions | None = None) -> JobOptions:
    """JobOptions from keywords (or the texts of flags), on top of ``base``.

    ``retries=N`` is accepted for ``max_attempts=N + 1``. None values are left out. Raises
    OptionError naming the option, what it accepts, and the nearest name of an unknown one.
    """
    values: dict[str, Any] = {}
    for name, value in given.items():
        if value is None:
            continue
        if name == "retries":
            name, value = "max_attempts", _read("retries", _integer(0, 999), value) + 1
        option = BY_NAME.get(name)
        if option is None:
            near = get_close_matches(name, [*BY_NAME, "retries"], 1)
            raise OptionError(f"there is no option {name!r}" + (f"; did you mean {near[0]!r}?" if near else ""),
                              remedy=f"Options: {', '.join(BY_NAME)}.", where=name)
        values[name] = _read(name, option.parse, value)
    if values.get("delay") is not None and values.get("at") is not None:
        raise OptionError("delay and at were both given", remedy="Give one of them.", where="at")
    base = base or JobOptions()
    return JobOptions(**{**{f.name: getattr(base, f.name) for f in fields(JobOptions)}, **values})


def _read(name: str, parse: Callable[[Any], Any], value: Any) -> Any:
    try:
        return parse(value)
    except OptionError:
        raise
    except (LookupError, AttributeError):
        raise OptionError(f"{name}: {value!r:.80} is nothing that it takes", where=name,
                          remedy=f"It takes {BY_NAME[name].takes if name in BY_NAME else 'N'}.") from None
    except (ValueError, TypeError, OverflowError) as error:
        raise OptionError(f"{name}: {error}", where=name) from None
