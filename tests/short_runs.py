"""Short trainings through train.py, in this process or as a command."""

import csv
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import lightning as L
import pytest
import torch

import train
from poseid.training.callbacks import MetricsFile

ROOT = Path(__file__).resolve().parents[1]
SHORT = [
    "data.synthetic_people=24",
    "data.dim=64",
    "max_epochs=2",
    "batch_size=64",
    "threads=1",
    "resamples=100",
    "trainer.progress_bar=false",
    "trainer.accelerator=cpu",
]
SMALL_TRANSFORMER = ["model.width=32", "model.heads=4", "model.mlp=32", "model.depth=1", "model.identity_dim=16"]


def run(*overrides: str, logger: str = "csv", directory: str = "run") -> int:
    return train.main([*SHORT, f"logger={logger}", f"hydra.run.dir={directory}", *overrides])


@contextmanager
def stopped_after(epoch: int, error: BaseException | None = None) -> Iterator[None]:
    """The end of one epoch raises what Ctrl-C raises, or another error, once the epoch before has its checkpoint."""
    original = MetricsFile.on_train_epoch_end

    def stop(callback: MetricsFile, trainer: L.Trainer, module: L.LightningModule) -> None:
        if trainer.current_epoch == epoch:
            raise error or KeyboardInterrupt
        original(callback, trainer, module)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(MetricsFile, "on_train_epoch_end", stop)
        yield


def run_process(command: Sequence[str], directory: Path) -> subprocess.CompletedProcess[str]:
    """Runs a command in ``directory`` as a process of its own, to its end; the caller checks the exit status."""
    return subprocess.run(
        command, cwd=directory, capture_output=True, text=True, encoding="utf-8", timeout=300, check=False
    )


def command(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(ROOT / "train.py"), *SHORT, *arguments],
        capture_output=True,
        text=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONIOENCODING": "utf-8", **environment},
        timeout=120,
        check=False,
    )


def metrics(directory: str = "run") -> list[dict[str, str]]:
    with (Path(directory) / "metrics.csv").open(encoding="utf-8", newline="") as opened:
        return list(csv.DictReader(opened))


def summary(run_dir: str | Path = "run") -> dict[str, Any]:
    """What ``report/summary.json`` of a run holds."""
    content: dict[str, Any] = json.loads(Path(run_dir, "report", "summary.json").read_text(encoding="utf-8"))
    return content


def last_weights(directory: str) -> dict[str, Any]:
    return dict(torch.load(Path(directory) / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"])


def same_weights(one: str, other: str) -> bool:
    """Whether the last epochs of two runs hold the same bits."""
    a, b = last_weights(one), last_weights(other)
    assert a.keys() == b.keys()
    return all(torch.equal(a[name], b[name]) for name in a)
