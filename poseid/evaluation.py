"""From an enhancer and features to an evaluation: where the models and the verification meet."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

import numpy as np

from poseid.enhancers.enhancer import Fit
from poseid.enhancers.inference import enhance_arrays, project_arrays
from poseid.enhancers.model import Model
from poseid.features.rows import FeatureSet, Rows
from poseid.features.templates import templates_of
from poseid.verification.embeddings import EmbeddingSet
from poseid.verification.evaluate import evaluate
from poseid.verification.result import Evaluation
from poseid.verification.sets import SETS
from poseid.verification.templates import evaluate_templates


def embedding_set(
    enhancer: Model, rows: Rows, people: list[str], use_poses: bool, fit: Fit | None = None
) -> EmbeddingSet:
    """The front or the video rows of some people: raw, as references and as probes.

    With ``sides="probe"`` a row on the reference side stays raw; with ``sides="both"`` it is enhanced. ``fit`` stands
    in for the stored one.
    """
    number = {name: i for i, name in enumerate(people)}
    enhanced = enhance_arrays(enhancer, rows.features, rows.poses if use_poses else None, fit=fit)
    probe = enhanced.comparison
    reference = probe if enhancer.sides == "both" else project_arrays(enhancer, rows.features)
    return EmbeddingSet(
        raw=np.asarray(rows.features, dtype=np.float32),
        reference=reference,
        probe=probe,
        person=np.array([number[name] for name in rows.people], dtype=np.int64),
        yaw=rows.poses[:, 0],
        kind=rows.kinds(),
        identity=enhanced.identity,
        weight=enhanced.weight,
    )


def evaluate_enhancer(
    enhancer: Model,
    features: FeatureSet,
    resamples: int = 1000,
    seed: int = 0,
    sets: Collection[str] = SETS,
    use_poses: bool = True,
    frames: Sequence[int] | None = (),
    details: bool = True,
) -> Evaluation:
    """Evaluates an enhancer on all people of a feature set, and pooled probes where they have a ``template_id``.

    Args:
        enhancer: any model of this package.
        features: people the enhancer was not trained on.
        resamples: of the bootstrap over people; 0 gives no intervals and no verdict.
        seed: of the bootstrap.
        sets: comparison sets to evaluate.
        use_poses: False withholds the given poses from the enhancer (they still make the yaw bins).
        frames: also pools random sets of so many video rows each; None pools nothing, not even by ``template_id``.
        details: also what only a report shows.
    """
    people = features.people()
    front = embedding_set(enhancer, features.front, people, use_poses)
    video = embedding_set(enhancer, features.video, people, use_poses)
    found = evaluate(front, video, features.pairs, sets=tuple(sets), resamples=resamples, seed=seed, details=details)
    if frames is None:
        return found
    templates = templates_of(features.video, f"{features.name}, video")
    pooled = evaluate_templates(front, video, templates, frames, resamples=resamples, seed=seed)
    return replace(found, frames=pooled)


def quick_evaluation(enhancer: Model, features: FeatureSet) -> Evaluation:
    """What every choice while training is made by: the headline set on some people, without intervals."""
    return evaluate_enhancer(enhancer, features, resamples=0, sets=("frontal_profile",), frames=None)
