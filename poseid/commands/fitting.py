"""Fitting an opponent on given people, scored on validation people as training does it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import nn

from poseid.enhancers.opponents.fit import FitOptions, Fitted, fit_opponent
from poseid.evaluation import evaluate_enhancer
from poseid.features.fingerprint import fingerprint, hash_people
from poseid.features.rows import FeatureSet
from poseid.training.metric_names import selection
from poseid.versions import versions


def fit_on(
    name: str, features: FeatureSet, train: Sequence[str], validation: Sequence[str], options: FitOptions
) -> Fitted:
    """Fits an opponent by `fit_opponent`, with the figure of `val/selection` as the score."""
    held = features.select(validation)

    def score(enhancer: nn.Module) -> float:
        return selection(evaluate_enhancer(enhancer, held, resamples=0, sets=("frontal_profile",)).block)[0]

    everybody = features.select([*train, *validation])
    return fit_opponent(name, features.select(train), held, everybody, score, options)


def header(
    fitted: Fitted,
    features: FeatureSet,
    digest: str,
    train: Sequence[str],
    validation: Sequence[str],
    test: Sequence[str],
) -> dict[str, Any]:
    """The header of a fitted opponent: the keys that the file of a run has, and ``fit``."""
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
