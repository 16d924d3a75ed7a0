"""Small parts of the worker: faults, the lock, attribution, wakers, progress, logs."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tether_lab.job import Manifest
from tether_lab.job_queue import beacon
from tether_lab.runner import memory_events, wire
from tether_lab.worker import attribution, faults, lock, preload, spawn, wake
from tether_lab.worker.progress import Progress


def test_faults_are_named_points_with_an_action() -> None:
    """Points, actions and counts are read; anything else is refused with what is accepted."""
    assert faults.parse("after_claim_commit:kill, before_renew:stop@3") == {
        "after_claim_commit": ("kill", 1), "before_renew": ("stop", 3)}
    for wrong in ("nowhere:kill", "after_lock:explode", "after_lock"):
        with pytest.raises(ValueError, match="points: after_lock"):
            faults.parse(wrong)


def test_faults_do_nothing_outside_tests() -> None:
    """The variable alone kills nobody."""
    code = "from tether_lab.worker.faults import fault; fault('after_lock'); print('alive')"
    env = {**os.environ, "TETHER_LAB_FAULT": "after_lock:kill", "TETHER_LAB_TEST": "0"}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, timeout=20)
    assert done.stdout == "alive\n"
    done = subprocess.run([sys.executable, "-c", code], env={**env, "TETHER_LAB_TEST": "1"},
                          capture_output=True, text=True, timeout=20)
    assert done.returncode == -9


def test_the_lock_has_one_holder_and_says_who(tmp_path: Path) -> None:
    """A second taker gets None; the text names pid, boot and start time; release frees it."""
    held = lock.SupervisorLock.take(tmp_path)
    assert held is not None
    me = lock.Identity(os.getpid(), lock.boot_id(), lock.starttime(os.getpid()) or 0, "1", "w1", True)
    held.write(me)
    assert lock.SupervisorLock.take(tmp_path) is None
    assert lock.is_held(tmp_path)
    assert lock.holder(tmp_path) == me
    assert me.alive
    held.release()
    assert not lock.is_held(tmp_path)
    assert lock.holder(tmp_path) is None
    assert lock.path_of(tmp_path).exists()


@pytest.mark.row(14)
@pytest.mark.parametrize(("exited", "words"), [
    (wire.Exited(1, 1, 7, None, 0, 0), "exit code 7"),
    (wire.Exited(1, 1, None, 11, 0, 0), "SIGSEGV (segmentation fault)"),
    (wire.Exited(1, 1, None, 6, 0, 0), "SIGABRT (aborted)"),
    (wire.Exited(1, 1, None, 9, 0, 14_200_000_000, True), "lack of memory (peak 14.2 GB)"),
    (wire.Exited(1, 1, None, 64, 0, 0), "SIGRTMAX"),
    (None, "control channel lost"),
])
def test_crashes_are_told_in_words(exited: wire.Exited | None, words: str) -> None:
    """Exit code, signal name, memory, lost channel."""
    assert words in attribution.crash_reason(exited, channel_lost=exited is None)


def test_a_datagram_wakes_and_nobody_listening_is_said(tmp_path: Path) -> None:
    """send() is True while the socket is bound, False before and after; the socket is private."""
    assert not wake.send(tmp_path)
    bound = wake.WakeSocket(tmp_path, tmp_path)
    try:
        assert wake.send(tmp_path)
        assert select.select([bound], [], [], 5)[0]
        assert bound.read() == [b""]
        address = Path((tmp_path / "address").read_text())
        assert address.parent.stat().st_mode & 0o777 == 0o700
        for _ in range(50):
            assert wake.send(tmp_path)         # a full socket is a hint that was given
    finally:
        bound.close()
    assert not wake.send(tmp_path)


def test_the_beacon_watch_hears_of_a_commit(tmp_path: Path) -> None:
    """inotify answers when a kernel lights its beacon, and not for the worker's own."""
    watch = wake.BeaconWatch.open(tmp_path / beacon.ASKED)
    if watch is None:
        pytest.skip("no inotify here")
    beacon.tell(tmp_path, beacon.ANSWERED)
    assert not select.select([watch], [], [], 0)[0]
    beacon.tell(tmp_path, beacon.ASKED)
    assert select.select([watch], [], [], 5)[0]
    watch.drain()
    assert not select.select([watch], [], [], 0)[0]
    watch.close()


def test_the_environment_of_the_worker_is_an_allow_list() -> None:
    """Neither the kernel's own variables nor secrets travel; what libraries need does."""
    kept = spawn.scrubbed({"PATH": "/bin", "JPY_PARENT_PID": "1", "MPLBACKEND": "x", "API_TOKEN": "s",
                           "LC_ALL": "C", "OMP_NUM_THREADS": "2", "TETHER_LAB_RUNNERS": "2"})
    assert {"PATH", "LC_ALL", "OMP_NUM_THREADS", "TETHER_LAB_RUNNERS"} <= set(kept)
    assert not {"JPY_PARENT_PID", "MPLBACKEND", "API_TOKEN"} & set(kept)


def test_progress_is_written_twice_a_second_and_at_the_end() -> None:
    """The first news at once, then after half a second, the last state whatever the time."""
    progress = Progress()
    assert progress.take(0.0) is None
    bar = {"id": 1, "position": 0, "description": "epochs", "total": 10.0, "rate": 2.0, "elapsed": 1.0,
           "unit": "it"}
    progress.receive(wire.ProgressBar(n=1.0, **bar))
    first = json.loads(progress.take(0.0) or "")
    assert first["fraction"] == 0.1
    assert first["message"] == "epochs"
    progress.receive(wire.ProgressBar(n=2.0, **bar))
    assert progress.take(0.3) is None
    assert json.loads(progress.take(0.6) or "")["fraction"] == 0.2
    progress.receive(wire.ProgressBar(n=10.0, closed=True, **bar))
    assert json.loads(progress.take(0.7, final=True) or "")["fraction"] == 1.0


def test_only_safe_libraries_are_imported_ahead() -> None:
    """Names of the manifest pass an allow list; distributions become modules."""
    manifest = Manifest(imports={"pd": "pandas", "tf": "tensorflow", "plt": "matplotlib.pyplot"},
                        packages=("scikit-learn", "torch", "mine"))
    assert preload.wanted(manifest) == {"pandas", "matplotlib.pyplot", "sklearn"}


@pytest.mark.parametrize(("text", "more", "happened"), [
    ("low 0\noom 5\noom_kill 3\n", "low 9\noom 6\noom_kill 3\n", False),
    ("low 0\noom_kill 3\noom_group_kill 0\n", "low 0\noom_kill 4\noom_group_kill 0\n", True),
    ("oom_kill 9\n", "oom_kill 10\n", True),
    ("under_oom 0\n", "under_oom 7\n", False)], ids=["others", "events", "first", "none"])
def test_kills_for_lack_of_memory_are_counted(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, more: str, happened: bool) -> None:
    """As the kernel's files say them, in a line of their own; once each."""
    file = tmp_path / "memory.events"
    file.write_text(text)
    monkeypatch.setattr(memory_events, "_candidates", lambda: [tmp_path / "none", file])
    with closing(memory_events.OutOfMemory()) as seen:
        assert not seen.happened()
        file.write_text(more)
        assert [seen.happened(), seen.happened()] == [happened, False]
    assert not seen.happened()
