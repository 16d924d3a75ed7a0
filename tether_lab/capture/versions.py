"""The identity of a handler version: what it would do, hashed.

Equal content reuses a version; whatever changes what a job does makes another. So the working
folder, the environment, options and local modules count beside the variables; where the source came
from (git, notebook, package versions) does not.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Any

from tether_lab.job.handler import Interpreter, Manifest


def version_hash(kind: str, source: str, parameters: Iterable[str], manifest: Manifest,
                 interpreter: Interpreter) -> str:
    """Twelve hex digits. A variable without a stable fingerprint makes the version unique to its
    bytes, so that it is never taken for another."""
    unstable = [v.name for v in manifest.variables if v.fingerprint is None]
    content: dict[str, Any] = {
        "kind": kind, "source": source, "parameters": sorted(parameters),
        "variables": sorted((v.name, v.fingerprint) for v in manifest.variables
                            if v.fingerprint is not None),
        "unstable": [unstable, manifest.stream, manifest.buffers] if unstable else [],
        "imports": manifest.imports, "submodules": manifest.submodules,
        "modules": {name: entry["source"] for name, entry in manifest.modules.items()},
        "cwd": manifest.cwd, "path": manifest.path, "environ": manifest.environ,
        "ambient": manifest.ambient, "shell": manifest.shell,
        "interpreter": interpreter.pool,
    }
    if manifest.encrypted:                 # the same code, kept otherwise: a version of its own
        content["encrypted"] = True
    text = json.dumps(content, sort_keys=True, ensure_ascii=True, default=str)
    return hashlib.blake2b(text.encode(), digest_size=6).hexdigest()
