"""The verbs of ``Lab`` for what lasts: services and triggers."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from .door import door
from .handler import RegisteredHandler
from .verbs import Verbs, key_of

if TYPE_CHECKING:
    from .services import ServiceEvents, ServiceHandle, Services
    from .triggers import TriggerHandle, Triggers


@door
class Lasting(Verbs):
    """What ``Lab`` can do with services and triggers."""

    def start_service(self, name: str, handler: str | RegisteredHandler | Callable[..., Any] | None = None,
                      payload: object = None, *, update_interval: object = 10.0, title: str | None = None,
                      body: str = "", restart: bool = False, **options: Any) -> ServiceHandle:
        """Run a handler (a key, or a function or class to be registered under ``name``; default: the key
        ``name``) for ever: it starts again when it dies, with the worker, after a reboot. Saying the same
        again changes nothing; anything else starts it again."""
        from .services import start_service

        if callable(handler) and not isinstance(handler, RegisteredHandler):
            handler = self._lab.register(handler, name)
        return start_service(self._lab, name, key_of(handler or name), payload, update_interval, title, body,
                             restart, options)

    def stop_service(self, name: str, *, force: bool = False) -> ServiceHandle:
        """Ask it to end; it stays down until ``start_service``. Raises ServiceNotFound."""
        return self.get_service(name).stop(force=force)

    def send_to_service(self, name: str, message: object) -> int:
        """A message (JSON), handed over in order, again after a restart if it was not done with."""
        return self.get_service(name).send(message)

    def service_events(self, name: str, after: int | None = None) -> ServiceEvents:
        """What it says from now on, for ``for`` and ``async for``; ``after``: the ``id`` of the last event
        that was seen (0: from the beginning)."""
        return self.get_service(name).events(after)

    def services(self) -> Services:
        """All services; shows as a table."""
        from .services import Services

        return Services(self._lab)

    def get_service(self, name: str) -> ServiceHandle:
        """The service of this name. Raises ServiceNotFound."""
        from .services import ServiceHandle

        found = ServiceHandle(self._lab, name)
        found.row  # noqa: B018  raises if there is none
        return found

    def trigger(self, name: str, handler: str | RegisteredHandler | None = None, payload: object = None, *,
                files: str | os.PathLike[str] | Iterable[str | os.PathLike[str]] | None = None,
                pattern: str | None = None, changes: str | Iterable[str] = ("added", "modified"),
                settle: object = 1.0, recursive: bool = False,
                after: str | RegisteredHandler | None = None, on: str | Iterable[str] = "completed",
                web: bool = False, **options: Any) -> TriggerHandle:
        """A job of ``handler`` (default: the key ``name``) each time something happens: ``files`` change
        (folders, files, or ``"inbox/*.csv"``; once they are quiet for ``settle``), a job of the key ``after``
        ends (``on``: completed, failed, ended …; ``ctx.inputs[after]`` is its result), or the Jupyter server is
        asked to (``web=True``; ``.secret``). ``ctx.trigger`` says what it was. Needs no kernel."""
        from .triggers import trigger

        return trigger(self._lab, name, key_of(handler or name), payload, {
            "files": files, "pattern": pattern, "changes": changes, "settle": settle, "recursive": recursive,
            "after": after, "on": on, "web": web}, options)

    def triggers(self) -> Triggers:
        """All triggers; shows as a table."""
        from .triggers import Triggers

        return Triggers(self._lab)

    def get_trigger(self, name: str) -> TriggerHandle:
        """The trigger of this name. Raises TriggerNotFound."""
        from .triggers import TriggerHandle

        found = TriggerHandle(self._lab, name)
        found.row  # noqa: B018  raises if there is none
        return found
