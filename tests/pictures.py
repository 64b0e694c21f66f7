"""Reads figures back as pixels."""

from __future__ import annotations

import base64
import io
import re
from pathlib import Path

import numpy as np
from PIL import Image


def pixels(png: bytes) -> np.ndarray:
    """(height, width, 3)"""
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))


def of_page(page: Path) -> list[np.ndarray]:
    """The pictures of a page in their order."""
    found = re.findall(r"data:image/png;base64,([^\"]+)", page.read_text(encoding="utf-8"))
    return [pixels(base64.b64decode(text)) for text in found]


def is_drawn(picture: np.ndarray) -> bool:
    """Whether there is more than a background."""
    return len(np.unique(picture.sum(axis=2))) > 20
