"""Sums of few weights and, by blocks, of many against a running sum over all."""

import numpy as np
import pytest

from poseid.verification.running_sums import RunningSums


@pytest.mark.parametrize("size", [1, 513, 8192, 8193, 8704, 9000])
def test_sums_are_those_of_a_running_sum(size: int) -> None:
    rng = np.random.default_rng(size)
    sums = RunningSums(size)
    for _ in range(2):  # filled again, nothing of before is left
        sums.weights[:] = rng.integers(0, 4, size)
        sums.add_up()
        running = np.concatenate([[0.0], np.cumsum(sums.weights)])
        assert sums.total == running[-1]
        assert [sums.first(n) for n in range(size + 1)] == running.tolist()
        for part in np.arange(0, running[-1], 0.5):
            assert sums.reach(part) == np.searchsorted(running, part, side="right") - 1
