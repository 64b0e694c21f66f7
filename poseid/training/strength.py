"""How much of the correction is kept: chosen on validation people after the training, down to none of it."""

from __future__ import annotations

import logging
from typing import Any, NamedTuple

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


class Harm(NamedTuple):
    """Signs of harm on the point estimates of an evaluation block; what is null cannot speak against."""

    false_matches: bool
    """More false matches than raw at the raw threshold."""
    refused: bool
    """More genuine pairs refused than raw at the raw threshold."""
    otherwise: bool
    """Frontal improvement below −0.005, or the selection figure above raw's."""


def harm(block: dict[str, Any]) -> Harm:
    """What an evaluation block shows of harm."""
    fixed = fixed_threshold(headline_set(block))
    frontal = block["improvement"]["frontal"]
    return Harm(
        fixed is not None and fixed["fmr_ratio"] > MOST_FMR_RATIO,
        fixed is not None and fixed["enhanced"]["fnmr"] - fixed["raw"]["fnmr"] > MOST_FNMR_RISE,
        (frontal is not None and frontal < LEAST_FRONTAL)
        or selection(block, "enhanced")[0] > selection(block, "raw")[0],
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
        if not any(harm(quick_look(enhancer, validation).block)):
            break
    else:
        strength.fill_(0.0)
    chosen = float(strength)
    if chosen == 0:
        log.warning("strength 0: on validation people every strength did harm; what ships returns the raw vector")
    elif chosen < 1:
        log.warning("strength %g: on validation people more of the correction did harm", chosen)
    return chosen
