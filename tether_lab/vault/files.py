"""Private files: complete once they have their name, open to nobody else from their first moment."""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path

from tether_lab.errors import LoosePermissions


def write_private(path: Path, content: bytes) -> None:
    """A file of mode 0600, written aside and synced, then named."""
    aside = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        aside.rename(path)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def check_private(path: Path, mode: str) -> None:
    """Raises LoosePermissions with the line that repairs it: a link, somebody else's, or open to others."""
    found = path.lstat()
    if stat.S_ISLNK(found.st_mode):
        raise LoosePermissions(f"{path} is a symbolic link", where=str(path),
                               remedy="Replace it by what it points to: keys lie where they seem to.")
    if found.st_uid != os.geteuid():
        raise LoosePermissions(f"{path} belongs to another user (uid {found.st_uid})", where=str(path),
                               remedy=f"Give it back: chown {os.geteuid()} {path}")
    if found.st_mode & 0o077:
        raise LoosePermissions(f"{path} can be read or written by others "
                               f"(mode {stat.S_IMODE(found.st_mode):o})",
                               remedy=f"chmod {mode} {path}", where=str(path))
