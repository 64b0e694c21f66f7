import torch

from poseid.training.sampling import BalancedBatches, draw_epoch, generator_for

ROWS, FRONTS = torch.tensor([5, 1, 30]), torch.tensor([2, 1, 1])
PERSON = torch.repeat_interleave(torch.arange(3), ROWS)
FRONT_PERSON = torch.repeat_interleave(torch.arange(3), FRONTS)


def test_people_come_equally_often_whatever_their_number_of_rows() -> None:
    row, _, _ = draw_epoch(ROWS, FRONTS, seed=0, epoch=0)
    assert len(row) == 36
    counts = torch.bincount(PERSON[row])
    assert counts.max() - counts.min() <= 1


def test_partner_and_front_belong_to_the_person_and_partner_is_another_row() -> None:
    row, partner, front = draw_epoch(ROWS, FRONTS, seed=0, epoch=1)
    assert torch.equal(PERSON[row], PERSON[partner])
    assert torch.equal(PERSON[row], FRONT_PERSON[front])
    several = ROWS[PERSON[row]] > 1
    assert (row[several] != partner[several]).all()
    assert (row[~several] == partner[~several]).all()


def test_all_rows_come_in_the_long_run() -> None:
    seen = torch.cat([draw_epoch(ROWS, FRONTS, 0, epoch)[0] for epoch in range(40)])
    assert len(seen.unique()) == 36


def test_an_epoch_is_a_function_of_seed_and_epoch() -> None:
    assert torch.equal(draw_epoch(ROWS, FRONTS, 1, 2), draw_epoch(ROWS, FRONTS, 1, 2))
    assert not torch.equal(draw_epoch(ROWS, FRONTS, 1, 2), draw_epoch(ROWS, FRONTS, 1, 3))
    assert not torch.equal(draw_epoch(ROWS, FRONTS, 1, 2), draw_epoch(ROWS, FRONTS, 2, 2))


def test_neighbouring_keys_give_unlike_draws() -> None:
    draws = torch.stack(
        [torch.rand(50, generator=generator_for(0, epoch, step)) for epoch in range(6) for step in range(6)]
    )
    correlations = torch.corrcoef(draws) - torch.eye(36)
    assert correlations.abs().max() < 0.65


def test_batches_are_slices_of_the_epoch() -> None:
    sampler = BalancedBatches(ROWS, FRONTS, batch_size=8, seed=0)
    sampler.set_epoch(3)
    batches = list(sampler)
    assert len(batches) == len(sampler) == 4
    assert torch.equal(torch.cat(batches, dim=1), draw_epoch(ROWS, FRONTS, 0, 3)[:, :32])
