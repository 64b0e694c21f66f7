"""`poseid sweep`: what it prints and writes, and one real multirun."""

from __future__ import annotations

import csv
import itertools
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

import train
from poseid.sweeps.analysis import read_sweep
from poseid.sweeps.jobs import read_job
from poseid.sweeps.settings import t_interval
from poseid.sweeps.summary import conclude
from poseid.training.objective import Measure
from tests.cli.caller import Caller
from tests.reports.test_report import Reader
from tests.sweeps.made import (
    FNMR,
    TEST_FIGURE,
    start_job,
    write_grid,
    write_job,
    write_json,
    write_multirun,
)

LOSSES, IDS, SEEDS = ("before", "after"), ("1", "2", "10"), ("0", "1", "2")


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Caller:
    return Caller(capsys)


Shown = Callable[[Path], tuple[str, Reader]]


@pytest.fixture
def shown(tmp_path: Path, call: Caller) -> Shown:
    """What is printed of a sweep, and its page; the files lie in ``o``."""

    def show(sweep: Path) -> tuple[str, Reader]:
        out = call.done("sweep", sweep, "--out", tmp_path / "o")
        return out, Reader((tmp_path / "o" / "sweep.html").read_text(encoding="utf-8"))

    return show


def fnmrs() -> list[float]:
    """loss=after is 0.1 better, seeds scatter by ±0.01 alike for all, lambda_id changes nothing but at 10."""
    return [
        0.4 - 0.1 * (loss == "after") + 0.01 * int(seed) + 0.05 * (weight == "10") * (1 + 0.1 * int(seed))
        for loss, weight, seed in itertools.product(LOSSES, IDS, SEEDS)
    ]


@pytest.fixture(scope="module")
def sweep_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    here = tmp_path_factory.mktemp("sweep")
    write_grid(here, {"loss": LOSSES, "lambda_id": IDS, "seed": SEEDS, "max_epochs": ["3"]}, fnmrs())
    return here


def links(page: Reader) -> list[str]:
    return [value for _, name, value in page.attributes if name in ("src", "href", "srcset", "action")]


def test_what_it_writes(sweep_dir: Path, tmp_path: Path, shown: Shown) -> None:
    out, page = shown(sweep_dir)
    written = sorted(path.name for path in (tmp_path / "o").iterdir())
    assert written == ["effects.png", "pareto.png", "sweep.csv", "sweep.html"]
    assert all(Image.open(path).size[0] > 500 for path in (tmp_path / "o").glob("*.png"))
    assert "script" not in page.tags
    assert page.tags.count("img") == 2 + 2
    assert all(link.startswith("data:image/png;base64,") for link in links(page))
    assert "https:" not in (tmp_path / "o" / "sweep.html").read_text(encoding="utf-8")
    for text in (out, page.text):
        assert str(TEST_FIGURE)[:6] not in text
        assert "18 jobs: 18 finished; 6 settings" in text
        assert "Best on average: loss=after lambda_id=1" in text
        assert "FNMR at raw's 1e-3 threshold" in text
        assert "FMR ratio at raw's 1e-3 threshold" in text
        assert "max_epochs=3" in text
    with (tmp_path / "o" / "sweep.csv").open(encoding="utf-8", newline="") as opened:
        rows = list(csv.DictReader(opened))
    assert [float(row[FNMR]) for row in rows] == sorted(fnmrs())
    assert {(row["loss"], row["lambda_id"], row["seed"]) for row in rows} == {*itertools.product(LOSSES, IDS, SEEDS)}
    assert all("max_epochs" not in row for row in rows)
    assert str(TEST_FIGURE) not in (tmp_path / "o" / "sweep.csv").read_text(encoding="utf-8")


def test_what_it_shows_is_known_by_hand(sweep_dir: Path) -> None:
    sweep = read_sweep(sweep_dir)
    assert sweep.constant == {"max_epochs": "3"}
    assert sweep.keys == ("loss", "lambda_id")
    names = [setting.name for setting in sweep.settings]
    assert names[2] == "loss=after lambda_id=10"
    assert set(names[:2]) == {"loss=after lambda_id=1", "loss=after lambda_id=2"}
    estimate = sweep.settings[0].estimate(FNMR)
    assert estimate is not None
    assert estimate.ci95 == pytest.approx(t_interval([0.30, 0.31, 0.32]).ci95)
    # the seeds' own scatter falls out of a paired difference
    worse = sweep.against_best[sweep.settings[2]]
    assert worse is not None
    assert worse.ci95 == pytest.approx(t_interval([0.05, 0.055, 0.06]).ci95)
    said = conclude(sweep).sentences
    assert "Not shown to be better than 1 of 5 others: loss=after lambda_id=2." in said
    assert "Raw vectors: 0.4000. Verdict of its reports against raw: no effect shown (3 of 3)." in said[0]
    average = next(change for change in sweep.changes if change.key == "loss")
    assert (average.before, average.after, average.contexts) == ("after", "before", 3)
    assert average.difference.mean == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("fnmrs", "said"),
    [
        ([0.3] * 9, ["All 3 settings came out equal", "Check that the varied keys reach the jobs", "no difference"]),
        ([None] * 9, ["No setting has a value for FNMR at FMR 1e-2", "sets.headline.enhanced.eer"]),
    ],
)
def test_no_setting_is_best(fnmrs: list[float | None], said: list[str], tmp_path: Path, shown: Shown) -> None:
    write_grid(tmp_path / "s", {"lambda_id": IDS, "seed": SEEDS}, fnmrs)
    out, _ = shown(tmp_path / "s")
    assert all(text in " ".join(out.split()) for text in said)


def test_maximising_turns_the_order(tmp_path: Path) -> None:
    for number, fnmr in enumerate((0.1, 0.2)):
        write_job(tmp_path, number, [f"a={number}"], fnmr, objective=[f"maximize {FNMR}"])
    assert [job.name for job in read_sweep(tmp_path).jobs] == ["1", "0"]


def test_a_half_finished_sweep_names_what_is_wrong(tmp_path: Path, shown: Shown) -> None:
    write_multirun(tmp_path / "s", ["lambda_id=1,2,3,4,5"])
    write_job(tmp_path / "s", 0, ["lambda_id=1"], 0.2)
    write_json(start_job(tmp_path / "s", 1, ["lambda_id=2"]) / "failed.json", {"message": "data.dir: is gone"})
    start_job(tmp_path / "s", 2, ["lambda_id=3"])
    damaged = write_job(tmp_path / "s", 3, ["lambda_id=4"], 0.3)
    (damaged / "report" / "summary.json").write_text('{"validation": ', encoding="utf-8")
    out, page = shown(tmp_path / "s")
    for text in (out, page.text):
        assert "5 jobs: 1 finished, 1 failed, 1 unfinished, 1 damaged, 1 missing" in text
        assert "data.dir: is gone" in text
        assert "summary.json is damaged" in text
        assert "never began" in text
        assert f"python train.py -m hydra.sweep.dir={tmp_path / 's'} lambda_id=2,3,4,5" in text


def test_a_sweep_without_a_finished_job(tmp_path: Path, shown: Shown) -> None:
    write_multirun(tmp_path / "s", ["lambda_id=1,2"])
    out, page = shown(tmp_path / "s")
    assert "2 jobs: 0 finished, 2 missing" in out
    assert sorted(path.name for path in (tmp_path / "o").iterdir()) == ["sweep.csv", "sweep.html"]
    assert "No job has finished yet" in page.text


def test_whatever_stands_in_overrides_is_only_text(tmp_path: Path, shown: Shown) -> None:
    values = ["<script>alert(1)</script>", "=cmd|' /C calc'!A0", "数据/张伟", "$x^2$ \x1b[2J", "-0.5", "@a"]
    for number, value in enumerate(values):
        write_job(tmp_path / "s", number, [f"tag={value}", f"键={value}", "=cmd=1"], 0.1 + number / 100)
    write_json(start_job(tmp_path / "s", 9, ["tag=+1+1", "<b>=x"]) / "failed.json", {"message": "<img src=x>"})
    out, page = shown(tmp_path / "s")
    assert "\x1b" not in out
    assert "数据/张伟" in out
    assert not {"script", "b", "iframe"} & set(page.tags)
    assert all(link.startswith("data:image/png") for link in links(page))
    assert "<script>alert(1)</script>" in page.text
    assert "<img src=x>" in page.text
    assert "no. " in page.text  # what stands for a value that a figure cannot show
    with (tmp_path / "o" / "sweep.csv").open(encoding="utf-8", newline="") as opened:
        cells = [cell for row in csv.reader(opened) for cell in row]
    assert {"'=cmd|' /C calc'!A0", "'@a", "-0.5"} <= {*cells}
    assert not [cell for cell in cells if re.match(r"[=+@\t]|-(?!0\.5$)", cell)]


def test_refuses_what_is_no_multirun(tmp_path: Path, call: Caller) -> None:
    (tmp_path / "empty").mkdir()
    start_job(tmp_path, 0, [])
    messages = {"empty": "no multirun directory", "nowhere": "no such directory", "0": "its whole sweep"}
    for directory, message in messages.items():
        assert message in call.refused("sweep", tmp_path / directory, "--out", tmp_path / "o")
        assert not (tmp_path / "o").exists()
    (tmp_path / "o").mkdir()
    (tmp_path / "o" / "mine").write_text("mine", encoding="utf-8")
    assert "not empty" in call.refused("sweep", tmp_path / "empty", "--out", tmp_path / "o")


def test_reading_a_sweep_needs_neither_torch_nor_lightning(sweep_dir: Path) -> None:
    check = (
        "import sys; from pathlib import Path; from poseid.sweeps.analysis import read_sweep; "
        f"read_sweep(Path({str(sweep_dir)!r})); sys.exit(bool({{'torch', 'lightning', 'wandb'}} & {{*sys.modules}}))"
    )
    assert subprocess.run([sys.executable, "-c", check], cwd=Path(__file__).parents[2]).returncode == 0


def test_a_real_multirun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: Caller) -> None:
    """One job trains and one fails; the line of the best one trains it again to the same metrics."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["train.py"])
    short = [
        "data.synthetic_people=24",
        "data.dim=32",
        "max_epochs=1",
        "resamples=100",
        "trainer.progress_bar=false",
        "logger=csv",
    ]
    short += ["trainer.limit_train_batches=2", "callbacks.diagnosis.every_n_epochs=0", "threads=1", "model.init=zero"]
    objective = "objective=['minimize sets.headline.enhanced.eer']"
    jobs = ["-m", *short, objective, "lr=1e-3,-1", "hydra.sweep.dir=sweep"]
    assert train.main(jobs) == 1
    out = call.done("sweep", "sweep", "--out", "o")
    assert "2 jobs: 1 finished, 1 failed; 1 setting" in out
    assert "job 1 failed: lr: should be greater than 0" in out
    line = next(shlex.split(text) for text in out.splitlines() if "evaluate_test=false" in text)
    assert line[:2] == ["python", "train.py"]
    assert train.main([*line[2:], "hydra.run.dir=again"]) == 0
    best = read_sweep(Path("sweep")).best_job
    assert best is not None
    assert read_job(Path("again"), (Measure("sets.headline.enhanced.eer", True),)).metrics == best.metrics
