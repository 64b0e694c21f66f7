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
from poseid.features.folds import divide_into_folds, everybody_split, fold_split
from poseid.features.people import Split, split_by_files, split_by_folds, split_people
from poseid.features.rows import FeatureSet
from poseid.features.synthetic import synthetic
from poseid.training.config import DataConfig
from poseid.training.fitting import divide
from poseid.training.probe_rows import ProbeRows
from poseid.training.sampling import BalancedBatches

MOST_ROWS = 32_768  # at D = 512 a fit in float64 then takes about half a gigabyte
MOST_TESTED = 65_536  # rows: two hundred million comparisons
FEWEST_PEOPLE = 2
VALIDATION_BATCH = 2048  # probes; thresholds need many impostors

log = logging.getLogger(__name__)


class FeatureDataModule(L.LightningDataModule):
    """Reads the features, splits the people and serves batches.

    Args:
        options: the group ``data`` of the configuration.
        batch_size: probes a step (and a process).
        seed: of the order of the rows.
        swap: whether batches carry a partner row for swap reconstruction.
        cv: folds of a cross-validation, or None for the split that `options` give.
        fold: the one whose people test; None trains and validates on everybody.
        same_batches: whether every epoch has the batches of the first.
    """

    def __init__(
        self,
        options: DataConfig,
        batch_size: int,
        seed: int,
        swap: bool,
        cv: int | None = None,
        fold: int | None = None,
        same_batches: bool = False,
    ) -> None:
        super().__init__()
        self.options = options
        self.batch_size = batch_size
        self.seed = seed
        self.swap = swap
        self.cv = cv
        self.fold = fold
        self.fold_name: str | None = None
        self.same_batches = same_batches
        self.loaded = False

    def load(self) -> None:
        """Reads and splits; called before anything is built, so that bad data ends a run at once."""
        if self.loaded:
            return
        options = self.options
        if options.source == "synthetic":
            self.feature_set = synthetic(people=options.synthetic_people, seed=options.synthetic_seed, dim=options.dim)
        else:
            if not options.dir:
                raise InputError("data.dir: no feature folder given; add data.dir=DIR")
            self.feature_set = read_folder(Path(options.dir), dim=options.dim)
        self.split = self._limited(self._split())
        self.train_set = self.subset(self.split.train)
        self.validation_set = self.subset(self.split.validation)
        self.division = divide(self.split.train, options.divisions, options.split_seed)
        self.train_rows = ProbeRows(
            self.feature_set,
            self.split.train,
            options.target,
            options.min_yaw,
            options.max_yaw,
            options.missing_pose,
            self.swap,
            self.division,
        )
        self.validation_rows = ProbeRows(
            self.feature_set, self.validation_set.people(), options.target, 0.0, 180.0, "keep", self.swap
        )
        for rows, part in ((self.train_rows, "training"), (self.validation_rows, "validation")):
            if len(rows) == 0 or len(rows.counts.probes) < 2:
                raise InputError(
                    f"{self.feature_set.name}: fewer than 2 {part} people have both a front row and a video row "
                    f"(with |yaw| in data.min_yaw … data.max_yaw); give more people or a wider range"
                )
        self.loaded = True

    def subset(self, people: Collection[str], most_rows: int = MOST_ROWS) -> FeatureSet:
        """All rows of some people in memory; where they have more than ``most_rows``, those of an even share of people.

        For what needs all rows at once: the fits of the closed form and of the gate, and the evaluations. The probes of
        the training steps are drawn from all rows.
        """
        front, video = self.feature_set.front, self.feature_set.video
        chosen = list(people)
        if len(front) + len(video) > most_rows:
            rows = Counter(front.names()) + Counter(video.names())
            order = np.random.default_rng(self.options.split_seed).permutation(len(chosen))
            drawn = np.array(sorted(people))[order].tolist()
            count = np.searchsorted(np.cumsum([rows[name] for name in drawn]), most_rows, side="right")
            chosen = drawn[: max(FEWEST_PEOPLE, int(count))]
            if len(chosen) < len(drawn):
                log.info("%d of %d people are used for fits and evaluations", len(chosen), len(drawn))
        return self.feature_set.select(chosen)

    def _limited(self, split: Split) -> Split:
        limit = self.options.train_limit
        if limit is None:
            return split
        generator = np.random.default_rng(self.options.split_seed)
        parts = []
        for people, most in ((split.train, limit), (split.validation, max(2, limit // 2))):
            chosen = generator.permutation(len(people))[:most]
            parts.append(tuple(people[i] for i in sorted(chosen.tolist())))
        return Split(parts[0], parts[1], split.test)

    def _split(self) -> Split:
        options, people, shares = self.options, self.feature_set.people(), self.options.fractions
        # Train and validation share the people outside the test in the proportion of their fractions.
        share = shares[1] / (shares[0] + shares[1]) if self.cv is not None or options.folds is not None else 0.0
        if self.cv is not None:
            folds = divide_into_folds(self.feature_set, self.cv, options.split_seed, share)
            if self.fold is None:
                for fold in folds:  # a fold that cannot be split is refused before another is trained
                    fold_split(self.feature_set, fold, options.split_seed, share)
                return everybody_split(self.feature_set, options.split_seed, share)
            self.fold_name = folds[self.fold].name
            return fold_split(self.feature_set, folds[self.fold], options.split_seed, share)
        files = (options.train_people, options.validation_people, options.test_people)
        train, validation, test = (None if path is None else Path(path) for path in files)
        if any(files) and options.folds is not None:
            raise InputError("data.folds: give either data.folds or the files data.*_people, not both")
        if train and validation and test:
            return split_by_files(people, train, validation, test)
        if any(files):
            raise InputError("data.train_people: give all three files of names (train, validation, test) or none")
        if options.folds is not None:
            return split_by_folds(self.feature_set, options.folds, options.split_seed, share)
        return split_people(people, options.split_seed, (shares[0], shares[1], shares[2]))

    def setup(self, stage: str) -> None:
        self.load()

    def train_dataloader(self) -> DataLoader[dict[str, Tensor]]:
        rows = self.train_rows
        sampler = BalancedBatches(
            rows.counts, rows.groups, rows.division, self.batch_size, self.seed, self.same_batches
        )
        return DataLoader(rows, sampler=sampler, batch_size=None)

    def val_dataloader(self) -> DataLoader[dict[str, Tensor]]:
        batches = self.validation_rows.in_order(max(self.batch_size, VALIDATION_BATCH))
        return DataLoader(self.validation_rows, sampler=batches, batch_size=None)
