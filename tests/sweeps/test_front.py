"""The front of a sweep: both metrics at one fixed threshold, and every setting numbered at its point."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from matplotlib.axes import Axes

from poseid.sweeps.analysis import Sweep, read_sweep
from poseid.sweeps.figures import draw_all
from poseid.sweeps.front import MOST_NUMBERED, MOST_ON_FRONT, draw_front, short_key
from poseid.sweeps.page import page
from tests.sweeps.made import FNMR, FNMR_AT_RAW, OBJECTIVE, RATIO, RAW_FNMR, write_job

LOOSER = tuple(key.replace("1e-3", "1e-2") for key in (FNMR_AT_RAW, RATIO))
SIMILARITY, IMPOSTOR = "lambda_similarity_protection", "lambda_impostor_protection"
Pair = tuple[float | None, float | None]


def write_weights(
    sweep: Path, first: Sequence[str], second: Sequence[str]
) -> dict[tuple[str, str], tuple[float, float]]:
    """A grid over two weights, one giving what the other takes; returns FMR ratio and FNMR of each pair."""
    made = {}
    for number, (a, b) in enumerate(itertools.product(first, second)):
        # more of the first weight costs a little in both metrics, so that not all stand on the front
        pull, cost = float(a) - 1.1 * float(b), float(a) / 100
        ratio, fnmr = made[a, b] = (1.2 + 0.05 * pull + cost, 0.4 - 0.01 * pull + cost / 5)
        write_job(sweep, number, [f"{SIMILARITY}={a}", f"{IMPOSTOR}={b}"], 0.2, ratio, fnmr_at_raw=fnmr)
    return made


def write_settings(sweep: Path, *settings: Sequence[str]) -> Sweep:
    """Jobs on a front: each has a higher FNMR and a lower FMR ratio than the one before."""
    for number, overrides in enumerate(settings):
        write_job(sweep, number, overrides, 0.1 * (number + 1), 1 - 0.1 * number)
    return read_sweep(sweep)


def drawn(sweep: Sweep) -> tuple[Axes, list[str], list[str]]:
    """The axes, the numbers at the points, and the lines of the list of names."""
    sheet = draw_front(sweep)
    sheet.drawn()
    axes, beside = sheet.figure.axes
    return axes, sorted((text.get_text() for text in axes.texts), key=int), beside.texts[0].get_text().split("\n")


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


def test_points_stand_where_their_metrics_are_and_no_number_covers_another(tmp_path: Path) -> None:
    made = write_weights(tmp_path, ["1", "5"], ["0", "1", "5"])
    sweep = read_sweep(tmp_path)
    text = page(sweep, draw_all(sweep))
    assert "Down: fewer false non-matches (FNMR). Left: fewer false matches (FMR)." in text
    assert "which nobody has to change" in text
    assert "Each point has the number of its setting" in text
    axes, numbers, names = drawn(sweep)
    places = {str(dots.get_label()): np.asarray(dots.get_offsets()).tolist() for dots in axes.collections}
    assert "raw" not in places
    assert "at (1, 0.500)" in draw_all(sweep)["pareto.png"].titles[0]
    assert axes.get_ylim()[1] < RAW_FNMR
    assert places["beaten by another"]
    both = places["Pareto front"] + places["beaten by another"]
    assert sorted(both) == pytest.approx(np.array(sorted(made.values())))
    labels = ("FMR ratio at raw's 1e-3 threshold", "FNMR at raw's 1e-3 threshold")
    assert (axes.get_xlabel(), axes.get_ylabel()) == labels
    assert names == [
        f"{n}:  similarity_protection {a}, impostor_protection {b}" for n, (a, b) in enumerate(made, start=1)
    ]
    assert numbers == [str(n + 1) for n in range(len(made))]
    boxes = {text.get_text(): text.get_window_extent() for text in axes.texts}
    area = axes.get_window_extent()
    assert all(area.contains(box.x0, box.y0) and area.contains(box.x1, box.y1) for box in boxes.values())
    assert not [pair for pair in itertools.combinations(boxes.values(), 2) if pair[0].overlaps(pair[1])]
    for n, point in enumerate(made.values(), start=1):
        at = axes.transData.transform(point)
        assert not [box for box in boxes.values() if box.contains(*at)]
        middles = {name: (box.x0 + box.width / 2, box.y0 + box.height / 2) for name, box in boxes.items()}
        assert math.dist(middles[str(n)], at) < 40  # beside its own point


def test_raw_is_drawn_where_it_lies_among_the_settings(tmp_path: Path) -> None:
    for number, (ratio, fnmr) in enumerate([(0.8, 0.6), (1.2, 0.4)]):
        write_job(tmp_path, number, [f"lambda_id={number}"], 0.2, ratio, fnmr_at_raw=fnmr)
    axes, _, _ = drawn(read_sweep(tmp_path))
    (raw,) = [dots for dots in axes.collections if dots.get_label() == "raw"]
    assert np.asarray(raw.get_offsets()).tolist() == [[1.0, RAW_FNMR]]


def test_of_many_settings_the_front_alone_is_numbered_and_the_page_says_so(tmp_path: Path) -> None:
    for number in range(MOST_NUMBERED + 1):
        ratio = 1 + number / 100 - (number in (3, 7))
        write_job(tmp_path, number, [f"lambda_id={number}"], 0.3, ratio, fnmr_at_raw=0.4 - number / 100)
    sweep = read_sweep(tmp_path)
    assert len(sweep.front) < len(sweep.settings)
    _, numbers, names = drawn(sweep)
    front = sorted(sweep.settings.index(setting) for setting in sweep.front)
    assert names == [f"{n + 1}:  {sweep.settings[n].name.replace('lambda_id=', 'id ')}" for n in front]
    assert numbers == [str(n + 1) for n in front]
    text = page(sweep, draw_all(sweep))
    assert f"With more than {MOST_NUMBERED} settings, only points on the front have numbers" in text


def test_a_front_of_hundreds_is_numbered_in_part(tmp_path: Path) -> None:
    for number in range(100):
        write_job(tmp_path, number, [f"lambda_id={number}"], 0.3, 0.5 + number / 200, fnmr_at_raw=0.6 - number / 1000)
    sweep = read_sweep(tmp_path)
    assert len(sweep.front) == 100
    _, numbers, names = drawn(sweep)
    assert 5 < len(numbers) <= len(names) <= MOST_ON_FRONT


def test_a_long_name_takes_several_lines(tmp_path: Path) -> None:
    keys = [f"lambda_{name}" for name in ("id", "similarity_protection", "impostor_protection", "reconstruction")]
    sweep = write_settings(tmp_path, *([f"{key}={number}" for key in keys] for number in (0, 1)))
    _, numbers, names = drawn(sweep)
    assert numbers == ["1", "2"]
    assert [name[:2] for name in names] == ["1:", "  ", "2:", "  "]
    for name in (short_key(key) for key in keys):
        assert [line.count(f"{name} 0") + line.count(f"{name} 1") for line in names].count(1) == 2
    assert page(sweep, draw_all(sweep)).count("no. 2") == 2  # in the table of all settings and in that of the front


def test_names_in_another_script_are_numbers_of_values(tmp_path: Path) -> None:
    sweep = write_settings(tmp_path, ["键=数据"], ["键=张伟"])
    assert all(name.isascii() for name in drawn(sweep)[2])
