"""How much of the correction is kept: chosen on validation people after the training, down to none of it."""

from __future__ import annotations

import logging
from typing import Any

import torch

from poseid.evaluation import quick_look
from poseid.features.rows import FeatureSet
from poseid.training.metric_names import fixed_threshold, headline_set, selection

STRENGTHS = (1.0, 0.75, 0.5, 0.25)
# Stricter than the verdict's limits for "harms": on point estimates, no rise at all is let pass.
MOST_FMR_RATIO = 1.0
MOST_FNMR_RISE = 0.0
LEAST_FRONTAL = -0.005

log = logging.getLogger(__name__)


def harmless(block: dict[str, Any]) -> bool:
    """Whether an evaluation block shows no sign of harm on its point estimates.

    Neither false matches nor FNMR at the raw threshold above raw's, frontal improvement ≥ −0.005, and the selection
    figure not above raw's. What is null cannot speak against.
    """
    fixed = fixed_threshold(headline_set(block))
    frontal = block["improvement"]["frontal"]
    return (
        (fixed is None or fixed["fmr_ratio"] <= MOST_FMR_RATIO)
        and (fixed is None or fixed["enhanced"]["fnmr"] - fixed["raw"]["fnmr"] <= MOST_FNMR_RISE)
        and (frontal is None or frontal >= LEAST_FRONTAL)
        and selection(block, "enhanced")[0] <= selection(block, "raw")[0]
    )


def choose_strength(enhancer: torch.nn.Module, validation: FeatureSet) -> float:
    """Sets ``enhancer.strength`` to the largest of ``STRENGTHS`` that is harmless on validation people, or to 0.

    With 0 the enhancer returns its input: what cannot help does not ship. Models without a path from input to output
    (``skip=false``) have no raw vector to fall back to and are left alone.

    Returns:
        The strength chosen.
    """
    if not enhancer.skip:
        return 1.0
    strength = enhancer.strength
    assert isinstance(strength, torch.Tensor)
    for value in STRENGTHS:
        strength.fill_(value)
        if harmless(quick_look(enhancer, validation).block):
            break
    else:
        strength.fill_(0.0)
    chosen = float(strength)
    if chosen == 0:
        log.warning("strength 0: on validation people every strength did harm; what ships returns the raw vector")
    elif chosen < 1:
        log.warning("strength %g: on validation people more of the correction did harm", chosen)
    return chosen
