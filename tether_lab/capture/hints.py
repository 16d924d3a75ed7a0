"""What a NameError in a job has to do with the notebook it came from."""

from __future__ import annotations

from tether_lab.job.handler import Manifest


def hint(manifest: Manifest, error: BaseException) -> str | None:
    """A sentence for the error's end, or None if the notebook has nothing of that name."""
    name = getattr(error, "name", None)
    if not isinstance(error, NameError) or not name:
        return None
    if name in manifest.others:
        return (f"{name} ({manifest.others[name]}) exists in the notebook but the cell never names "
                f"it; add --with {name}")
    left_out = next((w for w in manifest.warnings if w.startswith(f"left out: {name} ")), None)
    if left_out is not None:
        return left_out
    if name in manifest.missing:
        return f"{name} was not defined in the notebook either when the cell was submitted"
    return None
