"""A checkpoint is read without executing anything in it."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import pytest
import torch

import poseid
from poseid.enhancers.saving import open_model
from poseid.errors import InputError


class Payload:
    """Makes a directory when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("place", ["state_dict", "hyper_parameters", "more"])
def test_a_payload_in_a_checkpoint_does_not_run(place: str, tmp_path: Path) -> None:
    content = {"state_dict": {}, "hyper_parameters": {"model": {"name": "residual"}}}
    content[place] = {"model": Payload(tmp_path / "ran")}
    torch.save(content, tmp_path / "m.ckpt")
    for opening in (open_model, poseid.load):
        with pytest.raises(InputError, match="not a checkpoint of poseid, or damaged"):
            opening(str(tmp_path / "m.ckpt"))
    assert not (tmp_path / "ran").exists()
    pickle.loads(pickle.dumps(Payload(tmp_path / "ran")))  # it would have
    assert (tmp_path / "ran").exists()
