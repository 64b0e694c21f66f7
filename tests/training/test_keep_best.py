"""best.ckpt: the start stays unless an epoch is clearly better."""

from pathlib import Path
from typing import Any

from poseid.training.keep_best import MARGIN, KeepBest


class Trainer:
    """Only what KeepBest asks of Lightning's trainer when it saves."""

    def __init__(self) -> None:
        self.saved: list[Path] = []

    def save_checkpoint(self, path: Path, weights_only: bool) -> None:
        assert not weights_only  # a checkpoint to go on from, not the weights alone
        self.saved.append(path)


def offered(*scores: float) -> tuple[KeepBest, int]:
    keep, trainer = KeepBest(Path("best.ckpt")), Trainer()
    for epochs, score in enumerate(scores):
        keep._offer(trainer, score, epochs)  # type: ignore[arg-type]
    return keep, len(trainer.saved)


def test_the_start_stays_where_no_epoch_beats_it_by_the_margin() -> None:
    keep, saved = offered(0.200, 0.200 * (1 - MARGIN) + 1e-6, 0.3)
    assert (keep.epochs, saved) == (0, 1)


def test_once_an_epoch_has_beaten_the_start_any_better_one_counts() -> None:
    keep, saved = offered(0.200, 0.180, 0.1799, 0.1799)
    assert (keep.epochs, saved, keep.score) == (2, 3, 0.1799)


def test_a_score_without_its_file_is_forgotten(tmp_path: Path) -> None:
    state: dict[str, Any] = {"score": 0.1, "epochs": 4, "start": {"val/eer": 0.2}}
    keep = KeepBest(tmp_path / "best.ckpt")
    keep.load_state_dict(state)
    assert keep.score == float("inf")
    keep.path.touch()
    keep.load_state_dict(state)
    assert keep.state_dict() == state
