"""What may be an objective is what an evaluation block has."""

import pytest

from poseid.enhancers.registry import build
from poseid.errors import InputError
from poseid.evaluation import quick_evaluation
from poseid.features.synthetic import synthetic
from poseid.training.objective import check_objective, known_keys, look_up
from poseid.verification.metrics import METRICS


def test_every_key_that_is_accepted_stands_in_an_evaluation_block() -> None:
    enhancer = build("residual", {"dim": 16, "init": "zero"})
    block = quick_evaluation(enhancer, synthetic(people=20, probes=6, dim=16)).block
    for key in known_keys():
        look_up(block, key)  # raises where there is none


def test_metrics_by_name_and_protocols_of_any_data_are_accepted_and_others_refused() -> None:
    names = [metric.name for metric in METRICS] + ["protocols.FP.enhanced.eer", "sets.all.raw.d_prime"]
    assert len(check_objective([f"minimize {name}" for name in names])) == len(names)
    for key in ("sets.nosuch", "protocols.FP.enhanced.eers", "people", "headline", "sets.headline.enhanced"):
        with pytest.raises(InputError, match=f"the validation block has no {key}"):
            check_objective([f"minimize {key}"])
