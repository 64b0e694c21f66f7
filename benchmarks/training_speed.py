"""Training speed against the first design, side by side in one run.

python benchmarks/training_speed.py [--data DIR] [--threads N]

The first design: a Dataset that fetches and normalises one row at a time in Python, a DataLoader that collates
lists, the token network of about 10 million parameters at batch 32, and six loss terms. Its epoch is measured on
some batches and scaled to all rows. Ours: a whole epoch of train.py's defaults, validation included and not.
"""

from __future__ import annotations

import argparse
import logging
import tempfile
import time
from pathlib import Path

import lightning as L
import numpy as np
import torch
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf
from torch import Tensor
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset

from poseid.enhancers.pose_transformer import PoseTransformer
from poseid.features.rows import FeatureSet
from poseid.training.command import quiet_libraries
from poseid.training.data import FeatureDataModule
from poseid.training.decoder import Decoder
from poseid.training.run import make_data, make_module

ROOT = Path(__file__).resolve().parents[1]


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


def reference_epoch(features: FeatureSet, batches: int) -> float:
    """Seconds an epoch of the first design takes, from ``batches`` batches of 32."""
    torch.manual_seed(0)
    rows = RowByRow(features)
    loader = DataLoader(rows, batch_size=32, shuffle=True, drop_last=True)
    network = PoseTransformer(dim=features.dim, skip=False, similarity_dim=256, suppression=1.0, residual=1.0)
    decoder = Decoder(256, 128, features.dim)
    optimizer = torch.optim.AdamW([*network.parameters(), *decoder.parameters()], lr=1e-4)
    start = 0.0
    for step, batch in enumerate(loader):
        if step == 2:  # the first steps pay for allocations
            start = time.perf_counter()
        output = network(batch["video"], batch["pose"])
        probe, front = network.comparison(output.features), network.comparison(batch["front"])
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
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        if step == batches + 1:
            break
    return (time.perf_counter() - start) / batches * (len(rows) / 32)


def our_epoch(overrides: list[str], validate: bool) -> tuple[float, FeatureDataModule]:
    """Seconds an epoch of train.py's defaults takes, the first epoch left out."""
    with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
        config = OmegaConf.to_container(compose("config", [*overrides, "logger=none"]), resolve=True)
    assert isinstance(config, dict)
    options = {str(key): value for key, value in config.items()}
    data, module = make_data(options), make_module(options)
    data.load()
    marks: list[float] = []

    class Clock(L.Callback):
        def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
            marks.append(time.perf_counter())

    with tempfile.TemporaryDirectory() as directory:
        trainer = L.Trainer(
            accelerator="cpu",
            max_epochs=6,
            gradient_clip_val=1.0,
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            num_sanity_val_steps=0,
            limit_val_batches=1.0 if validate else 0,
            callbacks=[Clock()],
            default_root_dir=directory,
        )
        trainer.fit(module, datamodule=data)
    return (marks[-1] - marks[0]) / (len(marks) - 1), data


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data" / "turned")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--batches", type=int, default=40, help="batches of the reference to measure")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    quiet_libraries()
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    overrides = [f"threads={arguments.threads}"]
    if arguments.data.is_dir():
        overrides += ["data=folder", f"data.dir='{arguments.data.as_posix()}'"]
    training, data = our_epoch(overrides, validate=False)
    whole, _ = our_epoch(overrides, validate=True)
    reference = reference_epoch(data.train_set, arguments.batches)
    print(f"data: {data.feature_set.name}, {len(data.train_rows)} training probes, {arguments.threads} threads")
    print(f"{'case':<44} {'ours s':>9} {'reference s':>12} {'ratio':>8} {'goal':>8}")
    for case, ours in (("epoch, training", training), ("epoch, training and validation", whole)):
        print(f"{case:<44} {ours:>9.2f} {reference:>12.2f} {reference / ours:>7.0f}x {'>= 30x':>8}")


if __name__ == "__main__":
    main()
