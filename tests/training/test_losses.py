"""Each loss term against an independent formula, a case known by hand, and gradcheck."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from poseid.training import losses
from poseid.training.losses import TERMS, total_loss


def draw(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def unit_rows(x: Tensor) -> np.ndarray:
    a = x.numpy()
    return a / np.sqrt((a * a).sum(axis=1, keepdims=True))


def cosines(a: Tensor, b: Tensor) -> Tensor:
    return torch.nn.functional.normalize(a, dim=1) @ torch.nn.functional.normalize(b, dim=1).T


def test_id_oracle_and_scale_does_not_matter() -> None:
    e, t = draw(7, 5), draw(7, 5, seed=1)
    expected = 1 - np.mean([np.dot(a, b) for a, b in zip(unit_rows(e), unit_rows(t), strict=True)])
    assert losses.id_loss(losses.cosine(e, t)).item() == pytest.approx(expected, abs=1e-12)
    assert losses.id_loss(losses.cosine(3 * e, t / 7)).item() == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(("vector", "expected"), [((2.0, 0.0), 0.0), ((0.0, 3.0), 1.0), ((-1.0, 0.0), 2.0)])
def test_id_by_hand(vector: tuple[float, float], expected: float) -> None:
    assert losses.id_loss(losses.cosine(torch.tensor([vector]), torch.tensor([[1.0, 0.0]]))).item() == pytest.approx(
        expected
    )


def test_pose_oracle_over_known_rows_only() -> None:
    predicted, given = 60 * draw(6, 3), 60 * draw(6, 3, seed=1)
    given[1] = math.nan
    given[4, 0] = math.nan
    values = []
    for p, g in zip(predicted.numpy(), given.numpy(), strict=True):
        if not np.isnan(g).any():
            d = np.abs(p - g) * math.pi / 180
            values += list(np.where(d < 1, d * d / 2, d - 0.5))
    assert losses.pose_loss(predicted, given).item() == pytest.approx(np.mean(values), abs=1e-12)


def test_pose_without_a_known_row_is_zero_and_gives_no_gradient() -> None:
    predicted = draw(4, 3).requires_grad_()
    loss = losses.pose_loss(predicted, torch.full((4, 3), math.nan, dtype=torch.float64))
    loss.backward()
    assert loss.item() == 0
    assert predicted.grad is not None
    assert torch.equal(predicted.grad, torch.zeros_like(predicted))


def test_pose_by_hand_ninety_degrees_wrong_in_yaw() -> None:
    # π/2 > 1: (π/2 − 0.5), spread over three angles. In degrees it would be 29.8 and swamp the cosine terms.
    loss = losses.pose_loss(torch.tensor([[90.0, 0.0, 0.0]]), torch.zeros(1, 3))
    assert loss.item() == pytest.approx((math.pi / 2 - 0.5) / 3)


def test_ortho_oracle_and_extremes() -> None:
    a, b = draw(6, 9), draw(4, 9, seed=1)
    expected = sum(np.dot(x, y) ** 2 for x in unit_rows(a) for y in unit_rows(b)) / 4
    assert losses.ortho_loss(a, b).item() == pytest.approx(expected, abs=1e-12)
    eye = torch.eye(6)
    assert losses.ortho_loss(eye[:3], eye[3:]).item() == 0
    assert losses.ortho_loss(eye[:3], eye[:3]).item() == pytest.approx(1)


def test_contrast_oracle_masks_the_own_person() -> None:
    e, t = draw(6, 5), draw(6, 5, seed=1)
    person = torch.tensor([0, 1, 2, 0, 3, 1])
    temperature = 0.2
    ue, ut = unit_rows(e), unit_rows(t)
    values = []
    for i in range(6):
        positive = math.exp(ue[i] @ ut[i] / temperature)
        negative = sum(math.exp(ue[i] @ ut[j] / temperature) for j in range(6) if person[j] != person[i])
        values.append(-math.log(positive / (positive + negative)))
    same = person[:, None] == person[None, :]
    got = losses.contrast_loss(losses.cosine(e, t), cosines(e, t), same, temperature).item()
    assert got == pytest.approx(np.mean(values), abs=1e-12)


def test_contrast_of_one_person_alone_is_zero() -> None:
    e = draw(3, 4)
    everybody = torch.ones(3, 3, dtype=torch.bool)
    assert losses.contrast_loss(losses.cosine(e, e), cosines(e, e), everybody, 0.1).item() == pytest.approx(0)


def test_reconstruction_oracle_and_by_hand() -> None:
    a, b = draw(5, 8), draw(5, 8, seed=1)
    expected = np.mean(((a - b).numpy() ** 2).sum(axis=1))
    assert losses.reconstruction_loss(a, b).item() == pytest.approx(expected, abs=1e-12)
    assert losses.reconstruction_loss(torch.zeros(1, 2), torch.tensor([[0.6, 0.8]])).item() == pytest.approx(1)


def test_similarity_protection_by_hand() -> None:
    after, raw = torch.tensor([0.1, 0.5, 0.4]), torch.tensor([0.4, 0.4, 0.4])
    assert losses.similarity_protection_loss(after, raw).item() == pytest.approx(0.1)
    assert losses.similarity_protection_loss(after, raw, margin=0.1).item() == pytest.approx(0.2 / 3)


def test_impostor_protection_oracle() -> None:
    after, raw = draw(5, 7), draw(5, 7, seed=1)
    person, candidates = torch.tensor([0, 1, 2, 0, 5]), torch.tensor([0, 1, 2, 0, 3, 4, 5])
    values = []
    for i in range(5):
        others = [j for j in range(7) if candidates[j] != person[i]]
        hardest = sorted(others, key=lambda j: -after[i, j].item())[:3]
        values += [max(0.0, (after[i, j] - raw[i, j]).item()) for j in hardest]
    got = losses.impostor_protection_loss(after, raw, person[:, None] == candidates[None, :], 3).item()
    assert got == pytest.approx(np.mean(values), abs=1e-12)


def test_impostor_protection_with_fewer_others_than_asked_and_with_none() -> None:
    after, raw = torch.tensor([[0.9, 0.8]]), torch.tensor([[0.0, 0.5]])
    one, both = torch.tensor([[True, False]]), torch.tensor([[True, True]])
    assert losses.impostor_protection_loss(after, raw, one, 5).item() == pytest.approx(0.3)
    assert losses.impostor_protection_loss(after, raw, both, 5).item() == 0


def smooth_fnmr(genuine: np.ndarray, impostor: np.ndarray) -> float:
    """Σ over both FMRs of the mean of σ((t − s) / 0.03), from its definition."""
    highest = np.sort(impostor)[::-1]
    total = 0.0
    for fmr in (1e-2, 1e-3):
        above = highest[: max(20, int(fmr * len(impostor)))]
        threshold = np.mean(above[len(above) // 2 :])
        total += np.mean(1 / (1 + np.exp(-(threshold - genuine) / 0.03)))
    return total


@pytest.mark.parametrize(("probes", "references"), [(9, 12), (60, 80), (200, 150)])
def test_detection_oracle(probes: int, references: int) -> None:
    """Few scores, where both thresholds are those of 20 impostors; and many, where they are not."""
    scores = (0.2 * draw(probes, references)).tanh()
    same = torch.arange(probes)[:, None] % 7 == torch.arange(references)[None, :] % 7
    scores = scores + 0.3 * same
    want = smooth_fnmr(scores[same].numpy(), scores[~same].numpy())
    assert losses.detection_loss(scores, same).item() == pytest.approx(want, abs=1e-12)
    order = torch.randperm(references, generator=torch.Generator().manual_seed(1))
    assert losses.detection_loss(scores[:, order], same[:, order]).item() == pytest.approx(want, abs=1e-12)


def test_detection_by_hand() -> None:
    """Twenty impostors at 0.5: both thresholds are 0.5, and a genuine score there is half a false non-match at each."""
    scores = torch.full((1, 22), 0.5, dtype=torch.float64)
    same = torch.arange(22)[None, :] < 2
    assert losses.detection_loss(scores, same).item() == pytest.approx(1.0)
    scores[0, 0] = 0.9  # far above: surely a match
    assert losses.detection_loss(scores, same).item() == pytest.approx(0.5, abs=1e-5)
    scores[0, 1] = 0.5 + 0.03 * math.log(3)  # σ(−log 3) = 1/4
    assert losses.detection_loss(scores, same).item() == pytest.approx(0.25, abs=1e-5)


def test_detection_takes_its_thresholds_from_the_lower_half_of_the_twenty_highest_impostors() -> None:
    genuine, impostor = torch.tensor([0.35]), torch.linspace(0, 1, 101).double()
    scores = torch.cat([genuine.double(), impostor])[None, :]
    same = torch.arange(102)[None, :] == 0
    threshold = impostor[81:91].mean()  # of 0.81 … 1.00 the ten lower ones
    want = 2 * torch.sigmoid((threshold - 0.35) / 0.03)
    assert losses.detection_loss(scores, same).item() == pytest.approx(want.item(), rel=1e-6)
    # what the other impostors score does not matter
    scores[0, 1:82] -= 0.5
    assert losses.detection_loss(scores, same).item() == pytest.approx(want.item(), rel=1e-6)
    scores[0, -1] += 9.0  # nor how far the highest are out
    assert losses.detection_loss(scores, same).item() == pytest.approx(want.item(), rel=1e-6)


def test_detection_is_not_moved_by_what_moves_all_scores_alike() -> None:
    """The thresholds keep their gradient: raising every score lowers no FNMR."""
    scores = (0.2 * draw(60, 80) + 0.2 * (torch.arange(60)[:, None] == torch.arange(80)[None, :])).requires_grad_()
    same = torch.arange(60)[:, None] == torch.arange(80)[None, :]
    loss = losses.detection_loss(scores, same)
    for shift in (-0.5, 0.01, 3.0):
        assert losses.detection_loss(scores + shift, same).item() == pytest.approx(loss.item(), rel=1e-12)
    (gradient,) = torch.autograd.grad(loss, scores)
    assert gradient[same].sum().item() < -0.1
    assert gradient.sum().item() == pytest.approx(0, abs=1e-12)
    assert (gradient[same] <= 0).all()
    assert (gradient[~same] >= 0).all()


def test_detection_without_genuine_or_without_impostor_scores_is_zero() -> None:
    for same in (torch.zeros(3, 4, dtype=torch.bool), torch.ones(3, 4, dtype=torch.bool)):
        scores = draw(3, 4).requires_grad_()
        loss = losses.detection_loss(scores, same)
        loss.backward()
        assert loss.item() == 0
        assert scores.grad is not None
        assert not scores.grad.any()
    assert losses.detection_loss(draw(0, 4), torch.zeros(0, 4, dtype=torch.bool)).item() == 0


def test_detection_with_one_impostor() -> None:
    scores = torch.tensor([[0.4, 0.4]], dtype=torch.float64)
    assert losses.detection_loss(scores, torch.tensor([[True, False]])).item() == pytest.approx(1.0)


PERSON = torch.tensor([0, 1, 2, 0])
SAME = PERSON[:, None] == PERSON[None, :]
CASES = {
    "id": lambda e: losses.id_loss(losses.cosine(e, draw(4, 5, seed=1))),
    "pose": lambda e: losses.pose_loss(40 * e[:, :3], 40 * draw(4, 3, seed=1)),
    "ortho": lambda e: losses.ortho_loss(e, draw(3, 5, seed=1)),
    "contrast": lambda e: losses.contrast_loss(
        losses.cosine(e, draw(4, 5, seed=1)), cosines(e, draw(4, 5, seed=1)), SAME, 0.3
    ),
    "reconstruction": lambda e: losses.reconstruction_loss(e, draw(4, 5, seed=1)),
    "similarity_protection": lambda e: losses.similarity_protection_loss(
        losses.cosine(e, draw(4, 5, seed=1)), torch.full((4,), 0.3, dtype=torch.float64)
    ),
    "impostor_protection": lambda e: losses.impostor_protection_loss(
        e @ draw(4, 5, seed=1).T, draw(4, 4, seed=2), SAME, 2
    ),
    "detection": lambda e: losses.detection_loss(
        0.02 * (e @ draw(9, 5, seed=1).T), PERSON[:, None] == torch.arange(9)[None, :] % 4
    ),
    "template": lambda e: losses.detection_loss(
        0.02 * ((e[:2] + 3 * e[2:]) @ draw(9, 5, seed=1).T), PERSON[:2, None] == torch.arange(9)[None, :] % 4
    ),
}


@pytest.mark.parametrize("name", TERMS)
def test_gradcheck(name: str) -> None:
    assert torch.autograd.gradcheck(CASES[name], (draw(4, 5).requires_grad_(),))


@pytest.mark.parametrize("name", TERMS)
def test_total_is_the_weighted_sum_and_zero_weight_gives_exactly_no_gradient(name: str) -> None:
    e = draw(4, 5).requires_grad_()
    terms = {term: CASES[term](e) for term in TERMS}
    weights = {term: 0.5 + i for i, term in enumerate(TERMS)}
    expected = math.fsum(weights[term] * terms[term].item() for term in TERMS)
    assert total_loss(terms, weights).item() == pytest.approx(expected, rel=1e-12)
    without = weights | {name: 0.0}
    (gradient,) = torch.autograd.grad(total_loss(terms, without), e, retain_graph=True)
    others = {term: value for term, value in terms.items() if term != name}
    (expected_gradient,) = torch.autograd.grad(total_loss(others, without), e, retain_graph=True)
    assert torch.equal(gradient, expected_gradient)
    # Not even a NaN in the term reaches the total.
    assert math.isfinite(total_loss(terms | {name: torch.tensor(math.nan)}, without).item())
