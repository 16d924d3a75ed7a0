"""A lab on the test's own disk, its worker as a real process, and words to ask about both.

Speaks to the queue directly, so that what is tested is the worker. Every process that a bench
starts, however indirectly, carries a mark in its environment: none may be left at the end.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path
from typing import Any

import psutil
from eventually import eventually

from tether_lab.job import (
    Attempt,
    Event,
    HandlerVersion,
    Interpreter,
    JobOptions,
    JobRow,
    Manifest,
    Provenance,
)
from tether_lab.job_queue import enqueue, owner, read, register
from tether_lab.job_queue.queue import Queue
from tether_lab.settings import LabFolder, Settings
from tether_lab.vault import signing
from tether_lab.vault.keys import Vault
from tether_lab.worker import lock, spawn

MEMORY = 6_000_000_000


def now() -> int:
    """UTC microseconds."""
    return time.time_ns() // 1000


class Bench:
    """One lab and its workers. ``settings`` go to the worker by its environment."""

    def __init__(self, path: Path, *, memory: int = MEMORY, **settings: object) -> None:
        self.memory = memory           # bytes of address space of each process of the worker
        self.mark = uuid.uuid4().hex
        self.folder = LabFolder(path)
        self.folder.create()
        self.settings = Settings.load(self.folder, **{"runners": 2, "autostart": False, **settings})
        self.queue = Queue.open(self.folder, role="client", settings=self.settings)
        self.vault = Vault.open()
        assert owner.is_own(self.queue)        # a new lab is signed before anything is in it, as Lab() does
        self.workers: list[subprocess.Popen[bytes]] = []
        self._versions: dict[tuple[str, str], HandlerVersion] = {}

    # -- the worker ---------------------------------------------------------------------------------

    def environ(self, **more: str) -> dict[str, str]:
        return {**os.environ, **spawn._environ_of(self.settings), "TETHER_LAB_MARK": self.mark,
                "TETHER_LAB_TEST": "1", **more}

    def worker(self, *, faults: str = "", ready: bool = True,
               group: Path | None = None) -> subprocess.Popen[bytes]:
        """A worker process, ready unless it is to die before; in a control group of the kernel's."""

        def begin() -> None:
            if group is not None:
                (group / "cgroup.procs").write_text(str(os.getpid()))
            resource.setrlimit(resource.RLIMIT_AS, (self.memory, self.memory))

        log = (self.folder.log / "worker.log").open("ab")
        process = subprocess.Popen(
            [sys.executable, "-m", "tether_lab.worker", "--lab", str(self.folder.path)],
            env=self.environ(TETHER_LAB_FAULT=faults), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            start_new_session=True, preexec_fn=begin)
        log.close()
        self.workers.append(process)
        if ready:
            eventually(lambda: self._ready(process), within=20, say=f"a ready worker\n{self.log()}")
        return process

    def _ready(self, process: subprocess.Popen[bytes]) -> bool:
        assert process.poll() is None, f"the worker ended: {process.returncode}\n{self.log()}"
        identity = lock.last(self.folder.run)
        return identity is not None and identity.pid == process.pid and identity.ready

    def stop(self, process: subprocess.Popen[bytes], number: int = signal.SIGQUIT) -> int:
        process.send_signal(signal.SIGCONT)
        process.send_signal(number)
        return process.wait(30)

    def log(self) -> str:
        return (self.folder.log / "worker.log").read_text()[-6000:]

    def marked(self) -> list[psutil.Process]:
        """Every living process that descends from this bench, this one left out."""
        needle = f"TETHER_LAB_MARK={self.mark}".encode()
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                if needle in (folder / "environ").read_bytes() and int(folder.name) != os.getpid():
                    process = psutil.Process(int(folder.name))
                    if process.status() != psutil.STATUS_ZOMBIE:
                        found.append(process)
            except (OSError, psutil.NoSuchProcess):
                continue
        return found

    def close(self) -> None:
        """Stop what runs; fail if anything is left behind a moment later."""
        for process in self.workers:
            if process.poll() is None:
                try:
                    self.stop(process)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait(10)
        self.queue.close()
        try:
            eventually(lambda: not self.marked(), within=5, say="the end of every process")
        except AssertionError:
            left = self.marked()
            told = [(p.pid, p.cmdline()) for p in left]
            for process in left:
                process.kill()
            raise AssertionError(f"left behind: {told}\n{self.log()}") from None

    # -- jobs ---------------------------------------------------------------------------------------

    def handler(self, source: str, *, kind: str = "cell", key: str = "test",
                executable: str = sys.executable,
                manifest: Manifest | None = None, parameters: str = "{}",
                small: dict[str, bytes] | None = None,
                large: dict[str, int] | None = None) -> HandlerVersion:
        """Register a source; equal ones once."""
        found = self._versions.get((key, source))
        if found is None:
            minor = f"{sys.version_info.major}.{sys.version_info.minor}"
            number = uuid.uuid5(uuid.NAMESPACE_OID, source).hex[:12]
            draft = HandlerVersion(
                0, uuid.uuid4().hex, key, number, kind, source, parameters,
                manifest or Manifest(cwd=str(self.folder.path), python=minor),
                Interpreter(sys.prefix, executable, minor), Provenance(), now(), self.vault.key_id)
            mac = self.vault.sign(signing.HANDLER, *signing.handler_fields(self.queue.uuid, draft))
            signed = _with(draft, mac=mac)
            found, _, _ = register.register(self.queue, signed, defaults="{}", options="{}",
                                            small_blobs=small or {}, large_blobs=large or {})
            self._versions[key, source] = found
        return found

    def function(self, code: str, name: str, **parameters: bool) -> HandlerVersion:
        """Register the function that this code defines, as a notebook would; parameters: name=required."""
        from tether_lab.capture import BlobStore, CaptureRequest, capture_function

        namespace: dict[str, Any] = {"__name__": "__main__"}
        exec(code, namespace)
        captured = capture_function(namespace[name], CaptureRequest(namespace), BlobStore(self.folder.blobs))
        declared = {n: {"required": required, "type": None} for n, required in parameters.items()}
        return self.handler(code, kind="function", key=name, manifest=captured.manifest,
                            parameters=json.dumps(declared), small=captured.small, large=captured.large)

    def enqueue(self, source: str, payload: dict[str, Any] | list[dict[str, Any]] | None = None, *,
                count: int = 1, key: str = "test", kind: str = "cell", version: HandlerVersion | None = None,
                run_at: int | None = None, **options: Any) -> list[int]:
        """Jobs of this source, ``count`` of them or one for each payload; their ids."""
        version = version or self.handler(source, key=key, kind=kind)
        chosen = JobOptions(**options)
        text = chosen.to_json()
        jobs = []
        for one_payload in payload if isinstance(payload, list) else [payload or {}] * count:
            one = uuid.uuid4().hex
            body = json.dumps(one_payload)
            mac = self.vault.sign(signing.JOB, *signing.job_fields(
                self.queue.uuid, one, version.key, version.version, body, text))
            jobs.append(enqueue.NewJob(
                uuid=one, key=version.key, handler_id=version.id, queue="default", payload=body, options=text,
                priority=0, run_at=run_at or now(), expires_at=None, max_attempts=chosen.max_attempts or 1,
                description=None, tags=(), key_id=self.vault.key_id, mac=mac))
        ids = enqueue.enqueue(self.queue, jobs)
        spawn.wake(self.folder)
        return ids

    def job(self, job_id: int) -> JobRow:
        return read.get(self.queue, job_id)

    def ended(self, job_id: int, within: float = 20.0) -> JobRow:
        """The row once it is final."""
        def final() -> JobRow | None:
            row = self.job(job_id)
            return row if row.is_final else None
        try:
            return eventually(final, within=within, say=f"the end of job {job_id}")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.job(job_id)}\n{self.log()}") from None

    def running(self, job_id: int, within: float = 20.0) -> None:
        """Wait until its user code runs."""
        eventually(lambda: self.path(f"started-{job_id}").exists() or self.job(job_id).is_final,
                   within=within, say=f"the start of job {job_id}\n{self.log()}")

    def path(self, name: str) -> Path:
        """A file that jobs write to tell the test something."""
        return self.folder.path.parent / name

    def attempts(self, job_id: int) -> list[Attempt]:
        return list(read.attempts(self.queue, job_id))

    def events(self, job_id: int) -> list[Event]:
        return list(read.events(self.queue, job_id))

    def result(self, job_id: int) -> Any:
        row = read.result(self.queue, job_id)
        assert row is not None, self.job(job_id)
        self.vault.verify(row.mac, row.key_id, signing.RESULT, *signing.result_fields(
            self.queue.uuid, row.job_uuid, row.epoch, row.kind, row.body))
        return json.loads(row.body)


def _with(version: HandlerVersion, **changes: Any) -> HandlerVersion:
    from dataclasses import replace

    return replace(version, **changes)
