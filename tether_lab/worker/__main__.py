"""The worker process: ``python -m tether_lab.worker --lab FOLDER``."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from tether_lab.errors import TetherLabError
from tether_lab.settings import LabFolder, Settings, SettingsError


def main(arguments: list[str] | None = None) -> int:
    """Run the worker of a lab until it is told to stop; 0 also if another one runs already."""
    parser = argparse.ArgumentParser(prog="python -m tether_lab.worker", description=__doc__)
    parser.add_argument("--lab", required=True, type=Path, help="the lab's folder")
    parser.add_argument("--ready", type=int, help="a descriptor to write a line to when ready")
    parser.add_argument("--log", action="store_true", help="standard error is the lab's log: rotate it")
    given = parser.parse_args(arguments)
    folder = LabFolder(given.lab.absolute())
    try:
        from .service import RESTART, serve

        code = serve(folder, Settings.load(folder), ready=given.ready, rotate=given.log)
        if code == RESTART:
            again = [sys.executable, "-P", "-m", "tether_lab.worker", "--lab", str(folder.path)]
            os.execv(sys.executable, [*again, "--log"] if given.log else again)  # noqa: S606  ourselves
        return code
    except (TetherLabError, SettingsError) as error:
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        return 1


if __name__ == "__main__":
    code = main()
    sys.stderr.flush()
    os._exit(code)                 # nothing is left to tidy
