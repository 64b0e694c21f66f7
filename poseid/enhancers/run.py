"""What a model is once it is opened: a function of float32 rows and poses."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Float32 = NDArray[np.float32]

Run = Callable[[Float32, Float32 | None], Float32]
"""(n, D) rows and (n, 3) degrees, rows of NaN unknown, or None for no pose at all, to (n, D) rows."""
