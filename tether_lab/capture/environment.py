"""Environment variables that the notebook set, minus secrets."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

# Set by Jupyter and terminals for a process of theirs; a job is none.
_IGNORED = frozenset({
    "JPY_PARENT_PID", "JPY_SESSION_NAME", "JPY_API_TOKEN", "TERM", "PAGER", "GIT_PAGER",
    "MPLBACKEND", "CLICOLOR", "CLICOLOR_FORCE", "FORCE_COLOR", "PYDEVD_USE_FRAME_EVAL", "COLUMNS",
    "LINES", "PWD", "OLDPWD", "SHLVL", "_", "PYTEST_CURRENT_TEST", "JUPYTER_PATH_CACHE",
})
_SECRET = re.compile(
    r"secret|token|passw|passphrase|passwd|pwd|api_?key|access_?key|private|credential|auth|"
    r"signature|cookie|session|(^|_)(key|pat|dsn)$|connection_string|database_url|webhook",
    re.IGNORECASE)
_ALSO = {"sklearn": "scikit", "matplotlib": "mplconfigdir", "transformers": "hf", "tensorflow": "tf"}
_URL_WITH_PASSWORD = re.compile(r"^[a-z][a-z0-9+.-]*://[^/\s:@]*:[^/\s@]+@", re.IGNORECASE)


@lru_cache(maxsize=1)
def _initial() -> dict[str, str]:
    """The environment that this process was started with; where the system does not tell, the one
    it had when this was first asked."""
    try:
        raw = Path("/proc/self/environ").read_bytes()
    except OSError:
        return dict(os.environ)
    pairs = (os.fsdecode(part).partition("=") for part in raw.split(b"\0") if b"=" in part)
    return {name: value for name, _, value in pairs}


def is_secret(name: str, value: str = "") -> bool:
    """Whether a variable looks like one that must not be written to a database."""
    return bool(_SECRET.search(name) or _URL_WITH_PASSWORD.match(value))


def settings_of(packages: Iterable[str]) -> set[str]:
    """Names of variables that belong to ``packages`` by their first word: ``SEABORN_DATA``."""
    words = {word for package in packages for word in (package, _ALSO.get(package, package))}
    return {name for name in os.environ if name.partition("_")[0].lower() in words}


def changes(named: Iterable[str] = (), allowed: Iterable[str] = ()) -> tuple[dict[str, str], list[str]]:
    """Variables that changed since the start or that the code reads by name (``named``), without
    what looks like a secret unless ``allowed`` names it; and the names withheld."""
    start, wanted, allow = _initial(), set(named), set(allowed)
    taken = {name: value for name, value in os.environ.items()
             if name in allow or (name not in _IGNORED
                                  and (name in wanted or start.get(name) != value))}
    withheld = sorted(name for name, value in taken.items()
                      if name not in allow and is_secret(name, value))
    for name in withheld:
        del taken[name]
    return dict(sorted(taken.items())), withheld
