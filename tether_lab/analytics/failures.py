"""What fails: rates by handler version, and errors that are the same but for their numbers."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

LOSSES = ("failed", "timed_out", "crashed", "lost")
"""Outcomes of attempts that were for nothing."""

ENDED = ("succeeded", *LOSSES)
"""Outcomes that say whether the code works: not cancelled, snoozed or interrupted by others."""

_RULES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\x1b\[[0-9;]*m"), ""),
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", re.IGNORECASE), "‹uuid›"),
    (re.compile(r"\b0x[0-9a-f]+\b", re.IGNORECASE), "‹address›"),
    (re.compile(r"\"(?:[^\"\\]|\\.)*\"|`[^`]*`|(?<![A-Za-z0-9])'(?:[^'\\]|\\.)*'(?![A-Za-z0-9])"), "‹…›"),
    (re.compile(r"(?<![\w.])(?:/[\w.+-]+){2,}/?"), "‹path›"),
    (re.compile(r"\b(?=[a-f]*\d)[0-9a-f]{8,}\b"), "‹hex›"),
    (re.compile(r"(?<![A-Za-z_])[-+]?\d+(?:[.,:]\d+)*(?:e[-+]?\d+)?"), "N"),
    (re.compile(r"\s+"), " "),
)


@lru_cache(maxsize=65_536)
def fingerprint(error: str) -> str:
    """An error line without what differs from time to time, at most 200 characters.

    In this order: colours go; uuids, 0x-addresses, quoted parts ('…', "…", `…`), paths, hex strings become
    a sign; numbers become N; white space one space. An apostrophe within a word quotes nothing.
    """
    text = error[:2000]
    for pattern, sign in _RULES:
        text = pattern.sub(sign, text)
    return text.strip()[:200]


def fingerprints(errors: pd.Series[Any]) -> pd.Series[Any]:
    """``fingerprint`` of each text as categories; missing stays missing. Each distinct text once."""
    codes, texts = pd.factorize(errors)
    prints = pd.Index([fingerprint(str(text)) for text in texts], dtype="str")
    inner, names = pd.factorize(prints)
    mapped = np.append(inner, -1)[codes]              # code -1 (missing) takes the last: -1 again
    categories: Any = pd.Index(names, dtype="str")
    return pd.Series(pd.Categorical.from_codes(mapped, categories=categories), index=errors.index,
                     name="fingerprint")


def failure_rate(attempts: pd.DataFrame) -> pd.DataFrame:
    """Attempts that ended by themselves and the share that failed, by key and handler version.

    rate = failures / attempts with failures = failed, timed_out, crashed, lost; low and high are the
    Wilson interval for 95 %. ``first`` is the first start; rows are in the order of key and first.
    """
    ended = attempts.loc[attempts["outcome"].isin(ENDED)]
    table = pd.DataFrame({
        "key": ended["key"].astype("str"), "handler_version": ended["handler_version"].astype("str"),
        "bad": ended["outcome"].isin(LOSSES), "started_at": ended["started_at"]})
    found = table.groupby(["key", "handler_version"]).agg(
        attempts=("bad", "size"), failures=("bad", "sum"), first=("started_at", "min")).reset_index()
    found["failures"] = found["failures"].astype("int64")
    found["rate"] = found["failures"] / found["attempts"]
    found["low"], found["high"] = wilson(found["failures"].to_numpy(), found["attempts"].to_numpy())
    return found.sort_values(["key", "first"], ignore_index=True)


def error_pareto(attempts: pd.DataFrame) -> pd.DataFrame:
    """Failed attempts by the fingerprint of their error, the most frequent first.

    share = count / all failures, cumulative its running sum; ``jobs`` how many jobs met it, ``keys`` whose
    they are, ``example`` the newest line as it was, first and last when it was met.
    """
    bad = attempts.loc[attempts["outcome"].isin(LOSSES)]
    table = pd.DataFrame({
        "fingerprint": fingerprints(bad["error"].fillna("no message")).astype("str"), "job_id": bad["job_id"],
        "key": bad["key"].astype("str"), "error": bad["error"], "at": bad["finished_at"]}).sort_values("at")
    found = table.groupby("fingerprint").agg(
        count=("job_id", "size"), jobs=("job_id", "nunique"), keys=("key", _listed),
        example=("error", "last"), first=("at", "min"), last=("at", "max")).reset_index()
    found = found.sort_values(["count", "fingerprint"], ascending=[False, True], ignore_index=True)
    found["share"] = found["count"] / max(len(table), 1)
    found["cumulative"] = found["share"].cumsum()
    return found


def _listed(keys: pd.Series[Any]) -> str:
    return ", ".join(sorted(set(keys)))


def wilson(hits: Any, of: Any, z: float = 1.96) -> tuple[Any, Any]:
    """The Wilson interval of a share p̂ = hits / n: (p̂ + z²/2n ± z·√(p̂(1-p̂)/n + z²/4n²)) / (1 + z²/n)."""
    n = np.maximum(np.asarray(of, "float64"), 1e-9)
    share = np.asarray(hits, "float64") / n
    middle, spread = share + z * z / (2 * n), z * np.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    return np.clip((middle - spread) / scale, 0, 1), np.clip((middle + spread) / scale, 0, 1)
