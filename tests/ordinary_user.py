"""Code in a process that may do no more than an ordinary user, also where the tests run as root."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from pathlib import Path

_VERSION = 0x20080522
_OVERRIDE = 0b110                              # CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH


def give_up_override() -> None:
    """Modes of files count for this process from here on, whoever it is."""
    if os.geteuid() != 0:
        return
    libc = ctypes.CDLL(None, use_errno=True)
    header = (ctypes.c_uint32 * 2)(_VERSION, 0)
    data = (ctypes.c_uint32 * 6)()
    if libc.capget(header, data) != 0:
        raise OSError(ctypes.get_errno(), "capget")
    for index in (0, 1):                       # effective, permitted
        data[index] &= ~_OVERRIDE
    if libc.capset(header, data) != 0:
        raise OSError(ctypes.get_errno(), "capset")


def run(
    code: str, *, limit_files: int | None = None, timeout: float = 40.0,
) -> subprocess.CompletedProcess[str]:
    """Run Python as an ordinary user; ``limit_files`` is RLIMIT_FSIZE in bytes, as a full disk."""
    lines = [f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})",
             "import ordinary_user; ordinary_user.give_up_override()"]
    if limit_files:
        lines.append(f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({limit_files},) * 2)")
    return subprocess.run([sys.executable, "-c", "\n".join([*lines, code])], capture_output=True, text=True,
                          timeout=timeout, check=False)
