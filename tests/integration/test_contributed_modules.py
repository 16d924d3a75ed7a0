"""What installed packages contribute acts although nobody asks for it: the worker has it registered."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from selectors import DefaultSelector
from typing import Any

import psutil
import pytest
from eventually import eventually
from queues import opened

from tether_lab import Lab
from tether_lab.job_queue import contributed
from tether_lab.job_queue.queue import Queue
from tether_lab.worker import modules

Package = Callable[..., Path]


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Package:
    """A package with entry points, as pip leaves it, in a folder that Python looks into."""
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.setenv("PYTHONPATH", str(site))

    def install(name: str, source: str, *points: str, version: str = "1.2") -> Path:
        about = site / f"{name}-{version}.dist-info"
        about.mkdir()
        (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        (about / "entry_points.txt").write_text(
            "[console_scripts]\nx = y:z\n\n[tether_lab.modules]\n" + "".join(f"{one}\n" for one in points))
        (site / f"{name}.py").write_text(source)
        return site

    return install


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    with Lab(tmp_path / "lab", runners=1) as lab:
        yield lab
        lab.worker.stop(now=True, timeout=10)


BESIDE = """
def loud(ctx, call_next):
    return f"{call_next()}, said acme"

def told(entry):
    open(HEARD, "a").write(f"{entry.event}\\n")

def tick():
    return 1

def register(lab):
    print("acme is here")
    lab.middleware(loud, name="loud")
    lab.on_success(told, name="told")
    lab.schedule(lab.register(tick, "acme.tick"), interval="1d", name="acme")

def broken(lab):
    raise RuntimeError("no licence")
"""


def test_middleware_hooks_and_schedules_of_a_package_act_although_nobody_asks(
    lab: Lab, installed: Package, tmp_path: Path,
) -> None:
    """Only the worker has seen the package: its middleware is round every job, its hook hears of them, its
    schedule stands. What raises is said in the log and by the doctor, and tried again by the next worker."""
    heard = tmp_path / "heard"
    installed("acme_jobs", BESIDE.replace("HEARD", repr(str(heard))),
              "acme = acme_jobs:register", "broken = acme_jobs:broken")
    lab.register(lambda: "done", "mine")
    lab.worker.start()
    eventually(lambda: contributed.known(lab.queue).fingerprint, within=20, say=lab.worker.log())
    assert lab.enqueue("mine").result(20) == "done, said acme"
    eventually(heard.exists, within=20)
    assert [row.key for row in lab.rows(key="acme.tick")] == []
    assert [one.name for one in lab.schedules()] == ["acme"]
    log = eventually(lambda: "could not be registered" in lab.worker.log() and lab.worker.log(), within=10)
    assert "the module acme of acme_jobs 1.2 is registered" in log
    assert "the module broken of acme_jobs 1.2 could not be registered: RuntimeError: no licence" in log
    said = next(check for check in lab.doctor() if check.name == "modules")
    assert said.state == "warning"
    assert "no licence" in said.text
    lab.worker.stop(timeout=10)
    lab.worker.start()
    eventually(lambda: lab.worker.log().count("no licence") == 2, within=20, say=lab.worker.log())
    lab.worker.stop(timeout=10)


@pytest.fixture
def queue(tmp_path: Path) -> Iterator[Queue]:
    found = opened(tmp_path, "supervisor")
    yield found
    found.close()


def looks(queue: Queue, said: list[str]) -> tuple[modules.Modules, Callable[[], bool]]:
    """What a worker has of it, and one look; True while a child is at work."""
    selector = DefaultSelector()
    found = modules.Modules(queue, selector, said.append)

    def look() -> bool:
        found.look()
        for key, _ in selector.select(0.1):
            key.data(key.fileobj)
        return found.busy
    return found, look


def done(look: Callable[[], bool]) -> Any:
    return eventually(lambda: not look(), within=30)


def test_a_package_that_comes_while_the_worker_runs_acts_too_and_others_cost_nothing(
    queue: Queue, installed: Package, monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A child runs when the entry points of the group are others; not for a package without any, nor twice."""
    site = installed("plain", "", version="1.0")
    monkeypatch.syspath_prepend(str(site))
    said: list[str] = []
    _, look = looks(queue, said)
    assert not look()
    installed("acme", "def register(lab):\n    lab.register(lambda: 1, 'acme.one')\n", "a = acme:register")
    assert look()
    done(look)
    assert said == ["the module a of acme 1.2 is registered"]
    first = contributed.known(queue)
    assert first.modules[0].handlers == ("acme.one",)
    installed("plain2", "")
    assert not look()
    installed("acme", "def register(lab): ...\n", "a = acme:register", version="2.0")
    assert look()
    done(look)
    assert contributed.known(queue).fingerprint not in ("", first.fingerprint)
    for about in site.glob("acme*.dist-info"):
        (about / "entry_points.txt").unlink()
        (about / "METADATA").unlink()
        about.rmdir()
    assert not look()
    assert contributed.known(queue) == contributed.Contributed()


@pytest.mark.parametrize(("source", "words"), [
    ("import os\ndef register(lab):\n    print('oh', flush=True)\n    os._exit(9)\n",
     "ended before it was done\noh"),
    ("import time\ndef register(lab):\n    print('oh', flush=True)\n    time.sleep(99)\n", "took longer than"),
    ("raise SystemExit('no')\n", "ended before it was done")])
def test_a_package_that_dies_or_hangs_stops_nothing(
    queue: Queue, installed: Package, monkeypatch: pytest.MonkeyPatch, source: str, words: str,
) -> None:
    """It is said, remembered and not tried again by this worker; no process is left."""
    monkeypatch.syspath_prepend(str(installed("acme", source, "a = acme:register")))
    said: list[str] = []
    found, look = looks(queue, said)
    assert look()
    (pid,) = found.pids
    if "longer" in words:
        eventually(lambda: look() and b"oh" in found._heard, within=20)
        monkeypatch.setattr(modules, "LONGEST", 0.0)
        found._until = 0.0
    done(look)
    assert words in said[-1]
    assert contributed.known(queue).failed
    assert not psutil.pid_exists(pid)
    assert not look()


def test_the_child_ends_with_its_worker(lab: Lab, installed: Package, tmp_path: Path) -> None:
    """Killed in the middle: nobody goes on registering."""
    pid = tmp_path / "pid"
    installed("acme", "import os, time\ndef register(lab):\n"
                      f"    open({str(pid)!r}, 'w').write(str(os.getpid()))\n    time.sleep(99)\n",
              "a = acme:register")
    lab.worker.start()
    child = psutil.Process(int(eventually(lambda: pid.exists() and pid.read_text(), within=20)))
    worker = lab.worker.status().pid
    assert worker is not None
    os.kill(worker, signal.SIGKILL)
    eventually(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE, within=10)
