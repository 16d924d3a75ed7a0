"""A real kernel, and the numbers that code inside it prints."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

from jupyter_client.manager import KernelManager


class Kernel:
    """A fresh ipykernel; ``numbers`` runs code in it and returns the JSON that it printed last."""

    def __init__(self) -> None:
        self.manager = KernelManager(kernel_name="python3")
        self.manager.kernel_cmd = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        self.manager.start_kernel(env=dict(os.environ))
        self.client = self.manager.blocking_client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=60)

    def run(self, code: str, timeout: float = 300.0) -> str:
        """The text that a cell printed. RuntimeError with the traceback if it fails."""
        text: list[str] = []

        def hear(message: dict[str, Any]) -> None:
            content = message["content"]
            if message["msg_type"] == "stream":
                text.append(content["text"])
            elif message["msg_type"] == "error":
                raise RuntimeError("\n".join(content["traceback"]))

        self.client.execute_interactive(code, allow_stdin=False, output_hook=hear, timeout=timeout)
        return "".join(text)

    def numbers(self, code: str) -> Any:
        lines = [line for line in self.run(code).splitlines() if line.startswith(("{", "["))]
        return json.loads(lines[-1])

    def end(self) -> None:
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)
        self.manager.cleanup_resources()
