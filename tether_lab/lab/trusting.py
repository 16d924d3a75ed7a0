"""The verbs of ``Lab`` for keeping it: trust, keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .door import door
from .verbs import Verbs

if TYPE_CHECKING:
    from .keys import Keys
    from .trust import Trust


@door
class Trusting(Verbs):
    """What ``Lab`` can do about who may run and read it."""

    def trust(self, *, accept: bool = False) -> Trust:
        """Whose keys signed this lab, and the code that it would run; with ``accept=True`` all of it is signed
        with your key: only for what you have read, or know where it comes from."""
        from .trust import trust

        return trust(self._lab, accept=accept)

    @property
    def keys(self) -> Keys:
        """Your keys, of all labs: ``lab.keys.export("keys.json", passphrase)``, ``.rotate()``,
        ``.move("keyring")``."""
        from .keys import Keys

        return Keys(self._lab)
