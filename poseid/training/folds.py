"""What the finished folds of a cross-validation say: how good the recipe is, and how the model of everybody is made."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median_low
from typing import Any

from poseid.enhancers.enhancer import Enhancer
from poseid.errors import InputError
from poseid.reports.key_figures import key_figures
from poseid.training.selection import Guarded
from poseid.verification.cross_validation import average_of_folds
from poseid.verification.result import Evaluation
from poseid.verification.stored import read_evaluation, write_evaluation

VALIDATION, TEST = "validation.npz", "test.npz"
"""The evaluations of a fold, in its directory ``report``."""


@dataclass(frozen=True)
class Folds:
    """The folds of a cross-validation, finished.

    Attributes:
        validation: averaged over the folds, without intervals: they share validation people.
        test: averaged over the folds, each on its own people, whom its model never saw; None where none was evaluated.
        entries: of each fold in ``summary.json``.
        epochs: for the model of everybody; as `strength` and `bias_shift` the median over folds, of two middle ones
            the lower: fewer epochs, a weaker correction, fewer false matches.
        strength: share of the trained strength.
        bias_shift: what is added to the trained bias.
    """

    validation: Evaluation
    test: Evaluation | None
    entries: list[dict[str, Any]]
    epochs: int
    strength: float
    bias_shift: float

    def apply_guard(self, enhancer: Enhancer) -> Guarded:
        """What the guard did in the folds, done to the model of everybody."""
        if enhancer.skip:
            enhancer.strength.data.mul_(self.strength)
            if enhancer.closed_form is not None:
                enhancer.closed_form.bias.data.add_(self.bias_shift)
        return Guarded(self.validation, self.strength, self.bias_shift)

    def description(self) -> str:
        """For the report: how the model of everybody follows from the folds."""
        chosen = [
            f"{title} {getattr(self, key):g} (folds: {', '.join(f'{entry[key]:g}' for entry in self.entries)})"
            for key, title in (("epochs", "epochs"), ("strength", "strength"), ("bias_shift", "bias shift"))
        ]
        judged = f"Judged by {len(self.entries)} folds, each a model that never saw the people it is tested on"
        if self.test is None:
            judged = f"Trained in {len(self.entries)} folds, whose test people were not evaluated"
        return (
            f"{judged}. The model that ships is trained as they were, on everybody, with the median of what they "
            f"chose: {', '.join(chosen)}"
        )


def write_fold(directory: Path, validation: Evaluation, test: Evaluation | None) -> None:
    """Writes what :func:`read_folds` needs beside ``summary.json``."""
    write_evaluation(validation, directory / VALIDATION, intervals=False)
    if test is not None:
        write_evaluation(test, directory / TEST)


def read_folds(directories: Sequence[Path]) -> Folds:
    """Reads the finished folds.

    Raises:
        InputError: a file of theirs is missing or damaged.
    """
    summaries = [_summary(directory / "report" / "summary.json") for directory in directories]
    validation = [read_evaluation(directory / "report" / VALIDATION) for directory in directories]
    tested = all(summary["test"] is not None for summary in summaries)
    test = [read_evaluation(directory / "report" / TEST) for directory in directories] if tested else []
    by_strength = sorted(summaries, key=lambda summary: (summary["strength"], summary["bias_shift"]))
    median = by_strength[(len(summaries) - 1) // 2]
    return Folds(
        validation=average_of_folds(validation),
        test=average_of_folds(test) if test else None,
        entries=[
            {"name": summary["fold"], "directory": directory.name}
            | {key: summary[key] for key in ("epochs", "strength", "bias_shift")}
            | ({} if summary["test"] is None else key_figures(summary["test"]))
            for directory, summary in zip(directories, summaries, strict=True)
        ],
        epochs=median_low(summary["epochs"] for summary in summaries),
        # Of one fold, whose guard has tried the two together.
        strength=median["strength"],
        bias_shift=median["bias_shift"],
    )


def _summary(path: Path) -> dict[str, Any]:
    try:
        summary: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        summary["fold"], summary["epochs"], summary["strength"], summary["bias_shift"], summary["test"]
    except (OSError, ValueError, KeyError, TypeError):
        raise InputError(f"{path}: is missing or damaged: remove the directory of its fold and resume") from None
    return summary
