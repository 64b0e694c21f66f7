"""docs/own-data.md is true: its commands and its Python run, in their order, in an empty directory."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

import train
from poseid import cli
from poseid.features import read_folder
from tests.documented import ROOT, SHORT, commands, run_blocks

PAGE = (ROOT / "docs" / "own-data.md").read_text(encoding="utf-8")


class FaceAnalysis:
    """Stands in for InsightFace's, whose models would have to be fetched: two faces in any photo."""

    def prepare(self, ctx_id: int) -> None:
        pass

    def get(self, photo: np.ndarray) -> list[SimpleNamespace]:
        generator = np.random.default_rng(0)
        return [
            SimpleNamespace(embedding=generator.standard_normal(512), pose=np.array([1.0, yaw, 2.0], np.float32))
            for yaw in (5.0, 60.0)
        ]


def run(line: str) -> None:
    program, *arguments = shlex.split(line)
    if program == "poseid":
        few = ["--resamples", "20"] if arguments[0] == "evaluate" else []
        assert cli.main([*arguments, *few]) == 0, line
        return
    assert (program, arguments[0]) == ("python", "train.py")
    folds = ["cv=2"] if "cv=5" in arguments else []
    assert train.main([*arguments[1:], *SHORT, *folds]) == 0, line


@pytest.mark.slow
@pytest.mark.usefixtures("own_directory")
def test_the_page_runs_in_its_order(monkeypatch: pytest.MonkeyPatch) -> None:
    app = ModuleType("insightface.app")
    app.FaceAnalysis = FaceAnalysis  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "insightface", ModuleType("insightface"))
    monkeypatch.setitem(sys.modules, "insightface.app", app)
    assert len(commands(ROOT / "docs" / "own-data.md")) >= 6
    run_blocks(ROOT / "docs" / "own-data.md", run)
    example, faces = read_folder(Path("example")), read_folder(Path("faces"))
    assert faces.people() == example.people()
    assert len(faces.front) + len(faces.video) == len(example.front) + len(example.video)
    probes = np.load("probes.npy")
    assert np.array_equal(probes, read_folder(Path("enhanced")).video.features)
    assert not np.array_equal(probes, np.load("probes-without-poses.npy"))
    assert read_folder(Path("album")).video.poses.tolist() == [[60.0, 1.0, 2.0]]


def test_the_message_it_shows_is_the_real_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    rows = ["person,yaw,pitch,roll,f2,f3", *["a,0,0,0,1,2"] * 4, "a,0,0,0,1,failed"]
    Path("photos.csv").write_text("\n".join(rows), encoding="utf-8")
    arguments = ["--feature-columns", "f2,f3", "--person", "person", "--pose", "yaw,pitch,roll"]
    assert cli.main(["import", "photos.csv", *arguments, "--out", "o"]) == 2
    (shown,) = re.findall(r"^error: photos.csv: .*$", PAGE, flags=re.MULTILINE)
    assert capsys.readouterr().err.strip() == shown


def test_its_options_exist() -> None:
    parser = cli.make_parser()
    known = {option for action in parser._actions for option in action.option_strings}
    for name in ("import", "enhance", "synthetic", "evaluate"):
        choices = next(action.choices for action in parser._actions if action.dest == "command")
        assert choices is not None
        known |= {option for action in choices[name]._actions for option in action.option_strings}
    assert set(re.findall(r"--[a-z][a-z-]*", PAGE)) <= known
