"""The torchmetrics classes say what the functions say, in one process and in two."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import pytest
import torch
from torchmetrics.functional.classification import binary_eer

from poseid.errors import InputError
from poseid.verification import rates
from poseid.verification.metrics import EqualErrorRate, FNMRAtFMR, MeanImprovement


def draws(seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    same = torch.rand(4000, generator=generator) < 0.2
    return torch.rand(4000, generator=generator) * 0.7 + 0.3 * same, same


def test_batches_add_up_to_the_functions() -> None:
    scores, same = draws()
    g, i = scores[same].numpy(), scores[~same].numpy()
    for metric, want in (
        (EqualErrorRate(), rates.eer(g, i)),
        (FNMRAtFMR(0.01), rates.fnmr_at_fmr(g, i, 0.01)),
    ):
        for part, kind in zip(scores.split(700), same.split(700), strict=True):
            metric.update(part, kind)
        assert float(metric.compute()) == pytest.approx(want, abs=1e-7)
        metric.reset()
        assert torch.isnan(metric.compute())


def test_eer_is_near_that_of_torchmetrics() -> None:
    scores, same = draws(1)
    metric = EqualErrorRate()
    metric.update(scores, same)
    # torchmetrics takes the nearest operating point
    assert float(metric.compute()) == pytest.approx(float(binary_eer(scores, same.long())), abs=1e-3)


def test_too_few_comparisons_are_nan() -> None:
    metric = FNMRAtFMR(0.001)
    metric.update(*draws())
    assert torch.isnan(metric.compute())
    only = EqualErrorRate()
    only.update(torch.tensor([0.5]), torch.tensor([1]))
    assert torch.isnan(only.compute())
    assert torch.isnan(MeanImprovement().compute())


def test_nan_scores_and_wrong_shapes_are_refused() -> None:
    metric = EqualErrorRate()
    metric.update(torch.tensor([torch.nan, 0.5]), torch.tensor([1, 0]))
    with pytest.raises(InputError, match="NaN"):
        metric.compute()
    with pytest.raises(ValueError, match="give one of each"):
        metric.update(torch.zeros(2), torch.zeros(3))
    with pytest.raises(ValueError, match="give one of each"):
        MeanImprovement().update(torch.zeros(2), torch.zeros(3))


def test_bfloat16_scores_are_taken() -> None:
    metric = EqualErrorRate()
    metric.update(torch.tensor([0.5, 0.75, 0.25], dtype=torch.bfloat16), torch.tensor([1, 1, 0]))
    assert float(metric.compute()) == 0.0


def test_mean_improvement_is_the_mean() -> None:
    metric = MeanImprovement()
    metric.update(torch.tensor([0.5, 0.25]), torch.tensor([0.75, 0.25]))
    metric.update(torch.tensor([0.5]), torch.tensor([0.0]))
    assert float(metric.compute()) == pytest.approx((0.25 + 0 - 0.5) / 3)


def _one_process(rank: int, meeting: str, results: str) -> None:
    torch.set_num_threads(1)
    torch.distributed.init_process_group("gloo", init_method=f"file://{meeting}", rank=rank, world_size=2)
    try:
        scores, same = draws()
        own = slice(0, 1500) if rank == 0 else slice(1500, None)
        eer, fnmr, gain = EqualErrorRate(), FNMRAtFMR(0.01), MeanImprovement()
        eer.update(scores[own], same[own])
        fnmr.update(scores[own], same[own])
        gain.update(scores[own], scores[own] ** 2)
        values = [float(metric.compute()) for metric in (eer, fnmr, gain)]
        Path(f"{results}.{rank}").write_text(" ".join(map(repr, values)), encoding="utf-8")
    finally:
        torch.distributed.destroy_process_group()


def test_two_processes_agree_with_one(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    workers = [
        context.Process(target=_one_process, args=(rank, str(tmp_path / "meeting"), str(tmp_path / "out")))
        for rank in (0, 1)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
        assert worker.exitcode == 0
    scores, same = draws()
    g, i = scores[same].numpy(), scores[~same].numpy()
    want = [rates.eer(g, i), rates.fnmr_at_fmr(g, i, 0.01), float((scores.double() ** 2 - scores).mean())]
    for rank in (0, 1):
        got = [float(word) for word in (tmp_path / f"out.{rank}").read_text(encoding="utf-8").split()]
        assert got == pytest.approx(want, abs=1e-6)
