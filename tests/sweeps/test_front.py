"""The front of a sweep: both metrics at one fixed threshold, and every setting named at its point."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from matplotlib.axes import Axes

from poseid.reports.label_placement import Box
from poseid.sweeps.analysis import Sweep, read_sweep
from poseid.sweeps.figures import draw_all
from poseid.sweeps.front import MOST_NAMED, MOST_ON_FRONT, draw_front
from poseid.sweeps.page import page
from tests.sweeps.made import FNMR, FNMR_AT_RAW, OBJECTIVE, RATIO, RAW_FNMR, write_job

LOOSER = tuple(key.replace("1e-3", "1e-2") for key in (FNMR_AT_RAW, RATIO))
SIMILARITY, IMPOSTOR = "lambda_similarity_protection", "lambda_impostor_protection"
Pair = tuple[float | None, float | None]


def write_settings(sweep: Path, *settings: Sequence[str]) -> Sweep:
    """Jobs on a front: each has a higher FNMR and a lower FMR ratio than the one before."""
    for number, overrides in enumerate(settings):
        write_job(sweep, number, overrides, 0.1 * (number + 1), 1 - 0.1 * number)
    return read_sweep(sweep)


def names(axes: Axes) -> list[str]:
    return sorted(text.get_text().replace("\n", " ") for text in axes.texts)


def overlap(a: Box, b: Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


@pytest.mark.parametrize(
    ("objective", "strict", "looser", "want"),
    [
        (OBJECTIVE, (0.30, 0.9), (0.2, 0.8), "1e-3"),
        (OBJECTIVE, (0.30, 0.9), (None, None), "1e-3"),
        (OBJECTIVE, (None, None), (0.2, 0.8), "1e-2"),
        (OBJECTIVE, (0.30, None), (0.2, 0.8), "1e-2"),
        (OBJECTIVE, (0.30, None), (None, None), "1e-3"),
        ([f"minimize {LOOSER[1]}"], (0.30, 0.9), (0.2, 0.8), "1e-2"),
        ([*OBJECTIVE, f"minimize {LOOSER[0]}"], (0.30, 0.9), (0.2, 0.8), "1e-2"),
        ([f"minimize {RATIO}"], (0.30, None), (0.2, 0.8), "1e-3"),
    ],
)
def test_both_axes_are_of_one_operating_point(
    objective: list[str], strict: Pair, looser: Pair, want: str, tmp_path: Path
) -> None:
    fnmr = 0.1 if strict[0] is not None else None
    for number in (0, 1):
        write_job(tmp_path, number, [f"lambda_id={number}"], fnmr, strict[1], objective, strict[0], looser)
    sweep = read_sweep(tmp_path)
    assert tuple(measure.key for measure in sweep.front_measures) == (
        LOOSER if want == "1e-2" else (FNMR_AT_RAW, RATIO)
    )
    titles = [f"{name} at raw's {want} threshold" for name in ("FNMR", "FMR ratio")]
    assert [measure.title for measure in sweep.front_measures] == titles
    there = looser if want == "1e-2" else strict
    known = None not in there
    assert list(sweep.front_points.values()) == ([there[::-1]] * 2 if known else [])
    assert ("pareto.png" in draw_all(sweep)) == known


def test_fnmr_at_fmr_stays_a_column_beside_the_front(tmp_path: Path) -> None:
    for number in (0, 1):
        write_job(tmp_path, number, [f"lambda_id={number}"], 0.1, 0.9, ["maximize improvement.mean"], 0.3)
    keys = [measure.key for measure in read_sweep(tmp_path).page_columns]
    assert keys == ["improvement.mean", FNMR, FNMR_AT_RAW, RATIO]


def test_points_stand_where_their_metrics_are_and_no_name_covers_another(tmp_path: Path) -> None:
    made = {}
    for number, (a, b) in enumerate(itertools.product(("1", "5"), ("0", "1", "5"))):
        # the second weight takes what the first gives, which costs a little in both: not all stand on the front
        pull, cost = float(a) - 1.1 * float(b), float(a) / 100
        ratio, fnmr = made[a, b] = (1.2 + 0.05 * pull + cost, 0.4 - 0.01 * pull + cost / 5)
        write_job(tmp_path, number, [f"{SIMILARITY}={a}", f"{IMPOSTOR}={b}"], 0.2, ratio, fnmr_at_raw=fnmr)
    sweep = read_sweep(tmp_path)
    text = page(sweep, draw_all(sweep))
    assert "Down: fewer false non-matches (FNMR). Left: fewer false matches (FMR)." in text
    assert "which nobody has to change" in text
    assert "Each point has the name of its setting" in text
    sheet = draw_front(sweep)
    sheet.drawn()
    (axes,) = sheet.figure.axes
    drawn = {str(dots.get_label()): np.asarray(dots.get_offsets()).tolist() for dots in axes.collections}
    assert drawn["raw"] == [[1.0, RAW_FNMR]]
    beaten = [a for a in made.values() if any(b[0] <= a[0] and b[1] <= a[1] and b != a for b in made.values())]
    assert sorted(drawn["beaten by another"]) == pytest.approx(np.array(sorted(beaten)))
    assert sorted(drawn["Pareto front"]) == pytest.approx(np.array(sorted({*made.values()} - {*beaten})))
    labels = ("FMR ratio at raw's 1e-3 threshold", "FNMR at raw's 1e-3 threshold")
    assert (axes.get_xlabel(), axes.get_ylabel()) == labels
    assert names(axes) == sorted(f"similarity_protection {a}, impostor_protection {b}" for a, b in made)
    boxes: list[Box] = [tuple(text.get_window_extent().extents.tolist()) for text in axes.texts]
    area = tuple(axes.get_window_extent().extents)
    for box in boxes:
        assert area[0] <= box[0] < box[2] <= area[2]
        assert area[1] <= box[1] < box[3] <= area[3]
    assert not [pair for pair in itertools.combinations(boxes, 2) if overlap(*pair)]
    dots = [axes.transData.transform(point) for point in made.values()]
    assert not [box for box in boxes for x, y in dots if overlap(box, (x, y, x, y))]


def test_of_many_settings_the_front_alone_is_named_and_the_page_says_so(tmp_path: Path) -> None:
    for number in range(MOST_NAMED + 1):
        ratio = 1 + number / 100 - (number in (3, 7))
        write_job(tmp_path, number, [f"lambda_id={number}"], 0.3, ratio, fnmr_at_raw=0.4 - number / 100)
    sweep = read_sweep(tmp_path)
    assert len(sweep.front) < len(sweep.settings)
    axes = draw_front(sweep).figure.axes[0]
    front = {setting.name.replace("lambda_id=", "id ") for setting in sweep.front}
    assert len(axes.texts) == len(sweep.front)
    assert {name for name in names(axes) if not name.startswith("no. ")} <= front
    assert {"id 3", "id 7"} <= set(names(axes))
    text = page(sweep, draw_all(sweep))
    assert f"With more than {MOST_NAMED} settings, only points on the front have names" in text


def test_a_front_of_hundreds_is_named_in_part(tmp_path: Path) -> None:
    for number in range(100):
        write_job(tmp_path, number, [f"lambda_id={number}"], 0.3, 0.5 + number / 200, fnmr_at_raw=0.6 - number / 1000)
    sweep = read_sweep(tmp_path)
    assert len(sweep.front) == 100
    assert 5 < len(draw_front(sweep).figure.axes[0].texts) <= MOST_ON_FRONT


def test_a_long_name_is_the_number_of_its_row(tmp_path: Path) -> None:
    keys = [f"lambda_{name}" for name in ("id", "similarity_protection", "impostor_protection", "reconstruction")]
    sweep = write_settings(tmp_path, *([f"{key}={number}" for key in keys] for number in (0, 1)))
    assert names(draw_front(sweep).figure.axes[0]) == ["no. 1", "no. 2"]
    assert page(sweep, draw_all(sweep)).count("no. 2") == 2  # in the table of all settings and in that of the front


def test_names_in_another_script_are_numbers_of_values(tmp_path: Path) -> None:
    sweep = write_settings(tmp_path, ["键=数据"], ["键=张伟"])
    assert all(name.isascii() for name in names(draw_front(sweep).figure.axes[0]))
