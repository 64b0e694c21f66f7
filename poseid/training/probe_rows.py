"""The probes of some people with their targets: a whole batch is cut by one index."""

from __future__ import annotations

import mmap
from collections.abc import Collection, Iterator

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset, Sampler

from poseid.enhancers.output import unit
from poseid.features.rows import FeatureSet

BLOCK_ROWS = 8192


class ProbeRows(Dataset[dict[str, Tensor]]):
    """Video rows of some people with their targets; ``rows[index_tensor]`` cuts a whole batch.

    Rows are kept person after person, only those of people who have a front row, inside the yaw range. The vectors
    stay where they are, in memory or on disk in a memory map, and each batch reads its own.

    Args:
        features: of everybody.
        people: whose rows these are.
        target: "centroid" or "pair".
        min_yaw, max_yaw: |yaw| range in degrees.
        missing_pose: "keep" or "drop" rows without a pose.
        swap: whether batches carry a partner row.
    """

    def __init__(
        self,
        features: FeatureSet,
        people: Collection[str],
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
        wanted = set(people)
        number = {name: i for i, name in enumerate(sorted(wanted.intersection(features.front.names())))}
        video_person, front_person = (
            np.fromiter((number.get(name, -1) for name in side.names()), np.int64, len(side))
            for side in (features.video, features.front)
        )
        keep &= video_person >= 0
        rows = np.flatnonzero(keep)
        rows = rows[np.argsort(video_person[rows], kind="stable")]
        # People without a row left are dropped, so that persons count 0 … P − 1 on both sides.
        present, person = np.unique(video_person[rows], return_inverse=True)
        fronts = np.flatnonzero(np.isin(front_person, present))
        fronts = fronts[np.argsort(front_person[fronts], kind="stable")]
        self.video, self.front = features.video.features, features.front.features
        self.rows, self.fronts = torch.from_numpy(rows), torch.from_numpy(fronts)
        self.pose = torch.from_numpy(np.array(poses[rows], dtype=np.float32))
        self.person = torch.from_numpy(person.astype(np.int64))
        self.row_counts = torch.bincount(self.person, minlength=len(present))
        of_front = torch.from_numpy(np.searchsorted(present, front_person[fronts]))
        self.front_counts = torch.bincount(of_front, minlength=len(present))
        total = torch.zeros(len(present), features.dim)
        for some in torch.split(torch.arange(len(fronts)), BLOCK_ROWS):
            total.index_add_(0, of_front[some], unit(read_rows(self.front, self.fronts[some])))
        self.centroids = total / self.front_counts[:, None].clamp(min=1)
        self.target = target
        self.swap = swap

    def __len__(self) -> int:
        return len(self.person)

    def __getitem__(self, index: Tensor) -> dict[str, Tensor]:
        """(3, B) indices (row, partner, front row) to one batch; its ``row`` counts the folder's video rows."""
        row, partner, front = index
        person = self.person[row]
        batch = {
            "row": self.rows[row],
            "features": read_rows(self.video, self.rows[row]),
            "pose": self.pose[row],
            "person": person,
            "target": self.centroids[person]
            if self.target == "centroid"
            else unit(read_rows(self.front, self.fronts[front])),
        }
        if self.swap:
            batch["partner"] = read_rows(self.video, self.rows[partner])
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


def read_rows(vectors: np.ndarray, rows: Tensor) -> Tensor:
    """(B, D) float32 of the rows, read in the order in which they lie."""
    order = rows.argsort()
    places = rows[order].numpy()
    if isinstance(vectors, np.memmap):
        fetch(vectors, places)
    read = torch.from_numpy(vectors[places]).float()
    return torch.empty_like(read).index_copy_(0, order, read)


def fetch(vectors: np.memmap, rows: np.ndarray) -> None:
    """Has the system bring rows of a memory map from the disk all at once.

    Left to itself it brings one after the other, each when it is touched, with a stretch of the file around it that
    nobody asked for: tens of times slower. Where Python cannot ask for it, nothing is done.

    Args:
        vectors: (N, D), as :func:`numpy.load` maps them.
        rows: (B,) numbers of rows.
    """
    file = vectors.base
    if not isinstance(file, mmap.mmap) or not hasattr(file, "madvise") or not vectors.flags.c_contiguous:
        return
    size = vectors.strides[0]
    begin = vectors.offset % mmap.ALLOCATIONGRANULARITY + rows * size
    start = begin - begin % mmap.PAGESIZE
    for first, length in zip(start.tolist(), (begin + size - start).tolist(), strict=True):
        file.madvise(mmap.MADV_WILLNEED, first, length)


class IndexBatches(Sampler[Tensor]):
    """A fixed list of index batches."""

    def __init__(self, batches: list[Tensor]) -> None:
        self.batches = batches

    def __len__(self) -> int:
        return len(self.batches)

    def __iter__(self) -> Iterator[Tensor]:
        return iter(self.batches)
