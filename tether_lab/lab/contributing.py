"""The process in which a worker has installed packages register what they contribute.

    python -P -m tether_lab.lab.contributing LAB FINGERPRINT
"""

from __future__ import annotations

import os
import sys
import threading


def main(path: str, fingerprint: str) -> int:
    """Call every module and write down what came of it, under ``fingerprint``."""
    from tether_lab.job_queue import contributed

    from .lab import Lab

    threading.Thread(target=_end_with_the_worker, daemon=True).start()
    with Lab(path, autostart=False) as lab:
        contributed.put(lab.queue, fingerprint, lab.modules())
    return 0


def _end_with_the_worker() -> None:
    """Its death closes our stdin."""
    sys.stdin.buffer.read()
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
