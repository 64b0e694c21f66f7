"""The DataModule: from a feature folder and a split of people to batches cut by index."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Collection
from pathlib import Path

import lightning as L
import numpy as np
from torch import Tensor
from torch.utils.data import DataLoader

from poseid.errors import InputError
from poseid.features.folder import read_folder
from poseid.features.people import Split, split_by_files, split_by_folds, split_people
from poseid.features.rows import FeatureSet
from poseid.features.synthetic import synthetic
from poseid.training.fitting import divide
from poseid.training.probe_rows import IndexBatches, ProbeRows
from poseid.training.sampling import BalancedBatches

MOST_ROWS = 32_768  # at D = 512 a fit in float64 then takes about half a gigabyte
MOST_TESTED = 65_536  # rows: two hundred million comparisons
FEWEST_PEOPLE = 2
VALIDATION_BATCH = 2048  # probes; thresholds need many impostors

log = logging.getLogger(__name__)


class FeatureDataModule(L.LightningDataModule):
    """Reads the features, splits the people and serves batches.

    Args:
        source: "synthetic" (made in memory) or "folder".
        dir: the feature folder, for ``source="folder"``.
        dim: D that the vectors must have.
        target: "centroid", the mean of the person's unit front rows, or "pair", one front row a draw.
        fractions: shares of people in train, validation and test.
        split_seed: seed of the split of people, apart from ``seed`` so that repeats see the same people.
        folds: test folds of pairs.csv; the other folds train and validate. None: split by ``fractions``.
        train_people, validation_people, test_people: files of names, one a line; all three or none.
        train_limit: at most so many training people and half as many validation people, drawn by ``split_seed``.
        min_yaw, max_yaw: |yaw| range in degrees of the probes that train.
        missing_pose: "keep" or "drop" probes without a pose in training.
        divisions: K parts of the training people for the episodes (:mod:`poseid.training.fitting`).
        synthetic_people, synthetic_seed: size and seed of the made-up features.
        batch_size: probes a step (and a process).
        seed: of the order of the rows.
        swap: whether batches carry a partner row for swap reconstruction.
    """

    def __init__(
        self,
        source: str,
        dir: str | None,
        dim: int,
        target: str,
        fractions: list[float],
        split_seed: int,
        folds: list[int] | None,
        train_people: str | None,
        validation_people: str | None,
        test_people: str | None,
        train_limit: int | None,
        min_yaw: float,
        max_yaw: float,
        missing_pose: str,
        divisions: int,
        synthetic_people: int,
        synthetic_seed: int,
        batch_size: int,
        seed: int,
        swap: bool,
    ) -> None:
        super().__init__()
        self.source = source
        self.dir = dir
        self.dim = dim
        self.target = target
        self.fractions = (fractions[0], fractions[1], fractions[2])
        self.split_seed = split_seed
        self.folds = folds
        self.people_files = (train_people, validation_people, test_people)
        self.train_limit = train_limit
        self.min_yaw = min_yaw
        self.max_yaw = max_yaw
        self.missing_pose = missing_pose
        self.divisions = divisions
        self.synthetic_people = synthetic_people
        self.synthetic_seed = synthetic_seed
        self.batch_size = batch_size
        self.seed = seed
        self.swap = swap
        self.loaded = False

    def load(self) -> None:
        """Reads and splits; called before anything is built, so that bad data ends a run at once."""
        if self.loaded:
            return
        if self.source == "synthetic":
            self.feature_set = synthetic(people=self.synthetic_people, seed=self.synthetic_seed, dim=self.dim)
        else:
            if not self.dir:
                raise InputError("data.dir: no feature folder given; add data.dir=DIR")
            self.feature_set = read_folder(Path(self.dir), dim=self.dim)
        self.split = self._limited(self._split())
        self.train_set = self.part(self.split.train)
        self.validation_set = self.part(self.split.validation)
        self.division = divide(self.split.train, self.divisions, self.split_seed)
        self.train_rows = self._rows(self.split.train, self.min_yaw, self.max_yaw, self.missing_pose, self.division)
        self.validation_rows = self._rows(self.validation_set.people(), 0.0, 180.0, "keep", None)
        for rows, part in ((self.train_rows, "training"), (self.validation_rows, "validation")):
            if len(rows) == 0 or len(rows.counts.rows) < 2:
                raise InputError(
                    f"{self.feature_set.name}: fewer than 2 {part} people have both a front row and a video row "
                    f"(with |yaw| in data.min_yaw … data.max_yaw); give more people or a wider range"
                )
        self.loaded = True

    def part(self, people: Collection[str], most_rows: int = MOST_ROWS) -> FeatureSet:
        """All rows of some people in memory; where they have more than ``most_rows``, those of an even share of people.

        For what needs all rows at once: the fits of the closed form and of the gate, and the evaluations. The probes of
        the training steps are drawn from all rows.
        """
        front, video = self.feature_set.front, self.feature_set.video
        chosen = list(people)
        if len(front) + len(video) > most_rows:
            rows = Counter(front.names()) + Counter(video.names())
            order = np.random.default_rng(self.split_seed).permutation(len(chosen))
            drawn = np.array(sorted(people))[order].tolist()
            count = np.searchsorted(np.cumsum([rows[name] for name in drawn]), most_rows, side="right")
            chosen = drawn[: max(FEWEST_PEOPLE, int(count))]
            if len(chosen) < len(drawn):
                log.info("%d of %d people are used for fits and evaluations", len(chosen), len(drawn))
        return self.feature_set.select(chosen)

    def _rows(
        self,
        people: Collection[str],
        min_yaw: float,
        max_yaw: float,
        missing_pose: str,
        division: dict[str, int] | None,
    ) -> ProbeRows:
        return ProbeRows(self.feature_set, people, self.target, min_yaw, max_yaw, missing_pose, self.swap, division)

    def _limited(self, split: Split) -> Split:
        if self.train_limit is None:
            return split
        generator = np.random.default_rng(self.split_seed)
        parts = []
        for people, limit in ((split.train, self.train_limit), (split.validation, max(2, self.train_limit // 2))):
            chosen = generator.permutation(len(people))[:limit]
            parts.append(tuple(people[i] for i in sorted(chosen.tolist())))
        return Split(parts[0], parts[1], split.test)

    def _split(self) -> Split:
        people = self.feature_set.people()
        given = [path for path in self.people_files if path]
        if given and self.folds is not None:
            raise InputError("data.folds: give either data.folds or the files data.*_people, not both")
        if given:
            if len(given) != 3:
                raise InputError("data.train_people: give all three files of names (train, validation, test) or none")
            train, validation, test = (Path(path) for path in given)
            return split_by_files(people, train, validation, test)
        if self.folds is not None:
            # Train and validation share what the test folds leave in the proportion of their fractions.
            share = self.fractions[1] / (self.fractions[0] + self.fractions[1])
            return split_by_folds(self.feature_set, self.folds, self.split_seed, share)
        return split_people(people, self.split_seed, self.fractions)

    def setup(self, stage: str) -> None:
        self.load()

    def train_dataloader(self) -> DataLoader[dict[str, Tensor]]:
        rows = self.train_rows
        sampler = BalancedBatches(rows.counts, rows.division, self.batch_size, self.seed)
        return DataLoader(rows, sampler=sampler, batch_size=None)

    def val_dataloader(self) -> DataLoader[dict[str, Tensor]]:
        rows = self.validation_rows
        return DataLoader(
            rows, sampler=IndexBatches(rows.in_order(max(self.batch_size, VALIDATION_BATCH))), batch_size=None
        )
