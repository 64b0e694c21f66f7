"""The weight of a row among the rows of its template: good photos count more."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from poseid.enhancers.pooling import ONE_LENGTH

YAW_FROM, YAW_SCALE = 30.0, 30.0  # degrees
MAX_LOG_WEIGHT = 20.0  # largest absolute value of log w: products of it stay finite in float32


class FrameWeight(nn.Module):
    """w = exp(length · ln(|x| / L) − yaw · max(0, |yaw in degrees| − 30) / 30), above 0.

    ``length`` and ``yaw`` are trained parameters; at 0 every row weighs 1, and pooling is the plain mean. L is the
    median length of the training rows. Where all of these have one length, length carries nothing, and w depends on the
    given yaw alone. A row of unknown pose counts as one within 30°.

    Args:
        length: how much more long vectors count; below 0, less: recognisers differ in what a long vector means.
        yaw: how much less turned heads count.
    """

    median: Tensor
    lengths_differ: Tensor

    def __init__(self, length: float = 0.0, yaw: float = 0.0) -> None:
        super().__init__()
        self.length = nn.Parameter(torch.tensor(float(length)))
        self.yaw = nn.Parameter(torch.tensor(float(yaw)))
        self.register_buffer("median", torch.ones(()))
        self.register_buffer("lengths_differ", torch.zeros(()))

    @torch.no_grad()
    def store(self, lengths: Tensor) -> None:
        """Keeps (2,) the median length L and whether lengths differ, as :func:`length_statistics` gives them."""
        self.median.copy_(lengths[0])
        self.lengths_differ.copy_(lengths[1])

    def forward(self, length: Tensor, pose: Tensor | None, lengths: Tensor | None = None) -> Tensor:
        """(N, 1) lengths and (N, 3) degrees (None, or rows with NaN: unknown) to (N,) weights.

        ``lengths`` replaces what is stored, as in training.
        """
        median, differ = (self.median, self.lengths_differ) if lengths is None else (lengths[0], lengths[1])
        logarithm = self.length * differ * (length[:, 0] / median).clamp(min=1e-6).log()
        if pose is not None:
            known = torch.isfinite(pose).all(dim=1)
            yaw = torch.where(known, pose[:, 0], 0.0).abs().to(length.dtype)
            logarithm = logarithm - self.yaw * (yaw - YAW_FROM).clamp(min=0.0) / YAW_SCALE
        return logarithm.clamp(-MAX_LOG_WEIGHT, MAX_LOG_WEIGHT).exp()


@torch.no_grad()
def length_statistics(lengths: Tensor) -> Tensor:
    """(2,) the median of (N,) lengths above 0, and 1 where they differ, 0 where all vectors have one length.

    >>> length_statistics(torch.tensor([1.0, 2.0, 4.0])), length_statistics(torch.ones(3))
    (tensor([2., 1.]), tensor([1., 0.]))
    """
    differ = len(lengths) > 1 and float(lengths.log().std()) > ONE_LENGTH
    return torch.stack([lengths.median(), torch.tensor(float(differ), dtype=lengths.dtype, device=lengths.device)])
