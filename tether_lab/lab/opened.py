"""An open lab: its folder, settings, queue, keys and worker. What the verbs stand on."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

from tether_lab.errors import OptionError
from tether_lab.job import HandlerVersion
from tether_lab.settings import LabFolder, Settings, SettingsError

from .door import door
from .plans import Plans
from .travel import in_a_job, is_in_a_job, open_lab
from .waking import Waker
from .worker_control import WorkerControl

if TYPE_CHECKING:
    from tether_lab.capture import BlobStore
    from tether_lab.job_queue.queue import Queue
    from tether_lab.job_queue.reader import Reader
    from tether_lab.job_queue.watch import Changes
    from tether_lab.vault import Vault


@door
class OpenLab:
    """What every verb of a lab needs; ``Lab`` adds the verbs."""

    def __init__(self, lab: str | os.PathLike[str] | None = None, **settings: object) -> None:
        if is_in_a_job():
            raise in_a_job("Lab()")
        from tether_lab.job_queue import owner
        from tether_lab.job_queue.queue import Queue

        try:
            self.folder = LabFolder.of(lab)
            self.settings = Settings.load(self.folder, **settings)
        except SettingsError as error:
            raise OptionError(error.message, remedy=error.remedy, where=error.where) from None
        self.queue: Queue = Queue.open(self.folder, role="client", settings=self.settings)
        self.folder.create()
        self.begin_trusted(owner.is_own(self.queue))
        self._versions: dict[int, HandlerVersion] = {}
        self.plans = Plans()
        self.usual_cache: dict[str, tuple[int, float | None]] = {}
        self._reader: Reader | None = None
        self._store: BlobStore | None = None

    def begin_trusted(self, own: bool) -> None:
        """With a worker, if the lab is this user's own."""
        self.queue.restricted = not own
        allowed = self.settings if own else replace(self.settings, enabled=False)
        self.waker = Waker(self.folder, allowed)
        self.worker = WorkerControl(self.folder, allowed, restricted=not own)

    @property
    def restricted(self) -> bool:
        """Whether it is somebody else's: shown, but nothing of it is loaded or run until ``trust``."""
        return self.queue.restricted

    @property
    def name(self) -> str:
        """Its name, or its path if it lies elsewhere."""
        return self.folder.name

    @property
    def uuid(self) -> str:
        """What names it for ever, wherever its folder goes."""
        return self.queue.uuid

    def __repr__(self) -> str:
        return f"<Lab {self.name}: {self.folder.path}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return open_lab, (str(self.folder.path),)

    def registered(self, key: str, target: Callable[..., Any]) -> None:
        """This process has just registered ``target`` under a key. For labs that run jobs here."""

    def close(self) -> None:
        """Let go of the queue. The worker goes on; the next verb opens the queue again."""
        self.waker.join()
        self.queue.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def version(self, version_id: int) -> HandlerVersion:
        """A handler version by its id. Versions never change, so each is read once."""
        found = self._versions.get(version_id)
        if found is None:
            from tether_lab.job_queue import handlers

            found = handlers.version(self.queue, version_id)
            self.remember(found)
        return found

    def remember(self, version: HandlerVersion) -> None:
        """Keep the last few versions at hand."""
        while len(self._versions) >= 64:
            self._versions.pop(next(iter(self._versions)))
        self._versions[version.id] = version

    def forget_versions(self) -> None:
        """Read them anew: their signatures changed."""
        self._versions.clear()

    def changes(self) -> Changes:
        """Something to wait on until the queue changes; close it (or use ``with``)."""
        from tether_lab.job_queue.watch import Changes

        return Changes(self.folder)

    @property
    def reader(self) -> Reader:
        """The reads of the queue for event loops."""
        if self._reader is None:
            from tether_lab.job_queue.reader import Reader

            self._reader = Reader(self.queue)
        return self._reader

    def ensure_worker(self) -> None:
        """Start a worker if none runs and the settings allow it: for whoever waits."""
        self.waker.ensure()

    @property
    def vault(self) -> Vault:
        """The user's keys, read when first needed."""
        return self.queue.vault

    @property
    def blob_store(self) -> BlobStore:
        """Where large buffers go."""
        if self._store is None:
            from tether_lab.capture import BlobStore

            self._store = BlobStore(self.folder.blobs, durable=self.settings.durability == "power")
        return self._store

    def store(self, *, encrypted: bool) -> BlobStore:
        """Where buffers go: as they are, or closed."""
        if not encrypted:
            return self.blob_store
        from tether_lab.capture import SealedStore
        from tether_lab.job_queue import sealed

        return SealedStore(self.folder.blobs, lambda content: sealed.seal_blob(self.queue, content),
                           durable=self.settings.durability == "power")

    def sign_handler(self, version: HandlerVersion) -> HandlerVersion:
        """The version with this user's signature."""
        from tether_lab.vault import signing

        mac = self.vault.sign(signing.HANDLER, *signing.handler_fields(self.uuid, version))
        return replace(version, key_id=self.vault.key_id, mac=mac)

    def sign_job(self, uuid: str, version: HandlerVersion, payload: str,
                 options: str) -> tuple[str, bytes]:
        """``(key_id, mac)`` for a job."""
        from tether_lab.vault import signing

        fields = signing.job_fields(self.uuid, uuid, version.key, version.version, payload, options)
        return self.vault.key_id, self.vault.sign(signing.JOB, *fields)
