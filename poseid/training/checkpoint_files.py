"""How a checkpoint gets onto the disk."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import torch
from lightning.fabric.plugins.io.torch_io import TorchCheckpointIO

from poseid.atomic import write_bytes


class AtomicCheckpointIO(TorchCheckpointIO):
    """A checkpoint is complete as soon as it has its name.

    Lightning's own way goes through the directory for temporary files. Where that is another disk than the run's, a
    full disk or a killed process leaves a part of a checkpoint under the final name, in place of the last good one.
    """

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | os.PathLike[str], storage_options: Any | None = None
    ) -> None:
        content = io.BytesIO()  # through memory: torch itself does not say that a disk is full
        torch.save(checkpoint, content)
        write_bytes(Path(path), content.getbuffer())
