"""Loss weights as pure functions of the epoch, so that resuming needs no state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Schedule:
    """When which loss weight is in force. Epochs count from 0.

    Args:
        name: "constant", "two_stage" or "progressive".
        stage1_epochs: two_stage: epochs with identity alone.
        stage1_lambda_id: two_stage: λ_id in these epochs.
        ramp_epochs: two_stage: epochs over which every weight goes linearly to its final value;
            progressive: epochs over which λ_id does.
        start_lambda_id: progressive: λ_id at epoch 0.
    """

    name: str = "constant"
    stage1_epochs: int = 0
    stage1_lambda_id: float = 5.0
    ramp_epochs: int = 0
    start_lambda_id: float = 1.0

    def end_of_ramp(self) -> int:
        """First epoch with the final weights; early stopping counts from here on."""
        if self.name == "two_stage":
            return self.stage1_epochs + self.ramp_epochs
        return self.ramp_epochs if self.name == "progressive" else 0

    def weights(self, epoch: int, final: Mapping[str, float]) -> dict[str, float]:
        """The weights in force at an epoch.

        constant: ``final``. two_stage: before ``stage1_epochs`` λ_id = ``stage1_lambda_id`` and all others 0, then
        linear to ``final`` over ``ramp_epochs``. progressive: λ_id linear from ``start_lambda_id`` to
        ``final["id"]`` over ``ramp_epochs``, all others final.

        >>> schedule = Schedule("two_stage", stage1_epochs=2, ramp_epochs=4)
        >>> [schedule.weights(epoch, {"id": 1.0, "pose": 0.4}) for epoch in (0, 4, 6)]
        [{'id': 5.0, 'pose': 0.0}, {'id': 3.0, 'pose': 0.2}, {'id': 1.0, 'pose': 0.4}]
        """
        start = dict(final)
        if self.name == "two_stage":
            start = {name: 0.0 for name in final} | {"id": self.stage1_lambda_id}
            done = epoch - self.stage1_epochs
        elif self.name == "progressive":
            start["id"] = self.start_lambda_id
            done = epoch
        else:
            return start
        part = min(max(done, 0) / self.ramp_epochs, 1.0) if self.ramp_epochs else float(done >= 0)
        return {name: (1 - part) * start[name] + part * value for name, value in final.items()}
