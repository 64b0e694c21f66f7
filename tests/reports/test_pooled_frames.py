"""Several frames as one probe on the page, in its figure and at the end of a run."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from poseid.features.templates import Templates
from poseid.reports.evaluation_page import page
from poseid.reports.figures import draw_all
from poseid.reports.report import write_report
from poseid.reports.template_figure import template_sheet
from poseid.reports.text_table import table_text
from poseid.verification import EmbeddingSet, Evaluation, evaluate
from poseid.verification.templates import evaluate_templates
from tests.reports.test_report import Reader, summary_of


def pooled(
    sides: tuple[EmbeddingSet, EmbeddingSet], frames: list[int], templates: Templates | None = None, resamples: int = 20
) -> Evaluation:
    found = evaluate(*sides, resamples=resamples)
    return replace(found, frames=evaluate_templates(*sides, templates, frames, resamples=resamples))


def test_the_page_shows_every_pooling_and_the_verdict_beside_the_headline(sides, tmp_path):
    found = pooled(sides(40, 3, 12, change=lambda rows: rows + 0.3), [1, 4])
    write_report(summary_of(found.block), found, tmp_path)
    assert (tmp_path / "templates.png").read_bytes().startswith(b"\x89PNG")
    text = Reader((tmp_path / "report.html").read_text(encoding="utf-8")).text
    assert text.index("Why:") < text.index("Several frames as one probe, 4 profile frames:") < text.index("How to read")
    for words in ("Raw length²", "Enhanced weighted less enhanced mean", "one frontal reference a person"):
        assert words in text
    for entry in found.block["frames"]:
        for one in entry["sets"].values():
            assert f"{100 * one['enhanced_weighted']['eer']:.2f}".removesuffix("0") in text
    assert "because FPIR 1e-2 needs 3000 searches and there are" in text
    assert "one length" not in text
    out = table_text(found.block, "test")
    assert "several frames as one probe, profile frames: FNMR at FMR 1e-3, lower is better" in out
    assert out.index("verdict: ") < out.index("verdict on templates, 4 profile frames: ")


def test_nothing_is_said_where_nothing_is_pooled(sides):
    found = evaluate(*sides(12), resamples=5)
    assert found.block["frames"] == []
    assert template_sheet(found.block) is None
    assert "Several frames" not in page(summary_of(found.block), found.block, {})
    assert "several frames" not in table_text(found.block, "test")


def test_vectors_of_one_length_carry_nothing_in_it(sides):
    front, video = sides(20, 3, 8)
    video = replace(video, raw=video.raw / np.linalg.norm(video.raw, axis=1, keepdims=True))
    block = pooled((front, video), [2]).block
    note = "All vectors have one length: length carries nothing here"
    assert note in Reader(page(summary_of(block), block, {})).text
    assert note in table_text(block, "test")


@pytest.mark.parametrize("frames", [[], [1, 2, 3]])
@pytest.mark.parametrize("resamples", [0, 20])
def test_figure_and_page_of_templates_by_id(sides, frames, resamples):
    front, video = sides(30, 3, 8)
    templates = Templates(video.person.astype(np.int64), np.arange(len(video.person)))
    found = pooled((front, video), frames, templates, resamples)
    drawn = draw_all(found)["templates.png"]
    assert len(drawn.tiles) == 2
    text = Reader(page(summary_of(found.block), found.block, {"templates.png": drawn})).text
    assert "profile frames of a template_id (mean " in text


def test_too_few_people_leave_dashes_with_their_reasons(sides):
    found = pooled(sides(3, 1, 6), [1, 2])
    assert len(draw_all(found)["templates.png"].tiles) == 2
    text = Reader(page(summary_of(found.block), found.block, {})).text
    assert "FMR 1e-2 needs 3000 impostor comparisons" in text
    assert "None" not in text
    assert ": EER, lower is better" in table_text(found.block, "test")


def test_perfect_pooling_stands_at_the_bottom_of_the_figure(sides):
    found = pooled(sides(40, 3, 12, noise=0.2), [1, 4])
    assert found.block["frames"][1]["sets"]["any"]["raw_mean"]["fnmr_at_fmr"]["1e-2"] == 0
    assert len(draw_all(found)["templates.png"].tiles) == 2
