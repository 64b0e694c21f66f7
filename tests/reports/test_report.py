"""The report: complete files, a page that stands alone, nulls with reasons, nothing from the data taken as HTML."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from poseid.features.folder import read_folder
from poseid.reports.evaluation_page import page
from poseid.reports.format import percent
from poseid.reports.report import write_report
from poseid.verification import evaluate
from poseid.verification.result import Evaluation
from tests.verification.people import CFP, cfp, needs_cfp

FILES = ["det.png", "diagnosis.png", "heatmap.png", "report.html", "scores.png", "summary.json"]


class Reader(HTMLParser):
    """Tags, attributes and text of a page; a tag that is never closed, or closed twice, fails."""

    VOID = ("meta", "img", "br")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1:] != ["style"]:
            self.words.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.words))


def summary_of(block: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "model": "residual",
        "sides": "probe",
        "data": "made up",
        "poses_used": True,
        "versions": {"poseid": "0.1"},
        "evaluation": block,
    } | more


def small_page(block: dict[str, Any], **more: Any) -> Reader:
    return Reader(page(summary_of(block, **more), block, {}))


def written(found: Evaluation, directory: Path, **more: Any) -> str:
    """The page of a report as written."""
    write_report(summary_of(found.block, **more), found, directory)
    return (directory / "report.html").read_text(encoding="utf-8")


def test_the_files_are_complete(sides, tmp_path):
    found = evaluate(*sides(20, change=lambda rows: rows + 0.3), resamples=20)
    directory = tmp_path / "run" / "report"
    written(found, directory)
    first = {path.name: path.read_bytes() for path in directory.iterdir()}
    assert sorted(first) == FILES
    assert json.loads(first["summary.json"])["evaluation"] == found.block
    for content in (first[name] for name in FILES if name.endswith(".png")):
        assert content.startswith(b"\x89PNG")
        assert content.endswith(b"IEND\xaeB`\x82")
    written(found, directory)  # over an older one
    assert {name: (directory / name).read_bytes() for name in FILES} == first


def test_the_page_stands_alone(sides, tmp_path):
    text = written(evaluate(*sides(20), resamples=10), tmp_path)
    reader = Reader(text)
    assert "script" not in reader.tags
    assert "link" not in reader.tags
    sources = [value for _, name, value in reader.attributes if name in ("src", "srcset", "href", "action", "data")]
    assert all(value.startswith(("data:image/png;base64,", "#")) for value in sources)
    assert not re.search(r"https?:|url\(|@import", re.sub(r"base64,[A-Za-z0-9+/=]+", "", text))
    assert not [name for _, name, _ in reader.attributes if name.startswith("on")]
    images = [value for tag, name, value in reader.attributes if (tag, name) == ("img", "src")]
    assert len(images) == 9
    assert all(base64.b64decode(value.split(",")[1]).startswith(b"\x89PNG") for value in images)
    assert all(value for tag, name, value in reader.attributes if (tag, name) == ("img", "alt"))
    assert ("meta", "content", "width=device-width, initial-scale=1") in reader.attributes
    assert "prefers-color-scheme:dark" in text


def test_links_to_notes_lead_somewhere_and_ids_are_unique(sides):
    reader = small_page(evaluate(*sides(4, 2, 3), resamples=5).block)
    ids = [value for _, name, value in reader.attributes if name == "id"]
    links = {value[1:] for _, name, value in reader.attributes if name == "href"}
    assert len(ids) == len(set(ids))
    assert links
    assert links <= set(ids)


NAME = "人脸库 <script>alert('x')</script> & \"ß\" 얼굴"


def test_text_from_the_data_is_escaped_and_never_drawn(sides, tmp_path):
    found = evaluate(*sides(1, 2, 2), resamples=5)  # one person: no impostors, so that every figure gives its reason
    block = found.block
    block["protocols"] = {NAME: {form: {"eer": 0.1, "accuracy": 0.9} for form in ("raw", "enhanced")}}
    block["reason"] = f"because of {NAME}"
    block["null_reasons"] = {path: f"{NAME} {reason}" for path, reason in block["null_reasons"].items()}
    more = {"data": NAME, "model": NAME, "sides": NAME, "versions": {NAME: NAME}, "people_asked_for": NAME}
    text = written(found, tmp_path, **more)  # a glyph that the font lacks would be a warning
    reader = Reader(text)
    assert "script" not in reader.tags
    assert "<script" not in text
    assert reader.text.count(NAME) >= 8
    assert "People asked for" in reader.text
    assert NAME in json.loads((tmp_path / "summary.json").read_text(encoding="utf-8"))["data"]


def test_nulls_are_dashes_with_their_reasons(sides):
    block = evaluate(*sides(3, 1, 2), resamples=5).block
    text = small_page(block).text
    assert "–" in text
    for reason in {reason for path, reason in block["null_reasons"].items() if path.startswith("sets.")}:
        assert f"because {reason}" in text
    assert "None" not in text
    assert "nan" not in text.lower().split()


def test_without_resamples_the_page_says_so(sides):
    text = small_page(evaluate(*sides(10), resamples=0).block).text
    assert "Not judged" in text
    assert "because no confidence intervals were asked for" in text


def test_empty_sides_make_a_page(sides):
    text = small_page(evaluate(sides(3)[0], sides(0)[1], resamples=5).block).text
    assert "No effect shown" in text
    assert "because there are no comparisons" in text


@pytest.mark.parametrize(
    ("verdict", "words"), [("helps", "It helps"), ("harms", "It does harm"), ("no effect shown", "No effect shown")]
)
def test_the_verdict_stands_first_with_its_reason(sides, verdict, words):
    block = evaluate(*sides(10), resamples=5).block | {"verdict": verdict, "reason": "Figures that decided."}
    text = small_page(block).text
    assert text.index(words) < text.index("Figures that decided.") < text.index("How to read this")


def test_the_guard_stands_under_the_verdict(sides):
    block = evaluate(*sides(10), resamples=0).block
    text = page({"model": "m", "guard": "Nothing <is> enhanced.", "evaluation": block}, block, {})
    said = "<strong>Nothing &lt;is&gt; enhanced.</strong>"
    assert text.index("<strong>Why:</strong>") < text.index(said) < text.index("<dl>")
    assert text.count("Nothing &lt;is") == 1


def test_every_rate_of_the_block_stands_in_the_page(sides):
    block = evaluate(*sides(60, 3, 8, change=lambda rows: rows + 0.3), resamples=30).block
    text = small_page(block).text.replace("\u00a0", " ")

    def shown(rate: float) -> str:
        return percent(rate).replace("\u00a0", " ")

    checked = 0
    for entry in [*block["sets"].values(), *block["yaw_sign"].values()]:
        for form in ("raw", "enhanced"):
            assert shown(entry[form]["eer"]) in text
    for entry in block["sets"].values():
        rates = [entry[form]["fnmr_at_fmr"].values() for form in ("raw", "enhanced")]
        known = [value for values in rates for value in values if value is not None]
        assert all(shown(value) in text for value in known)
        checked += len(known)
        for fixed in entry["fixed_threshold"].values():
            if fixed["threshold"] is not None:
                assert f"{fixed['fmr_ratio']:.2f}×" in text
                assert shown(fixed["enhanced"]["fmr"]) in text
                assert shown(fixed["enhanced"]["fnmr"]) in text
    assert checked >= 10
    for entry in block["improvement"]["by_yaw"]:
        assert f"{entry['mean']:+.4f}".replace("-", "−") in text
    for form in ("raw", "enhanced"):
        assert shown(block["rank1"][form]) in text
        for row, counts in zip(block["by_pose"][form], block["by_pose"]["n"], strict=True):
            assert all(shown(value) in text for value, n in zip(row, counts, strict=True) if n)
    assert "lower is better" in text
    assert "higher is better" in text


def test_changes_are_named_by_their_intervals(sides):
    block = evaluate(*sides(10), resamples=5).block
    for ci95, words in (
        ([-0.2, -0.05], "cosine, higher is better 95 % CI −0.2000 to −0.0500 worse"),
        ([-0.05, 0.2], "95 % CI −0.0500 to +0.2000 no clear change"),
        ([0.05, 0.2], "95 % CI +0.0500 to +0.2000 better"),
    ):
        block["improvement"] |= {"mean": sum(ci95) / 2, "ci95": ci95}
        assert words in small_page(block).text


def test_test_people_come_first_and_validation_after(sides):
    front, video = sides(12)
    test = evaluate(front, video, resamples=5).block
    validation = test | {"people": 77}
    summary = summary_of(test, test=test, validation=validation)
    del summary["evaluation"]
    text = Reader(page(summary, test, {})).text
    assert "12 test people" in text
    assert text.index("12 test people") < text.index("Validation people") < text.index("77 people")
    alone = Reader(page(summary | {"test": None}, validation, {})).text
    assert "77 validation people" in alone
    assert "Validation people" not in alone


def test_a_registered_metric_stands_on_the_page_with_its_direction(sides):
    text = small_page(evaluate(*sides(20, 3, 20), resamples=0).block).text
    assert "FNIR at FPIR 1e-1, lower is better" in text
    assert "because FPIR 1e-2 needs 3000 searches and there are 400" in text


def test_a_block_of_the_contract_alone_makes_a_page(sides):
    block = evaluate(*sides(12), resamples=5).block
    for key in ("by_pose", "yaw_sign", "null_reasons", "bootstrap"):
        del block[key]
    for entry in block["sets"].values():
        del entry["det"], entry["histogram"]
    assert "Raw against enhanced" in small_page(block).text


@needs_cfp
def test_a_report_of_100_people(tmp_path):
    front, video = (cfp(name, range(1, 101)) for name in ("front", "video"))
    video = replace(video, probe=video.raw + 0.05 * np.roll(video.raw, 1, axis=1))
    data = read_folder(CFP)
    found = evaluate(front, video, data.select(data.people()[:100]).pairs, resamples=100)
    assert "700 genuine, 700 impostor" in Reader(written(found, tmp_path)).text
