"""Versions that made a file, for its header."""

from __future__ import annotations

import platform

import numpy as np
import torch

import poseid


def versions() -> dict[str, str]:
    """Of poseid, Python, torch and numpy."""
    return {
        "poseid": poseid.__version__,
        "python": platform.python_version(),
        "torch": str(torch.__version__),
        "numpy": np.__version__,
    }
