"""What both enhancers share: the projections, the closed form, the gate, and how they are combined.

φ (phi) stands for the few trained numbers that are no network: those of the closed form, of the gate and of the frame
weights, and the strength of the correction; :meth:`Enhancer.phi` has them by name.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from poseid.enhancers.closed_form import ClosedForm, Solution
from poseid.enhancers.frame_weight import FrameWeight
from poseid.enhancers.gate import Gate, GateFit
from poseid.enhancers.layers import IdentityEnhancer, PoseHead, fill_pose
from poseid.enhancers.model import EnhancerOutput, Model, unit, unit_and_length, with_length


class Fit(NamedTuple):
    """What is fitted on a set of people: the solution of the closed form and the fit of the gate, or None each, and
    what :class:`FrameWeight` knows of the lengths, (2,)."""

    solution: Solution | None
    gate: GateFit | None
    lengths: Tensor

    def cpu(self) -> Fit:
        """The same on the CPU."""
        solution = None if self.solution is None else Solution(*(part.cpu() for part in self.solution))
        gate = None if self.gate is None else GateFit(*(part.cpu() for part in self.gate))
        return Fit(solution, gate, self.lengths.cpu())


class Enhancer(Model):
    """features = |x| · unit(x̂ + strength · g(x̂, |x|, pose) · (o(x̂, |x|) − x̂ + N(u, x̂, pose))).

    u = IdentityEnhancer(W_id x̂, code); o is the closed form (:mod:`poseid.enhancers.closed_form`), g the gate
    (:mod:`poseid.enhancers.gate`), and N the network of the subclass, whose last layers start at zero unless
    ``init="random"``. Code and predicted pose come from x̂ alone.

    Args:
        dim: D, length of a feature vector.
        identity_dim: width of u.
        pose_dim: width of the pose code.
        suppression, residual: of :class:`IdentityEnhancer`.
        network: False leaves N out.
        skip: False drops x̂, the gate and the closed form, features = |x| · unit(N(u, x̂, pose)), with ordinary
            initialisation: for the ablation.
        init: "ridge" for the closed form; "zero" without it, so that a fresh enhancer returns its input; "random" as
            "zero", with ordinary initialisation of N.
        phi: first values of φ, as in conf/model/phi/: name to {"value": …}; what is not named has the default of
            :class:`ClosedForm`, :class:`Gate` and :class:`FrameWeight`.
        similarity_dim: None compares in D dimensions; a number adds a trained projection to that many.
        norm: "keep" returns the lengths of the input, "unit" unit vectors, "weight" vectors whose length is the
            weight of the row (:mod:`poseid.enhancers.frame_weight`).
        sides: "probe" or "both": which sides of a comparison are meant to be enhanced.
    """

    def __init__(
        self,
        dim: int,
        identity_dim: int,
        pose_dim: int,
        suppression: float,
        residual: float,
        network: bool,
        skip: bool,
        init: str,
        phi: dict[str, Any] | None,
        similarity_dim: int | None,
        norm: str,
        sides: str,
    ) -> None:
        super().__init__()
        self.dim = dim
        self.network = network or not skip
        self.skip = skip
        self.norm = norm
        self.sides = sides
        self.to_identity = nn.Linear(dim, identity_dim, bias=False)
        self.to_pose = nn.Linear(dim, pose_dim, bias=False)
        self.pose_head = PoseHead(pose_dim)
        self.identity_enhancer = IdentityEnhancer(identity_dim, pose_dim, suppression, residual)
        values = {name: entry["value"] for name, entry in (phi or {}).items()}
        strength = float(values.pop("strength", 1.0))
        of_gate = {name: values.pop(name) for name in list(values) if name.startswith("gate_")}
        of_weight = {name: values.pop(name) for name in list(values) if name.startswith("weight_")}
        self.gate = Gate(dim, **{name.removeprefix("gate_"): value for name, value in of_gate.items()})
        self.frame_weight = FrameWeight(**{name.removeprefix("weight_"): value for name, value in of_weight.items()})
        self.closed_form = ClosedForm(dim, **values) if init == "ridge" and skip else None
        self.strength = nn.Parameter(torch.tensor(strength))
        self.similarity = None if similarity_dim is None else nn.Linear(dim, similarity_dim, bias=False)

    def comparison_vectors(self, features: Tensor) -> Tensor:
        """The vectors whose cosine is the score: the features, or their trained projection."""
        return features if self.similarity is None else self.similarity(unit(features))

    def returns_input(self) -> bool:
        """Whether the strength is 0, so that nothing is corrected."""
        return self.skip and self.norm == "keep" and self.strength.item() == 0

    def correction(self, x: Tensor, identity: Tensor, pose: Tensor) -> Tensor:
        """N: (N, D) unit rows, (N, identity_dim) u and (N, 3) degrees without NaN to (N, D)."""
        raise NotImplementedError

    def store(self, fit: Fit) -> None:
        """Makes a fit the one that :meth:`forward` uses by itself and that is saved."""
        self.frame_weight.store(fit.lengths)
        if fit.gate is not None:
            self.gate.store(fit.gate)
        if self.closed_form is not None and fit.solution is not None:
            self.closed_form.store(fit.solution)

    def forward(self, features: Tensor, pose: Tensor | None = None, fit: Fit | None = None) -> EnhancerOutput:
        """(N, D) raw vectors and (N, 3) degrees, rows of NaN unknown, or None.

        ``fit`` replaces the stored one, as in training.
        """
        x, length = unit_and_length(features)
        # Components of a unit vector are of size 1/√D; layers are initialised for size 1.
        scaled = x * self.dim**0.5
        code = self.to_pose(scaled)
        predicted = self.pose_head(code)
        identity = self.identity_enhancer(self.to_identity(scaled), code)
        direction = self.correction(x, identity, fill_pose(pose, predicted)) if self.network else torch.zeros_like(x)
        if self.skip:
            closed_form = self.closed_form
            # A fit without a solution, of too few people, leaves the closed form out.
            if closed_form is not None and (fit is None or fit.solution is not None):
                direction = direction + closed_form(x, length, fit.solution if fit else None)
            direction = x + self.strength * self.gate(x, length, pose, fit.gate if fit else None) * direction
        weight = self.frame_weight(length, pose, fit.lengths if fit else None)
        return EnhancerOutput(with_length(direction, length, self.norm, weight), identity, code, predicted, weight)

    def identity_parameters(self) -> list[nn.Parameter]:
        """The layers that ``lr_identity_scale`` gives a learning rate of their own."""
        return [*self.to_identity.parameters(), *self.identity_enhancer.parameters()]

    def network_parameters(self) -> list[nn.Parameter]:
        """The layers of N."""
        shared = (
            self.to_identity,
            self.to_pose,
            self.pose_head,
            self.identity_enhancer,
            self.gate,
            self.frame_weight,
        )
        others = {id(p) for layer in (*shared, self.closed_form, self.similarity) if layer for p in layer.parameters()}
        return [p for p in self.parameters() if id(p) not in others and p is not self.strength]

    def phi(self) -> dict[str, nn.Parameter]:
        """φ by the names of conf/model/phi/; those that this enhancer has."""
        weight = {f"weight_{name}": value for name, value in self.frame_weight.named_parameters()}
        if not self.skip:
            return weight
        named = {f"gate_{name}": value for name, value in self.gate.named_parameters()}
        if self.closed_form is not None:
            named |= {name.removeprefix("log_"): value for name, value in self.closed_form.named_parameters()}
        return named | {"strength": self.strength} | weight

    @torch.no_grad()
    def phi_values(self) -> dict[str, float]:
        """The numbers of φ as a reader wants them: the penalty itself, and each gain of ``shape`` by itself."""
        values: dict[str, float] = {}
        for name, parameter in self.phi().items():
            numbers = (parameter.exp() if name == "ridge" else parameter).reshape(-1).tolist()
            names = [name] if len(numbers) == 1 else [f"{name}_{i + 1}" for i in range(len(numbers))]
            values |= dict(zip(names, numbers, strict=True))
        return values
