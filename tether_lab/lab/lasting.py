"""The verbs of ``Lab`` for what lasts: services."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .door import door
from .handler import RegisteredHandler
from .verbs import Verbs, key_of

if TYPE_CHECKING:
    from .services import ServiceEvents, ServiceHandle, Services


@door
class Lasting(Verbs):
    """What ``Lab`` can do with services."""

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
