"""A cell as a job, without its kernel: a short-lived process in the cell's own Python puts it in."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

from tether_lab import errors
from tether_lab.errors import BadRequest, OptionError, TetherLabError

from . import acting, child
from .api import Call
from .contract import Json

PATIENCE = 60.0
MODULE = "tether_lab.cell.alone"


async def submit_cell(call: Call) -> Json:
    """Nothing is captured: what the cell needs must stand in it."""
    said, place = call.body, root_of(call)
    notebook = notebook_of(said.get("notebook"), place)
    request = {"lab": str(call.lab.lab.folder.path), "source": said["source"], "key": said.get("key"),
               "parameters": said.get("parameters", {}), "options": said.get("options", {}),
               "notebook": str(notebook) if notebook else None, "cell_id": said.get("cell_id")}
    folder = notebook.parent if notebook and notebook.parent.is_dir() else place
    answer = await _ask(_python_of(call, said.get("kernel")), request, folder)
    if "error" in answer:
        raise _error(answer["error"])
    return await acting.enqueued(call.lab, [answer["job"]])


def root_of(call: Call) -> Path:
    """The folder that the Jupyter server shows."""
    return Path(call.server["server_root_dir"]).expanduser()


def notebook_of(path: str | None, root: Path) -> Path | None:
    """A path as the Jupyter server has it, on disk. Raises BadRequest for one that leads out of its folder."""
    if not path:
        return None
    plain = path.partition(":")[2] if path.partition(":")[0].isalpha() and ":" in path else path
    found = (root / plain.lstrip("/")).resolve() if "\0" not in plain else root.parent
    if not found.is_relative_to(root.resolve()):
        raise BadRequest(f"{path!r:.200} is not below the folder of the Jupyter server", where="notebook",
                         remedy="Give its path as the file browser shows it.")
    return found


def _python_of(call: Call, kernel: str | None) -> str:
    """The interpreter of a kernelspec. Raises OptionError."""
    if kernel is None:
        return sys.executable
    specs = call.server["kernel_spec_manager"]
    known = specs.find_kernel_specs()
    if kernel not in known:
        raise OptionError(f"there is no kernel {kernel!r:.80} here", where="kernel",
                          remedy=f"Installed: {', '.join(sorted(known)) or 'none'}.")
    program = str(specs.get_kernel_spec(kernel).argv[0])
    found = sys.executable if program in ("python", "python3") else shutil.which(program)
    if not found or not Path(found).name.startswith(("python", "pypy")):
        raise OptionError(f"the kernel {kernel} is not run by a Python that was found ({program})",
                          where="kernel", remedy="Use a kernel of Python, or %%job --shell for other programs.")
    return found


async def _ask(python: str, request: Json, folder: Path) -> Json:
    try:
        found: Json = json.loads(await child.ask(
            [python, "-P", "-m", MODULE], json.dumps(request).encode(), patience=PATIENCE, folder=folder))
    except TimeoutError:
        raise errors.WorkerError(f"{python} did not answer within {PATIENCE:g} s", where="kernel",
                                 remedy="Try again, or start the notebook's kernel.") from None
    except subprocess.CalledProcessError as error:
        raise errors.InterpreterMissing(
            f"{python} could not put the cell in: {error.stderr}", where="kernel",
            remedy="Install tether-lab there, as for the notebook's kernel.") from None
    return found


def _error(said: Json) -> TetherLabError:
    """The refusal of that process, as ours."""
    kind: type[TetherLabError] = {"option_error": OptionError, "payload_error": errors.PayloadError,
                                  "cell_error": errors.CellError, "duplicate_job": errors.DuplicateJob,
                                  }.get(said["code"], BadRequest)
    return kind(said["message"], remedy=said["remedy"], where=said["where"])
