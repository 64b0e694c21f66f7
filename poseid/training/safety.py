"""Making sure that a closed form does no harm, by cross-validation over all people that it may be fitted on."""

from __future__ import annotations

import copy
import logging

import numpy as np

from poseid.enhancers.residual import ResidualEnhancer
from poseid.evaluation import side_of
from poseid.features.rows import FeatureSet
from poseid.training.start import refit
from poseid.training.strength import STRENGTHS, harmless
from poseid.verification.evaluate import evaluate
from poseid.verification.sides import Side

FOLDS = 5
ENOUGH_PEOPLE = 120  # below, even a harmless look is too uncertain for the whole correction: half of it for 60 people
# From the default outwards: a lift moves all scores of a probe, up to cure lost matches, down to cure false ones.
LIFT_STEPS = (0.0, 0.002, -0.002, 0.004, -0.004, 0.006, -0.006, 0.008, -0.008, 0.012, 0.016, 0.02, 0.03)

# Impostor scores held exactly, in sets with more of them: those beyond FMR 1e-2 are enough, and what is asked of a look
# comes out the same as with all of them.
HELD = 200_000

log = logging.getLogger(__name__)


def choose_safe(enhancer: ResidualEnhancer, everybody: FeatureSet) -> None:
    """Sets ``strength`` and ``start.lift`` to the first pair that is harmless on people left out of the fit.

    The people are cut into five parts; each part is enhanced by a closed form fitted on the other four, and all are
    verified together. With few people that tells far more than the validation people alone would. Strengths go
    down from 1, and for each of them lifts outwards from the default; where no pair is harmless the strength is 0.

    Args:
        enhancer: fitted, with nothing trained on top.
        everybody: training and validation people.
    """
    assert enhancer.start is not None
    people = everybody.people()
    part = np.random.default_rng(0).permutation(len(people)) % FOLDS
    fits, parts = [], []
    for fold in range(FOLDS):
        one = copy.deepcopy(enhancer)
        refit(one, everybody.select([name for name, k in zip(people, part, strict=True) if k != fold]))
        fits.append(one)
        parts.append(everybody.select([name for name, k in zip(people, part, strict=True) if k == fold]))
    strengths = [value for value in STRENGTHS if value <= len(people) / ENOUGH_PEOPLE]
    if not strengths:
        enhancer.strength.fill_(0.0)
        log.warning("strength 0: %d people are too few to tell help from harm; the raw vector ships", len(people))
        return
    most = len(strengths) * len(LIFT_STEPS)
    log.info("choosing how much of the correction is kept: at most %d looks at %d people left out", most, len(people))
    for strength in strengths:
        for step in LIFT_STEPS:
            lift = enhancer.lift + step
            for one in (enhancer, *fits):
                assert one.start is not None
                one.strength.fill_(strength)
                one.start.lift.fill_(lift)
            front = _joined([side_of(one, held.front, people, True) for one, held in zip(fits, parts, strict=True)])
            video = _joined([side_of(one, held.video, people, True) for one, held in zip(fits, parts, strict=True)])
            if harmless(evaluate(front, video, None, sets=("all", "frontal_profile"), resamples=0, held=HELD)):
                if strength < 1 or step != 0:
                    log.info("strength %g and lift %g: the nearest to the defaults that do no harm", strength, lift)
                return
    enhancer.strength.fill_(0.0)
    log.warning("strength 0: every strength did harm to people left out; what ships returns the raw vector")


def _joined(sides: list[Side]) -> Side:
    identities = [side.identity for side in sides if side.identity is not None]
    return Side(
        raw=np.concatenate([side.raw for side in sides]),
        reference=np.concatenate([side.reference for side in sides]),
        probe=np.concatenate([side.probe for side in sides]),
        person=np.concatenate([side.person for side in sides]),
        yaw=np.concatenate([side.yaw for side in sides]),
        kind=np.concatenate([side.kind for side in sides]),
        identity=np.concatenate(identities) if identities else None,
    )
