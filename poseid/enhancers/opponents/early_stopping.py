"""Training an opponent for a few epochs and keeping the one that is best on validation people."""

from __future__ import annotations

import copy
from collections.abc import Callable

import torch
from torch import Tensor, nn

BATCH = 128
MAX_EPOCHS = 20
PATIENCE = 5

Score = Callable[[nn.Module], float]
"""How bad a model is on validation people; lower is better."""


def train_early_stopped(
    module: nn.Module, loss: Callable[[Tensor, torch.Generator], Tensor], rows: int, score: Score, lr: float, seed: int
) -> int:
    """Adam on shuffled batches; the weights of the best epoch are put back.

    Args:
        module: what is trained, in place; left in evaluation mode.
        loss: of a batch of row numbers; draws, if any, come from the generator.
        rows: how many rows there are.
        score: looked at after every epoch; training ends after 5 epochs without a better one, at most 20.
        lr: learning rate.
        seed: of the order and of the draws.

    Returns:
        The epoch that was kept, from 1.
    """
    generator = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.Adam([p for p in module.parameters() if p.requires_grad], lr=lr)
    best, kept, state = float("inf"), 0, copy.deepcopy(module.state_dict())
    for epoch in range(1, MAX_EPOCHS + 1):
        module.train()
        for batch in torch.split(torch.randperm(rows, generator=generator), BATCH):
            if len(batch) < 2 and rows > 1:
                continue  # batch normalisation has nothing to say about one row
            optimizer.zero_grad()
            torch.autograd.backward(loss(batch, generator))
            optimizer.step()
        module.eval()
        now = score(module)
        if now < best:
            best, kept, state = now, epoch, copy.deepcopy(module.state_dict())
        elif epoch - kept >= PATIENCE:
            break
    module.load_state_dict(state)
    module.eval()
    return kept
