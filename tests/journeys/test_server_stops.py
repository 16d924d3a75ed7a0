"""The Jupyter server is a viewer: when it goes, with its kernels, the job goes on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from eventually import eventually
from jupyter_client.blocking import BlockingKernelClient
from servers import address

from tether_lab import Lab

TOKEN = "a-token-for-this-test"


@contextmanager
def jupyter_server(folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """A real Jupyter server on loopback; (its process, its address)."""
    ready = folder / "runtime"
    ready.mkdir()
    environ = {**os.environ, "JUPYTER_RUNTIME_DIR": str(ready), "JUPYTER_CONFIG_DIR": str(folder / "config")}
    with (folder / "server.log").open("wb") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "jupyter_server", "--no-browser", "--ServerApp.ip=127.0.0.1",
             "--ServerApp.port=0", f"--IdentityProvider.token={TOKEN}", "--allow-root",
             f"--ServerApp.root_dir={folder}"],
            env=environ, stdout=log, stderr=log, start_new_session=True)
    try:
        yield server, address(ready)
    finally:
        if server.poll() is None:
            os.killpg(server.pid, signal.SIGKILL)
        server.wait(10)


def ask(url: str, path: str, body: dict[str, Any] | None = None) -> Any:
    request = urllib.request.Request(  # loopback only
        url + path, data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": f"token {TOKEN}", "Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def answers(client: BlockingKernelClient) -> bool:
    """Whether the kernel answers. A client without a manager takes a kernel that is slow to start for
    a dead one, which is no fact about it."""
    try:
        client.wait_for_ready(timeout=20)
    except RuntimeError:
        return False
    return True


@pytest.mark.row(52)
@pytest.mark.timeout(120)
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_the_job_goes_on_when_the_server_goes(how: signal.Signals, tmp_path: Path) -> None:
    """A job from a kernel of a Jupyter server completes after the server was stopped or killed."""
    gate = tmp_path / "gate"
    with jupyter_server(tmp_path) as (server, url):
        kernel = ask(url, "api/kernels", {"name": "python3"})
        connection = tmp_path / "runtime" / f"kernel-{kernel['id']}.json"
        client = BlockingKernelClient(connection_file=str(connection))
        eventually(connection.exists, within=30)
        client.load_connection_file()
        client.start_channels()
        eventually(lambda: answers(client), within=60)
        cell = (f"%%job served\nimport time, pathlib\nprint('begun', flush=True)\n"
                f"while not pathlib.Path({str(gate)!r}).exists(): time.sleep(0.02)\n6 * 7")
        for code in ("%load_ext tether_lab", cell):
            reply = client.execute_interactive(code, timeout=60, output_hook=lambda message: None)
            assert reply["content"]["status"] == "ok", reply["content"]
        with Lab() as lab:
            job = lab.jobs(key="served")[0]
            eventually(lambda: any("begun" in str(o.get("text")) for o in job.outputs), within=30)
            worker = lab.worker.status().pid
            os.killpg(server.pid, how)
            server.wait(20)
            client.stop_channels()
            assert lab.worker.status().pid == worker
            assert job.status == "running"
            gate.touch()
            assert job.wait(30).result() == 42
