"""What the module logs of the validation people, as a torchmetrics metric."""

from __future__ import annotations

from torch import Tensor, nan, tensor
from torchmetrics import Metric

from poseid.training.metric_names import VALIDATION, validation_metrics
from poseid.verification.result import Evaluation


class ValidationFigures(Metric):
    """The figures of an evaluation that are logged, by name; NaN where one is not defined.

    Every process evaluates all validation people, so a figure is the same everywhere: syncing takes the mean.
    """

    full_state_update = False
    names = tuple(name for name in VALIDATION if name != "val/selection")
    values: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.add_state("values", default=tensor([nan] * len(self.names)), dist_reduce_fx="mean")

    def update(self, evaluation: Evaluation) -> None:
        figures = validation_metrics(evaluation.block)
        numbers = [nan if figures[name] is None else figures[name] for name in self.names]
        self.values = tensor(numbers, device=self.values.device)

    def compute(self) -> dict[str, Tensor]:
        return dict(zip(self.names, self.values.unbind(), strict=True))
