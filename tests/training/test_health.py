"""Numbers stay numbers: hard rows in every precision, and what is said where they do not."""

import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from poseid.features.synthetic import synthetic
from poseid.training.data import FeatureDataModule
from poseid.training.fitting import Fitter, training_rows
from poseid.training.health import Diverged, first_fault, weights_fault
from poseid.training.losses import total_loss
from poseid.training.module import EnhancerModule
from tests.training import small

DIM, ROWS = small.DIM, 8
SUPPORT = Fitter(training_rows(synthetic(people=20, dim=DIM, seed=3)), True, torch.device("cpu"))
MODELS = {
    "residual": small.MODEL,
    "ridge": small.RIDGE,
    "no skip": {"name": "residual", "dim": DIM, "pose_dim": 4, "rank": 4, "skip": False},
    "transformer": {
        "name": "pose_transformer",
        **{"dim": DIM, "pose_dim": 4, "identity_dim": 8, "tokens": 4, "width": 8, "depth": 1, "heads": 2, "mlp": 8},
        **{"aggregation": "attention", "similarity_dim": 8},
    },
}


def module(name: str, **options: Any) -> EnhancerModule:
    return small.module(**{"model": MODELS[name], "temperature": 0.07, "swap": True, **options})


def of_references(rows: Tensor, person: Tensor) -> dict[str, Tensor]:
    """What a batch holds for the detection and template terms."""
    return {**small.references(rows.repeat(2, 1), person), **small.sets(rows, person)}


def hard_rows(kind: str, seed: int) -> Tensor:
    """Rows that the readers let through, at the ends of what a number can be."""
    generator = torch.Generator().manual_seed(seed)
    rows = torch.randn(ROWS, DIM, generator=generator)
    if kind == "identical":
        rows = rows[:1].expand(ROWS, DIM).clone()
    elif kind == "opposite":
        rows = torch.cat([rows[: ROWS // 2], -rows[: ROWS // 2]])
    elif kind == "sparse":
        rows = torch.nn.functional.one_hot(torch.arange(ROWS) % 3, DIM).float()
    return rows


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16], ids=["32", "bf16", "fp16"])
@pytest.mark.parametrize("name", MODELS)
@settings(max_examples=8, deadline=None, derandomize=True)
@given(
    kind=st.sampled_from(["random", "identical", "opposite", "sparse"]),
    target=st.sampled_from(["same", "opposite", "other"]),
    length=st.sampled_from([1e-12, 1e-5, 1.0, 1e4, 1e12]),
    people=st.sampled_from([1, 2, ROWS]),
    pose=st.sampled_from([0.0, 90.0, 1e9, math.nan]),
    seed=st.integers(0, 5),
)
def test_no_nan_on_hard_rows(
    name: str, dtype: torch.dtype, kind: str, target: str, length: float, people: int, pose: float, seed: int
) -> None:
    rows = hard_rows(kind, seed) * length
    targets = {"same": rows, "opposite": -rows, "other": hard_rows("random", seed + 1)}[target]
    batch = {
        "features": rows,
        "partner": rows.roll(1, dims=0),
        "target": targets,
        "person": torch.arange(ROWS) % people,
        "pose": torch.full((ROWS, 3), pose),
        **of_references(hard_rows(kind, seed).flip(0) * length, torch.arange(ROWS) % people),
    }
    made = module(name)
    fit = SUPPORT.fit(made.enhancer)
    with torch.autocast("cpu", dtype=dtype, enabled=dtype != torch.float32):
        terms = made.loss_terms(batch, batch["pose"], made.weights, fit)
        total = total_loss(terms, made.weights)
    assert all(math.isfinite(term.item()) for term in terms.values()), terms
    total.backward()
    for parameter_name, parameter in made.named_parameters():
        assert parameter.grad is None or bool(parameter.grad.isfinite().all()), parameter_name


def test_cosines_are_taken_in_full_precision_whatever_that_of_the_layers() -> None:
    rows = torch.nn.functional.normalize(hard_rows("random", 0), dim=1)
    near = rows + 1e-3 * hard_rows("random", 1)
    batch = {"features": near, "target": rows, "person": torch.arange(ROWS), "pose": torch.zeros(ROWS, 3)}
    batch |= of_references(rows, batch["person"])
    made = module("residual", swap=False)
    expected = 1 - torch.nn.functional.cosine_similarity(near.double(), rows.double()).mean().item()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        terms = made.loss_terms(batch, batch["pose"], made.weights)
    # a cosine near 1 in half precision is off by up to 4e-3, a thousand times what is asked for here
    assert terms["id"].item() == pytest.approx(expected, abs=1e-6)


def test_the_first_fault_is_named() -> None:
    values = torch.tensor([[1.0, 2.0], [math.inf, 0.0], [math.nan, math.nan]])
    assert first_fault(values, ("id", "pose")) == (1, "id is inf")
    assert first_fault(values[:1], ("id", "pose")) is None
    layer = torch.nn.Linear(2, 2)
    assert weights_fault(layer) is None
    with torch.no_grad():
        layer.bias[1] = math.nan
    assert weights_fault(layer) == "the weights bias are not finite"


def test_one_line_with_the_term_and_some_rows_and_a_file_with_all(tmp_path: Path) -> None:
    error = Diverged("pose is nan", 3, 17, list(range(100, 120)))
    assert "epoch 3, step 17: pose is nan (batch of 20 video rows: 100, 101" in str(error)
    assert "\n" not in str(error)
    error.write(tmp_path / "diverged.json")
    written = json.loads((tmp_path / "diverged.json").read_text(encoding="utf-8"))
    assert written == {"what": "pose is nan", "epoch": 3, "step": 17, "video_rows": list(range(100, 120))}


class Batches(torch.utils.data.Dataset[dict[str, Tensor]]):
    """Five batches; the target of the fourth holds a NaN."""

    def __len__(self) -> int:
        return 5

    def __getitem__(self, i: int) -> dict[str, Tensor]:
        target = hard_rows("random", 100 + i)
        if i == 3:
            target[2, 0] = math.nan
        return {
            "row": torch.arange(ROWS) + 10 * i,
            "features": hard_rows("random", i),
            "target": target,
            "person": torch.arange(ROWS),
            "pose": torch.zeros(ROWS, 3),
            **of_references(hard_rows("random", 200 + i), torch.arange(ROWS)),
        }


class Faulty(FeatureDataModule):
    """Small data whose training batches are those of :class:`Batches`."""

    def train_dataloader(self) -> torch.utils.data.DataLoader[dict[str, Tensor]]:
        return torch.utils.data.DataLoader(Batches(), batch_size=None)


def test_the_step_that_began_it_is_found_though_nobody_looked_at_once(tmp_path: Path) -> None:
    data = small.data()
    data.__class__ = Faulty
    with pytest.raises(Diverged) as caught:
        small.trainer(max_epochs=1, limit_val_batches=0, default_root_dir=tmp_path).fit(
            module("residual", swap=False), datamodule=data
        )
    assert (caught.value.epoch, caught.value.step, caught.value.what) == (0, 3, "id is nan")
    assert caught.value.rows == [30 + i for i in range(ROWS)]
