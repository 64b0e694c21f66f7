"""Fitting a baseline on given people, scored on validation people as training does it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from poseid.enhancers.baselines.baseline import FitData, FitOptions
from poseid.enhancers.baselines.fit import Fitted, fit_baseline
from poseid.enhancers.model import Model
from poseid.evaluation import evaluate_enhancer
from poseid.features.fingerprint import fingerprint, hash_people
from poseid.features.rows import FeatureSet
from poseid.training.metric_names import selection
from poseid.versions import versions


def fit_on(
    name: str, features: FeatureSet, train: Sequence[str], validation: Sequence[str], options: FitOptions
) -> Fitted:
    """Fits a baseline by `fit_baseline`, with the figure of `val/selection` as the score."""
    held = features.select(validation)

    def score(enhancer: Model) -> float:
        return selection(evaluate_enhancer(enhancer, held, resamples=0, sets=("frontal_profile",)).block)[0]

    everybody = features.select([*train, *validation])
    return fit_baseline(name, FitData(features.select(train), everybody, score), options)


def header(
    fitted: Fitted,
    features: FeatureSet,
    digest: str,
    train: Sequence[str],
    validation: Sequence[str],
    test: Sequence[str],
) -> dict[str, Any]:
    """The header of a fitted baseline: the keys that the file of a run has, and ``fit``."""
    return {
        "model": fitted.model,
        "sides": fitted.model["sides"],
        "fit": fitted.fit,
        "versions": versions(),
        "data": {"name": features.name, "digest": digest},
        "fingerprint": fingerprint(features.select(train)),
        "people": {"salt": digest}
        | {
            part: hash_people(names, digest)
            for part, names in (("train", train), ("validation", validation), ("test", test))
        },
    }
