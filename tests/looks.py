"""Pictures held against small ones that were looked at and kept: tolerant of fonts, not of what is missing.

``TL_LOOKS=new`` in the environment keeps the present looks instead; then look at them.
"""

from __future__ import annotations

import io
import os
from pathlib import Path

from PIL import Image, ImageChops, ImageFilter, ImageStat

KEPT = Path(__file__).parent / "looks"
WIDTH = 160
MOST, SHAPE = 9.0, 0.12
"""Mean difference of a pixel (of 255) and difference of the shape that fonts of another machine may make."""


def looks_as_kept(png: bytes, name: str) -> None:
    """AssertionError if this picture is not like the kept one of that name."""
    now = _small(Image.open(io.BytesIO(png)))
    place = KEPT / f"{name}.png"
    if os.environ.get("TL_LOOKS") == "new":
        KEPT.mkdir(exist_ok=True)
        now.quantize(48).save(place, optimize=True)
        return
    kept = Image.open(place).convert("RGB")
    shape = abs(now.height / kept.height - 1)
    assert shape <= SHAPE, f"{name} is {now.height} high, was {kept.height}"
    blurred = [image.resize(kept.size).filter(ImageFilter.GaussianBlur(2)) for image in (now, kept)]
    off = max(ImageStat.Stat(ImageChops.difference(*blurred)).mean)
    assert off <= MOST, f"{name} differs by {off:.1f} of 255"


def _small(image: Image.Image) -> Image.Image:
    height = max(1, round(image.height * WIDTH / image.width))
    return image.convert("RGB").resize((WIDTH, height), Image.Resampling.LANCZOS)
