"""What ships: a bit-equal round trip, and nothing of a file is executed."""

import json
import os
import pickle
import re
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

import poseid
from poseid.enhancers.header import FORMAT
from poseid.enhancers.registry import build
from poseid.enhancers.saving import SAVED, load_enhancer, open_model, save_enhancer
from poseid.errors import InputError
from tests.enhancers.models_to_try import OPTIONS, made, rows


def one_line(named: str) -> str:
    """The pattern of a message of one line that names this."""
    return rf"\A[^\n]*{re.escape(named)}[^\n]*\Z"


@pytest.mark.parametrize("kind", OPTIONS)
def test_round_trip_is_bit_equal(kind: str, tmp_path: Path) -> None:
    enhancer, header = made(kind)
    folder = tmp_path / "增强"
    folder.mkdir()
    save_enhancer(enhancer, header, folder / SAVED)
    assert [file.name for file in folder.iterdir()] == [SAVED]
    x, pose = (torch.from_numpy(array) for array in rows(30))
    for text in (folder, folder / SAVED):
        opened = open_model(str(text))
        assert opened.info == header
        assert not opened.enhancer.training
        for one, other in zip(enhancer.state_dict().values(), opened.enhancer.state_dict().values(), strict=True):
            assert torch.equal(one, other)
        with torch.no_grad():
            assert torch.equal(opened.enhancer(x, pose).features, enhancer(x, pose).features)


def test_broken_and_foreign_files_are_one_line(tmp_path: Path) -> None:
    path = tmp_path / "e.safetensors"
    save_enhancer(*made("residual_ridge"), path)
    valid = path.read_bytes()
    cases = {
        "missing": None,
        "empty": b"",
        "garbage": b"\x00\xff" * 500,
        "cut": valid[: len(valid) // 2],
        "lying length": b"\xff\xff\xff\xff\xff\xff\xff\x7f" + valid[8:],
        "pickle": pickle.dumps({"a": 1}),
    }
    for name, content in cases.items():
        file = tmp_path / f"{name}.safetensors"
        if content is not None:
            file.write_bytes(content)
        with pytest.raises(InputError, match=one_line(str(file))):
            load_enhancer(file)


SMALL = {"name": "residual", "dim": 16, "pose_dim": 4, "rank": 4}


@pytest.mark.parametrize(
    ("model", "line"),
    [
        ({"name": "os.system"}, "os.system"),
        (SMALL | {"_target_": "os.system"}, "_target_"),
        (SMALL | {"dim": 32}, "size mismatch for"),
        (SMALL | {"dim": 10**9}, "size mismatch for"),  # and no memory is taken for it
        ({"dim": 16}, "no model"),
        ("residual", "no model"),
    ],
)
def test_header_that_names_something_else_is_refused(model: object, line: str, tmp_path: Path) -> None:
    path = tmp_path / "e.safetensors"
    tensors = build("residual", {key: value for key, value in SMALL.items() if key != "name"}).state_dict()
    save_file(tensors, path, metadata={"format": FORMAT, "poseid": json.dumps({"model": model})})
    with pytest.raises(InputError, match=one_line(line)):
        load_enhancer(path)


def test_nan_weights_are_refused(tmp_path: Path) -> None:
    enhancer, header = made("residual")
    with torch.no_grad():
        enhancer.linear_path.weight[0, 0] = torch.nan
    save_enhancer(enhancer, header, tmp_path / "e")
    with pytest.raises(InputError, match="NaN"):
        load_enhancer(tmp_path / "e")


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
