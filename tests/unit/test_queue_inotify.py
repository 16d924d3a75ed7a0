"""Watchers' descriptors: kept for the next one, deaf until then, each process's own."""

from __future__ import annotations

import os
import select
import sys
from pathlib import Path

import pytest

from tether_lab.job_queue import inotify

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="inotify is Linux's")


@pytest.fixture(autouse=True)
def _nothing_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inotify, "_spare", [])


def heard(descriptor: int) -> bool:
    return bool(select.select([descriptor], [], [], 0.2)[0])


def test_a_descriptor_is_used_again_and_has_forgotten_everything(tmp_path: Path) -> None:
    """What happened before, and while nobody watched, is not told to the next watcher."""
    (tmp_path / "file").touch()
    first = inotify.watch(tmp_path)
    os.utime(tmp_path / "file")
    assert heard(first)
    inotify.release(first)
    os.utime(tmp_path / "file")
    second = inotify.watch(tmp_path)
    assert second == first
    assert not heard(second)
    os.utime(tmp_path / "file")
    assert heard(second)
    inotify.release(second)


def test_a_few_are_kept_and_no_more(tmp_path: Path) -> None:
    """Many watchers at once leave no descriptors behind."""
    many = [inotify.watch(tmp_path) for _ in range(inotify.KEPT + 3)]
    assert len(set(many)) == len(many)
    for each in many:
        inotify.release(each)
    assert len(inotify._spare) == inotify.KEPT


def test_a_child_leaves_its_parents_descriptors_alone(tmp_path: Path) -> None:
    """It closes what it inherited, watched or spare; the parent goes on hearing."""
    (tmp_path / "file").touch()
    watched, spare = inotify.watch(tmp_path), inotify.watch(tmp_path)
    inotify.release(spare)
    child = os.fork()
    if child == 0:
        inotify.release(watched)
        fresh = inotify.watch(tmp_path)
        os.utime(tmp_path / "file")
        os._exit(0 if heard(fresh) and inotify._watching[fresh][0] == os.getpid() else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert heard(watched)
    inotify.release(watched)


def test_a_folder_that_is_not_there_is_not_watched(tmp_path: Path) -> None:
    """Then the watcher polls."""
    assert inotify.watch(tmp_path / "none") == -1
