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

from poseid.doctor.finding import CATALOGUE, SEVERITIES
from poseid.features.folder import write_folder
from poseid.features.synthetic import synthetic
from poseid.reports import sheet
from tests.cli.caller import Caller
from tests.pictures import is_drawn, of_page

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


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Caller:
    return Caller(capsys)


def test_text(sound: Path, call: Caller) -> None:
    out = " ".join(call.done("doctor", sound, "--strict").split())
    assert "张伟 data: 24 people (24 with front and video rows), 48 front and 192 video rows of 128 numbers" in out
    for part in ("raw vectors: equal error rate", "Expect nothing", "0 errors, 0 warnings, 2 notes"):
        assert part in out


@pytest.mark.rendered
def test_the_figures_of_the_page_show_the_rows(sound: Path, tmp_path: Path, call: Caller) -> None:
    """Everybody has 2 front rows and 8 video rows."""
    call.done("doctor", sound, "--out", tmp_path / "out")
    pictures = of_page(tmp_path / "out" / "doctor.html")
    assert [is_drawn(picture) for picture in pictures] == [True] * 6
    rows_of_a_person = pictures[4]
    height, width, _ = rows_of_a_person.shape
    ground = height - sheet.DPI * 0.62  # where the axes begin
    beside_legend = rows_of_a_person[:, width // 4 : width // 2]
    front, video = (
        ground - np.nonzero((beside_legend == list(bytes.fromhex(colour[1:]))).all(axis=2))[0].mean()
        for colour in (sheet.RAW, sheet.ENHANCED)
    )
    assert video / front == pytest.approx(8 / 2, rel=0.03)


def test_json_and_page(broken: Path, tmp_path: Path, call: Caller) -> None:
    """With --strict, errors end with status 2 once everything is written; what is there is not written over."""
    status, out, err = call("doctor", broken, "--json", "--strict", "--out", tmp_path / "out")
    assert (status, err.count("\n")) == (2, 1)
    assert "(bad-rows)" in err
    written = (tmp_path / "out" / "doctor.json").read_text(encoding="utf-8")
    assert written == out
    printed = json.loads(out)
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
    assert "not empty" in call.refused("doctor", broken, "--out", tmp_path / "out")


@pytest.mark.parametrize(
    ("file", "content", "says"),
    [
        ("video_feature.npy", b"\x93NUMPY cut short", "video_feature.npy"),
        ("front_metadata.json", b'{"metadata": [', "line 1"),
        ("video_feature.npy", np.ones((192, 31), np.float32), "31"),
        ("video_feature.npy", np.ones((192, 128), np.int64), "i8"),
        ("video_feature.npy", np.zeros((192, 128), np.float32), "no row has a direction"),
    ],
)
def test_what_cannot_be_read_is_one_line_and_no_output(
    file: str, content: bytes | np.ndarray, says: str, folder: Path, tmp_path: Path, call: Caller
) -> None:
    if isinstance(content, bytes):
        (folder / file).write_bytes(content)
    else:
        np.save(folder / file, content)
    assert says in call.refused("doctor", folder, "--out", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_faults_of_the_files_are_findings(folder: Path, call: Caller) -> None:
    def error() -> dict[str, str]:
        findings = json.loads(call.done("doctor", folder, "--json"))["findings"]
        (finding,) = [finding for finding in findings if finding["severity"] == "error"]
        return finding

    (folder / "pairs.csv").write_text("protocol,fold,a,b,same\nFP,1,front:0,video:9999,1\n", encoding="utf-8")
    assert error()["id"] == "bad-pairs"
    assert "ERROR bad-pairs: " in call.done("doctor", folder)
    metadata = folder / "front_metadata.json"
    text = metadata.read_text(encoding="utf-8").replace('{"person_name"', '{"age": 1, "age": 2, "person_name"', 1)
    metadata.write_text(text, encoding="utf-8")
    found = error()
    assert (found["id"], found["evidence"]) == ("bad-metadata", "row 0: the key 'age' stands twice: keep one.")


def test_torch_is_not_needed(sound: Path) -> None:
    check = f"import sys; from poseid.cli import main; main(['doctor', {str(sound)!r}]); "
    check += "sys.exit(bool({'torch', 'matplotlib'} & {*sys.modules}))"
    assert subprocess.run([sys.executable, "-c", check], cwd=ROOT).returncode == 0


def test_every_finding_stands_in_the_how_to() -> None:
    how_to = (ROOT / "docs" / "doctor.md").read_text(encoding="utf-8")
    documented = re.findall(r"^\| `([a-z0-9-]+)` \| (\w+)", how_to, flags=re.MULTILINE)
    assert len(documented) == len(CATALOGUE)
    assert dict(documented) == {id: texts["severity"] for id, texts in CATALOGUE.items()}
