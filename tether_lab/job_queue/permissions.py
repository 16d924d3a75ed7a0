"""Nobody else may write a lab: its files hold code that will run as this user."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from tether_lab.errors import LoosePermissions, QueueError

FILES = ("queue.db", "queue.db-wal", "queue.db-shm", "queue.uuid")


def check(folder: Path) -> None:
    """Raises LoosePermissions with the command that repairs it.

    The folder: no link, ours, closed to all others. Its files: likewise. Its parents: nobody else can
    put another folder in its place (a sticky one such as /tmp lets only the owner do that).
    """
    found = folder.lstat()
    if stat.S_ISLNK(found.st_mode):
        raise LoosePermissions(f"{folder} is a symbolic link", where=str(folder),
                               remedy=f"Name the folder it points to: {folder.resolve()}")
    if not stat.S_ISDIR(found.st_mode):
        raise QueueError(f"{folder} is no folder", remedy="Name a folder for the lab.", where=str(folder))
    _private(folder, found, "700")
    for name in FILES:
        file = folder / name
        try:
            found = file.lstat()
        except FileNotFoundError:
            continue
        if not stat.S_ISREG(found.st_mode):
            raise LoosePermissions(f"{file} is no plain file", where=str(file),
                                   remedy=f"Move it away: mv {file} {file}.moved")
        _private(file, found, "600")
    for parent in dict.fromkeys([*folder.parents, *folder.resolve().parents]):
        _unwritable(parent)


def _private(path: Path, found: os.stat_result, mode: str) -> None:
    if found.st_uid != os.geteuid():
        raise LoosePermissions(f"{path} belongs to another user (uid {found.st_uid})", where=str(path),
                               remedy=f"Use a lab of your own, or take it over: chown {os.geteuid()} {path}")
    if found.st_mode & 0o077:
        raise LoosePermissions(f"{path} is open to others (mode {stat.S_IMODE(found.st_mode):o})",
                               remedy=f"chmod {mode} {path}", where=str(path))


def _unwritable(parent: Path) -> None:
    found = parent.stat()
    if found.st_mode & stat.S_ISVTX:
        return
    if found.st_mode & 0o022:
        raise LoosePermissions(f"{parent}, above the lab, can be written by others "
                               f"(mode {stat.S_IMODE(found.st_mode):o})",
                               remedy=f"chmod go-w {parent}", where=str(parent))
    if found.st_uid not in (0, os.geteuid()):
        raise LoosePermissions(f"{parent}, above the lab, belongs to another user (uid {found.st_uid})",
                               remedy="Put the lab below your own home folder (TETHER_LAB_HOME).",
                               where=str(parent))
