"""An evaluation of an enhancer on features: what is pooled, and when."""

from __future__ import annotations

from dataclasses import replace

from poseid.enhancers.baselines.raw import Raw
from poseid.evaluation import evaluate_enhancer, quick_evaluation
from poseid.features.synthetic import synthetic


def test_rows_with_a_template_id_are_pooled_but_never_in_a_quick_evaluation() -> None:
    data = synthetic(people=20, probes=8, seed=0, dim=16)
    rows = tuple(entry | {"template_id": n // 4} for n, entry in enumerate(data.video.metadata))
    tracks = replace(data, video=replace(data.video, metadata=rows))
    found = evaluate_enhancer(Raw(16), tracks, resamples=5)
    assert {one.by for one in found.frames} == {"template_id"}
    assert [entry["k"] for entry in found.block["frames"]] == [None]
    assert quick_evaluation(Raw(16), tracks).frames == ()
    both = evaluate_enhancer(Raw(16), tracks, resamples=0, frames=[2])
    assert list(dict.fromkeys(one.by for one in both.frames)) == ["template_id", "random sets"]
