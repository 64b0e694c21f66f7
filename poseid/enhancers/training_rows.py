"""The rows of some people in the form that closed forms, gates and baselines are fitted on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from poseid.features.rows import FRONTAL, MIN_NORM, PROFILE, FeatureSet


@dataclass(frozen=True)
class TrainingRows:
    """Rows of P people.

    Attributes:
        features: (N, D) raw rows.
        person: (N,) persons 0 … P − 1.
        frontal, profile: (N,) bool.
    """

    features: Tensor
    person: Tensor
    frontal: Tensor
    profile: Tensor

    def of_people(self, chosen: Tensor) -> TrainingRows:
        """The rows of the persons for which ``chosen`` (P,) is True."""
        rows = chosen[self.person]
        return TrainingRows(self.features[rows], self.person[rows], self.frontal[rows], self.profile[rows])

    def units(self) -> tuple[Tensor, Tensor]:
        """(N, D) unit rows and (N,) lengths, float64."""
        rows, lengths = self.features.to(torch.float64), self.lengths()
        return rows / lengths[:, None], lengths

    def lengths(self) -> Tensor:
        """(N,) float64."""
        lengths: Tensor = torch.linalg.vector_norm(self.features.to(torch.float64), dim=1).clamp(min=MIN_NORM)
        return lengths

    def frontal_means(self, x: Tensor) -> Tensor:
        """(P, D) mean of each person's frontal rows among the (N, D) unit rows x; zeros where there is none."""
        return person_means(x[self.frontal], self.person[self.frontal], self._people())

    def has_frontal(self) -> Tensor:
        """(N,) bool: rows of people who have a frontal row."""
        return torch.bincount(self.person[self.frontal], minlength=self._people())[self.person] > 0

    def _people(self) -> int:
        return int(self.person.max()) + 1 if len(self.person) else 0


def person_means(x: Tensor, person: Tensor, people: int) -> Tensor:
    """(P, D) mean of the (N, D) rows of each of P people; zeros for whoever has none."""
    count = torch.bincount(person, minlength=people).clamp(min=1)
    return x.new_zeros(people, x.shape[1]).index_add_(0, person, x) / count[:, None]


def training_rows(features: FeatureSet) -> TrainingRows:
    """Front and video rows of some people together, frontal or profile by their kind."""
    people = {name: number for number, name in enumerate(features.people())}
    sides = (features.front, features.video)
    kinds = np.concatenate([side.kinds() for side in sides])
    person = np.array([people[name] for side in sides for name in side.names()], dtype=np.int64)
    rows = np.concatenate([np.asarray(side.features, dtype=np.float32) for side in sides])
    return TrainingRows(
        torch.from_numpy(rows),
        torch.from_numpy(person),
        torch.from_numpy(kinds == FRONTAL),
        torch.from_numpy(kinds == PROFILE),
    )
