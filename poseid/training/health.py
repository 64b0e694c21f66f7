"""How a training can end early, and where losses or weights stopped being finite."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from poseid.atomic import write_text

if TYPE_CHECKING:
    from torch import Tensor, nn

DIVERGED = "diverged.json"
CHECK_EVERY = 50  # steps; each check waits for the device
SHOWN_ROWS = 8


class Diverged(Exception):
    """A loss or a weight is NaN or infinite: the training ends; the checkpoints before are as they were.

    Args:
        what: is no number, in words.
        epoch, step: counted from 0.
        rows: of the batch, as they count in video_feature.npy.
    """

    def __init__(self, what: str, epoch: int, step: int, rows: list[int]) -> None:
        self.what, self.epoch, self.step, self.rows = what, epoch, step, rows
        shown = ", ".join(map(str, rows[:SHOWN_ROWS])) + (", …" if len(rows) > SHOWN_ROWS else "")
        batch = f" (batch of {len(rows)} video rows: {shown})" if rows else ""
        super().__init__(
            f"training diverged in epoch {epoch}, step {step}: {what}{batch}; lower lr"
            f"{' or check these rows' if rows else ''}; the checkpoints of earlier epochs are there"
        )

    def write(self, path: Path) -> None:
        """Writes what happened, with all rows of the batch, as JSON; the file is written atomically."""
        content = {"what": self.what, "epoch": self.epoch, "step": self.step, "video_rows": self.rows}
        write_text(path, json.dumps(content) + "\n")


def first_fault(steps: Tensor, names: tuple[str, ...]) -> tuple[int, str] | None:
    """The first step whose values are not all finite, and its first such value in words.

    Args:
        steps: (S, K) values of S steps.
        names: of the K values.

    >>> import torch
    >>> first_fault(torch.tensor([[1.0, 2.0], [3.0, float("nan")]]), ("id", "pose"))
    (1, 'pose is nan')
    """
    bad = (~steps.isfinite()).cpu()
    if not bad.any():
        return None
    step = int(bad.any(dim=1).nonzero()[0])
    column = int(bad[step].nonzero()[0])
    return step, f"{names[column]} is {float(steps[step, column]):g}"


def weights_fault(module: nn.Module) -> str | None:
    """The first parameter that is not finite, in words."""
    for name, parameter in module.named_parameters():
        if not bool(parameter.isfinite().all()):
            return f"the weights {name} are not finite"
    return None
