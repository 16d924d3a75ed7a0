"""Packs the built JupyterLab extension into wheel and sdist.

An editable install carries no copy of it, which would soon be stale: `make` links the bundle into
the environment instead.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

sys.path.insert(0, str(Path(__file__).parent))

from build import BUNDLE, HERE, build, is_fresh

SHARE = "share/jupyter/labextensions/tether-lab"


class LabExtension(BuildHookInterface):
    """The hook that hatch finds."""

    def dependencies(self) -> list[str]:
        """What brings jlpm, if the bundle has yet to be built."""
        return [] if is_fresh() else ["jupyter-builder>=1.3,<2"]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build where need be; name the files that a wheel takes along."""
        if self.target_name == "wheel" and version == "editable":
            return
        build()
        if self.target_name == "wheel":
            build_data["shared_data"][str(BUNDLE)] = SHARE
            build_data["shared_data"][str(HERE / "install.json")] = f"{SHARE}/install.json"
