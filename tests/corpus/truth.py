"""One real kernel: runs cells and folds what it publishes into nbformat outputs."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from queue import Empty
from typing import Any

from jupyter_client.manager import KernelManager

SIDE = Path(__file__).with_name("kernel_side.py")
HELPER = "__import__('sys').modules['_corpus_side']"


class Kernel:
    """A running ipykernel. ``run`` executes a cell and returns its outputs as nbformat has them."""

    def __init__(self, env: dict[str, str], cwd: Path) -> None:
        self.manager = KernelManager(kernel_name="python3")
        self.manager.kernel_cmd = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}",
                                   "--HistoryManager.enabled=False"]
        self.manager.start_kernel(env=env, cwd=str(cwd))
        self.client = self.manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=60)
        self.quiet("import types as _t, sys as _s\n"
                   "_m = _s.modules['_corpus_side'] = _t.ModuleType('_corpus_side')\n"
                   f"exec(open({str(SIDE)!r}).read(), _m.__dict__)\n_m.remember()")

    @property
    def pid(self) -> int:
        return int(self.manager.provisioner.process.pid)

    def quiet(self, code: str) -> None:
        """Housekeeping: no history, no output expected."""
        bad = [o for o in self.run(code, silent=True) if o["output_type"] == "error"]
        if bad:
            raise RuntimeError("\n".join(bad[0]["traceback"]))

    def helper(self, verb: str) -> None:
        self.quiet(f"{HELPER}.{verb}()")

    def run(self, code: str, *, silent: bool = False, store: bool | None = None,
            within: float = 60.0) -> list[dict[str, Any]]:
        request = self.client.execute(code, silent=silent, allow_stdin=False,
                                      store_history=not silent if store is None else store)
        fold, deadline = Fold(), time.monotonic() + within
        while True:
            try:
                message = self.client.get_iopub_msg(timeout=max(0.0, deadline - time.monotonic()))
            except Empty:
                raise TimeoutError(f"the kernel did not finish within {within} s: {code[:200]}") from None
            if message["parent_header"].get("msg_id") != request:
                continue
            if message["msg_type"] == "status" and message["content"]["execution_state"] == "idle":
                self._reply(request, deadline)
                return fold.outputs
            fold.take(message["msg_type"], message["content"])

    def _reply(self, request: str, deadline: float) -> None:
        heard = None
        while heard != request:
            reply = self.client.get_shell_msg(timeout=max(1.0, deadline - time.monotonic()))
            heard = reply["parent_header"].get("msg_id")

    def kill(self) -> None:
        """SIGKILL, as a crash would."""
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)
        self.manager.cleanup_resources()


class Fold:
    """Messages of the iopub channel, folded as a notebook front end folds them."""

    def __init__(self) -> None:
        self.outputs: list[dict[str, Any]] = []
        self._shown: dict[str, list[dict[str, Any]]] = {}
        self._clear = False

    def take(self, kind: str, content: dict[str, Any]) -> None:
        if kind == "clear_output":
            self._clear = bool(content["wait"])
            if not self._clear:
                self.outputs.clear()
            return
        if kind == "update_display_data":
            for shown in self._shown.get(content["transient"].get("display_id", ""), ()):
                shown.update(data=content["data"], metadata=content["metadata"])
            return
        if kind not in ("stream", "display_data", "execute_result", "error"):
            return
        if self._clear:
            self._clear = False
            self.outputs.clear()
        self._add(kind, content)

    def _add(self, kind: str, content: dict[str, Any]) -> None:
        last = self.outputs[-1] if self.outputs else {}
        if kind == "stream":
            if last.get("output_type") == "stream" and last["name"] == content["name"]:
                last["text"] += content["text"]
            else:
                self.outputs.append({"output_type": kind, "name": content["name"], "text": content["text"]})
            return
        kept = ("data", "metadata", "ename", "evalue", "traceback")
        output = {"output_type": kind, **{k: content[k] for k in kept if k in content}}
        self.outputs.append(output)
        name = content.get("transient", {}).get("display_id")
        if name:
            self._shown.setdefault(name, []).append(output)
