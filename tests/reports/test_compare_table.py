"""The table of `poseid compare`: the direction of a difference is that of the registered metric."""

from dataclasses import replace

import pytest

from poseid.reports import compare_table
from poseid.verification.metrics import METRICS, Metric

FIGURE = {"value": 0.1, "ci95": None}
REPORT = {
    "frames": [],
    "frames_left_out": [],
    "models": [{"name": name, "verdict": "helps"} for name in ("raw", "ridge")],
    "against": None,
}
LOWER, HIGHER = (next(one for one in METRICS if one.higher_is_better is higher) for higher in (False, True))


@pytest.mark.parametrize(
    ("metrics", "says"),
    [
        ([LOWER], "below 0 is better"),
        ([LOWER, HIGHER], f"below 0 is better; above 0 for {HIGHER.title}"),
        ([replace(LOWER, higher_is_better=True)], f"above 0 for {LOWER.title}"),
    ],
)
def test_the_table_of_differences_says_which_sign_is_better(
    metrics: list[Metric], says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compare_table, "metrics_in", lambda place: metrics)
    figures = {metric.name: FIGURE for metric in metrics}
    models = [model | figures | {"against_raw": figures} for model in REPORT["models"]]
    (title, _) = compare_table.tables({**REPORT, "models": models})[-1]
    assert title.startswith("paired differences from raw (")
    assert title.endswith(f"{says})")
