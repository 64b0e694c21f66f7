"""Training speed: ours against references, side by side in one run.

python benchmarks/training_speed.py [--data DIR] [--threads N] [--rounds N] [--clock wall|cpu] [--disk ROWS]

All cases take turns, round after round, and each row of the table compares medians, so that a busy machine slows both
sides alike; where it is very busy, ``--clock cpu --threads 1`` counts this process's own seconds.

- An epoch of train.py's defaults against the first design: a Dataset that fetches and normalises one row at a time in
  Python, a DataLoader that collates lists, the token network of about 10 million parameters in textbook form at batch
  32, six loss terms. The first design is measured on some batches and scaled to all rows. It does not validate.
- Lightning's loop against a bare loop over the same batches: the same solve, losses and optimiser in each step.
- A step of ``pose_transformer`` against the same maths in textbook form (plain_transformer.py), in the same precision,
  and in bf16 where the textbook form stays in float32.
- With ``--disk``: a step on made-up float16 rows in a memory map larger than the page cache may grow, against the
  same step on rows in memory. The machine's memory is left as it is: limit it from outside (docs/many-machines.md).
"""

from __future__ import annotations

import argparse
import logging
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
import torch
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf
from plain_transformer import plain, plain_step
from table import HEADING, row
from torch import Tensor
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset

from poseid.enhancers.pose_transformer import PoseTransformer
from poseid.features.rows import FeatureSet
from poseid.training.command import quiet_libraries
from poseid.training.data import FeatureDataModule
from poseid.training.fitting import Episodes
from poseid.training.losses import Decoder, total_loss
from poseid.training.optimizer import parameter_groups
from poseid.training.probe_rows import read_rows
from poseid.training.run import make_data, make_module
from poseid.training.selection import BestCheckpoint
from poseid.training.trainer import make_trainer

ROOT = Path(__file__).resolve().parents[1]
Lap = Callable[[], dict[str, list[float]]]
CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}
clock = CLOCKS["wall"]


class RowByRow(Dataset[dict[str, Tensor]]):
    """The first design's data set: one pair of rows an item, built in Python."""

    def __init__(self, features: FeatureSet) -> None:
        self.features = features
        self.fronts: dict[str, int] = {}
        for i, name in enumerate(features.front.people):
            self.fronts.setdefault(str(name), i)
        self.items = [i for i, name in enumerate(features.video.people) if str(name) in self.fronts]

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, item: int) -> dict[str, Tensor]:
        row = self.items[item]
        name = str(self.features.video.people[row])
        front = np.asarray(self.features.front.features[self.fronts[name]], dtype=np.float32)
        video = np.asarray(self.features.video.features[row], dtype=np.float32)
        return {
            "video": torch.from_numpy(video / np.linalg.norm(video)),
            "front": torch.from_numpy(front / np.linalg.norm(front)),
            "pose": torch.from_numpy(np.array(self.features.video.poses[row], dtype=np.float32)),
        }


def first_design(features: FeatureSet, steps: int) -> Lap:
    """Seconds an epoch of the first design takes, from ``steps`` batches of 32 a lap."""
    torch.manual_seed(0)
    rows = RowByRow(features)
    loader = DataLoader(rows, batch_size=32, shuffle=True, drop_last=True)
    network = plain(PoseTransformer(dim=features.dim, skip=False, similarity_dim=256, suppression=1.0, residual=1.0))
    decoder = Decoder(256, 128, features.dim)
    parameters = [*network.parameters(), *decoder.parameters()]
    optimizer = torch.optim.AdamW(parameters, lr=1e-4)

    def forever() -> Iterator[dict[str, Tensor]]:
        while True:
            yield from loader

    batches = forever()

    def step(batch: dict[str, Tensor]) -> None:
        output = network(batch["video"], batch["pose"])
        probe, front = network.comparison_vectors(output.features), network.comparison_vectors(batch["front"])
        cosine = F.cosine_similarity(probe, front)
        scores = F.normalize(probe, dim=-1) @ F.normalize(front, dim=-1).T / 0.07
        identity, pose = F.normalize(network.to_identity.weight, dim=1), F.normalize(network.to_pose.weight, dim=1)
        loss = (
            (1 - cosine).mean()
            + 0.5 * F.smooth_l1_loss(output.pose / 57.3, batch["pose"].nan_to_num() / 57.3)
            + 0.1 * (identity @ pose.T).square().mean()
            + 0.3 * F.cross_entropy(scores, torch.arange(len(scores)))
            + 0.2 * F.mse_loss(decoder(output.identity, output.pose_code), batch["video"])
            + 0.5 * F.relu(F.cosine_similarity(batch["video"], batch["front"]) - cosine).mean()
        )
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()

    def lap() -> dict[str, list[float]]:
        seconds = timed(lambda: step(next(batches)), steps)
        return {"first design": [statistics.median(seconds) * len(rows) / 32]}

    return lap


class Clock(L.Callback):
    """Seconds of each epoch's training, and from the start of one epoch to the start of the next."""

    def __init__(self) -> None:
        self.starts: list[float] = []
        self.training: list[float] = []

    def on_train_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self.starts.append(clock())

    def on_validation_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self.training.append(clock() - self.starts[-1])


def complete_run(options: dict[str, Any], data: FeatureDataModule, epochs: int = 3) -> Lap:
    """Epochs as train.py runs them, checkpoints and metrics.csv included."""

    def lap() -> dict[str, list[float]]:
        module = make_module(options)
        clock = Clock()
        with tempfile.TemporaryDirectory() as directory:
            trainer = make_trainer(
                options | {"max_epochs": epochs},
                Path(directory),
                0,
                BestCheckpoint(Path(directory, "checkpoints", "best.ckpt")),
            )
            trainer.callbacks.insert(0, clock)  # type: ignore[attr-defined]  # Lightning declares no such attribute
            trainer.fit(module, datamodule=data)
        epoch = [after - before for before, after in zip(clock.starts, clock.starts[1:], strict=False)]
        return {"training": clock.training[1:], "epoch": epoch[1:] or epoch}

    return lap


def bare_step(options: dict[str, Any], data: FeatureDataModule) -> Callable[[dict[str, Tensor]], None]:
    """A training step without Lightning: solve on the support people of the batch, loss, gradient, optimiser."""
    module = make_module(options)
    enhancer, weights = module.enhancer, module.weights
    groups = parameter_groups(
        enhancer, module.decoder, module.lr, module.lr_identity_scale, module.weight_decay, module.phi_rates
    )
    optimizer = torch.optim.AdamW(groups, lr=module.lr, fused=True)
    episodes = Episodes(data.train_set, data.division, enhancer.closed_form is not None, torch.device("cpu"))

    def step(batch: dict[str, Tensor]) -> None:
        withheld = torch.rand(len(batch["pose"]), 1) < module.pose_dropout
        fit = episodes.support[int(batch["division"])].fit(enhancer)
        terms = module.loss_terms(batch, batch["pose"].masked_fill(withheld, torch.nan), weights, fit)
        optimizer.zero_grad()
        torch.autograd.backward(total_loss(terms, weights))
        torch.nn.utils.clip_grad_norm_(module.parameters(), options["trainer"]["gradient_clip_val"])
        optimizer.step()

    return step


def bare_loop(options: dict[str, Any], data: FeatureDataModule) -> Lap:
    """The same steps over the same batches without Lightning."""
    step, loader = bare_step(options, data), data.train_dataloader()

    def lap() -> dict[str, list[float]]:
        start = clock()
        for batch in loader:
            step(batch)
        return {"bare": [clock() - start]}

    return lap


def transformers(data: FeatureDataModule, batch_size: int, steps: int) -> Lap:
    """Steps of the token network: ours, ours in bf16, and the textbook's."""
    index = data.train_rows.in_order(batch_size)[0]
    batch = data.train_rows[index]
    networks = {}
    for name in ("ours", "ours bf16", "plain"):
        torch.manual_seed(0)
        network = PoseTransformer(dim=data.feature_set.dim, init="random")
        network = plain(network) if name == "plain" else network
        networks[name] = network, torch.optim.AdamW(network.parameters(), lr=1e-4, fused=name != "plain" or None)

    def lap() -> dict[str, list[float]]:
        seconds: dict[str, list[float]] = {}
        for name, (network, optimizer) in networks.items():
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=name == "ours bf16"):
                seconds[f"{name} {batch_size}"] = timed(partial(plain_step, network, optimizer, batch), steps)
        return seconds

    return lap


def on_disk(options: dict[str, Any], data: FeatureDataModule, rows: int, directory: Path, steps: int) -> Lap:
    """Steps on ``rows`` float16 rows in a memory map, and on rows in memory."""
    step_on = bare_step(options, data)
    path = directory / "rows.npy"
    vectors = np.lib.format.open_memmap(path, mode="w+", dtype=np.float16, shape=(rows, data.feature_set.dim))
    block = np.asarray(data.train_set.video.features, dtype=np.float16)
    for start in range(0, rows, len(block)):
        part = vectors[start : start + len(block)]
        part[:] = block[: len(part)]
    vectors.flush()
    mapped = np.load(path, mmap_mode="r")
    sides = {"memory": block, "disk": mapped}
    generator = torch.Generator().manual_seed(0)
    batch = data.train_rows[data.train_rows.in_order(options["batch_size"])[0]]

    def step(side: np.ndarray) -> None:
        index = torch.randint(len(side), (options["batch_size"],), generator=generator)
        batch["features"] = read_rows(side, index)
        step_on(batch)

    def lap() -> dict[str, list[float]]:
        return {name: timed(partial(step, side), steps) for name, side in sides.items()}

    return lap


def timed(step: Callable[[], None], steps: int) -> list[float]:
    seconds = []
    for _ in range(steps):
        start = clock()
        step()
        seconds.append(clock() - start)
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data" / "turned")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--steps", type=int, default=6, help="steps of each reference a round")
    parser.add_argument(
        "--clock", choices=CLOCKS, default="wall", help="cpu: seconds of this process alone, all threads"
    )
    parser.add_argument("--disk", type=int, default=0, metavar="ROWS", help="also measure so many rows on disk")
    arguments = parser.parse_args()
    global clock
    clock = CLOCKS[arguments.clock]
    quiet_libraries()
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    overrides = [f"threads={arguments.threads}", "logger=csv", "trainer=cpu", "trainer.progress_bar=false"]
    if arguments.data.is_dir():
        overrides += ["data=folder", f"data.dir='{arguments.data.as_posix()}'"]
    with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
        config = OmegaConf.to_container(compose("config", overrides), resolve=True)
    assert isinstance(config, dict)
    options = {str(key): value for key, value in config.items()}
    torch.set_num_threads(arguments.threads)
    data = make_data(options)
    data.load()
    seconds: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as directory:
        laps = [
            first_design(data.train_set, arguments.steps),
            complete_run(options, data),
            bare_loop(options, data),
            transformers(data, 32, arguments.steps),
            transformers(data, 256, max(1, arguments.steps // 4)),
        ]
        if arguments.disk:
            laps.append(on_disk(options, data, arguments.disk, Path(directory), 40))
        for number in range(arguments.rounds + 1):
            for lap in laps:
                for name, measured in lap().items():
                    # the first round pays for allocations
                    seconds.setdefault(name, []).extend(measured if number else [])
    print(
        f"data: {data.feature_set.name}, {len(data.train_rows)} training probes, {arguments.threads} threads",
        file=sys.stderr,
    )
    print(HEADING)
    for case, ours, reference, least in (
        ("epoch, training, against the first design", "training", "first design", 50),
        ("epoch with validation, against the first design without", "epoch", "first design", None),
        ("pose_transformer, step of 32, against textbook form", "ours 32", "plain 32", 1.8),
        ("pose_transformer, step of 256, against textbook form", "ours 256", "plain 256", 1.8),
        ("the same of 32, ours in bf16", "ours bf16 32", "plain 32", None),
        ("the same of 256, ours in bf16", "ours bf16 256", "plain 256", None),
        ("Lightning's loop, of the rate of a bare loop", "training", "bare", 0.8),
        ("step on rows on disk, of the rate in memory", "disk", "memory", 0.6),
    ):
        if ours in seconds:
            a, b = statistics.median(seconds[ours]), statistics.median(seconds[reference])
            print(row(case, f"{a:.3f} s", f"{b:.3f} s", b / a, least=least))


if __name__ == "__main__":
    main()
