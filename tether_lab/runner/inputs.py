"""``ctx.inputs``: the results of the jobs that this one waited for, loaded when first asked for."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tether_lab.errors import ResultUnavailable

from . import wire


class Inputs(Mapping[str, Any]):
    """Results by the names of the parents; None for one that ended without."""

    def __init__(self, task: wire.Task) -> None:
        self._task, self._loaded = task, dict[str, Any]()

    def __getitem__(self, name: str) -> Any:
        if name not in self._loaded:
            kind, body = self._task.inputs[name]
            self._loaded[name] = self._load(name, kind, body)
        return self._loaded[name]

    def _load(self, name: str, kind: str, body: str) -> Any:
        if kind == "none":
            return None
        if kind == "unavailable":
            raise ResultUnavailable(f"the result of {name} was not stored: {body}",
                                    remedy="Let it return something that can be stored, or a path.")
        from tether_lab.capture import Blobs, load_result

        blobs = Blobs(Path(self._task.blob_folder), self._task.blobs)
        return load_result(body, blobs, vars(sys.modules["__main__"]))

    def __iter__(self) -> Iterator[str]:
        return iter(self._task.inputs)

    def __len__(self) -> int:
        return len(self._task.inputs)

    def __repr__(self) -> str:
        return f"<inputs of {', '.join(self) or 'nobody'}>"
