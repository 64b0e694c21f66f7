"""The registered metrics: what is compared between models, over a sweep, and over the epochs of a training.

A new metric is one function and its entry in `METRICS`. It then appears in ``summary.json``, in the tables of
`poseid compare`, in ``sweep.csv`` (``sweep.html`` has few columns, of its own choice), and in what a training logs, and
may be the objective of a sweep.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

import numpy as np

from poseid.verification.estimates import Estimate, average, reason_of_folds
from poseid.verification.identification import fnir_at_fpir, why_no_fnir
from poseid.verification.rates import LABELS
from poseid.verification.result import FORMS, Evaluation, Figures

Place = Literal["compare", "raw thresholds", "paired", "sweep", "log"]
"""A table of `poseid compare` (figures, rates at raw thresholds, paired differences), sweep.csv, a training's log."""
EVERYWHERE: tuple[Place, ...] = ("compare", "paired", "sweep", "log")
Format = Literal["percent", "rate", "small", "ratio", "signed"]


@dataclass(frozen=True)
class Metric:
    """A figure of an evaluation, for the raw and for the enhanced form.

    Args:
        name: in files.
        title: for people, without unit and direction.
        format: "percent"; "rate", a fraction of three digits; "small", of five; "ratio"; "signed", a cosine.
        function: of an evaluation and a form; NaN, with the reason, where it is not defined. Over several splits the
            mean is taken.
        higher_is_better: its direction.
        relative: shown as a multiple of the raw form's.
        key: its path in an evaluation block, {form} for raw or enhanced; by default under ``metrics``.
        shown_in: where it appears beside the files.
        log: its name in a training's log, after ``val/``; by default `name`.
    """

    name: str
    title: str
    format: Format
    function: Callable[[Evaluation, str], Estimate]
    higher_is_better: bool = False
    relative: bool = False
    key: str = ""
    shown_in: tuple[Place, ...] = EVERYWHERE
    log: str = ""

    def block_key(self, form: str = "enhanced") -> str:
        """The dotted key in an evaluation block; ``sets.headline`` means the headline's set."""
        return (self.key or f"metrics.{self.name}.{{form}}").format(form=form)

    @property
    def log_name(self) -> str:
        """Its name in a training's log."""
        return f"val/{self.log or self.name}"


def _rate(evaluation: Evaluation, form: str, *, of: str, rate: str, n: int | None) -> Estimate:
    """A rate of a set (`headline`: the one that is judged), at FMR number n of `FMRS` where it is one of several."""
    name = evaluation.headline if of == "headline" else of
    result, reasons = evaluation.sets[name], evaluation.null_reasons
    if result is None:
        return _without_interval(evaluation, np.nan, reasons.get(f"sets.{name}", ""))
    found: Estimate = getattr(getattr(result, form), rate)
    return found if n is None else found[n].because(reasons.get(f"sets.{name}.{LABELS[n]}", ""))


def _without_interval(evaluation: Evaluation, value: float, reason: str = "") -> Estimate:
    return Estimate(value, np.full(evaluation.resamples, np.nan), reason)


def _rank1(evaluation: Evaluation, form: str) -> Estimate:
    return _without_interval(evaluation, evaluation.rank1[form], evaluation.null_reasons.get("rank1", ""))


def _fnir_at_fpir(evaluation: Evaluation, form: str, *, fpir: float) -> Estimate:
    if evaluation.searches is None:
        return _without_interval(evaluation, np.nan, "there are too few people in the gallery")
    searches = evaluation.searches[form]
    why = why_no_fnir(searches, fpir)
    return _without_interval(evaluation, np.nan if why else fnir_at_fpir(searches, fpir), why)


def _improvement(evaluation: Evaluation, form: str, *, of: Literal["mean", "frontal"]) -> Estimate:
    gain: Estimate = getattr(evaluation.improvement, of)
    return gain if form == "enhanced" else gain - gain


def _of_set(
    of: str,
    name: str,
    title: str,
    format: Format,
    rate: str,
    key: str,
    shown_in: tuple[Place, ...] = EVERYWHERE,
    n: int | None = None,
    relative: bool = False,
) -> Metric:
    """The metric that is a rate of a set, see `_rate`; `key` is within the set's block."""
    function = partial(_rate, of=of, rate=rate, n=n)
    return Metric(name, title, format, function, relative=relative, key=f"sets.{of}.{key}", shown_in=shown_in)


def _at_raw_threshold(n: int, label: str) -> tuple[Metric, ...]:
    """The metrics at the raw threshold of an FMR, which a system in use leaves as it is."""
    key, where, of = f"fixed_threshold.{label}", f"at raw's {label} threshold", "headline"
    compared: tuple[Place, ...] = ("compare",) if label == "1e-3" else ()
    shown: tuple[Place, ...] = ("raw thresholds", "paired") if label == "1e-3" else ("raw thresholds",)
    ratio, fmr, fnmr = (f"{name}_{label}" for name in ("fmr_ratio", "fmr_at_raw_threshold", "fnmr_at_raw_threshold"))
    return (
        _of_set(
            of, ratio, f"FMR ratio {where}", "ratio", "fmr_at_raw_threshold", f"{key}.fmr_ratio", compared, n, True
        ),
        _of_set(of, fmr, f"FMR {where}", "small", "fmr_at_raw_threshold", f"{key}.{{form}}.fmr", shown, n),
        _of_set(of, fnmr, f"FNMR {where}", "rate", "fnmr_at_raw_threshold", f"{key}.{{form}}.fnmr", shown, n),
    )


def _fnmr_at_fmr(of: str, prefix: str, *places: tuple[Place, ...]) -> tuple[Metric, ...]:
    """FNMR at each FMR, with the places where it is shown."""
    name = prefix.replace("-", "_").replace(" ", "_")
    return tuple(
        _of_set(
            of,
            f"{name}fnmr_at_fmr_{label}",
            f"{prefix}FNMR at FMR {label}",
            "rate",
            "fnmr_at_fmr",
            f"{{form}}.fnmr_at_fmr.{label}",
            places[n],
            n,
        )
        for n, label in enumerate(LABELS)
    )


_COMPARED: tuple[Place, ...] = ("compare", "paired")
_NOT_PAIRED: tuple[Place, ...] = ("compare", "sweep", "log")

METRICS: tuple[Metric, ...] = (
    _of_set("headline", "eer", "EER", "percent", "eer", "{form}.eer"),
    *_fnmr_at_fmr("headline", "", EVERYWHERE, ("compare", "paired", "sweep"), ()),
    *(metric for n, label in enumerate(LABELS) for metric in _at_raw_threshold(n, label)),
    *_fnmr_at_fmr("profile_profile", "profile-profile ", (), _COMPARED, ()),
    _of_set("frontal_frontal", "frontal_frontal_eer", "frontal-frontal EER", "percent", "eer", "{form}.eer", _COMPARED),
    Metric("rank1", "rank-1", "rate", _rank1, higher_is_better=True, key="rank1.{form}", shown_in=_NOT_PAIRED),
    Metric("fnir_at_fpir_1e-1", "FNIR at FPIR 1e-1", "rate", partial(_fnir_at_fpir, fpir=1e-1), shown_in=_NOT_PAIRED),
    Metric("fnir_at_fpir_1e-2", "FNIR at FPIR 1e-2", "rate", partial(_fnir_at_fpir, fpir=1e-2), shown_in=_NOT_PAIRED),
    Metric(
        "improvement",
        "mean improvement",
        "signed",
        partial(_improvement, of="mean"),
        higher_is_better=True,
        key="improvement.mean",
        log="improvement/mean",
    ),
    Metric(
        "improvement_frontal",
        "frontal improvement",
        "signed",
        partial(_improvement, of="frontal"),
        higher_is_better=True,
        key="improvement.frontal",
        shown_in=("sweep", "log"),
        log="improvement/frontal",
    ),
)


def metrics_in(place: Place) -> tuple[Metric, ...]:
    """The metrics that appear in a place, in their order."""
    return tuple(metric for metric in METRICS if place in metric.shown_in)


def common_headline(evaluations: Sequence[Evaluation]) -> str:
    """The headline set of several splits: `frontal_profile` where all have it, else `all`."""
    return "all" if any(one.headline == "all" for one in evaluations) else "frontal_profile"


def figures_of(evaluations: Sequence[Evaluation]) -> Figures:
    """Every metric, as the mean over one or several splits of different people, by name and form.

    A figure is averaged in the full sample and in every resample; each split resamples its own people.
    """
    headline = common_headline(evaluations)
    splits = [one if one.headline == headline else replace(one, headline=headline) for one in evaluations]
    impostors = [one.comparisons[headline][1] for one in splits]
    figures: dict[str, dict[str, Estimate]] = {}
    for metric in METRICS:
        forms = {form: _average([metric.function(split, form) for split in splits], impostors) for form in FORMS}
        if metric.relative:
            forms = {form: estimate.over(forms["raw"]) for form, estimate in forms.items()}
        figures[metric.name] = forms
    return figures


def _average(splits: Sequence[Estimate], impostors: Sequence[int]) -> Estimate:
    reasons = [one.reason if one.number is None else "" for one in splits]
    return average(splits).because(reason_of_folds(reasons, impostors))
