"""`poseid compare`: trained models, and baselines that are fitted for it, on the same people."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from poseid.enhancers.baselines.baseline import FitData, FitOptions
from poseid.enhancers.baselines.fit import FittedBaseline, fit_baseline, parse_options
from poseid.enhancers.model import Model
from poseid.enhancers.people import check_enough, choose_people, recorded_people
from poseid.enhancers.registry import BASELINES
from poseid.enhancers.saving import SAVED, SavedEnhancer, open_model
from poseid.errors import InputError
from poseid.evaluation import evaluate_enhancer, quick_evaluation
from poseid.features.fingerprint import digest
from poseid.features.folds import divide_into_folds, fold_split
from poseid.features.people import check_apart, people_of_folds, read_people_file, split_people, split_rest
from poseid.features.rows import FeatureSet
from poseid.template_comparison import compare_templates
from poseid.verification.cross_validation import judge_folds
from poseid.verification.estimates import LEVEL
from poseid.verification.metrics import common_headline, figures_of
from poseid.verification.result import Evaluation, Figures
from poseid.verification.sets import SETS
from poseid.versions import versions

VALIDATION_SHARE = 1 / 3
"""Of the people outside the test: 0.3 of 0.6 + 0.3, as in training."""


@dataclass(frozen=True)
class EvaluationSplit:
    """One group of test people, and the people to fit baselines on."""

    name: str
    test: Collection[str]
    train: Collection[str]
    validation: Collection[str]

    def __post_init__(self) -> None:
        check_apart({"test": self.test, "train": self.train, "validation": self.validation})


@dataclass(frozen=True)
class ComparedModel:
    """One line of the table.

    Attributes:
        name: as written on the command line.
        baseline: name and options of a baseline to fit, or None.
        saved: the model or models as loaded, by the path they came from; empty for a baseline.
    """

    name: str
    baseline: tuple[str, FitOptions] | None
    saved: dict[str, SavedEnhancer]

    @property
    def fitted_here(self) -> bool:
        """Whether it must be fitted for the comparison; raw needs no fit."""
        return self.baseline is not None and self.baseline[0] != "raw"


def parse_model(text: str, dim: int, folds: bool = False) -> ComparedModel:
    """``raw``, ``ridge``, ``ridge:lambda=10,sides=both``, or a MODEL, or a directory that holds one run a split.

    Args:
        text: as written.
        dim: D.
        folds: of a cross-validation take the models of its folds, not the one of everybody.

    Raises:
        InputError: as `parse_options` and `open_model`.
    """
    name, _, options = text.partition(":")
    if name in BASELINES:
        return ComparedModel(text, (name, parse_options(name, options.split(",") if options else [])), {})
    path = Path(text)
    inside = sorted(path.glob(f"*/{SAVED}")) if path.is_dir() else []
    runs = inside if folds or not (path / SAVED).exists() else []
    paths = [str(run.parent) for run in runs] or [text]
    return ComparedModel(text, None, {path: open_model(path, dim) for path in paths})


def cv_splits(
    models: Sequence[ComparedModel], features: FeatureSet, count: int, seed: int
) -> tuple[list[EvaluationSplit], str]:
    """The folds of a cross-validation, as ``cv=`` of a training makes them; and what they are in words.

    Raises:
        InputError: so many folds cannot be made, or a trained model has no fold of its own for one of them.
    """
    splits = []
    for fold in divide_into_folds(features, count, seed):
        split = fold_split(features, fold, seed, VALIDATION_SHARE)
        splits.append(EvaluationSplit(fold.name, split.test, split.train, split.validation))
    for model, _ in _without_own(models, splits, features):
        folds = len(model.saved)
        other = f"take --cv {folds}, " if folds not in (1, count) else ""
        raise InputError(
            f"{model.name}: has no model for each of these {count} folds: {other}train it with cv={count} on this "
            f"data, by the split seed {seed}, or leave out --cv"
        )
    return splits, f"{count} folds, each tested by models that never saw its people, averaged"


def fold_splits(models: Sequence[ComparedModel], features: FeatureSet, seed: int) -> tuple[list[EvaluationSplit], str]:
    """Consecutive pairs of folds of pairs.csv as test people, an odd last fold alone; and what they are in words.

    Raises:
        InputError: there is no pairs.csv; two splits share people; or a trained model has no run of its own for a
            split, that is, one whose test people are the split's.
    """
    if features.pairs is None:
        raise InputError(f"--folds: {features.name} has no pairs.csv: leave out --folds or give --people")
    folds = np.unique(features.pairs.fold).tolist()
    splits: list[EvaluationSplit] = []
    for first in range(0, len(folds), 2):
        pair = folds[first : first + 2]
        name, test = f"folds {','.join(map(str, pair))}", people_of_folds(features, pair)
        check_enough(test, name)
        rest = set(features.people()).difference(test)
        for other in splits:
            if set(test) & set(other.test):
                raise InputError(f"--folds: {other.name} and {name} share people: their figures cannot be averaged")
        splits.append(EvaluationSplit(name, test, *split_rest(rest, seed, VALIDATION_SHARE, features.name)))
    for model, split in _without_own(models, splits, features):
        raise InputError(
            f"{model.name}: has no model whose own test people are {split.name}: train one a split "
            "(data.folds=[…]) and give the directory that holds them, or leave out --folds"
        )
    return splits, f"{len(splits)} splits by folds of pairs.csv, averaged"


def _without_own(
    models: Sequence[ComparedModel], splits: Sequence[EvaluationSplit], features: FeatureSet
) -> list[tuple[ComparedModel, EvaluationSplit]]:
    """Trained models, and splits of whose test people they have no model."""
    pairs = [(model, split) for model in models if model.saved for split in splits]
    return [(model, split) for model, split in pairs if _own(model, split, features) is None]


def _own(model: ComparedModel, split: EvaluationSplit, features: FeatureSet) -> SavedEnhancer | None:
    """The saved model whose test people are those of the split."""
    recorded = [(saved, recorded_people(saved.info, features.people())) for saved in model.saved.values()]
    return next((saved for saved, people in recorded if people and people["test"] == set(split.test)), None)


def one_split(
    models: Sequence[ComparedModel], features: FeatureSet, file: Path | None, seed: int
) -> tuple[EvaluationSplit, str]:
    """The people of a file, else those that no model was trained on or chosen by; and who they are in words.

    Raises:
        InputError: as `choose_people`; the models have no evaluation people in common; too few people.
    """
    everybody = features.people()
    saved = {path: one for model in models for path, one in model.saved.items()}
    data = digest(features)
    chosen = [choose_people(path, one.info, features, data, file).people for path, one in saved.items()]
    if file is not None:
        test = read_people_file(file, everybody)
        reason = f"the {len(test)} people of {file.name}"
    elif saved:
        test = list(set.intersection(*map(set, chosen)))
        reason = f"the {len(test)} people that every trained MODEL is evaluated on"
        if not test:
            raise InputError("the MODELs have no evaluation people in common: name some with --people FILE")
    else:
        test = list(split_people(everybody, seed).test)
        reason = f"the {len(test)} test people of the seeded split"
    check_enough(test, features.name)
    trained = [(path, one.info) for path, one in saved.items() if one.info["model"]["name"] != "raw"]
    if unknown := [path for path, info in trained if recorded_people(info, ()) is None]:
        reason += f"; the training people of {', '.join(unknown)} are unknown"
    rest = set(everybody).difference(test)
    fitted = any(model.fitted_here for model in models)
    groups = split_rest(rest, seed, VALIDATION_SHARE, features.name) if fitted else ((), ())
    return EvaluationSplit("the test people", sorted(test), *groups), reason


def fit_and_choose(
    name: str, features: FeatureSet, train: Collection[str], validation: Collection[str], options: FitOptions
) -> FittedBaseline:
    """`fit_baseline`, whose choices are scored by FNMR at FMR 1e-2 on the validation people.

    With too few impostors for it by the EER; lower is better.
    """
    validated = features.select(validation)

    def score(enhancer: Model) -> float:
        figures = figures_of([quick_evaluation(enhancer, validated)])
        numbers = (figures[name]["enhanced"].number for name in ("fnmr_at_fmr_1e-2", "eer"))
        return next((number for number in numbers if number is not None), 1.0)

    return fit_baseline(name, FitData(features.select(train), features.select([*train, *validation]), score), options)


def compare_models(
    models: Sequence[ComparedModel],
    splits: Sequence[EvaluationSplit],
    features: FeatureSet,
    *,
    reason: str,
    against: str | None,
    frames: Sequence[int],
    resamples: int,
    seed: int,
    announce: Callable[[str], None],
) -> dict[str, Any]:
    """Fits the baselines, evaluates all models on every split, and averages: the contents of ``compare.json``.

    Args:
        models: of different names.
        splits: of different people.
        features: the data.
        reason: who the test people are.
        against: name of the model that the others are compared with, beside raw; None for none.
        frames: numbers of video rows that are pooled, beside pooling by ``template_id`` where there is one.
        resamples: of the bootstrap over people.
        seed: of the bootstrap and of the random sets of rows; of the second split 1 more, and so on.
        announce: called with the split and the model that are next.
    """
    evaluations: dict[str, list[Evaluation]] = {model.name: [] for model in models}
    for number, split in enumerate(splits):
        selected = replace(features.select(split.test), pairs=None)
        for model in models:
            announce(f"{split.name}: {model.name}")
            enhancer = _enhancer(model, split, features)
            found = evaluate_enhancer(enhancer, selected, resamples, seed + number, frames=frames, details=False)
            evaluations[model.name].append(found)
    figures = {name: figures_of(found) for name, found in evaluations.items()}
    verdicts = {name: judge_folds(found) for name, found in evaluations.items()}
    first = evaluations[models[0].name]
    headline = common_headline(first)
    pooled = compare_templates(evaluations, against)
    return {
        "data": features.name,
        "evaluated_people": reason,
        "people": sum(one.people for one in first),
        "splits": [
            {"name": split.name} | {part: len(getattr(split, part)) for part in ("test", "train", "validation")}
            for split in splits
        ],
        "genuine": {name: sum(one.comparisons[name][0] for one in first) for name in SETS},
        "impostor": {name: sum(one.comparisons[name][1] for one in first) for name in SETS},
        "raw": {"headline": headline, **_row(figures[models[0].name], "raw")},
        "against": against,
        "models": [
            {
                "name": model.name,
                "fitted_here": model.fitted_here,
                "headline": headline,
                **_row(figures[model.name], "enhanced"),
                "verdict": verdicts[model.name][0],
                "reason": verdicts[model.name][1],
                "against_raw": _differences(figures[model.name], figures[model.name], "raw"),
                "against": against and _differences(figures[model.name], figures[against], "enhanced"),
            }
            for model in models
        ],
        "frames": pooled,
        "frames_left_out": [k for k in frames if all(entry["k"] != k for entry in pooled)],
        "bootstrap": {"resamples": resamples, "seed": seed, "level": LEVEL},
        "versions": versions(),
    }


def _enhancer(model: ComparedModel, split: EvaluationSplit, features: FeatureSet) -> Model:
    if model.baseline is not None:
        name, options = model.baseline
        return fit_and_choose(name, features, split.train, split.validation, options).enhancer
    return (_own(model, split, features) or next(iter(model.saved.values()))).enhancer


def _row(figures: Figures, form: str) -> dict[str, Any]:
    """Each metric of one form, raw or enhanced, as {value, ci95}; rates are fractions."""
    return {name: forms[form].to_dict() for name, forms in figures.items()}


def _differences(one: Figures, other: Figures, form: str) -> dict[str, Any]:
    """Paired differences of each metric as {value, ci95}: enhanced of `one` less a form of `other`."""
    return {name: (forms["enhanced"] - other[name][form]).to_dict() for name, forms in one.items()}
