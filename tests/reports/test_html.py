"""Templates: text is escaped, what is missing is an error, every page is one file."""

from __future__ import annotations

import re

import pytest
from jinja2 import UndefinedError

from poseid.reports.html import Notes, environment, render


def test_text_is_escaped_in_pages() -> None:
    context = {"title": "<b>&", "note": "'", "known": False}
    assert "<b>&lt;b&gt;&amp;</b><small>&#39;</small>" in render("chart.html", context)


def test_what_a_page_lacks_is_an_error() -> None:
    with pytest.raises(UndefinedError, match="note"):
        render("chart.html", {"title": "t", "known": False})


def test_templates_fetch_nothing() -> None:
    for name in environment().list_templates():
        source, _, _ = environment().loader.get_source(environment(), name)
        assert not re.search(r"https?:|<script|<link|@import|url\(", source), name


def test_the_nearest_reason_counts() -> None:
    notes = Notes("n", {"null_reasons": {"sets.all": "it is empty"}, "bootstrap": {"resamples": 0}})
    assert notes.why("sets.all.eer") == "it is empty"
    assert notes.why("rank1") == "not defined on this data"
    assert notes.why("sets.all.ci95", interval=True) == "no confidence intervals were asked for"
    assert [notes.letter(reason) for reason in ("x", "y", "x")] == ["a", "b", "a"]
