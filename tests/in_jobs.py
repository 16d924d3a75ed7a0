"""What browser tests have jobs and services do. Each job imports its function's module anew: this one is light,
and loads no browser."""

from __future__ import annotations

from typing import Any

from tether_lab import Service


def greets(name: str = "you") -> str:
    print("hello", name)
    return name


class Sensor(Service):
    """Says what it heard last."""

    def on_message(self, service: Any, message: Any) -> None:
        service.send_event({"heard": message})
        service.show(f"heard {message!r}")


class Shouts(Service):
    """Says what it was given, whenever it can."""

    def on_start(self, service: Any) -> None:
        text = service.payload["text"]
        service.send_event({text: text})
        service.show(text)
