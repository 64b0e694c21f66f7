"""Settings that make an examination quick."""

from __future__ import annotations

import pytest

from poseid.doctor import baseline, recognisers


@pytest.fixture(autouse=True)
def few_comparisons(monkeypatch: pytest.MonkeyPatch) -> None:
    """Error rates of few comparisons with few resamples: no finding depends on them."""
    monkeypatch.setattr(baseline, "MOST_COMPARISONS", 20_000)
    monkeypatch.setattr(baseline, "_RESAMPLES", 10)
    monkeypatch.setattr(recognisers, "_IMPOSTORS", 20_000)
