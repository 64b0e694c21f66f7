"""Verification speed and memory, beside the matrix product that it cannot do without.

python benchmarks/verification_speed.py [--comparisons 1e9] [--threads N]

Each case runs in a process of its own, whose peak memory is its own too. The reference is the product of the same
rows in blocks, of which nothing is stored, measured before and after ours; ratio = its time over ours.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

from table import HEADING, row

DIM = 512
ROWS_A_PERSON = 10
BOOTSTRAP_COMPARISONS = 10**8
FORMS = {"one form": 1, "raw and enhanced": 2}


def made_up(comparisons: int, forms: int) -> tuple[Any, int]:
    """A block of about so many comparisons, people in mixed order, and how many people it has."""
    import numpy as np

    from poseid.verification.embeddings import unit_rows
    from poseid.verification.sets import ComparisonBlock, Group

    rng = np.random.default_rng(0)
    rows = round(comparisons**0.5)
    people = max(2, rows // ROWS_A_PERSON)
    centre = rng.standard_normal((people, DIM), dtype=np.float32)

    def group() -> Group:
        person = np.arange(rows) % people
        rng.shuffle(person)
        made = np.empty((forms, rows, DIM), dtype=np.float32)
        for start in range(0, rows, 4096):
            whose = person[start : start + 4096]
            noise = rng.standard_normal((len(whose), DIM), dtype=np.float32)
            for form, size in zip(made, (2.5, 2.2), strict=False):
                form[start : start + 4096] = unit_rows(centre[whose] + size * noise, np.float32, "row")
        raw = made[0]
        return Group(raw, made[1] if forms > 1 else raw, person, np.zeros(rows))

    return ComparisonBlock(group(), group()), people


def product(block: Any) -> None:
    """The scores alone, in blocks, thrown away."""
    import numpy as np

    forms = ["raw"] if block.left.enhanced is block.left.raw else ["raw", "enhanced"]
    out = np.empty(1024 * 4096, dtype=np.float32)
    for form in forms:
        left, right = getattr(block.left, form), getattr(block.right, form)
        for start in range(0, len(left), 1024):
            for first in range(0, len(right), 4096):
                a, b = left[start : start + 1024], right[first : first + 4096]
                np.matmul(a, b.T, out=out[: len(a) * len(b)].reshape(len(a), len(b)))


def seconds(work: Callable[[], Any]) -> tuple[float, Any]:
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


def measure(comparisons: int, forms: int, resamples: int) -> dict[str, float]:
    """In the child: seconds of the product and of ours, and of a bootstrap where resamples are asked for."""
    import numpy as np

    from poseid.verification.bootstrap import resample_rates
    from poseid.verification.estimates import resample_people
    from poseid.verification.operating_points import error_rates
    from poseid.verification.rates import FMRS
    from poseid.verification.scores import compare

    block, people = made_up(comparisons, forms)
    before, _ = seconds(lambda: product(block))

    def rates() -> Any:
        found = compare((block,), people, deepest_fmr=max(FMRS), with_people=True)
        raw = error_rates(found.genuine.raw, found.raw, FMRS)
        return found, (raw, error_rates(found.genuine.enhanced, found.enhanced, FMRS, raw.thresholds))

    ours, (found, points) = seconds(rates)
    after, _ = seconds(lambda: product(block))
    out = {"product": (before + after) / 2, "ours": ours, "fnmr": float(points[0].fnmr_at_fmr.value[-1])}
    if resamples:
        weights = resample_people(people, resamples, seed=0)
        thresholds = np.array(points[0].thresholds)
        out["bootstrap"], _ = seconds(
            lambda: resample_rates(found, weights, fmrs=FMRS, thresholds=thresholds, points=points)
        )
    out["mib"] = peak_mib()
    return out


def peak_mib() -> float:
    """Peak memory of this process; NaN on Windows, which has no such figure for Python."""
    if sys.platform == "win32":
        return float("nan")
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10


def in_a_child(threads: int, *case: int) -> dict[str, float]:
    environment = dict(os.environ)
    if threads:
        for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
            environment[name] = str(threads)
    command = [sys.executable, __file__, "--case", *map(str, case)]
    done = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--comparisons", type=float, default=10**8, help="of the first two cases (1e8)")
    parser.add_argument("--resamples", type=int, default=1000, help="of people in the bootstrap (1000)")
    parser.add_argument("--threads", type=int, default=0, help="of the matrix product; 0 = as the machine has it")
    parser.add_argument("--case", type=int, nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.case:
        print(json.dumps(measure(*arguments.case)))
        return
    comparisons = int(arguments.comparisons)
    print(HEADING)
    for name, forms in FORMS.items():
        found = in_a_child(arguments.threads, comparisons, forms, 0)
        case = f"{comparisons:.0e} comparisons, FNMR at FMR 1e-4, {name}"
        times = (f"{found['ours']:.1f} s", f"{found['product']:.1f} s")
        print(row(f"{case}: of the product's rate", *times, found["product"] / found["ours"], least=0.5), flush=True)
        print(row(f"{case}: peak memory", "", "", found["mib"], " MiB", most=1024), flush=True)
    found = in_a_child(arguments.threads, BOOTSTRAP_COMPARISONS, 2, arguments.resamples)
    case = f"{BOOTSTRAP_COMPARISONS:.0e} comparisons, {arguments.resamples} resamples of people"
    print(row(case, f"{found['bootstrap']:.1f} s", "", found["bootstrap"], " s", most=60))


if __name__ == "__main__":
    main()
