"""The verbs of ``Lab`` for keeping it: trust, keys, copies, archives, the doctor."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from .door import door
from .verbs import Verbs

if TYPE_CHECKING:
    from .archive import Moved
    from .backup import Restored
    from .checks import Examination
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

    def backup(self, path: str | os.PathLike[str]) -> Path:
        """Copy this lab into a new folder while it works: queue, ``ctx.db``, captures and results, settings.
        ``tether-lab restore FOLDER`` puts it back. Keys are not in it: ``lab.keys.export``."""
        from .backup import backup

        return backup(self._lab, path)

    @staticmethod
    def restore(lab: str | os.PathLike[str] | None = None,
                source: str | os.PathLike[str] | None = None, *, data: bool = False) -> Restored:
        """Put a copy in the place of a lab's queue (the newest good one that it made itself, or ``source``), or
        of its ``ctx.db`` (``data``); the files there were are kept beside it. For labs that do not open any
        more."""
        from .backup import restore

        return restore(lab, source, data=data)

    def export(self, path: str | os.PathLike[str], *, key: str | None = None, since: object = None) -> Moved:
        """Write ended jobs with their history, outputs, results and handlers into one private file, for
        another lab's ``import_``."""
        from .archive import export

        return export(self._lab, path, key=key, since=since)

    def import_(self, path: str | os.PathLike[str]) -> Moved:
        """Take in what ``export`` wrote. What your keys signed is yours here too; the rest is shown, and
        neither loaded nor run until ``trust``."""
        from .archive import import_

        return import_(self._lab, path)

    def doctor(self) -> Examination:
        """What may be wrong with this lab, in words, and what to do."""
        from .checks import Examination, examine

        return Examination(examine(self._lab.folder.path))

    @property
    def keys(self) -> Keys:
        """Your keys, of all labs: ``lab.keys.export("keys.json", passphrase)``, ``.rotate()``,
        ``.move("keyring")``."""
        from .keys import Keys

        return Keys(self._lab)
