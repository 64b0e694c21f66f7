"""Loss weights as pure functions of the epoch, so that resuming needs no state.

To add a schedule: write its function here, add it to ``SCHEDULES``, and give it a file in conf/schedule/.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple


class Ramp(NamedTuple):
    """The way to the final weights. Epochs count from 0.

    Args:
        initial: weights before the epoch ``first``.
        first: from here on every weight goes linearly to its final value.
        epochs: how many epochs that takes.
    """

    initial: Mapping[str, float]
    first: int = 0
    epochs: int = 0


def constant(final: Mapping[str, float]) -> Ramp:
    """The final weights from the first epoch on."""
    return Ramp(final)


def two_stage(
    final: Mapping[str, float], stage1_epochs: int = 0, stage1_lambda_id: float = 5.0, ramp_epochs: int = 0
) -> Ramp:
    """Identity alone for ``stage1_epochs``; then every weight goes to its final value over ``ramp_epochs``."""
    return Ramp({name: 0.0 for name in final} | {"id": stage1_lambda_id}, stage1_epochs, ramp_epochs)


def progressive(final: Mapping[str, float], start_lambda_id: float = 1.0, ramp_epochs: int = 0) -> Ramp:
    """λ_id goes from ``start_lambda_id`` to its final value over ``ramp_epochs``; all others are final."""
    return Ramp({**final, "id": start_lambda_id}, 0, ramp_epochs)


SCHEDULES: dict[str, Callable[..., Ramp]] = {
    "constant": constant,
    "two_stage": two_stage,
    "progressive": progressive,
}


class Schedule:
    """When which loss weight is in force.

    Args:
        options: the group ``schedule`` of the configuration: ``name``, and the arguments of its function.
    """

    def __init__(self, options: Mapping[str, Any]) -> None:
        self.name: str = options["name"]
        self.options = {key: value for key, value in options.items() if key != "name"}

    def end_of_ramp(self) -> int:
        """First epoch with the final weights; early stopping counts from here on."""
        ramp = SCHEDULES[self.name]({}, **self.options)
        return ramp.first + ramp.epochs

    def weights(self, epoch: int, final: Mapping[str, float]) -> dict[str, float]:
        """The weights in force at an epoch.

        >>> schedule = Schedule({"name": "two_stage", "stage1_epochs": 2, "ramp_epochs": 4})
        >>> [schedule.weights(epoch, {"id": 1.0, "pose": 0.4}) for epoch in (0, 4, 6)]
        [{'id': 5.0, 'pose': 0.0}, {'id': 3.0, 'pose': 0.2}, {'id': 1.0, 'pose': 0.4}]
        """
        ramp = SCHEDULES[self.name](final, **self.options)
        done = epoch - ramp.first
        part = min(max(done, 0) / ramp.epochs, 1.0) if ramp.epochs else float(done >= 0)
        return {name: (1 - part) * ramp.initial[name] + part * value for name, value in final.items()}
