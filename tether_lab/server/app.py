"""The extension of the Jupyter server: starts and ends with it, and keeps it alive while jobs run."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from jupyter_server.extension.application import ExtensionApp

from .desk import Desk
from .drawing import Drawing
from .labs import Labs
from .routes import tornado_routes

EVENT = "https://schemas.tether-lab.dev/changes/v1"
SCHEMA = Path(__file__).with_name("changes.yaml")
STILL_ALIVE = 30.0
"""Seconds between two notes to the Jupyter server that jobs run."""


class TetherLabApp(ExtensionApp):
    """Tether Lab in a Jupyter server: the verbs over HTTP, changes as events."""

    name = "tether_lab"
    extension_url = "/lab"
    load_other_extensions = True
    description = "Jobs that outlive their kernels, seen and acted on over HTTP."

    def initialize_handlers(self) -> None:
        """The routes, and the schema of the event."""
        self._server = cast("Any", self.serverapp)
        self._noted_at = float("-inf")
        self._server.event_logger.register_event_schema(SCHEMA)
        self.desk = Desk(Labs(self._tell, self.log, self._looked), Drawing())
        self.handlers.extend(tornado_routes(self._server.web_app.settings["base_url"], self.desk))

    async def _start_jupyter_server_extension(self, serverapp: Any) -> None:
        """The server's loop runs: begin to watch."""
        await super()._start_jupyter_server_extension(serverapp)  # type: ignore[no-untyped-call]
        self.desk.labs.start()

    async def stop_extension(self) -> None:
        """Let go of everything; workers go on."""
        await self.desk.labs.close()

    def current_activity(self) -> bool | None:
        """Jobs that run keep the server from shutting itself down for want of activity."""
        return self.desk.labs.running > 0 or None

    def _tell(self, change: dict[str, Any]) -> None:
        self._server.event_logger.emit(schema_id=EVENT, data=change)

    def _looked(self) -> None:
        """For those outside who read /api/status (a hub that culls): something is going on here."""
        now = time.monotonic()
        if self.desk.labs.running and now - self._noted_at >= STILL_ALIVE:
            self._noted_at = now
            self._server.web_app.settings["last_activity_times"]["tether_lab"] = datetime.now(UTC)
