"""``model.init=ridge``: the closed form fitted on the training people before the first step."""

from __future__ import annotations

import logging

import numpy as np
import torch

from poseid.enhancers.closed_form import TrainingRows, fit_closed_form
from poseid.enhancers.residual import ResidualEnhancer
from poseid.features.rows import FRONTAL, PROFILE, FeatureSet

log = logging.getLogger(__name__)


def training_rows(features: FeatureSet) -> TrainingRows:
    """Front and video rows of some people together, frontal or profile by their kind."""
    people = {name: number for number, name in enumerate(features.people())}
    sides = (features.front, features.video)
    kinds = np.concatenate([side.kinds() for side in sides])
    person = np.array([people[name] for side in sides for name in side.names()], dtype=np.int64)
    rows = np.concatenate([np.asarray(side.features, dtype=np.float32) for side in sides])
    return TrainingRows(
        torch.from_numpy(rows),
        torch.from_numpy(person),
        torch.from_numpy(kinds == FRONTAL),
        torch.from_numpy(kinds == PROFILE),
    )


def fit_start(enhancer: torch.nn.Module, features: FeatureSet) -> None:
    """Fits the start of a residual enhancer with ``init="ridge"``; others have none, and nothing happens.

    Args:
        enhancer: fresh.
        features: of the training people alone.
    """
    if not isinstance(enhancer, ResidualEnhancer) or enhancer.start is None:
        return
    rows = training_rows(features)
    missing = fit_closed_form(enhancer.start, rows, enhancer.ridge, enhancer.power, enhancer.lift)
    if missing is None:
        log.info("start: ridge on %d profile rows of %d people", int(rows.profile.sum()), len(features.people()))
    else:
        log.warning("start: the raw vector, since there are only %s", missing)


def is_fitted(enhancer: ResidualEnhancer) -> bool:
    """Whether a residual enhancer starts at a closed form that could be fitted."""
    return enhancer.start is not None and bool(enhancer.start.fitted)


def refit(enhancer: ResidualEnhancer, features: FeatureSet) -> None:
    """Fits the closed form anew, on other people; its lift and the strength, which were chosen, stay."""
    assert enhancer.start is not None
    lift = enhancer.start.lift.clone()
    fit_start(enhancer, features)
    enhancer.start.lift.copy_(lift)
