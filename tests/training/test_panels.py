"""The curves of a training: the list of panels, and report/training.html made of metrics.csv."""

import csv
import math
from pathlib import Path

import pytest

from poseid.training.metric_names import ALL, PHI
from poseid.training.panels import SECTIONS
from poseid.training.training_page import read_curves, training_page, write_training_page


def page_of(run_dir: Path) -> str:
    return (run_dir / "report" / "training.html").read_text(encoding="utf-8")


def write_metrics(run_dir: Path, rows: list[dict[str, str]]) -> None:
    with (run_dir / "metrics.csv").open("w", encoding="utf-8", newline="") as opened:
        writer = csv.DictWriter(opened, ["epoch", *ALL], restval="")
        writer.writeheader()
        writer.writerows(rows)


def test_the_panels_show_every_metric_once() -> None:
    shown = [metric for section in SECTIONS for panel in section.panels for metric, _name in panel.curves]
    assert sorted(shown) == sorted(ALL)
    names = [section.name for section in SECTIONS]
    assert names == ["Protection", "What the training moves", "Identity", "Safety", "Other losses"]


def test_a_run_leaves_a_page_with_every_panel(logged_run: Path) -> None:
    text = page_of(logged_run)
    titles = [panel.title for section in SECTIONS for panel in section.panels]
    assert text.count("<figure>") == len(titles)
    assert all(f"<figcaption><b>{title.replace(chr(39), '&#39;')}</b>" in text for title in titles)
    assert "2 epochs are finished" in text
    for forbidden in ("<script", "http:", "https:", "src="):
        assert forbidden not in text


def test_curves_begin_at_the_start_and_hold_what_was_logged(logged_run: Path) -> None:
    curves = read_curves(logged_run)
    assert curves is not None
    assert curves.epochs == [0, 1, 2]
    with (logged_run / "metrics.csv").open(encoding="utf-8", newline="") as opened:
        rows = list(csv.DictReader(opened))
    assert curves.values["val/eer"][1:] == [float(row["val/eer"]) for row in rows]
    assert curves.values["lr"][1:] == [float(row["lr"]) for row in rows]
    assert math.isnan(curves.values["lr"][0])  # nothing is trained before the first epoch
    scores = curves.values["val/selection"]
    assert all(score > 0 for score in scores)
    for name in PHI:  # from their first values on
        assert all(math.isfinite(value) for value in curves.values[name]), name
    assert curves.values["phi/strength"][0] == 1.0
    limits = curves.values["val/fmr_limit"]  # the start's own figure, then every epoch's
    assert limits == pytest.approx([limits[0]] * 3, rel=1e-6)
    assert curves.selected == scores.index(min(scores))


def test_without_metrics_there_is_no_page(tmp_path: Path) -> None:
    assert write_training_page(tmp_path, None) is None
    assert not list(tmp_path.iterdir())


def test_metrics_without_a_checkpoint_and_names_in_any_script(tmp_path: Path) -> None:
    run_dir = tmp_path / "轮 <b>&"
    run_dir.mkdir()
    write_metrics(run_dir, [{"epoch": "4", "val/eer": "0.25", "val/fmr_limit": "nan"}])
    path = write_training_page(run_dir, "Half <of> it ships.")
    assert path is not None
    text = path.read_text(encoding="utf-8")
    assert "轮 &lt;b&gt;&amp;" in text
    assert "<h1>轮 <b>" not in text
    assert "Epoch" not in text[text.index("<main>") : text.index("<h2>Protection")].replace("the kept epoch", "")
    assert "epoch 5: 0.25" in text
    assert "Half &lt;of&gt; it ships. The curves show all of it." in text
    assert text.count("Nothing to show") == sum(len(section.panels) for section in SECTIONS) - 1
    curves = read_curves(run_dir)
    assert curves is not None
    assert curves.epochs == [4, 5]
    assert "<h1>x</h1>" in training_page("x", curves, None)
