"""Internal jobs: a hook is called with what happened; the built-in one tells those whom ``notify`` names."""

from __future__ import annotations

import html
import inspect
import json
import os
import shlex
import shutil
import subprocess
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tether_lab.errors import BadRequest, TetherLabError
from tether_lab.job.hooks import HookEntry

if TYPE_CHECKING:
    from .context import Context
    from .extras import Extras

PATIENCE = 30.0
"""Seconds that a webhook or a command gets."""


class NobodyTold(TetherLabError):
    """Some of those whom a job should tell of its end could not be reached."""


def call(function: Callable[..., Any], context: Context, extras: Extras | None) -> Any:
    """The hook, with what happened as its first free parameter; ``ctx``, ``db`` and resources by name."""
    entry = HookEntry.of(context.payload["entry"])
    arguments: dict[str, Any] = {}
    told = False
    for name, parameter in inspect.signature(function).parameters.items():
        if name in ("ctx", "db"):
            arguments[name] = context if name == "ctx" else context.db
        elif extras is not None and name in extras.resources:
            arguments[name] = extras.resource(name)
        elif not told:
            arguments[name], told = entry, True
        elif parameter.default is parameter.empty:
            raise BadRequest(f"the hook asks for {name!r}, which is no resource", where=name,
                             remedy="It is handed what happened, ctx, db and resources.")
    value = function(**arguments)
    if inspect.iscoroutine(value):
        import asyncio

        return asyncio.run(value)
    return None


def notify(context: Context) -> None:
    """Tell each target; raise what went wrong with some of them, after all had their turn. Those that
    were told are not told again by a later attempt."""
    entry = HookEntry.of(context.payload["entry"])
    told = set(context.restored or ())
    wrong: list[str] = []
    for target in context.payload["targets"]:
        if target in told:
            continue
        try:
            _tell(target, entry, context.payload.get("cwd") or None)
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            wrong.append(f"{target}: {error}")
            continue
        told.add(target)
        context.checkpoint(sorted(told))
    if wrong:
        raise NobodyTold("; ".join(wrong), where="notify")


def _plain(text: str) -> str:
    """What an argument or a variable of a process can carry, and a desktop can show."""
    return text.encode(errors="replace").decode().replace("\0", "")[:4000]


def _tell(target: str, entry: HookEntry, folder: str | None) -> None:
    text = json.dumps({**entry.to_payload(), "text": entry.sentence()})
    if target == "desktop":
        program = shutil.which("notify-send")
        if program is None:
            raise OSError("this machine has no notify-send")
        body = html.escape(_plain(entry.sentence()), quote=False)      # desktops read markup in it
        subprocess.run([program, "--app-name=Tether Lab", "--", _plain(entry.key), body], check=True,
                       timeout=PATIENCE)
    elif target.startswith("command:"):
        environment = {**os.environ, "TETHER_LAB_JOB_ID": str(entry.id), "TETHER_LAB_JOB_KEY": entry.key,
                       "TETHER_LAB_JOB_STATUS": entry.status, "TETHER_LAB_TEXT": _plain(entry.sentence())}
        subprocess.run(shlex.split(target.removeprefix("command:")), check=True, timeout=PATIENCE,
                       env=environment, input=text.encode(),
                       cwd=folder if folder and Path(folder).is_dir() else None)
    else:
        headers = {"Content-Type": "application/json", "User-Agent": "tether-lab"}
        request = urllib.request.Request(target, text.encode(), headers, method="POST")  # noqa: S310 — http(s) only
        with urllib.request.urlopen(request, timeout=PATIENCE):  # noqa: S310 — the same
            pass
