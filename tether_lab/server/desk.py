"""What all verbs of the server share: the labs, and the figures that were drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .drawing import Drawing
    from .labs import Labs


@dataclass(frozen=True, slots=True)
class Desk:
    """Made once for a server."""

    labs: Labs
    drawing: Drawing
