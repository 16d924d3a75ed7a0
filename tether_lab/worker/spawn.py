"""Start, stop, wake and ask the worker: what kernels use. Standard library only, nothing lasting.

A worker must survive everything that can happen to a kernel: it gets a session of its own through
an intermediate process (so that it is nobody's child), an environment from an allow-list, and no
descriptor but its log. ``start`` returns when the worker hears wakers, or raises with the end of
its log.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import select
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tether_lab.errors import WorkerDidNotStart, WorkerDisabled, WorkerError

from . import lock, wake as waking

if TYPE_CHECKING:
    from tether_lab.settings import LabFolder, Settings

NAMES = frozenset({
    "HOME", "USER", "LOGNAME", "PATH", "LANG", "LANGUAGE", "TZ", "TMPDIR", "SHELL", "TERM", "DISPLAY",
    "WAYLAND_DISPLAY", "DBUS_SESSION_BUS_ADDRESS", "VIRTUAL_ENV", "LD_LIBRARY_PATH", "PYTHONPATH",
    "PYTHONHASHSEED", "PYTHONUTF8", "PYTHONDONTWRITEBYTECODE", "SSL_CERT_FILE", "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY", "http_proxy",
    "https_proxy", "no_proxy", "all_proxy", "JAVA_HOME", "SPARK_HOME", "HF_HOME", "TORCH_HOME",
})
PREFIXES = ("LC_", "XDG_", "TETHER_LAB_", "CONDA_", "MAMBA_", "CUDA_", "NVIDIA_", "OMP_", "MKL_",
            "OPENBLAS_", "NUMEXPR_", "SLURM_")
READY_WITHIN = 30.0
SIGNS_WITH = "signs-with"
"""In the folder of what runs: the id of the key that the worker signs with."""
_LAUNCHER = ("import os,sys\n"
             "if os.fork():os._exit(0)\n"
             "os.execv(sys.argv[1],sys.argv[1:])\n")


@dataclass(frozen=True, slots=True)
class WorkerStatus:
    """``state``: running, starting, stopped or dead (it ended without saying so)."""

    state: str
    pid: int | None = None
    version: str = ""
    worker: str = ""

    @property
    def running(self) -> bool:
        return self.state in ("running", "starting")


def scrubbed(environ: Mapping[str, str]) -> dict[str, str]:
    """What of an environment reaches the worker and its jobs: an allow-list. Nothing of the kernel
    (JPY_*, MPLBACKEND, FORCE_COLOR …), no secrets that happen to stand in it."""
    kept = {name: value for name, value in environ.items()
            if name in NAMES or name.startswith(PREFIXES)}
    root = str(Path(__file__).resolve().parents[2])
    if not root.endswith(("site-packages", "dist-packages")):
        paths = [path for path in kept.get("PYTHONPATH", "").split(os.pathsep) if path and path != root]
        kept["PYTHONPATH"] = os.pathsep.join([root, *paths])
    return kept


def is_running(folder: LabFolder) -> bool:
    """Whether a worker holds the lab now, be it starting or draining."""
    return lock.is_held(folder.run)


def wake(folder: LabFolder) -> bool:
    """Tell the worker to look into the queue. False: nobody listens."""
    return waking.send(folder.run)


def status(folder: LabFolder) -> WorkerStatus:
    """Who works for this lab."""
    identity = lock.last(folder.run)
    if lock.is_held(folder.run):
        if identity is None or not identity.alive:
            return WorkerStatus("starting")
        return WorkerStatus("running" if identity.ready else "starting", identity.pid,
                            identity.version, identity.worker)
    if identity is None or not identity.ready:
        return WorkerStatus("stopped")
    return WorkerStatus("dead", None, identity.version, identity.worker)


def start(folder: LabFolder, settings: Settings, *, wait: bool = True) -> WorkerStatus:
    """Start a worker unless one runs; return when it hears wakers.

    Raises WorkerDisabled if the settings forbid it, WorkerDidNotStart with the end of its log.
    """
    if not settings.enabled:
        raise WorkerDisabled("the settings say that no worker may start here (enabled = false)",
                             remedy="Jobs wait. Set enabled = true, or start the worker elsewhere.",
                             where=str(folder.settings_file))
    found = status(folder)
    if found.state == "running":
        return found
    reading, writing = os.pipe()
    try:
        _launch(folder, settings, writing)
        os.close(writing)
        writing = -1
        if wait:
            _await_ready(folder, reading)
    finally:
        os.close(reading)
        if writing >= 0:
            os.close(writing)
    return status(folder)


def _launch(folder: LabFolder, settings: Settings, ready: int) -> None:
    folder.log.mkdir(mode=0o700, exist_ok=True)
    log = os.open(folder.worker_log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    command = [sys.executable, "-P", "-m", "tether_lab.worker", "--lab", str(folder.path),
               "--ready", str(ready), "--log"]
    try:
        launcher = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _LAUNCHER, *command], start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, pass_fds=(ready,), cwd=folder.path,
            env=scrubbed({**os.environ, **_environ_of(settings)}))
    finally:
        os.close(log)
    launcher.wait()


def _environ_of(settings: Settings) -> dict[str, str]:
    """The settings as variables, so that the worker has those of whoever starts it."""
    found = {}
    for name in type(settings).__dataclass_fields__:
        value = getattr(settings, name)
        found[f"TETHER_LAB_{name.upper()}"] = ",".join(value) if isinstance(value, tuple) else str(value)
    return found


def _await_ready(folder: LabFolder, reading: int) -> None:
    """Wait for the worker's word; the end of the file without it means that the worker is gone."""
    deadline = time.monotonic() + READY_WITHIN
    said = b""
    while time.monotonic() < deadline:
        if not select.select([reading], [], [], max(0.0, deadline - time.monotonic()))[0]:
            break
        chunk = os.read(reading, 100)
        said += chunk
        if b"\n" in said:
            return
        if not chunk:
            break
    raise WorkerDidNotStart(
        f"the worker of {folder.path} did not start\n{log_tail(folder)}",
        remedy="Run tether-lab doctor, or python -m tether_lab.worker --lab FOLDER to see why.",
        where=str(folder.worker_log))


def signs_with(folder: LabFolder, key_id: str, *, within: float = 10.0) -> bool:
    """Whether no worker runs, or one that signs with this key; waits a little for it to take it up."""
    deadline = time.monotonic() + within
    while is_running(folder):
        with contextlib.suppress(FileNotFoundError):
            if (folder.run / SIGNS_WITH).read_text() == key_id:
                return True
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def log_tail(folder: LabFolder, *, lines: int = 15) -> str:
    """The last lines of the worker's log."""
    try:
        with (folder.worker_log).open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - 8192))
            text = file.read().decode(errors="replace")
    except OSError:
        return ""
    return "\n".join(text.splitlines()[-lines:])


def stop(folder: LabFolder, *, drain: float | None = None, now: bool = False,
         timeout: float | None = None) -> WorkerStatus:
    """Stop the worker and wait for its end.

    ``drain``: seconds that running jobs get to finish (default: the setting); what has not finished
    goes back to the queue and burns no attempt. ``now``: none at all. Raises WorkerError if it is
    still there after ``timeout`` seconds (None: as long as it takes).
    """
    identity = lock.holder(folder.run)
    if identity is None or not identity.alive:
        return status(folder)
    if not now and drain is not None and waking.send(folder.run, b"drain %.3f" % drain):
        pass
    else:
        _signal(identity, signal.SIGQUIT if now else signal.SIGTERM)
    deadline = None if timeout is None else time.monotonic() + timeout
    while lock.is_held(folder.run):
        if deadline is not None and time.monotonic() > deadline:
            raise WorkerError(f"the worker (pid {identity.pid}) is still running after {timeout:g} s",
                              remedy="Wait, or stop it with now=True: jobs go back to the queue.")
        time.sleep(0.01)
    return status(folder)


def kill(folder: LabFolder) -> None:
    """SIGKILL, for a worker that hangs: its jobs are rescued at the next start."""
    identity = lock.holder(folder.run)
    if identity is not None:
        _signal(identity, signal.SIGKILL)


def _signal(identity: lock.Identity, number: signal.Signals) -> None:
    """To that very process: a pid that was reused meanwhile gets nothing."""
    with contextlib.suppress(ProcessLookupError):
        descriptor = os.pidfd_open(identity.pid)
        try:
            if identity.alive:
                signal.pidfd_send_signal(descriptor, number)
        finally:
            os.close(descriptor)


def stack(folder: LabFolder, job_id: int, *, timeout: float = 5.0) -> str:
    """The Python stack of a running job, every thread, as its process stands now.

    Raises WorkerError if no worker answers.
    """
    token = secrets.token_hex(8)
    reply = folder.run / f"stack-{token}"
    if waking.send(folder.run, b"stack %d %s" % (job_id, token.encode())):
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            with contextlib.suppress(FileNotFoundError):
                text = reply.read_text()
                reply.unlink()
                return text
            time.sleep(0.005)
    raise WorkerError(f"no worker answered for job {job_id}",
                      remedy="Start the worker with lab.worker.start(); a stack exists while the job runs.")


def version() -> str:
    """The version of this package, as worker rows and the lock say it."""
    from tether_lab import settings

    return settings.version()
