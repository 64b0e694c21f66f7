"""The probes of some people with their targets: a whole batch is cut by one index."""

from __future__ import annotations

import mmap
from collections.abc import Collection

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from poseid.enhancers.model import unit
from poseid.features.rows import FRONTAL, OTHER, PROFILE, FeatureSet
from poseid.features.templates import templates_of
from poseid.training.sampling import FRAMES, FRAMES_KEY, SET_EVERY, Counts, Groups, draw_frames, generator_for

BLOCK_ROWS = 8192
_BY_TURN = np.empty(3, np.int8)  # the order of the kinds among the rows of a person
_BY_TURN[[PROFILE, OTHER, FRONTAL]] = 0, 1, 2


class ProbeRows(Dataset[dict[str, Tensor]]):
    """Video rows of some people with their targets; ``rows[index_tensor]`` cuts a whole batch.

    Rows are stored person after person, only those of people who have a front row, inside the yaw range. The vectors
    stay where they are, in memory or on disk in a memory map, and each batch reads its own.

    Args:
        features: of all people.
        people: whose rows these are.
        target: "centroid" or "pair".
        min_yaw, max_yaw: |yaw| range in degrees.
        missing_pose: "keep" or "drop" rows without a pose.
        swap: whether batches carry a partner row.
        division: of each person, for the training episodes; None: all in one.
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
        division: dict[str, int] | None = None,
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
        video_kinds = features.video.kinds()
        # Of each person profile rows first and frontal ones last: the draws tell them apart by their number.
        rows = rows[np.lexsort((_BY_TURN[video_kinds[rows]], video_person[rows]))]
        # People without a row left are dropped, so that persons count 0 … P − 1 on both sides.
        present, person = np.unique(video_person[rows], return_inverse=True)
        fronts = np.flatnonzero(np.isin(front_person, present))
        fronts = fronts[np.argsort(front_person[fronts], kind="stable")]
        self.video, self.front = features.video.features, features.front.features
        self.rows, self.front_rows = torch.from_numpy(rows), torch.from_numpy(fronts)
        self.pose = torch.from_numpy(np.array(poses[rows], dtype=np.float32))
        self.person = torch.from_numpy(person.astype(np.int64))
        of_front = torch.from_numpy(np.searchsorted(present, front_person[fronts]))
        # The raw references of the detection term: front rows, and frontal video rows as in the frontal_profile set.
        frontal_video = np.flatnonzero(np.isin(video_person, present) & (video_kinds == FRONTAL))
        frontal_person = np.concatenate([front_person[fronts], video_person[frontal_video]])
        in_order = np.argsort(frontal_person, kind="stable")
        self.reference_rows = torch.from_numpy(np.concatenate([fronts, frontal_video + len(features.front)])[in_order])
        of_frontal = torch.from_numpy(np.searchsorted(present, frontal_person))
        parts = (self.person, of_front, of_frontal, self.person[torch.from_numpy(video_kinds[rows] != FRONTAL)])
        self.counts = Counts(*[torch.bincount(who, minlength=len(present)) for who in parts])
        templates = templates_of(features.video, f"{features.name}, video")
        profile = torch.from_numpy(video_kinds[rows] == PROFILE)
        group, order = self.person, None
        self.media: Tensor | None = None
        if templates is not None:
            group = torch.from_numpy(np.unique(templates.template[rows], return_inverse=True)[1])
            order = torch.from_numpy(np.lexsort((_BY_TURN[video_kinds[rows]], group.numpy())))
            self.media = torch.from_numpy(templates.media[rows])
        size = torch.bincount(group)
        self.groups = Groups(group, order, size, torch.bincount(group[profile], minlength=len(size)))
        self.profile = profile if bool(profile.any()) else torch.ones_like(profile)
        """The probes of the detection term: profile rows, or all where there are none."""
        names = sorted(number, key=number.__getitem__)
        of_division = [0 if division is None else division[names[index]] for index in present.tolist()]
        self.division = torch.tensor(of_division, dtype=torch.int64)
        total = torch.zeros(len(present), features.dim)
        for some in torch.split(torch.arange(len(fronts)), BLOCK_ROWS):
            total.index_add_(0, of_front[some], unit(read_rows(self.front, self.front_rows[some])))
        self.centroids = total / self.counts.front[:, None].clamp(min=1)
        self.target = target
        self.swap = swap

    def __len__(self) -> int:
        return len(self.person)

    def __getitem__(self, index: Tensor) -> dict[str, Tensor]:
        """(3 + R + FRAMES, B) indices (row, partner, front row, R references, a set) to one batch of one division.

        ``row`` counts the folder's video rows; ``references`` is (B · R, D), and ``reference_person`` (B · R,). Of the
        T columns with a set, ``frames`` are the F rows of all of them, with ``frame_set`` 0 … T − 1, and
        ``frame_share`` one over the number of rows of the same media in that set. ``reference_row`` and ``frame_row``
        number front rows first, then video rows.
        """
        row, partner, front = index[:3]
        references = self.reference_rows[index[3:-FRAMES].reshape(-1)]
        with_set = index[-FRAMES] >= 0
        sets = index[-FRAMES:, with_set].T
        frame_set, number = (sets >= 0).nonzero(as_tuple=True)
        frames = sets[frame_set, number]
        person = self.person[row]
        batch = {
            "row": self.rows[row],
            "features": read_rows(self.video, self.rows[row]),
            "pose": self.pose[row],
            "person": person,
            "profile": self.profile[row],
            "references": self._reference_vectors(references),
            "reference_row": references,
            "reference_person": person.repeat(len(index) - FRAMES - 3),
            "frames": read_rows(self.video, self.rows[frames]),
            "frame_pose": self.pose[frames],
            "frame_row": self.rows[frames] + len(self.front),
            "frame_set": frame_set,
            "frame_share": self._shares(frame_set, frames),
            "set_person": person[with_set],
            "division": self.division[person[:1]],
            "target": self.centroids[person]
            if self.target == "centroid"
            else unit(read_rows(self.front, self.front_rows[front])),
        }
        if self.swap:
            batch["partner"] = read_rows(self.video, self.rows[partner])
        return batch

    def _shares(self, frame_set: Tensor, frames: Tensor) -> Tensor:
        """(F,) one over the number of rows of the same set and media."""
        if self.media is None:
            return torch.ones(len(frames))
        pair = torch.stack([frame_set, self.media[frames]])
        _, inverse, count = torch.unique(pair, dim=1, return_inverse=True, return_counts=True)
        share: Tensor = 1.0 / count[inverse]
        return share

    def _reference_vectors(self, rows: Tensor) -> Tensor:
        """(n, D) rows by their numbers: front rows first, then video rows."""
        of_video = rows >= len(self.front)
        out = torch.empty(len(rows), self.front.shape[1])
        out[~of_video] = read_rows(self.front, rows[~of_video])
        out[of_video] = read_rows(self.video, rows[of_video] - len(self.front))
        return out

    def in_order(self, batch_size: int) -> list[Tensor]:
        """Index batches that go once through all rows, each with a fixed partner, front row and reference; one row in
        four comes with a fixed set."""
        row = torch.arange(len(self))
        first_row, first_front, first_reference, _ = ((count.cumsum(0) - count)[self.person] for count in self.counts)
        local = row - first_row
        partner = first_row + (local + 1) % self.counts.probes[self.person]
        front = first_front + local % self.counts.front[self.person]
        reference = first_reference + local % self.counts.references[self.person]
        frames = torch.full((FRAMES, len(row)), -1)
        frames[:, ::SET_EVERY] = draw_frames(row[::SET_EVERY], self.groups, generator_for(0, FRAMES_KEY))
        return list(torch.split(torch.cat([torch.stack([row, partner, front, reference]), frames]), batch_size, dim=1))


def sets_without(batch: dict[str, Tensor], reference_row: Tensor) -> Tensor:
    """(T, R) whether a set of the batch is without the row of a reference: no row is to be compared with itself."""
    equal = (batch["frame_row"][:, None] == reference_row[None, :]).float()
    found = equal.new_zeros(len(batch["set_person"]), len(reference_row))
    return found.index_add_(0, batch["frame_set"], equal) == 0


def read_rows(vectors: np.ndarray, rows: Tensor) -> Tensor:
    """(B, D) float32 of the rows, read in the order in which they lie."""
    order = rows.argsort()
    indices = rows[order].numpy()
    if isinstance(vectors, np.memmap):
        fetch(vectors, indices)
    read = torch.from_numpy(vectors[indices]).float()
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
