"""From an opponent's name and options to a fitted module."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from torch import nn

from poseid.enhancers.opponents.dream import fit_dream
from poseid.enhancers.opponents.early_stopping import Score
from poseid.enhancers.opponents.mean_subtraction import fit_mean_subtraction
from poseid.enhancers.opponents.raw import Raw
from poseid.enhancers.opponents.ridge import LAMBDAS, Ridge, fit_ridge, solve_ridge
from poseid.enhancers.opponents.rows import fitting_rows
from poseid.enhancers.opponents.shaped import SIDES
from poseid.enhancers.opponents.srt import fit_srt
from poseid.enhancers.opponents.wccn import fit_wccn
from poseid.errors import InputError
from poseid.features.rows import FeatureSet

OPTIONS: dict[str, tuple[str, ...]] = {
    "raw": (),
    "mean_subtraction": ("sides",),
    "ridge": ("lambda", "sides"),
    "wccn": ("lambda", "sides"),
    "dream": ("sides", "seed"),
    "srt": ("sides", "seed"),
}
"""The opponents there are, and the options that each takes when it is fitted."""


@dataclass(frozen=True)
class FitOptions:
    """How an opponent is fitted.

    Attributes:
        strength: λ of ridge and wccn; None: chosen on validation people.
        sides: "probe" or "both"; None: what the opponent has by default.
        seed: of what is drawn.
    """

    strength: float | None = None
    sides: str | None = None
    seed: int = 0


@dataclass(frozen=True)
class Fitted:
    """A fitted opponent.

    Attributes:
        enhancer: the module, in evaluation mode.
        model: name and constructor options, as a header keeps them.
        fit: what was given and what was chosen.
    """

    enhancer: nn.Module
    model: dict[str, Any]
    fit: dict[str, Any]


def parse_options(name: str, pairs: Sequence[str]) -> FitOptions:
    """``key=value`` texts to options.

    >>> parse_options("ridge", ["lambda=10"])
    FitOptions(strength=10.0, sides=None, seed=0)

    Raises:
        InputError: an unknown opponent, a key it does not have, or a value of the wrong kind.
    """
    if name not in OPTIONS:
        raise InputError(f"{name}: no such opponent; there are {', '.join(OPTIONS)}")
    given: dict[str, str] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or key not in OPTIONS[name]:
            has = ", ".join(OPTIONS[name]) or "none"
            raise InputError(f"{pair}: opponent {name} takes no such option; write KEY=VALUE, its keys: {has}")
        given[key] = value
    strength = None
    if "lambda" in given:
        try:
            strength = float(given["lambda"])
        except ValueError:
            raise InputError(f"lambda={given['lambda']}: not a number") from None
    if not given.get("seed", "0").isascii() or not given.get("seed", "0").isdigit():
        raise InputError(f"seed={given['seed']}: not a whole number from 0")
    if "sides" in given and given["sides"] not in SIDES:
        raise InputError(f"sides={given['sides']}: is not one of {', '.join(SIDES)}")
    return FitOptions(strength, given.get("sides"), int(given.get("seed", "0")))


def fit_opponent(
    name: str, train: FeatureSet, validation: FeatureSet, everybody: FeatureSet, score: Score, options: FitOptions
) -> Fitted:
    """Fits an opponent on people outside the test.

    Closed forms (mean_subtraction, ridge, wccn) are fitted on training and validation people together, once the
    validation people have chosen λ by models fitted without them; dream and srt train on the training people
    and stop early on the validation people.

    Args:
        name: one of `OPTIONS`.
        train, validation: the two groups.
        everybody: both together.
        score: of a model on the validation people; lower is better.
        options: how.

    Raises:
        InputError: too few rows of a kind, λ out of range, or sides that the opponent does not have.
    """
    sides = options.sides or ("both" if name == "wccn" else "probe")
    dim = everybody.dim
    if name == "raw":
        return Fitted(Raw(dim), {"name": name, "dim": dim, "sides": sides}, {})
    if name == "mean_subtraction":
        return Fitted(fit_mean_subtraction(everybody, sides), {"name": name, "dim": dim, "sides": sides}, {})
    if name in ("ridge", "wccn"):
        if name == "wccn" and sides != "both":
            raise InputError("sides: wccn changes the space of comparison and needs sides=both")
        fit: dict[str, Any] = {"lambda": options.strength, "chosen_on_validation": options.strength is None}
        if options.strength is None:
            fit["lambda"], fit["tried"] = choose_strength(train, score)
        model = {"name": name, "dim": dim, "sides": sides}
        if name == "ridge":
            return Fitted(fit_ridge(everybody, fit["lambda"], sides), model, fit)
        return Fitted(fit_wccn(everybody, fit["lambda"]), model, fit)
    enhancer, epoch = (fit_dream if name == "dream" else fit_srt)(train, score, sides, options.seed)
    return Fitted(enhancer, {"name": name, "dim": dim, "sides": sides}, {"epoch": epoch, "seed": options.seed})


def choose_strength(train: FeatureSet, score: Score) -> tuple[float, dict[str, float]]:
    """The λ of `LAMBDAS` whose ridge, fitted on training people, scores best on validation people.

    Of equally good ones the largest: it changes least.
    """
    rows = fitting_rows(train)
    ridge = Ridge(train.dim)
    rows.fit(ridge.gate)
    tried = {}
    for strength in LAMBDAS:
        solve_ridge(ridge, rows, strength)
        tried[f"{strength:g}"] = score(ridge.eval())
    best = min(tried.values())
    return max(strength for strength in LAMBDAS if tried[f"{strength:g}"] == best), tried
