"""`poseid doctor`: what it prints and writes, what it refuses, its exit statuses; the page; the how-to."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from poseid import cli
from poseid.doctor.finding import CATALOGUE, SEVERITIES
from poseid.features.folder import write_folder
from poseid.features.synthetic import synthetic

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("doctor") / "张伟 data"
    write_folder(synthetic(people=24, probes=8, seed=1, dim=128), path)
    return path


@pytest.fixture
def folder(sound: Path, tmp_path: Path) -> Path:
    """A copy, to be spoilt."""
    return Path(shutil.copytree(sound, tmp_path / "a&b"))


@pytest.fixture
def broken(folder: Path) -> Path:
    """A NaN row, and a name that is HTML."""
    metadata = folder / "front_metadata.json"
    text = metadata.read_text(encoding="utf-8")
    name = json.loads(text)["metadata"][0]["person_name"]
    metadata.write_text(text.replace(name, "<script>alert(1)</script>"), encoding="utf-8")
    rows = np.load(folder / "video_feature.npy")
    rows[3] = np.nan
    np.save(folder / "video_feature.npy", rows)
    return folder


def call(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    capsys.readouterr()
    status = cli.main(["doctor", *(str(argument) for argument in arguments)])
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def test_text(sound: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = call(capsys, sound, "--strict")
    assert (status, err) == (0, "")
    out = " ".join(out.split())
    assert "张伟 data: 24 people (24 with front and video rows), 48 front and 192 video rows of 128 numbers" in out
    for part in ("raw vectors: equal error rate", "Expect nothing", "0 errors, 0 warnings, 2 notes"):
        assert part in out


def test_json_and_page(broken: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = call(capsys, broken, "--json", "--out", tmp_path / "out")
    assert (status, err) == (0, "")
    printed = json.loads(out)
    assert printed == json.loads((tmp_path / "out" / "doctor.json").read_text(encoding="utf-8"))
    assert (printed["errors"], printed["warnings"]) == (1, 0)
    assert printed["video"]["unusable"] == 1
    assert sum(printed["video"]["yaw_histogram"]["rows"]) == printed["video"]["rows"]
    people = {key: printed["people"][key] for key in ("all", "paired", "only_front", "only_video")}
    assert people == {"all": 25, "paired": 23, "only_front": 1, "only_video": 1}
    assert [f["id"] for f in printed["findings"]] == ["bad-rows", "other-dim", "people-without-pair", "few-people"]
    assert {f["severity"] for f in printed["findings"]} <= set(SEVERITIES)
    page = (tmp_path / "out" / "doctor.html").read_text(encoding="utf-8")
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "a&amp;b" in page
    assert page.count("data:image/png;base64") == 6
    assert "Correct this before training" in page
    assert not re.search(r"https?://", page)


def test_strict_ends_with_2_after_writing(broken: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = call(capsys, broken, "--strict", "--out", tmp_path / "out")
    assert status == 2
    assert "ERROR bad-rows" in out
    assert err.count("\n") == 1
    assert "bad-rows" in err
    assert (tmp_path / "out" / "doctor.html").is_file()


@pytest.mark.parametrize(
    ("file", "content", "says"),
    [
        ("", b"", "does not exist"),
        ("video_feature.npy", b"\x93NUMPY cut short", "video_feature.npy"),
        ("front_metadata.json", b'{"metadata": [', "line 1"),
        ("video_feature.npy", np.ones((192, 31), np.float32), "31"),
        ("video_feature.npy", np.ones((192, 128), np.int64), "i8"),
        ("video_feature.npy", np.zeros((192, 128), np.float32), "no row has a direction"),
    ],
)
def test_what_cannot_be_read_is_one_line_and_no_output(
    file: str, content: bytes | np.ndarray, says: str, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if not file:
        folder = tmp_path / "nowhere"
    elif isinstance(content, bytes):
        (folder / file).write_bytes(content)
    else:
        np.save(folder / file, content)
    status, out, err = call(capsys, folder, "--out", tmp_path / "out")
    assert (status, out) == (2, "")
    assert err.count("\n") == 1
    assert says in err
    assert not (tmp_path / "out").exists()


def test_faults_of_the_files_are_findings(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def error() -> dict[str, str]:
        status, out, _ = call(capsys, folder, "--json")
        assert status == 0
        (finding,) = [f for f in json.loads(out)["findings"] if f["severity"] == "error"]
        return finding

    (folder / "pairs.csv").write_text("protocol,fold,a,b,same\nFP,1,front:0,video:9999,1\n", encoding="utf-8")
    assert error()["id"] == "bad-pairs"
    metadata = folder / "front_metadata.json"
    text = metadata.read_text(encoding="utf-8").replace('{"person_name"', '{"age": 1, "age": 2, "person_name"', 1)
    metadata.write_text(text, encoding="utf-8")
    assert error()["id"] == "bad-metadata"
    assert error()["evidence"] == "row 0: the key 'age' stands twice: keep one."


def test_torch_is_not_needed(sound: Path) -> None:
    check = f"import sys; from poseid.cli import main; main(['doctor', {str(sound)!r}]); "
    check += "sys.exit(bool({'torch', 'matplotlib'} & {*sys.modules}))"
    assert subprocess.run([sys.executable, "-c", check], cwd=ROOT).returncode == 0


def test_an_output_that_is_there_is_kept(sound: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine.txt").write_text("kept", encoding="utf-8")
    status, _, err = call(capsys, sound, "--out", tmp_path)
    assert status == 2
    assert "not empty" in err
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_every_finding_stands_in_the_how_to() -> None:
    how_to = (ROOT / "docs" / "doctor.md").read_text(encoding="utf-8")
    documented = re.findall(r"^\| `([a-z0-9-]+)` \| (\w+)", how_to, flags=re.MULTILINE)
    assert len(documented) == len(CATALOGUE)
    assert dict(documented) == {id: texts["severity"] for id, texts in CATALOGUE.items()}
