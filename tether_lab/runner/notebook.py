"""A notebook as a job: a kernel of its own runs the cells, and what it says is heard as it comes.

nbclient speaks with the kernel. What it would do to signals and at exit is ours here: the job's own
handlers stay, and however the job ends, its kernel ends with it. The executed copy is written after every
cell that took a while and at the end, so that a run that failed or was killed can be read up to where it
was.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import nbformat
from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError

from tether_lab.errors import NoRetry, TetherLabError
from tether_lab.job import notebook as text

from . import kinship, wire
from .command import variables
from .context import Context
from .output import Output

SAVE_EVERY = 1.0
KERNEL_WITHIN = 120
PATIENCE = 2.0


class CellFailed(TetherLabError):
    """A cell raised; ``types`` and ``trace`` are the kernel's."""

    def __init__(self, cell: int, error: CellExecutionError) -> None:
        self.types = (str(error.ename), "CellFailed", "Exception")
        self.trace = str(error)
        super().__init__(f"{error.evalue} (cell {cell})" if error.evalue else f"in cell {cell}")


class KernelDied(TetherLabError):
    """The kernel ended in the middle of a cell."""


class Client(NotebookClient):
    """Runs the cells, tells what they say."""

    def __init__(self, notebook: Any, run: Run, kernel: str) -> None:
        super().__init__(notebook, timeout=None, kernel_name=kernel, startup_timeout=KERNEL_WITHIN,
                         iopub_timeout=30, km=_kernel(kernel, run.place),
                         on_cell_start=run.cell_starts, on_cell_executed=run.cell_ended)
        self._run = run

    @asynccontextmanager
    async def async_setup_kernel(self, **kwargs: Any) -> AsyncIterator[None]:
        """A kernel for as long as the cells run; signals stay the job's."""
        await self.async_start_new_kernel(**kwargs)
        await self.async_start_new_kernel_client()
        yield

    def process_message(self, msg: dict[str, Any], cell: Any, cell_index: int) -> Any:
        """What nbclient keeps for the copy is said at once."""
        self._run.hear(msg["msg_type"], msg["content"])
        return super().process_message(msg, cell, cell_index)

    def pid(self) -> int | None:
        """The kernel's process, which is a group of its own."""
        found = getattr(getattr(self.km, "provisioner", None), "pid", None)
        return int(found) if found else None


class Run:
    """One execution of one notebook."""

    def __init__(self, source: str, context: Context, output: Output, about: dict[str, str | None]) -> None:
        """``about``: ``path`` of the notebook, ``output`` and ``kernel`` as the job says them."""
        plain = text.injected(json.loads(source), context.payload)
        self._context, self._output, self._about = context, output, about
        self._headings = text.headings(plain)
        self._code = [at for at, cell in enumerate(plain["cells"])
                      if cell["cell_type"] == "code" and text.source(cell).strip()]
        self._kernel = about["kernel"] or text.kernel_of(plain)
        self.notebook: Any = nbformat.reads(json.dumps(plain), as_version=4)  # type: ignore[no-untyped-call]
        self.path, self.place = _place(about, context), context.tmp
        self._saved_at, self._began, self._cell = time.monotonic(), time.time(), 0

    def __call__(self) -> dict[str, Any]:
        """Run it all; what there is to say about it. Raises CellFailed, KernelDied, NoRetry."""
        try:
            KernelSpecManager().get_kernel_spec(self._kernel)
        except NoSuchKernel:
            known = ", ".join(sorted(KernelSpecManager().find_kernel_specs())) or "none"
            raise NoRetry(f"there is no kernel {self._kernel!r} here", where="kernel",
                          remedy=f"Installed: {known}. Choose one with kernel=.") from None
        client, status = Client(self.notebook, self, self._kernel), "failed"
        parent = os.getpid()
        try:
            asyncio.run(client.async_execute(
                env=os.environ | variables(self._context), preexec_fn=lambda: kinship.die_with_parent(parent)))
            status = "completed"
        except CellExecutionError as error:
            raise CellFailed(self._cell, error) from None
        except DeadKernelError:
            raise KernelDied(f"the kernel died in cell {self._cell}{_how(client)}",
                             remedy="Its last output may say why; memory is the usual reason.") from None
        except KeyboardInterrupt:
            status = "cancelled"
            raise
        finally:
            _end(client.pid())
            self._save(status)
        return {"notebook": str(self.path), "cells": len(self._code),
                "seconds": round(time.time() - self._began, 3)}

    # -- while it runs -------------------------------------------------------------------------------

    def cell_starts(self, *, cell: Any, cell_index: int) -> None:  # noqa: ARG002  nbclient names them
        """Say which one, above its outputs."""
        if cell_index not in self._code:
            return
        self._cell = self._code.index(cell_index) + 1
        title = f"[{self._cell}/{len(self._code)}] {self._headings[cell_index]}"
        self._context.progress(self._cell - 1, len(self._code), f"cell {self._cell} of {len(self._code)}")
        self._output.send(wire.Stream("stdout", f"{'' if self._cell == 1 else chr(10)}{title}\n"))

    def cell_ended(self, *, cell: Any, cell_index: int, execute_reply: Any) -> None:  # noqa: ARG002  nbclient names them
        """Write the copy, unless that was a moment ago."""
        self._context.progress(self._cell, len(self._code), f"cell {self._cell} of {len(self._code)}")
        if time.monotonic() - self._saved_at >= SAVE_EVERY:
            self._save("running")

    def hear(self, kind: str, content: dict[str, Any]) -> None:
        """One message of the kernel becomes output of the job."""
        match kind:
            case "stream":
                self._output.send(wire.Stream(content["name"], content["text"]))
            case "display_data" | "execute_result" | "update_display_data":
                self._output.send(wire.Display(
                    kind, dict(content["data"]), dict(content.get("metadata") or {}),
                    (content.get("transient") or {}).get("display_id")))
            case "clear_output":
                self._output.send(wire.ClearOutput(bool(content.get("wait"))))
            case "error":
                self._output.send(wire.ErrorOutput(
                    str(content["ename"]), str(content["evalue"]), tuple(content["traceback"])))

    def _save(self, status: str) -> None:
        """The copy as it stands, in place of the one before."""
        self._saved_at = time.monotonic()
        self.notebook.metadata["tether_lab"] = {
            "job": self._context.id, "attempt": self._context.attempt, "status": status,
            "parameters": self._context.payload, "notebook": self._about["path"],
            "started": datetime.fromtimestamp(self._began, UTC).isoformat(timespec="seconds"),
            "seconds": round(time.time() - self._began, 3)}
        aside = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        self.path.parent.mkdir(parents=True, exist_ok=True)
        aside.write_text(nbformat.writes(self.notebook), encoding="utf-8")  # type: ignore[no-untyped-call]
        aside.replace(self.path)


def _kernel(name: str, folder: Path) -> AsyncKernelManager:
    """Sockets in a folder that nobody else can enter, where their paths are short enough; else TCP."""
    file = folder / "k.json"
    if len(str(file)) > 90:
        return AsyncKernelManager(kernel_name=name)
    return AsyncKernelManager(kernel_name=name, transport="ipc", connection_file=str(file))


def _in_a_name(value: object) -> str:
    """A parameter's value as part of a file's name: no slash, nothing strange, not long."""
    return re.sub(r"[^\w.=+-]+", "-", str(value))[:60].lstrip(".") or "-"


def _place(about: dict[str, str | None], context: Context) -> Path:
    """Where the executed copy goes: beside the notebook under a name of its own, or as ``output`` says."""
    original = Path(about["path"] or "notebook.ipynb")
    wanted = about["output"] or str(original.with_name("{name}-{job}.ipynb"))
    now = context.scheduled_for or datetime.now(UTC)
    local = now.astimezone()
    ours = {"name": original.stem, "job": str(context.id), "date": f"{local:%Y-%m-%d}",
            "time": f"{local:%H%M%S}"}
    given = {word: _in_a_name(value) for word, value in context.payload.items()}
    found = Path(text.WORD.sub(lambda word: {**given, **ours}.get(word[1], "default"), wanted))
    if found.is_dir():
        found = found / f"{original.stem}-{context.id}.ipynb"
    if found == original:
        raise NoRetry(f"output: {found} is the notebook itself", where="output",
                      remedy="Give another name; the executed copy would replace what it came from.")
    return found


def _end(pid: int | None) -> None:
    """The kernel and its group end: asked first, so that what runs at exit runs."""
    if pid is None:
        return
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, number)
        deadline = time.monotonic() + (PATIENCE if number == signal.SIGTERM else 0.05)
        while time.monotonic() < deadline:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)
            try:
                os.killpg(pid, 0)
            except (ProcessLookupError, PermissionError):
                return
            time.sleep(0.01)


def _how(client: Client) -> str:
    """How the kernel's process ended, as far as anybody knows."""
    code = getattr(getattr(client.km.provisioner, "process", None), "returncode", None) if client.km else None
    if code is None:
        return ""
    return f" (exit code {code})" if code >= 0 else f" ({signal.Signals(-code).name})"
