"""The figures: complete, offscreen, from any block, with the numbers of the block."""

from __future__ import annotations

import dataclasses
from concurrent.futures import ThreadPoolExecutor

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest

from poseid.reports.figures import diagnosis_sheet, draw_all
from poseid.reports.sheet import MOST_POINTS
from poseid.verification import EmbeddingSet, evaluate
from poseid.verification.figure_data import det_bands, genuine_pairs
from tests.pictures import is_drawn, pixels

NAMES = {"diagnosis.png": 4, "det.png": 1, "scores.png": 2, "heatmap.png": 2}


def test_every_figure_is_made_of_its_tiles(sides):
    drawn = draw_all(evaluate(*sides(20, change=lambda rows: rows + 0.3), resamples=20))
    assert {name: len(figure.tiles) for name, figure in drawn.items()} == NAMES
    for figure in drawn.values():
        sheet, tiles = pixels(figure.png), [pixels(tile) for tile in figure.tiles]
        columns = sheet.shape[1] // tiles[0].shape[1]
        rows = [np.concatenate(tiles[n : n + columns], axis=1) for n in range(0, len(tiles), columns)]
        np.testing.assert_array_equal(np.concatenate(rows), sheet)
        assert all(map(is_drawn, tiles))  # none is blank
        assert len(figure.titles) == len(tiles)


def degenerate(sides, case: str) -> tuple[EmbeddingSet, EmbeddingSet]:
    front, video = sides(6, 2, 4)
    if case == "no probe":
        return front, sides(0)[1]
    if case in ("no row", "one person", "two rows"):
        return sides(*{"no row": (0,), "one person": (1, 2, 2), "two rows": (2, 1, 1)}[case])
    if case == "no genuine":
        return front, dataclasses.replace(video, person=video.person + 100)
    if case == "yaw unknown":
        rows = video.yaw.shape
        return front, dataclasses.replace(video, yaw=np.full(rows, np.nan), kind=np.full(rows, 2, np.int8))
    if case == "beyond 90":
        return front, dataclasses.replace(video, yaw=np.full(video.yaw.shape, 120.0))
    same = np.ones((12, 4))
    kind = np.tile(np.array([0, 1], np.int8), 6)
    side = EmbeddingSet(same, same, same, np.repeat(np.arange(6), 2), np.linspace(-80, 80, 12), kind)
    return side, side


CASES = ["no probe", "no row", "one person", "two rows", "no genuine", "yaw unknown", "all scores tied"]


@pytest.mark.parametrize(("case", "resamples"), [*((case, 5) for case in CASES), ("two rows", 0), ("beyond 90", 0)])
def test_degenerate_blocks_are_drawn(sides, case, resamples):
    drawn = draw_all(evaluate(*degenerate(sides, case), resamples=resamples))
    assert {name: len(figure.tiles) for name, figure in drawn.items()} == NAMES
    assert all(len(np.unique(pixels(tile)[..., 0])) > 5 for figure in drawn.values() for tile in figure.tiles)


def test_figures_are_the_same_in_threads_and_leave_no_state(sides):
    found = evaluate(*sides(15), resamples=5)
    before = dict(matplotlib.rcParams)
    once = draw_all(found)
    with ThreadPoolExecutor(2) as pool:
        again = list(pool.map(lambda _: draw_all(found), range(2)))
    assert all(drawn[name].png == once[name].png for drawn in again for name in NAMES)
    assert dict(matplotlib.rcParams) == before
    assert plt.get_fignums() == []


def test_diagnosis_shows_the_numbers_of_the_block(sides):
    found = evaluate(*sides(30, 4, 60, change=lambda rows: rows + 0.2), resamples=10)
    block, figure = found.block, diagnosis_sheet(found).figure
    scatter, histogram, bars, lines = figure.axes
    points = np.asarray(scatter.collections[0].get_offsets())
    assert block["improvement"]["n"] == 30 * 4 * 60
    assert len(points) == MOST_POINTS
    heights = sum(patch.get_height() for patch in histogram.patches)
    assert heights == pytest.approx(100)
    dashed = [line.get_xdata()[0] for line in histogram.lines]
    assert dashed == pytest.approx([0.0, block["improvement"]["mean"]])
    means = [entry["mean"] for entry in block["improvement"]["by_yaw"]]
    assert [bar.get_height() for bar in bars.patches] == pytest.approx(means)
    ticks = [text.get_text() for text in bars.get_xticklabels()]
    sizes = [int(text.split("n = ")[1].replace(",", "")) for text in ticks]
    assert sizes == [entry["n"] for entry in block["improvement"]["by_yaw"]]
    assert [line.get_label() for line in lines.lines] == ["raw", "enhanced"]


def test_labels_lie_inside_their_tiles(sides):
    figure = diagnosis_sheet(evaluate(*sides(25, change=lambda rows: rows * 0.5 + 0.7), resamples=10)).figure
    figure.canvas.draw()
    renderer = figure.canvas.get_renderer()
    width, height = figure.bbox.width, figure.bbox.height
    for n, axes in enumerate(figure.axes):
        box = axes.get_tightbbox(renderer)
        column, row = n % 2, n // 2
        assert box.x0 >= column * width / 2
        assert box.x1 <= (column + 1) * width / 2
        assert box.y0 >= (1 - row) * height / 2
        assert box.y1 <= (2 - row) * height / 2


def test_genuine_pairs_by_brute_force(sides):
    front, video = sides(5, 2, 3, change=lambda rows: rows + 0.5)
    pairs = genuine_pairs(evaluate(front, video, resamples=0))

    def cosine(a: np.ndarray, b: np.ndarray) -> float:
        return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))

    expected = [
        (cosine(front.raw[i], video.raw[j]), cosine(front.reference[i], video.probe[j]), video.yaw[j])
        for i in range(10)
        for j in range(15)
        if front.person[i] == video.person[j]
    ]
    found = np.stack([pairs.raw, pairs.enhanced, pairs.yaw], axis=1)
    np.testing.assert_allclose(sorted(found.tolist()), sorted(map(list, expected)), atol=1e-6)
    assert (pairs.total, pairs.people) == (30, 5)


def test_a_share_of_genuine_pairs_is_even_and_fixed(sides):
    found = evaluate(*sides(20, 5, 50), resamples=0)
    everything, share = genuine_pairs(found), genuine_pairs(found, most=500)
    assert share.total == everything.total == 5000
    assert 480 <= share.raw.size <= 500
    assert np.bincount(share.person).min() >= 20  # 25 of each person would be exactly even
    assert share.raw.mean() == pytest.approx(everything.raw.mean(), abs=0.02)
    np.testing.assert_array_equal(share.raw, genuine_pairs(found, most=500).raw)


def test_bands_agree_with_the_intervals_of_the_block(sides):
    found = evaluate(*sides(40, 3, 8, noise=1.2, change=lambda rows: rows + 0.3), resamples=200, seed=3)
    block, bands = found.block, det_bands(found)
    assert bands is not None
    assert bands.fmr.max() <= 0.5
    (at,) = np.flatnonzero(np.isclose(bands.fmr, 1e-2))
    for form, band in (("raw", bands.raw), ("enhanced", bands.enhanced)):
        # the same resamples, so the same interval
        expected = block["sets"]["frontal_profile"][form]["fnmr_at_fmr_ci95"]["1e-2"]
        np.testing.assert_allclose(band[at], expected, atol=2e-3)
        assert (band[:, 0] <= band[:, 1]).all()
        assert (np.diff(band, axis=0) <= 0).all()


def test_no_band_where_none_is_asked_for_or_too_large(sides, monkeypatch):
    front, video = sides(10)
    assert det_bands(evaluate(front, video, resamples=0)) is None
    monkeypatch.setitem(evaluate.__globals__, "MAX_FOR_BANDS", 10)
    found = evaluate(front, video, resamples=20)
    assert det_bands(found) is None
    assert draw_all(found)["det.png"].png
