"""``poseid compare``: MODELs on the same people, one table."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

import numpy as np

from poseid.commands.contenders import (
    Contender,
    TestSplit,
    check_own_split,
    fitted_for,
    own_model,
    parse_contender,
)
from poseid.commands.output import check_new, whole_directory
from poseid.commands.people import (
    check_dim,
    check_enough,
    choose_people,
    load_features,
    recorded_people,
    seeded_split,
    split_rest,
)
from poseid.errors import InputError
from poseid.evaluation import embedding_set
from poseid.features.fingerprint import digest
from poseid.features.people import people_of_folds, read_people_file
from poseid.features.rows import FeatureSet
from poseid.reports.compare_table import markdown, plain_table
from poseid.verification.evaluate import evaluate
from poseid.verification.metrics import common_headline, figures_of
from poseid.verification.result import Evaluation, Figures
from poseid.verification.sets import SETS
from poseid.verification.verdict import NOT_JUDGED, judge
from poseid.versions import versions


def run_compare(arguments: argparse.Namespace) -> None:
    """Fits, measures, prints the table and writes compare.json and compare.md."""
    check_new(arguments.out)
    features = load_features(arguments.data)
    names = list(dict.fromkeys(arguments.models))
    contenders = [parse_contender(name, features.dim) for name in names]
    for contender in contenders:
        for path, saved in contender.saved.items():
            check_dim(path, saved.enhancer, features)
    against = _against(arguments.against, names)
    if arguments.folds:
        splits, reason = _fold_splits(features, arguments.split_seed)
        contenders = [check_own_split(contender, splits) for contender in contenders]
    else:
        splits, reason = _one_split(contenders, features, arguments)
    measured: dict[str, list[Evaluation]] = {name: [] for name in names}
    for number, split in enumerate(splits):
        selected = features.select(split.test)
        for contender in contenders:
            if sys.stderr.isatty():
                print(f"{split.name}: {contender.name}", file=sys.stderr)
            own = own_model(contender, split) if arguments.folds else contender
            enhancer = fitted_for(own, split, features)
            people = selected.people()
            front, video = (embedding_set(enhancer, rows, people, True) for rows in (selected.front, selected.video))
            seed = arguments.seed + number
            found = evaluate(front, video, resamples=arguments.resamples, seed=seed, details=False)
            measured[contender.name].append(found)
    report = _report(measured, contenders, splits, features, reason, against, arguments)
    with whole_directory(arguments.out) as directory:
        text = json.dumps(report, ensure_ascii=False, indent=1, allow_nan=False) + "\n"
        (directory / "compare.json").write_text(text, encoding="utf-8", newline="\n")
        (directory / "compare.md").write_text(markdown(report), encoding="utf-8", newline="\n")
    print(plain_table(report))
    print(f"compare directory: {arguments.out}")


def _against(asked: str | None, names: list[str]) -> str | None:
    if asked is not None and asked not in names:
        raise InputError(f"--against {asked}: is not among the MODELs: {', '.join(names)}")
    return asked or next((name for name in names if name != "raw"), None)


def _fold_splits(features: FeatureSet, seed: int) -> tuple[list[TestSplit], str]:
    """Consecutive pairs of folds of pairs.csv as test people; an odd last fold stands alone."""
    if features.pairs is None:
        raise InputError(f"--folds: {features.name} has no pairs.csv: leave out --folds or give --people")
    folds = np.unique(features.pairs.fold).tolist()
    everybody = features.people()
    splits = []
    for start in range(0, len(folds), 2):
        pair = folds[start : start + 2]
        test = people_of_folds(features, pair)
        train, validation = split_rest(set(everybody).difference(test), seed, features.name)
        name = f"folds {','.join(map(str, pair))}"
        splits.append(TestSplit(name, tuple(test), train, validation))
    for n, one in enumerate(splits):
        check_enough(one.test, one.name)
        for other in splits[:n]:
            if set(one.test) & set(other.test):
                raise InputError(f"--folds: {one.name} and {other.name} share people: their figures cannot be averaged")
    return splits, f"{len(splits)} splits by folds of pairs.csv, averaged"


def _one_split(
    contenders: list[Contender], features: FeatureSet, arguments: argparse.Namespace
) -> tuple[list[TestSplit], str]:
    everybody = features.people()
    saved = [(path, model) for contender in contenders for path, model in contender.saved.items()]
    data = digest(features)
    if arguments.people is not None:
        for path, model in saved:
            choose_people(path, model.info, features, data, arguments.people)
        test = sorted(read_people_file(arguments.people, everybody))
        reason = f"the {len(test)} people of {arguments.people.name}"
    elif saved:
        chosen = [set(choose_people(path, model.info, features, data, None).people) for path, model in saved]
        test = sorted(set.intersection(*chosen))
        reason = f"the {len(test)} people that every trained MODEL is evaluated on"
        if not test:
            raise InputError("the MODELs have no evaluation people in common: name some with --people FILE")
    else:
        test = sorted(seeded_split(features, arguments.split_seed).test)
        reason = f"the {len(test)} test people of the seeded split"
    check_enough(test, features.name)
    fitted = [(path, model.info) for path, model in saved if model.info["model"]["name"] != "raw"]
    unknown = [path for path, info in fitted if recorded_people(info) is None]
    if unknown:
        reason += f"; the training people of {', '.join(unknown)} are unknown"
    train: tuple[str, ...] = ()
    validation: tuple[str, ...] = ()
    if any(contender.opponent is not None and contender.opponent[0] != "raw" for contender in contenders):
        train, validation = split_rest(set(everybody).difference(test), arguments.split_seed, features.name)
    return [TestSplit("the test people", tuple(test), train, validation)], reason


def _report(
    measured: dict[str, list[Evaluation]],
    contenders: list[Contender],
    splits: list[TestSplit],
    features: FeatureSet,
    reason: str,
    against: str | None,
    arguments: argparse.Namespace,
) -> dict[str, Any]:
    first = next(iter(measured.values()))
    figures = {name: figures_of(evaluations) for name, evaluations in measured.items()}
    models = []
    for contender in contenders:
        mine = figures[contender.name]
        verdict, why = _verdict(measured[contender.name], mine)
        models.append(
            {
                "name": contender.name,
                "fitted_here": contender.opponent is not None and contender.opponent[0] != "raw",
                **_row(first, mine, "enhanced"),
                "verdict": verdict,
                "reason": why,
                "against_raw": _differences(mine, mine, "raw"),
                "against": None if against is None else _differences(mine, figures[against], "enhanced"),
            }
        )
    return {
        "data": features.name,
        "evaluated_people": reason,
        "people": sum(one.people for one in first),
        "splits": [
            {
                "name": split.name,
                "test": len(split.test),
                "train": len(split.train),
                "validation": len(split.validation),
            }
            for split in splits
        ],
        "genuine": {name: sum(one.comparisons[name][0] for one in first) for name in SETS},
        "impostor": {name: sum(one.comparisons[name][1] for one in first) for name in SETS},
        "raw": _row(first, figures[contenders[0].name], "raw"),
        "against": against,
        "models": models,
        "bootstrap": {"resamples": arguments.resamples, "seed": arguments.seed, "level": 0.95},
        "versions": versions(),
    }


def _row(evaluations: list[Evaluation], figures: Figures, form: str) -> dict[str, Any]:
    """Each metric of one form, averaged over the splits, as {value, ci95}; rates are fractions."""
    row = {name: forms[form].to_dict() for name, forms in figures.items()}
    return {"headline": common_headline(evaluations), **row}


def _differences(one: Figures, other: Figures, form: str) -> dict[str, Any]:
    """Paired differences of each metric, enhanced of `one` less a form of `other`, as {value, ci95}."""
    return {name: (forms["enhanced"] - other[name][form]).to_dict() for name, forms in one.items()}


def _verdict(evaluations: list[Evaluation], figures: Figures) -> tuple[str, str]:
    """The verdict on the figures averaged over the splits."""
    if not evaluations[0].resamples:
        return NOT_JUDGED, "No confidence intervals were asked for."
    headline = common_headline(evaluations)
    missing = (one.null_reasons.get(f"sets.{headline}", "") for one in evaluations)
    impostors = sum(one.comparisons[headline][1] for one in evaluations)
    return judge(headline, figures, impostors, next(filter(None, missing), ""))
