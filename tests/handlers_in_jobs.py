"""Captures functions for tests that talk to a runner directly, as ``lab.register`` does."""

from __future__ import annotations

import types
from pathlib import Path
from typing import Any

from tether_lab.capture import BlobStore, CaptureRequest, capture_cell, capture_function


def captured(source: str, name: str, blobs: Path) -> dict[str, Any]:
    """The task fields of the function or class ``name`` of a notebook with this source."""
    module = types.ModuleType("__main__")
    exec(compile(source, "<notebook>", "exec"), module.__dict__)
    found = capture_function(module.__dict__[name], CaptureRequest(namespace=module.__dict__), BlobStore(blobs))
    return {"manifest": found.manifest.to_json(), "blobs": found.small}


def captured_cell(source: str, namespace: dict[str, Any], blobs: Path, **more: Any) -> dict[str, Any]:
    """The task fields of a cell that uses ``namespace``."""
    found = capture_cell(CaptureRequest(namespace=namespace, source=source, **more), BlobStore(blobs))
    return {"manifest": found.manifest.to_json(), "blobs": found.small}
