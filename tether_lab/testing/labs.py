"""A lab with a home and keys of its own, for the time of a test."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tether_lab.settings import PREFIX

if TYPE_CHECKING:
    from tether_lab.lab import Lab


@contextmanager
def temporary_lab(**settings: object) -> Iterator[Lab]:
    """A fresh lab in a temporary home, with a worker if a job needs one; all of it gone afterwards.

    While it lasts, ``TETHER_LAB_HOME`` and ``TETHER_LAB_CONFIG`` of this process point there, so that
    the worker and ``Lab()`` elsewhere in the test mean the same lab.
    """
    from tether_lab.lab import Lab

    home = Path(tempfile.mkdtemp(prefix="tether-lab-test-"))
    places = {PREFIX + "HOME": str(home / "home"), PREFIX + "CONFIG": str(home / "config")}
    before = {name: os.environ.get(name) for name in places}
    os.environ.update(places)
    try:
        lab = Lab(None, **settings)
        try:
            yield lab
        finally:
            lab.close()
            lab.worker.stop(now=True, timeout=10)
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        shutil.rmtree(home, ignore_errors=True)
