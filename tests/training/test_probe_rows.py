"""Rows are read from a memory map as from memory."""

from pathlib import Path

import numpy as np
import pytest
import torch

from poseid.training.probe_rows import fetch, read_rows


@pytest.mark.parametrize("dim", [3, 512, 1500])  # rows within a page of memory, and over several
def test_rows_of_a_memory_map_are_those_of_the_file(dim: int, tmp_path: Path) -> None:
    vectors = np.random.default_rng(0).normal(size=(700, dim)).astype(np.float16)
    np.save(tmp_path / "rows.npy", vectors)
    mapped = np.load(tmp_path / "rows.npy", mmap_mode="r")
    rows = torch.tensor([699, 0, 5, 5, 350])
    want = torch.from_numpy(vectors)[rows].float()
    assert torch.equal(read_rows(mapped, rows), want)
    assert torch.equal(read_rows(vectors, rows), want)
    assert torch.equal(read_rows(mapped[10:], rows[1:]), torch.from_numpy(vectors[10:])[rows[1:]].float())
    fetch(mapped, np.arange(700))  # to the very end of the file
    assert np.array_equal(mapped, vectors)
