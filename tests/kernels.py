"""A real kernel for tests: start it, run cells, read what a front end would show, end it any way."""

from __future__ import annotations

import os
import re
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from queue import Empty
from typing import Any

from jupyter_client.manager import KernelManager

ANSI = re.compile(r"\x1b\[[0-9;]*m")


@dataclass
class Ran:
    """What one cell left: its outputs in order, as nbformat would keep them; its reply."""

    outputs: list[dict[str, Any]] = field(default_factory=list)
    status: str = ""
    seconds: float = 0.0

    @property
    def text(self) -> str:
        """All text a person would read, streams and text/plain, without colours."""
        parts = []
        for output in self.outputs:
            if output["type"] == "stream":
                parts.append(output["text"])
            elif output["type"] == "error":
                parts.append("\n".join(output["traceback"]))
            else:
                parts.append(str(output["data"].get("text/plain", "")))
        return ANSI.sub("", "\n".join(parts))

    def write(self, name: str, text: str) -> None:
        """Take in a piece of a stream: a print may arrive in several, and a page shows them as one."""
        last = self.outputs[-1] if self.outputs else {}
        if last.get("type") == "stream" and last["name"] == name:
            last["text"] += text
        else:
            self.outputs.append({"type": "stream", "name": name, "text": text})

    def bundle(self, mime: str) -> Any:
        """The newest output that has this MIME type."""
        found = [o["data"][mime] for o in self.outputs if mime in o.get("data", {})]
        assert found, f"no {mime} among {[sorted(o.get('data', {})) or o['type'] for o in self.outputs]}"
        return found[-1]


class Kernel:
    """A kernel process and its client."""

    def __init__(self) -> None:
        self.manager = KernelManager(kernel_name="python3")
        self.manager.kernel_cmd = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        self.manager.start_kernel(stdin=None)
        self.client = self.manager.blocking_client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=60)

    def run(self, code: str, *, timeout: float = 60.0, fails: bool = False) -> Ran:
        """Run a cell to its end. AssertionError with the traceback if it fails unasked."""
        ran = self.collect(self.client.execute(code), timeout=timeout)
        if not fails:
            assert ran.status == "ok", f"the cell failed:\n{code}\n{ran.text}"
        return ran

    def collect(self, message_id: str, *, timeout: float = 60.0) -> Ran:
        """The outputs of a request, until the kernel says that it is idle again."""
        ran, shown, begun = Ran(), {}, time.monotonic()
        while True:
            left = begun + timeout - time.monotonic()
            assert left > 0, f"the cell did not end within {timeout} s; so far: {ran.text}"
            message = self.client.get_iopub_msg(timeout=left)
            if message["parent_header"].get("msg_id") != message_id:
                continue
            kind, content = message["msg_type"], message["content"]
            if kind == "status" and content["execution_state"] == "idle":
                break
            if kind == "stream":
                ran.write(content["name"], content["text"])
            elif kind in ("display_data", "execute_result"):
                output = {"type": kind, "data": content["data"]}
                ran.outputs.append(output)
                if name := content.get("transient", {}).get("display_id"):
                    shown.setdefault(name, []).append(output)
            elif kind == "update_display_data":
                for output in shown.get(content["transient"]["display_id"], ()):
                    output["data"] = content["data"]
            elif kind == "error":
                ran.outputs.append({"type": "error", "traceback": content["traceback"],
                                    "ename": content["ename"], "evalue": content["evalue"]})
        reply = self.client.get_shell_msg(timeout=timeout)
        while reply["parent_header"].get("msg_id") != message_id:    # late answers to "are you there?"
            reply = self.client.get_shell_msg(timeout=timeout)
        ran.status = reply["content"]["status"]
        ran.seconds = time.monotonic() - begun
        return ran

    def talk(self, code: str, answers: Sequence[str], *, timeout: float = 60.0) -> str:
        """Run a cell that asks, and give it these answers in order; what it printed, prompts and answers among
        it. AssertionError if it asks for more, or for less."""
        message_id = self.client.execute(code, allow_stdin=True)
        said, left, deadline = [], list(answers), time.monotonic() + timeout
        while time.monotonic() < deadline:
            with suppress(Empty):
                prompt = self.client.get_stdin_msg(timeout=0.05)["content"]["prompt"]
                assert left, f"it asks once more: {ANSI.sub('', ''.join(said))}"
                said.append(f"{prompt}{left[0]}\n")
                self.client.input(left.pop(0))
            with suppress(Empty):
                while True:
                    message = self.client.get_iopub_msg(timeout=0.05)
                    content = message["content"]
                    if message["parent_header"].get("msg_id") != message_id:
                        continue
                    said += [content["text"]] if "text" in content else content.get("traceback", [])
                    if content.get("execution_state") == "idle":
                        assert not left, f"it did not ask for {left}: {''.join(said)}"
                        return ANSI.sub("", "".join(said))
        raise AssertionError(f"it did not end within {timeout} s: {ANSI.sub('', ''.join(said))}")

    @property
    def pid(self) -> int:
        pid = self.manager.provisioner.pid
        assert pid is not None
        return int(pid)

    def kill(self) -> None:
        """SIGKILL, as the kernel's own out-of-memory end would be."""
        os.kill(self.pid, signal.SIGKILL)
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)

    def close(self) -> None:
        self.client.stop_channels()
        if self.manager.is_alive():
            self.manager.shutdown_kernel(now=True)
        self.manager.cleanup_resources()


@contextmanager
def kernel(*, load: bool = True) -> Iterator[Kernel]:
    """A kernel with the extension loaded, ended at the end whatever happens."""
    started = Kernel()
    try:
        if load:
            started.run("%load_ext tether_lab")
        yield started
    finally:
        started.close()
