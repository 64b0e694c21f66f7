"""Making sure that a closed form does no harm, by cross-validation over all people that it may be fitted on."""

from __future__ import annotations

import copy
import logging
import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from poseid.enhancers.apply import BLOCK_ROWS, project_arrays
from poseid.enhancers.folded import for_use
from poseid.enhancers.residual import ResidualEnhancer
from poseid.features.rows import FeatureSet, Rows
from poseid.training.start import refit
from poseid.training.strength import STRENGTHS, harm
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
    """Sets ``strength`` and ``start.lift`` to the first pair that is found harmless on people left out of the fit.

    The people are cut into five parts; each part is enhanced by a closed form fitted on the other four, and all are
    verified together. With few people that tells far more than the validation people alone would. Strengths go
    down from 1, and for each of them lifts outwards from the default; where no pair is harmless the strength is 0.

    Args:
        enhancer: fitted, with nothing trained on top.
        everybody: training and validation people.
    """
    assert enhancer.start is not None
    people = everybody.people()
    enhancer.strength.fill_(1.0)
    part = np.random.default_rng(0).permutation(len(people)) % FOLDS
    number = {name: i for i, name in enumerate(people)}
    left_out = []
    for fold in range(FOLDS):
        fit = copy.deepcopy(enhancer)
        refit(fit, everybody.select([name for name, k in zip(people, part, strict=True) if k != fold]))
        theirs = everybody.select([name for name, k in zip(people, part, strict=True) if k == fold])
        left_out.append(_LeftOut(fit, for_use(fit), theirs, number))
    strengths = [value for value in STRENGTHS if value <= len(people) / ENOUGH_PEOPLE]
    if not strengths:
        enhancer.strength.fill_(0.0)
        log.warning("strength 0: %d people are too few to tell help from harm; the raw vector ships", len(people))
        return
    most = len(strengths) * len(LIFT_STEPS)
    log.info("choosing how much of the correction is kept: at most %d looks at %d people left out", most, len(people))
    for strength in strengths:
        lowest, highest = -math.inf, math.inf
        for step in LIFT_STEPS:
            if not lowest < step < highest:
                continue
            lift = enhancer.lift + step
            for fit in (enhancer, *(one.fit for one in left_out)):
                assert fit.start is not None
                fit.strength.fill_(strength)
                fit.start.lift.fill_(lift)
            front = _joined([one.side(one.people.front) for one in left_out])
            video = _joined([one.side(one.people.video) for one in left_out])
            found = harm(evaluate(front, video, None, sets=("frontal_profile",), resamples=0, held=HELD))
            if not any(found):
                if strength < 1 or step != 0:
                    log.info("strength %g and lift %g: the nearest to the defaults that do no harm", strength, lift)
                return
            # A lift moves nearly all scores of a probe one way: what lets impostors in, or refuses genuine pairs, will
            # do so at the lifts beyond, and the look is spared.
            lowest = max(lowest, step) if found.refused else lowest
            highest = min(highest, step) if found.false_matches else highest
    enhancer.strength.fill_(0.0)
    enhancer.start.lift.fill_(enhancer.lift)
    log.warning("strength 0: every strength did harm to people left out; what ships returns the raw vector")


@dataclass(frozen=True)
class _LeftOut:
    """Some people, and the closed form that was fitted without them."""

    fit: ResidualEnhancer
    ships: nn.Module
    """The same, without what only training needs; it shares the strength and the lift."""
    people: FeatureSet
    number: dict[str, int]

    @torch.no_grad()
    def side(self, rows: Rows) -> Side:
        raw = np.asarray(rows.features, dtype=np.float32)
        poses = np.asarray(rows.poses, dtype=np.float32)
        enhanced = np.empty_like(raw)
        for start in range(0, len(raw), BLOCK_ROWS):
            some = slice(start, start + BLOCK_ROWS)
            enhanced[some] = self.ships(torch.from_numpy(raw[some]), torch.from_numpy(poses[some])).numpy()
        probe = project_arrays(self.fit, enhanced)
        return Side(
            raw=raw,
            reference=probe if self.fit.sides == "both" else project_arrays(self.fit, raw),
            probe=probe,
            person=np.array([self.number[name] for name in rows.people], dtype=np.int64),
            yaw=rows.poses[:, 0],
            kind=rows.kinds(),
        )


def _joined(sides: list[Side]) -> Side:
    return Side(
        raw=np.concatenate([side.raw for side in sides]),
        reference=np.concatenate([side.reference for side in sides]),
        probe=np.concatenate([side.probe for side in sides]),
        person=np.concatenate([side.person for side in sides]),
        yaw=np.concatenate([side.yaw for side in sides]),
        kind=np.concatenate([side.kind for side in sides]),
    )
