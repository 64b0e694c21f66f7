"""Which rows a step sees: balanced over people, one division at a time, a pure function of seed and epoch."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from poseid.training.sampling import (
    FRAMES,
    FRONTAL_SHARE,
    MIN_DIVISION_STEPS,
    REFERENCES,
    SET_EVERY,
    BalancedBatches,
    Counts,
    Groups,
    draw,
    draw_frames,
    generator_for,
)

COUNTS = Counts(torch.tensor([5, 1, 30]), torch.tensor([2, 1, 1]), torch.tensor([4, 1, 7]), torch.tensor([3, 0, 20]))
PERSON, FRONT_PERSON, FRONTAL_PERSON = (torch.repeat_interleave(torch.arange(3), count) for count in COUNTS[:3])
ALL_PEOPLE = torch.arange(3)


def drawn(total: int = 36, seed: int = 0, epoch: int = 0, people: Tensor = ALL_PEOPLE) -> Tensor:
    return draw(people, COUNTS, total, generator_for(seed, epoch))


def test_people_come_equally_often_whatever_their_number_of_rows() -> None:
    for total in (36, 37):
        row = drawn(total)[0]
        assert len(row) == total
        counts = torch.bincount(PERSON[row])
        assert counts.max() - counts.min() <= 1


def test_only_the_people_asked_for_are_drawn() -> None:
    made = drawn(people=torch.tensor([2, 0]))
    assert torch.equal(PERSON[made[0]].unique(), torch.tensor([0, 2]))
    assert torch.bincount(PERSON[made[0]]).tolist() == [18, 0, 18]


def test_partner_front_and_frontal_rows_belong_to_the_person_and_partner_is_another_row() -> None:
    row, partner, front, *frontals = drawn(epoch=1)
    assert len(frontals) == REFERENCES
    assert torch.equal(PERSON[row], PERSON[partner])
    assert torch.equal(PERSON[row], FRONT_PERSON[front])
    for frontal in frontals:
        assert torch.equal(PERSON[row], FRONTAL_PERSON[frontal])
    several = COUNTS.probes[PERSON[row]] > 1
    assert (row[several] != partner[several]).all()
    assert (row[~several] == partner[~several]).all()


def test_one_draw_in_five_is_of_a_frontal_row_where_a_person_has_both_kinds() -> None:
    first = COUNTS.probes.cumsum(0) - COUNTS.probes
    row = torch.cat([drawn(epoch=epoch)[0] for epoch in range(300)])
    person = PERSON[row]
    frontal = row - first[person] >= COUNTS.not_frontal[person]
    assert frontal[person == 1].all()  # whose only row is frontal
    for one in (0, 2):
        assert abs(frontal[person == one].double().mean() - FRONTAL_SHARE) < 0.03


def test_all_rows_come_in_the_long_run() -> None:
    seen = torch.cat([drawn(epoch=epoch) for epoch in range(40)], dim=1)
    assert len(seen[0].unique()) == 36
    assert len(seen[2].unique()) == 4
    assert len(seen[3:].unique()) == 12


def test_a_draw_is_a_function_of_seed_and_epoch() -> None:
    assert torch.equal(drawn(seed=1, epoch=2), drawn(seed=1, epoch=2))
    assert not torch.equal(drawn(seed=1, epoch=2), drawn(seed=1, epoch=3))
    assert not torch.equal(drawn(seed=1, epoch=2), drawn(seed=2, epoch=2))


def test_neighbouring_keys_give_unlike_draws() -> None:
    draws = torch.stack(
        [torch.rand(50, generator=generator_for(0, epoch, step)) for epoch in range(6) for step in range(6)]
    )
    correlations = torch.corrcoef(draws) - torch.eye(36)
    assert correlations.abs().max() < 0.65


PEOPLE = 24
MANY = Counts(
    1 + torch.arange(PEOPLE) % 7, 1 + torch.arange(PEOPLE) % 2, 2 + torch.arange(PEOPLE) % 3, torch.arange(PEOPLE) % 7
)
OWNER = torch.repeat_interleave(torch.arange(PEOPLE), MANY.probes)
GROUPS = Groups(OWNER, None, MANY.probes, MANY.not_frontal)
DIVISION = torch.arange(PEOPLE) % 3


def batches(batch_size: int = 4, epoch: int = 0, seed: int = 0, division: Tensor = DIVISION) -> list[Tensor]:
    sampler = BalancedBatches(MANY, GROUPS, division, batch_size, seed)
    sampler.set_epoch(epoch)
    made = list(sampler)
    assert len(made) == len(sampler)
    return made


def test_each_batch_is_of_one_division_and_the_divisions_take_turns() -> None:
    made = batches()
    assert len(made) == len(OWNER) // 4
    for step, block in enumerate(made):
        assert block.shape == (3 + REFERENCES + FRAMES, 4)
        assert (DIVISION[OWNER[block[0]]] == step % 3).all()


def test_people_of_a_division_come_equally_often() -> None:
    row = torch.cat(batches(), dim=1)[0]
    counts = torch.bincount(OWNER[row], minlength=PEOPLE)
    for division in range(3):
        own = counts[DIVISION.eq(division)]
        assert own.max() - own.min() <= 1


def test_an_epoch_has_at_least_two_steps_for_each_division_however_few_the_rows() -> None:
    made = batches(batch_size=1000)
    assert len(made) == MIN_DIVISION_STEPS * 3 == 6
    assert [int(DIVISION[OWNER[block[0, 0]]]) for block in made] == [0, 1, 2, 0, 1, 2]
    assert all(block.shape[1] == 1000 for block in made)
    assert not torch.equal(made[0], made[3])


def test_a_division_that_has_nobody_is_passed_over() -> None:
    without = torch.where(DIVISION == 1, 2, DIVISION)
    for step, block in enumerate(batches(division=without)):
        assert (without[OWNER[block[0]]] == (0, 2)[step % 2]).all()


def test_batches_are_a_function_of_seed_and_epoch() -> None:
    one = torch.stack(batches(epoch=2, seed=1))
    assert torch.equal(one, torch.stack(batches(epoch=2, seed=1)))
    assert not torch.equal(one, torch.stack(batches(epoch=3, seed=1)))
    assert not torch.equal(one, torch.stack(batches(epoch=2, seed=2)))


@pytest.mark.parametrize("world", [2, 3])
def test_ranks_share_out_the_draw_that_one_process_would_make(world: int, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = batches(batch_size=4 * world, epoch=5)
    of_ranks = []
    for rank in range(world):
        monkeypatch.setattr(BalancedBatches, "_ranks", lambda _self, rank=rank: (rank, world))
        of_ranks.append(batches(batch_size=4, epoch=5))
    assert all(len(one) == len(whole) for one in of_ranks)
    for step, block in enumerate(whole):
        assert torch.equal(torch.stack([one[step] for one in of_ranks], dim=2).flatten(1), block)


def test_sets_hold_different_rows_of_the_group_of_their_row_and_every_other_one_profiles_alone() -> None:
    row = torch.arange(len(OWNER)).repeat(20)
    frames = draw_frames(row, GROUPS, generator_for(0, 1))
    assert frames.shape == (FRAMES, len(row))
    assert (frames[0] >= 0).all()
    for column, (own, chosen) in enumerate(zip(OWNER[row].tolist(), frames.T, strict=True)):
        rows = chosen[chosen >= 0]
        assert (OWNER[rows] == own).all()
        assert len(rows.unique()) == len(rows) <= MANY.probes[own]
        if column % 2 and MANY.not_frontal[own] >= 2:  # profile rows are stored first
            first = int(MANY.probes[:own].sum())
            assert (rows - first < MANY.not_frontal[own]).all()
    sizes = (frames >= 0).sum(dim=0)
    assert sizes.max() >= 5
    assert torch.equal(frames, draw_frames(row, GROUPS, generator_for(0, 1)))


def test_of_a_large_group_every_size_from_two_to_eight_is_drawn() -> None:
    one = Groups(torch.zeros(10**6, dtype=torch.int64), None, torch.tensor([10**6]), torch.tensor([10**6]))
    sizes = (draw_frames(torch.zeros(4000, dtype=torch.int64), one, generator_for(0, 2)) >= 0).sum(dim=0)
    counts = torch.bincount(sizes, minlength=9)
    assert counts[:2].sum() == 0
    assert (counts[2:] > 4000 / 7 * 0.8).all()


def test_groups_that_are_scattered_are_found_by_their_order() -> None:
    number = torch.tensor([1, 0, 1, 0, 1])
    scattered = Groups(number, number.argsort(stable=True), torch.tensor([2, 3]), torch.tensor([2, 3]))
    for step in range(20):
        for row, chosen in enumerate(draw_frames(torch.arange(5), scattered, generator_for(0, step)).T):
            assert (number[chosen[chosen >= 0]] == number[row]).all()


def test_a_quarter_of_the_draws_comes_with_a_set_of_the_same_person() -> None:
    for block in batches(batch_size=8):
        with_set = block[-FRAMES] >= 0
        assert with_set.tolist() == [column < 8 // SET_EVERY for column in range(8)]
        assert torch.equal(OWNER[block[-FRAMES, with_set]], OWNER[block[0, with_set]])
    assert all((block[-FRAMES] >= 0).sum() == 1 for block in batches(batch_size=2))
