"""torchmetrics classes over the functions of this room: they keep scores, across batches and processes, no more.

Scores are raw cosines and are never squashed. `compute` gives NaN where the function behind it has no value.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.utilities import dim_zero_cat

from poseid.verification.rates import eer, fnmr_at_fmr, why_null


class EqualErrorRate(Metric):
    """EER of all scores seen (see `rates.eer`), a fraction; lower is better.

    >>> metric = EqualErrorRate()
    >>> metric.update(torch.tensor([0.4, 0.6, 0.8, 0.1, 0.2, 0.7]), torch.tensor([1, 1, 1, 0, 0, 0]))
    >>> round(float(metric.compute()), 6)
    0.333333
    """

    is_differentiable = False
    higher_is_better = False
    full_state_update = False
    genuine: list[Tensor]
    impostor: list[Tensor]

    def __init__(self) -> None:
        super().__init__()
        self.add_state("genuine", default=[], dist_reduce_fx="cat")
        self.add_state("impostor", default=[], dist_reduce_fx="cat")

    def update(self, scores: Tensor, same: Tensor) -> None:
        """Scores of any shape and, of the same shape, whether each compares one person (1) or two (0)."""
        _keep(self.genuine, self.impostor, scores, same)

    def compute(self) -> Tensor:
        """The rate of all scores so far; NaN without both kinds of comparison."""
        genuine, impostor = _all(self.genuine), _all(self.impostor)
        if why_null(genuine.numel(), impostor.numel()):
            return torch.tensor(torch.nan)
        return torch.tensor(eer(genuine.numpy(), impostor.numpy()))


class FNMRAtFMR(Metric):
    """FNMR at an FMR over all scores seen (see `rates.fnmr_at_fmr`), a fraction; lower is better.

    NaN with fewer than 30 / fmr impostor comparisons.

    >>> metric = FNMRAtFMR(0.01)
    >>> metric.update(torch.tensor([0.5, 1.5]), torch.tensor([1, 1]))
    >>> metric.update(torch.arange(3000) / 3000, torch.zeros(3000))
    >>> float(metric.compute())
    0.5
    """

    is_differentiable = False
    higher_is_better = False
    full_state_update = False
    genuine: list[Tensor]
    impostor: list[Tensor]

    def __init__(self, fmr: float) -> None:
        super().__init__()
        self.fmr = fmr
        self.add_state("genuine", default=[], dist_reduce_fx="cat")
        self.add_state("impostor", default=[], dist_reduce_fx="cat")

    def update(self, scores: Tensor, same: Tensor) -> None:
        """Scores of any shape and, of the same shape, whether each compares one person (1) or two (0)."""
        _keep(self.genuine, self.impostor, scores, same)

    def compute(self) -> Tensor:
        """The rate of all scores so far; NaN with too few comparisons."""
        genuine, impostor = _all(self.genuine), _all(self.impostor)
        if why_null(genuine.numel(), impostor.numel(), self.fmr):
            return torch.tensor(torch.nan)
        return torch.tensor(fnmr_at_fmr(genuine.numpy(), impostor.numpy(), self.fmr))


class MeanImprovement(Metric):
    """Mean of cosine after − cosine raw over genuine comparisons; higher is better, and nothing without the FMR.

    >>> metric = MeanImprovement()
    >>> metric.update(torch.tensor([0.25, 0.5]), torch.tensor([0.5, 0.75]))
    >>> float(metric.compute())
    0.25
    """

    is_differentiable = False
    higher_is_better = True
    full_state_update = False
    total: Tensor
    count: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.add_state("total", default=torch.tensor(0.0, dtype=torch.float64), dist_reduce_fx="sum")
        self.add_state("count", default=torch.tensor(0), dist_reduce_fx="sum")

    def update(self, raw: Tensor, enhanced: Tensor) -> None:
        """Raw and enhanced scores of the same genuine comparisons."""
        if raw.shape != enhanced.shape:
            raise ValueError(f"raw is {tuple(raw.shape)} and enhanced {tuple(enhanced.shape)}: give one of each")
        self.total += (enhanced.detach().double() - raw.detach().double()).sum()
        self.count += raw.numel()

    def compute(self) -> Tensor:
        """The mean so far; NaN without comparisons."""
        return self.total / self.count


def _keep(genuine: list[Tensor], impostor: list[Tensor], scores: Tensor, same: Tensor) -> None:
    if scores.shape != same.shape:
        raise ValueError(f"scores are {tuple(scores.shape)} and same {tuple(same.shape)}: give one of each")
    kind = same.bool()
    # NumPy has no bfloat16; float32 holds both half formats exactly
    values = scores.detach() if scores.dtype in (torch.float32, torch.float64) else scores.detach().float()
    genuine.append(values[kind])
    impostor.append(values[~kind])


def _all(state: list[Tensor] | Tensor) -> Tensor:
    # after a sync torchmetrics leaves one tensor in place of the list
    if isinstance(state, list) and not state:
        return torch.empty(0)
    return dim_zero_cat(state).cpu()
