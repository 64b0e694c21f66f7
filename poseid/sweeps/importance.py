"""How much each varied key matters for a metric, measured on held-out settings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from poseid.sweeps.jobs import as_number
from poseid.sweeps.settings import Setting, values_of

FEWEST_SETTINGS = 10
_FOLDS, _TREES, _SHUFFLES = 5, 100, 5


@dataclass(frozen=True)
class Importance:
    """Permutation importance of keys.

    Args:
        drops: by key, the largest first: how much R² falls when it is shuffled; above 1 where the rest then misleads.
        explained: R² on held-out settings.
    """

    drops: dict[str, float]
    explained: float


def importance(settings: Sequence[Setting], keys: Sequence[str], means: Sequence[float]) -> Importance | str:
    """Random forest and permutation importance (Breiman 2001), 5-fold over settings; or why there is none, in words.

    A forest is fitted to the means of four fifths of the settings; on the fifth that it has not seen, a key is
    shuffled, and R² (1 is perfect, 0 is no better than the mean) falls by what the key is worth.
    """
    if len(keys) < 2:
        return "there is no importance to weigh: fewer than two keys were varied"
    if len(settings) < FEWEST_SETTINGS:
        return f"importance needs {FEWEST_SETTINGS} finished settings; there are {len(settings)}"
    target = np.asarray(means, dtype=np.float64)
    if target.min() == target.max():
        return "all settings came out equal: no key matters here"
    try:
        from sklearn.ensemble import RandomForestRegressor
        from sklearn.inspection import permutation_importance
        from sklearn.metrics import r2_score
        from sklearn.model_selection import KFold
    except ImportError:
        return 'importance needs scikit-learn: pip install "poseid[sweep]"'
    inputs = np.array([_encoded(settings, key) for key in keys]).T
    predicted = np.empty_like(target)
    drops = []
    for train, unseen in KFold(_FOLDS, shuffle=True, random_state=0).split(inputs):
        forest = RandomForestRegressor(_TREES, random_state=0).fit(inputs[train], target[train])
        predicted[unseen] = forest.predict(inputs[unseen])
        # squared error instead of R² of a fold: a fold of two settings may have next to no variance of its own
        error = permutation_importance(
            forest,
            inputs[unseen],
            target[unseen],
            scoring="neg_mean_squared_error",
            n_repeats=_SHUFFLES,
            random_state=0,
        )
        drops.append(error.importances_mean * len(unseen))
    explained = float(r2_score(target, predicted))
    if explained <= 0:
        return "which key matters is not shown: on held-out settings, the keys explain none of the variance"
    loss = np.sum(drops, axis=0) / float(((target - target.mean()) ** 2).sum())
    return Importance({keys[n]: float(loss[n]) for n in np.argsort(-loss, kind="stable")}, explained)


def _encoded(settings: Sequence[Setting], key: str) -> list[float]:
    """The numbers that a key was given; where there are words among them, the index of each value."""
    numbers = [number for setting in settings if (number := as_number(setting.value(key))) is not None]
    values = values_of(settings, key)
    return numbers if len(numbers) == len(settings) else [float(values.index(one.value(key))) for one in settings]
