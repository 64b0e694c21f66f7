"""From a baseline's name and options to a fitted model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from poseid.enhancers.baselines.baseline import Baseline, FitData, FitOptions
from poseid.enhancers.model import checked_sides
from poseid.enhancers.registry import BASELINES
from poseid.errors import InputError


@dataclass(frozen=True)
class FittedBaseline:
    """A fitted baseline.

    Attributes:
        enhancer: in evaluation mode.
        model: name and constructor options, as a header stores them.
        fit: what was given and what was chosen.
    """

    enhancer: Baseline
    model: dict[str, Any]
    fit: dict[str, Any]


def parse_options(name: str, pairs: Sequence[str]) -> FitOptions:
    """``key=value`` texts to options.

    >>> parse_options("ridge", ["lambda=10"])
    FitOptions(penalty=10.0, sides=None, seed=0)

    Raises:
        InputError: an unknown baseline, a key it does not have, or a value of the wrong kind.
    """
    if name not in BASELINES:
        raise InputError(f"{name}: no such baseline; there are {', '.join(BASELINES)}")
    keys = BASELINES[name].options
    given: dict[str, str] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or key not in keys:
            raise InputError(
                f"{pair}: baseline {name} takes no such option; write KEY=VALUE, its keys: {', '.join(keys) or 'none'}"
            )
        given[key] = value
    try:
        penalty = float(given["lambda"]) if "lambda" in given else None
    except ValueError:
        raise InputError(f"lambda={given['lambda']}: not a number") from None
    seed = given.get("seed", "0")
    if not seed.isascii() or not seed.isdigit():
        raise InputError(f"seed={seed}: not an integer from 0")
    sides = checked_sides(given["sides"]) if "sides" in given else None
    return FitOptions(penalty, sides, int(seed))


def fit_baseline(name: str, data: FitData, options: FitOptions) -> FittedBaseline:
    """Fits a baseline on people outside the test.

    Closed forms are fitted on training and validation people together, once the validation people have chosen the
    penalty by models fitted without them. Networks train on the training people and stop early on the others.

    Raises:
        InputError: too few rows of a kind, a penalty out of range, or sides that the baseline does not have.
    """
    baseline, dim = BASELINES[name], data.train_and_validation.dim
    with torch.random.fork_rng(devices=[]):  # initial weights depend on the seed alone
        torch.manual_seed(options.seed)
        model = baseline(dim) if options.sides is None else baseline(dim, options.sides)
    fit = model.fit(data, options)
    return FittedBaseline(model.eval(), {"name": name, "dim": dim, "sides": model.sides}, fit)
