"""Feature folders: reading, checking, writing, splitting by people, and made-up data. numpy only."""

from poseid.features.folder import read_folder, write_folder
from poseid.features.pairs import Pairs, read_pairs
from poseid.features.people import (
    Split,
    people_of_folds,
    read_people_file,
    split_by_files,
    split_by_folds,
    split_people,
)
from poseid.features.rows import FRONTAL, OTHER, PROFILE, FeatureSet, Rows
from poseid.features.synthetic import NOTICE, synthetic
from poseid.features.tables.npy import read_array

__all__ = [
    "FRONTAL",
    "NOTICE",
    "OTHER",
    "PROFILE",
    "FeatureSet",
    "Pairs",
    "Rows",
    "Split",
    "people_of_folds",
    "read_array",
    "read_folder",
    "read_pairs",
    "read_people_file",
    "split_by_files",
    "split_by_folds",
    "split_people",
    "synthetic",
    "write_folder",
]
