"""The probes of some people as tensors, with their targets: a whole batch is cut by one index."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset, Sampler

from poseid.features.rows import FeatureSet, Rows


class ProbeRows(Dataset[dict[str, Tensor]]):
    """Video rows with their targets as tensors; ``rows[index_tensor]`` cuts a whole batch.

    Rows are kept person after person, only those of people who have a front row, inside the yaw range.
    """

    def __init__(
        self,
        features: FeatureSet,
        target: str,
        min_yaw: float,
        max_yaw: float,
        missing_pose: str,
        swap: bool,
    ) -> None:
        poses = features.video.poses
        yaw = np.abs(poses[:, 0])
        unknown = np.isnan(yaw)
        keep = np.where(unknown, missing_pose == "keep", (yaw >= min_yaw) & (yaw <= max_yaw))
        front_people = {name: i for i, name in enumerate(sorted(set(features.front.people)))}
        video_person = np.array([front_people.get(name, -1) for name in features.video.people], dtype=np.int64)
        keep &= video_person >= 0
        rows = np.flatnonzero(keep)
        rows = rows[np.argsort(video_person[rows], kind="stable")]
        # People without a row left are dropped, so that persons count 0 … P − 1 on both sides.
        present, person = np.unique(video_person[rows], return_inverse=True)
        front_person = np.array([front_people[name] for name in features.front.people], dtype=np.int64)
        fronts = np.flatnonzero(np.isin(front_person, present))
        fronts = fronts[np.argsort(front_person[fronts], kind="stable")]
        self.features = _tensor(features.video, rows)
        self.pose = torch.from_numpy(np.array(poses[rows], dtype=np.float32))
        self.person = torch.from_numpy(person.astype(np.int64))
        self.fronts = torch.nn.functional.normalize(_tensor(features.front, fronts), dim=-1)
        self.front_person = torch.from_numpy(np.searchsorted(present, front_person[fronts]))
        people = len(present)
        self.row_counts = torch.bincount(self.person, minlength=people)
        self.front_counts = torch.bincount(self.front_person, minlength=people)
        total = torch.zeros(people, self.fronts.shape[1]).index_add_(0, self.front_person, self.fronts)
        self.centroids = total / self.front_counts[:, None].clamp(min=1)
        self.target = target
        self.swap = swap

    def __len__(self) -> int:
        return len(self.person)

    def __getitem__(self, index: Tensor) -> dict[str, Tensor]:
        """(3, B) indices (row, partner, front row) to one batch."""
        row, partner, front = index
        person = self.person[row]
        batch = {
            "features": self.features[row],
            "pose": self.pose[row],
            "person": person,
            "target": self.centroids[person] if self.target == "centroid" else self.fronts[front],
        }
        if self.swap:
            batch["partner"] = self.features[partner]
        return batch

    def in_order(self, batch_size: int) -> list[Tensor]:
        """Index batches that go once through all rows, each with a fixed partner and front row."""
        row = torch.arange(len(self))
        first_row = (self.row_counts.cumsum(0) - self.row_counts)[self.person]
        first_front = (self.front_counts.cumsum(0) - self.front_counts)[self.person]
        local = row - first_row
        partner = first_row + (local + 1) % self.row_counts[self.person]
        front = first_front + local % self.front_counts[self.person]
        return list(torch.split(torch.stack([row, partner, front]), batch_size, dim=1))


def _tensor(rows: Rows, index: np.ndarray) -> Tensor:
    return torch.from_numpy(np.asarray(rows.features[index], dtype=np.float32))


class IndexBatches(Sampler[Tensor]):
    """A fixed list of index batches."""

    def __init__(self, batches: list[Tensor]) -> None:
        self.batches = batches

    def __len__(self) -> int:
        return len(self.batches)

    def __iter__(self) -> Iterator[Tensor]:
        return iter(self.batches)
