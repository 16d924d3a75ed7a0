"""A Jupyter server writes its address down a moment before it accepts connections."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from urllib.parse import urlsplit

from eventually import eventually


def address(runtime: Path, *, within: float = 60.0) -> str:
    """The address (ends in /) of the server with this runtime folder, once it takes connections."""
    def ready() -> str:
        for file in runtime.glob("jpserver-*.json"):
            try:
                url = str(json.loads(file.read_text())["url"])
                place = urlsplit(url)
                socket.create_connection((place.hostname or "127.0.0.1", place.port or 80), 2).close()
            except (OSError, ValueError, KeyError):
                continue
            return url
        return ""
    return eventually(ready, within=within)
