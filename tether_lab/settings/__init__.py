"""Settings and places: read once at an edge, passed down as one frozen value.

A value comes from the first of: an argument, the environment (``TETHER_LAB_RUNNERS=2``), the lab's
``settings.toml``, the user's ``settings.toml``, the default. Three variables are places, not
settings: ``TETHER_LAB_HOME`` (where labs live), ``TETHER_LAB_CONFIG`` (keys and the user's file)
and ``TETHER_LAB_NAME`` (the lab meant when none is named).

Standard library only: every process imports this before it knows whether it needs anything else.
"""

from .places import (
           DEFAULT_LAB,
           PREFIX,
           LabFolder,
           SettingsError,
           config_folder,
           home,
           known_labs,
           make_private,
)
from .values import Settings, version

__all__ = ["DEFAULT_LAB", "PREFIX", "LabFolder", "Settings", "SettingsError", "config_folder", "home",
           "known_labs", "make_private", "version"]
