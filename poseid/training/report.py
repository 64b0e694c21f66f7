"""The end of a run: the file that ships, the evaluation on people never trained on, and summary.json."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np

from poseid.enhancers.people import hashed_people
from poseid.enhancers.saving import save_enhancer
from poseid.evaluation import evaluate_enhancer
from poseid.features.fingerprint import digest, fingerprint
from poseid.reports.key_figures import key_figures
from poseid.reports.report import write_report
from poseid.training.data import MOST_TESTED, FeatureDataModule
from poseid.training.fitting import fit_on
from poseid.training.folds import write_fold
from poseid.training.module import EnhancerModule
from poseid.training.run_directory import RunContext
from poseid.training.selection import guard, hold_out
from poseid.verification.result import Evaluation
from poseid.versions import versions

log = logging.getLogger(__name__)


def finish_run(
    config: dict[str, Any], context: RunContext, data: FeatureDataModule, module: EnhancerModule, epochs: int
) -> dict[str, Any]:
    """Evaluates the enhancer, writes ``report/`` and ``enhancer.safetensors``, returns the summary.

    Args:
        config: the resolved configuration.
        context: without ``evaluate_test`` the test people are left out, and ``test`` is null; with ``folds``, which
            have judged this training on everybody, it is not evaluated itself.
        data: with validation and test people.
        module: with the selected weights.
        epochs: finished epochs of the selected weights.
    """
    folds, run_dir = context.folds, context.run_dir
    enhancer = module.enhancer.cpu()
    if folds is not None:
        guarded = folds.apply_guard(enhancer)
    else:
        log.info("evaluating on %d validation people", len(data.split.validation))
        guarded = guard(enhancer, data.validation_set, hold_out(enhancer, module.episodes(), data), config["resamples"])
    fitted, fitted_on = data.train_set, "training people"
    if enhancer.closed_form is not None and bool(enhancer.closed_form.people > 0):
        log.info("fitting the closed form once more, on training and validation people")
        fitted = data.subset([*data.split.train, *data.split.validation])
        fit_on(enhancer, fitted)
        fitted_on, people = "training and validation people", len(data.split.train) + len(data.split.validation)
        if len(fitted.people()) < people:
            fitted_on = f"{len(fitted.people()):,} of the {people:,} {fitted_on}"
    test: Evaluation | None = None
    if context.evaluate_test and data.split.test:
        log.info("evaluating once on %d test people", len(data.split.test))
        # each fold resamples with a seed of its own, as `poseid compare` does
        tested = data.subset(data.split.test, MOST_TESTED)
        test = evaluate_enhancer(enhancer, tested, config["resamples"], seed=data.fold or 0)
    summary = {
        "model": config["model"]["name"],
        "sides": config["model"]["sides"],
        "data": data.feature_set.name,
        "poses_used": bool(np.isfinite(data.feature_set.video.poses).any()),
        "fitted_on": fitted_on,
        "epochs": epochs,
        "strength": guarded.strength,
        "bias_shift": guarded.bias_shift,
        "phi": enhancer.phi_values(),
        "guard": guarded.note(),
        "versions": versions(),
        "validation": guarded.evaluation.block,
        "test": None if test is None else test.block,
    }
    if data.fold_name is not None:
        summary["fold"] = data.fold_name
    evaluations: dict[str, Evaluation | None] = {"validation": guarded.evaluation, "test": test}
    if folds is not None:
        summary |= {"folds": folds.entries, "judged_by": folds.description(), "cross_validation": None}
        if folds.test is not None:
            evaluations["cross_validation"] = folds.test
            summary["cross_validation"] = folds.test.block
    evaluated, part = [(found, name) for name, found in evaluations.items() if found is not None][-1]
    # Folds that were tested have judged the model: validation people have not.
    parts = [part] if part == "cross_validation" else ["validation", "test"]
    figures = {name: summary[name] and key_figures(summary[name]) for name in parts}
    shown = evaluated.block
    # A salt of its own for every run would make equal runs differ; one from the data hides names just as well
    # from whoever has no list of candidates, and no salt hides them from whoever has one.
    salt = digest(data.feature_set)
    info = {
        "model": config["model"],
        "sides": config["model"]["sides"],
        # How it was made, not whether that was interrupted.
        "config": config | {"resume": None},
        "versions": versions(),
        "data": {"name": data.feature_set.name, "digest": salt},
        "fingerprint": fingerprint(fitted),
        "people": hashed_people(data.split.train, data.split.validation, data.split.test, salt),
        "report": {
            "people": part,
            "verdict": shown["verdict"],
            "reason": shown["reason"],
            "fitted_on": fitted_on,
            "guard": summary["guard"],
            **figures,
        },
    }
    if folds is not None:
        info["report"]["judged_by"] = summary["judged_by"]
    save_enhancer(enhancer, info, run_dir / "enhancer.safetensors")
    write_report(summary, evaluated, run_dir / "report")
    if data.fold is not None:
        write_fold(run_dir / "report", guarded.evaluation, test)
    return summary
