"""A question to a short-lived process: for what the server itself must not load."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from tether_lab.worker.spawn import scrubbed


async def ask(words: Sequence[str], given: bytes = b"", *, patience: float,
              folder: Path | None = None) -> bytes:
    """What it writes, once it is given ``given``. It is ended with whoever waits for it, and after ``patience``
    seconds (TimeoutError). Raises CalledProcessError with the last line of its complaint."""
    child = await asyncio.create_subprocess_exec(
        *words, cwd=folder, env=scrubbed(os.environ), stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE)
    try:
        out, complaint = await asyncio.wait_for(child.communicate(given), patience)
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    if child.returncode:
        said = complaint.decode(errors="replace").strip().splitlines()
        raise subprocess.CalledProcessError(child.returncode, list(words),
                                            stderr=said[-1] if said else str(child.returncode))
    return out
