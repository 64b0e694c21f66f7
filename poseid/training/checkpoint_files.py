"""How a checkpoint gets onto the disk."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import torch
from lightning.fabric.plugins.io.torch_io import TorchCheckpointIO

from poseid.whole import write_bytes


class WholeFiles(TorchCheckpointIO):
    """A checkpoint is written beside its place and renamed, so that what has its name is whole.

    Lightning's own way goes through the directory for temporary files. Where that is another disk than the run's, a
    full disk or a killed process leaves a part of a checkpoint under the final name, in place of the last good one.
    """

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | os.PathLike[str], storage_options: Any | None = None
    ) -> None:
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        # Through memory: torch itself does not say that a disk is full.
        content = io.BytesIO()
        torch.save(checkpoint, content)
        write_bytes(path, content.getbuffer())
