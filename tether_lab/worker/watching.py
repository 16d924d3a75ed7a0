"""``python -m tether_lab.worker.watching``: watches files for the worker, in a process of its own.

What to watch comes as one line of JSON; what changed goes out as one line each. It ends when its standard
input does. A process of its own keeps watchfiles, with its thread and its memory, out of the supervisor.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from pathlib import Path
from typing import Any

from tether_lab.job.trigger import MOST_FILES, wanted
from tether_lab.runner.kinship import die_with_parent, show_as

MOST_SCANNED = 100_000
_lock = threading.Lock()


def main() -> None:
    """Watch until the worker is gone."""
    die_with_parent()
    show_as("tether-lab watch")
    asked: dict[str, dict[str, Any]] = json.loads(sys.stdin.readline() or "{}")
    for name, about in asked.items():
        threading.Thread(target=_watch, args=(name, about), daemon=True).start()
    sys.stdin.read()
    os._exit(0)


def _watch(name: str, about: dict[str, Any]) -> None:
    from watchfiles import Change, watch

    words = {Change.added: "added", Change.modified: "modified", Change.deleted: "deleted"}
    paths = [path for path in about["paths"] if Path(path).exists()]
    if len(paths) < len(about["paths"]):
        missing = next(path for path in about["paths"] if path not in paths)
        _say(name, trouble=f"there is no {missing}")
    if not paths:
        return
    try:
        missed = wanted(about, _since(paths, about))
        if missed:
            _say(name, files=missed[:MOST_FILES])
        for changes in watch(*paths, watch_filter=None, debounce=max(50, round(about["settle"] * 1000)),
                             step=max(20, min(200, round(about["settle"] * 250))), recursive=about["recursive"],
                             rust_timeout=0, yield_on_timeout=False):
            told = wanted(about, ((words[kind], path) for kind, path in sorted(changes, key=lambda c: c[1])))
            if told:
                _say(name, files=told[:MOST_FILES])
    except (OSError, RuntimeError) as error:
        _say(name, trouble=f"files cannot be watched: {error}")


def _since(paths: list[str], about: dict[str, Any]) -> list[tuple[str, str]]:
    """What changed while nobody watched, as far as times of files tell."""
    found = []
    for top in map(Path, paths):
        files = [top] if top.is_file() else (top.rglob("*") if about["recursive"] else top.iterdir())
        for number, path in enumerate(files):
            if number >= MOST_SCANNED:
                break
            try:
                status = path.stat()
            except OSError:
                continue
            if path.is_file() and status.st_mtime > about["since"]:
                found.append(("modified" if "modified" in about["changes"] else "added", str(path)))
    return sorted(found, key=lambda one: one[1])


def _say(name: str, **what: Any) -> None:
    with _lock:
        sys.stdout.write(json.dumps({"name": name, **what}) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
