"""How much each varied key matters for a figure, judged on settings that were held out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from poseid.sweeps.jobs import NOT_GIVEN, as_number, value_order
from poseid.sweeps.settings import Setting

FEWEST_SETTINGS = 10
_FOLDS, _TREES, _SHUFFLES = 5, 100, 5


@dataclass(frozen=True)
class Importance:
    """Permutation importance of keys.

    Args:
        keys: the most important first.
        drops: by how much R² falls when a key is shuffled; more than 1 where the rest then misleads.
        explained: R² on held-out settings.
    """

    keys: tuple[str, ...]
    drops: tuple[float, ...]
    explained: float


def importance(settings: Sequence[Setting], keys: Sequence[str], figures: Sequence[float]) -> Importance | str:
    """Random forest and permutation importance (Breiman 2001), 5-fold over settings; or why there is none, in words.

    A forest is fitted to the mean figure of four fifths of the settings; on the fifth that it has not seen, a key is
    shuffled, and R² (1 is perfect, 0 is no better than the mean) falls by what the key is worth.
    """
    if len(keys) < 2:
        return "there is no importance to weigh: fewer than two keys were varied"
    if len(settings) < FEWEST_SETTINGS:
        return f"importance needs {FEWEST_SETTINGS} finished settings; there are {len(settings)}"
    target = np.asarray(figures, dtype=np.float64)
    if target.min() == target.max():
        return "all settings came out equal: no key matters here"
    try:
        from sklearn.ensemble import RandomForestRegressor
        from sklearn.inspection import permutation_importance
        from sklearn.metrics import r2_score
        from sklearn.model_selection import KFold
    except ImportError:
        return 'importance needs scikit-learn: pip install "poseid[sweep]"'
    inputs = encoded(settings, keys)
    predicted = np.empty_like(target)
    drops = []
    for train, unseen in KFold(_FOLDS, shuffle=True, random_state=0).split(inputs):
        forest = RandomForestRegressor(_TREES, random_state=0).fit(inputs[train], target[train])
        predicted[unseen] = forest.predict(inputs[unseen])
        # squared error instead of R² of a fold: a fold of two settings may have next to no variance of its own
        shuffled = permutation_importance(
            forest,
            inputs[unseen],
            target[unseen],
            n_repeats=_SHUFFLES,
            random_state=0,
            scoring="neg_mean_squared_error",
        )
        drops.append(shuffled.importances_mean * len(unseen))
    explained = float(r2_score(target, predicted))
    if explained <= 0:
        return "which key matters is not shown: on settings held out, the keys explain nothing of the figure"
    loss = np.sum(drops, axis=0) / float(((target - target.mean()) ** 2).sum())
    order = np.argsort(-loss, kind="stable")
    return Importance(tuple(keys[n] for n in order), tuple(float(loss[n]) for n in order), explained)


def encoded(settings: Sequence[Setting], keys: Sequence[str]) -> NDArray[np.float64]:
    """(settings, keys): numbers as they are; where a key has words among its values, the index of each."""
    columns = []
    for key in keys:
        values = [setting.values.get(key, NOT_GIVEN) for setting in settings]
        numbers = [as_number(value) for value in values]
        if None in numbers:
            order = sorted(set(values), key=value_order)
            columns.append([float(order.index(value)) for value in values])
        else:
            columns.append([float(number or 0.0) for number in numbers])
    return np.array(columns, dtype=np.float64).T
