"""The lab that the magics of this kernel speak to: the default one, until ``%tether use``."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tether_lab.lab import Lab


class Current:
    """Opens the lab when a magic first needs it; anew in a process forked from this one."""

    def __init__(self) -> None:
        self._lab: Lab | None = None
        self._name: str | None = None
        self._pid = 0

    @property
    def lab(self) -> Lab:
        """The lab. Raises QueueError if it cannot be opened."""
        if self._lab is None or self._pid != os.getpid():
            from tether_lab.lab import Lab

            self._lab, self._pid = Lab(self._name), os.getpid()
        return self._lab

    def use(self, name: str) -> Lab:
        """Speak to another lab from now on, by name or path; the old one stays if it fails."""
        from tether_lab.lab import Lab

        lab = Lab(name)
        self.close()
        self._name, self._lab, self._pid = name, lab, os.getpid()
        return lab

    def close(self) -> None:
        """Let go of the lab; the next magic opens it again."""
        if self._lab is not None and self._pid == os.getpid():
            self._lab.close()
        self._lab = None
