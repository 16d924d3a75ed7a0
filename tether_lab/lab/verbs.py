"""What the groups of verbs of ``Lab`` stand on: each group is a class of its own, ``Lab`` is all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from .handler import RegisteredHandler

if TYPE_CHECKING:
    from .lab import Lab


class Verbs:
    """A group of verbs; only ever a part of a ``Lab``."""

    @property
    def _lab(self) -> Lab:
        return cast("Lab", self)


def key_of(key: str | RegisteredHandler) -> str:
    """The job key, however the handler was named."""
    return key.key if isinstance(key, RegisteredHandler) else key
