"""What `poseid compare` compares: trained models as they are, and opponents to be fitted where they are needed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from poseid.commands.fitting import fit_on
from poseid.commands.people import not_allowed, recorded_people
from poseid.enhancers.baselines.baseline import FitOptions
from poseid.enhancers.baselines.fit import parse_options
from poseid.enhancers.model import Model
from poseid.enhancers.registry import BASELINES
from poseid.enhancers.saving import SAVED, SavedEnhancer, open_model
from poseid.errors import InputError
from poseid.features.fingerprint import hash_people
from poseid.features.rows import FeatureSet


@dataclass(frozen=True)
class TestSplit:
    """One group of test people, and who is left to fit opponents on."""

    name: str
    test: tuple[str, ...]
    train: tuple[str, ...]
    validation: tuple[str, ...]


@dataclass(frozen=True)
class Contender:
    """One line of the table.

    Attributes:
        name: as written on the command line.
        opponent: name and options of an opponent to fit, or None.
        saved: the model or models as loaded, by the path they came from; empty for an opponent.
    """

    name: str
    opponent: tuple[str, FitOptions] | None
    saved: dict[str, SavedEnhancer]


def parse_contender(text: str, dim: int) -> Contender:
    """``raw``, ``ridge``, ``ridge:lambda=10,sides=both``, or a MODEL, or a directory that holds one run a split.

    Raises:
        InputError: as `parse_options` and `open_model`.
    """
    name, _, options = text.partition(":")
    if name in BASELINES:
        return Contender(text, (name, parse_options(name, options.split(",") if options else [])), {})
    path = Path(text)
    several = sorted(path.glob(f"*/{SAVED}")) if path.is_dir() and not (path / SAVED).exists() else []
    if several:
        return Contender(text, None, {str(one.parent): open_model(str(one.parent), dim) for one in several})
    return Contender(text, None, {text: open_model(text, dim)})


def fitted_for(contender: Contender, split: TestSplit, features: FeatureSet) -> Model:
    """The model that stands for a contender on one split.

    Raises:
        InputError: a trained model saw the split's people in training, or its own test people are others.
    """
    if contender.opponent is not None:
        name, options = contender.opponent
        return fit_on(name, features, split.train, split.validation, options).enhancer
    seen: list[str] = []
    for path, saved in contender.saved.items():
        trained, validated = not_allowed(saved.info, split.test)
        if not trained and not validated:
            return saved.enhancer
        seen.append(f"{path} was trained on {len(trained)} and chosen by {len(validated)}")
    raise InputError(f"{contender.name}: of the {len(split.test)} people of {split.name}, {'; '.join(seen)}")


def check_own_split(contender: Contender, splits: list[TestSplit]) -> Contender:
    """For ``--folds``: every split must be the own test people of one of a contender's models.

    Raises:
        InputError: a split has no such model; names it.
    """
    if contender.opponent is not None:
        return contender
    for split in splits:
        owners = [path for path, saved in contender.saved.items() if _own(saved, split)]
        if not owners:
            raise InputError(
                f"{contender.name}: has no model whose own test people are {split.name}: train one a split "
                "(data.folds=[…]) and give the directory that holds them, or leave out --folds"
            )
    return contender


def own_model(contender: Contender, split: TestSplit) -> Contender:
    """The contender with only the model whose own test people are this split."""
    if contender.opponent is not None:
        return contender
    chosen = {path: saved for path, saved in contender.saved.items() if _own(saved, split)}
    return Contender(contender.name, None, dict([next(iter(chosen.items()))]))


def _own(saved: SavedEnhancer, split: TestSplit) -> bool:
    recorded = recorded_people(saved.info)
    return recorded is not None and recorded.test == frozenset(hash_people(split.test, recorded.salt))
