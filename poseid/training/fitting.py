"""Fitting on people: the closed form and the gate, on a set of people or on the divisions of the training episodes.

The training people are divided into K divisions by a seeded draw. A training step is an episode: the people of one
division are the query, all others the support. The closed form is solved on the support, the loss is taken on the
query, so that it is always of people whom the solution has not seen. With K = 1 the support is the query (for
comparison only).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from poseid.enhancers.closed_form import Statistics, solve, statistics_of
from poseid.enhancers.enhancer import Enhancer, Fit
from poseid.enhancers.frame_weight import length_statistics
from poseid.enhancers.gate import GateFit, fit_gate
from poseid.enhancers.training_rows import TrainingRows, training_rows
from poseid.features.person_names import alike_names
from poseid.features.rows import FeatureSet
from poseid.training.sampling import generator_for

DIVISION_KEY = 0x646976  # keeps the draw of the divisions apart from the draws of the epochs


def divide(people: Sequence[str], divisions: int, seed: int) -> dict[str, int]:
    """The division, 0 … K − 1, of each person; K is lowered so that each division holds two people at least.

    Alike names, which may be one person's, have one division.

    >>> sorted(divide(["a", "b", "c", "d", "e"], 4, 0).values())
    [0, 0, 0, 1, 1]
    """
    persons = alike_names(people)
    count = max(1, min(divisions, len(persons) // 2))
    drawn = torch.randperm(len(persons), generator=generator_for(seed, DIVISION_KEY)).tolist()
    return {name: place % count for place, index in enumerate(drawn) for name in persons[index]}


class Fitter:
    """Fits the closed form and the gate to a set of people.

    What depends on their rows alone is computed once; :meth:`fit` solves the closed form with the current φ (phi).

    Args:
        rows: of these people.
        closed_form: False leaves the closed form out, and with it the work for its statistics.
        initial: a fit of the gate on nearly the same rows, to begin with.
        device: where the solution is needed.
        dtype: of the solve.
    """

    def __init__(
        self,
        rows: TrainingRows,
        closed_form: bool,
        device: torch.device,
        initial: GateFit | None = None,
        dtype: torch.dtype = torch.float64,
    ) -> None:
        found = statistics_of(rows, dtype) if closed_form else None
        self.why_not = found if isinstance(found, str) else None
        """Why the closed form cannot be fitted on these people, or None."""
        # Apple's GPU has no float64: the solve stays on the CPU there, and the solution goes over.
        self.solve_on = torch.device("cpu") if device.type == "mps" else device
        self.statistics: Statistics | None = found.to(self.solve_on) if isinstance(found, Statistics) else None
        self.gate = fit_gate(rows.features, rows.frontal, rows.profile, initial)
        self.lengths = length_statistics(rows.lengths()).to(device, torch.float32)
        self.device = device

    def fit(self, enhancer: Enhancer) -> Fit:
        """Differentiable in φ; float32 on the device."""
        gate = None if self.gate is None else GateFit(*(tensor.to(self.device, torch.float32) for tensor in self.gate))
        closed_form = enhancer.closed_form
        if closed_form is None or self.statistics is None:
            return Fit(None, gate, self.lengths)
        solution = solve(closed_form, self.statistics)
        return Fit(type(solution)(*(tensor.to(self.device, torch.float32) for tensor in solution)), gate, self.lengths)

    @torch.no_grad()
    def store(self, enhancer: Enhancer) -> None:
        """Solves, and stores the result in the enhancer."""
        enhancer.store(self.fit(enhancer))


class Episodes:
    """A :class:`Fitter` of all training people, and one of the support people of each division.

    Args:
        features: rows of training people; of very many, of an even share of them.
        division: of each training person, as :func:`divide` gives it.
        closed_form: whether the enhancer has one.
        device: where the solutions are needed.
    """

    def __init__(self, features: FeatureSet, division: dict[str, int], closed_form: bool, device: torch.device) -> None:
        rows = training_rows(features)
        self.train_people = Fitter(rows, closed_form, device)
        of_person = torch.tensor([division[name] for name in features.people()])
        count = max(division.values()) + 1
        self.support = [
            # Solved at every step, and in float32 therefore; what is validated and ships is solved in float64.
            Fitter(rows.of_people(of_person != number), closed_form, device, self.train_people.gate, torch.float32)
            for number in range(count)
        ] if count > 1 else [self.train_people]  # fmt: skip


def fit_on(enhancer: Enhancer, features: FeatureSet) -> str | None:
    """Fits the closed form and the gate of an enhancer on some people, with its φ as they are, and stores both.

    Returns:
        None, or in words why the closed form could not be fitted.
    """
    fitted = Fitter(training_rows(features), enhancer.closed_form is not None, enhancer.strength.device)
    fitted.store(enhancer)
    return fitted.why_not
