"""Training a baseline for a few epochs and selecting the one that is best on validation people."""

from __future__ import annotations

import copy
from collections.abc import Callable

import torch
from torch import Tensor

from poseid.enhancers.model import Model

BATCH = 128
MAX_EPOCHS = 20
PATIENCE = 5
LEARNING_RATE = 1e-3


def train_early_stopped(
    module: Model,
    loss: Callable[[Tensor, torch.Generator], Tensor],
    rows: int,
    score: Callable[[Model], float],
    seed: int,
) -> int:
    """Adam on shuffled batches; the weights of the best epoch are restored.

    Args:
        module: what is trained, in place; left in evaluation mode.
        loss: of a batch of row numbers; draws, if any, come from the generator.
        rows: how many rows there are.
        score: taken after every epoch; training ends after 5 epochs without a better one, at most 20.
        seed: of the order and of the draws.

    Returns:
        The selected epoch, from 1.
    """
    generator = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.Adam([p for p in module.parameters() if p.requires_grad], lr=LEARNING_RATE)
    best, best_epoch, state = float("inf"), 0, copy.deepcopy(module.state_dict())
    for epoch in range(1, MAX_EPOCHS + 1):
        module.train()
        for batch in torch.split(torch.randperm(rows, generator=generator), BATCH):
            if len(batch) < 2 and rows > 1:
                continue  # batch normalisation has no variance of one row
            optimizer.zero_grad()
            torch.autograd.backward(loss(batch, generator))
            optimizer.step()
        module.eval()
        current = score(module)
        if current < best:
            best, best_epoch, state = current, epoch, copy.deepcopy(module.state_dict())
        elif epoch - best_epoch >= PATIENCE:
            break
    module.load_state_dict(state)
    return best_epoch
