"""Job directories as runs leave them, written by the tests."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

FNMR = "sets.headline.enhanced.fnmr_at_fmr.1e-2"
FNMR_AT_RAW = "sets.headline.fixed_threshold.1e-3.enhanced.fnmr"
RATIO = "sets.headline.fixed_threshold.1e-3.fmr_ratio"
OBJECTIVE = [f"minimize {FNMR}"]
RAW_FNMR = 0.5
"""FNMR of the raw vectors at their own 1e-3 threshold."""
TEST_FIGURE = 0.123456789
"""Stands in the test block of every summary: whoever shows it has read the test people's block."""


def block(
    fnmr: float | None,
    ratio: float | None = 1.0,
    fnmr_at_raw: float | None = None,
    looser: tuple[float | None, float | None] = (None, None),
) -> dict[str, Any]:
    """A validation block with these metrics on its headline set.

    Args:
        fnmr: at FMR 1e-2.
        fnmr_at_raw, ratio: FNMR and FMR ratio at raw's 1e-3 threshold; ``fnmr_at_raw`` is ``fnmr`` unless given.
        looser: the same two at raw's 1e-2 threshold.
    """
    strict = (fnmr if fnmr_at_raw is None else fnmr_at_raw, ratio)
    rates = {
        form: {"eer": 0.1, "fnmr_at_fmr": {"1e-2": value, "1e-3": None, "1e-4": None}}
        for form, value in (("enhanced", fnmr), ("raw", 0.4))
    }
    fixed = {
        fmr: {"fmr_ratio": pair[1], "raw": {"fnmr": RAW_FNMR}, "enhanced": {"fnmr": pair[0]}}
        for fmr, pair in (("1e-2", looser), ("1e-3", strict))
    }
    return {
        "headline": "frontal_profile",
        "sets": {"all": None, "frontal_profile": {**rates, "fixed_threshold": fixed}},
        "improvement": {"mean": 0.01, "frontal": 0.0},
        "rank1": {"raw": 0.8, "enhanced": 0.9},
        "verdict": "no effect shown",
    }


def write_job(
    sweep: Path,
    number: int,
    overrides: Sequence[str],
    fnmr: float | None = None,
    ratio: float | None = 1.0,
    objective: Sequence[str] = OBJECTIVE,
    fnmr_at_raw: float | None = None,
    looser: tuple[float | None, float | None] = (None, None),
) -> Path:
    """A finished job; its metrics as in :func:`block`."""
    job = start_job(sweep, number, overrides, objective)
    validation = block(fnmr, ratio, fnmr_at_raw, looser)
    test = block(TEST_FIGURE, TEST_FIGURE)
    write_json(job / "report" / "summary.json", {"model": "m", "validation": validation, "test": test})
    return job


def start_job(sweep: Path, number: int, overrides: Sequence[str], objective: Sequence[str] = OBJECTIVE) -> Path:
    """A job that has begun: its configuration alone."""
    job = sweep / str(number)
    data = {"source": "folder", "dir": "some data", "synthetic_people": 40, "synthetic_seed": 0}
    write_yaml(job / ".hydra" / "overrides.yaml", list(overrides))
    write_yaml(job / ".hydra" / "config.yaml", {"objective": list(objective), "threads": 2, "data": data})
    return job


def write_multirun(
    sweep: Path, task: Sequence[str], sweeper: dict[str, Any] | None = None, hydra: Sequence[str] = (), subdir: str = ""
) -> None:
    """``multirun.yaml`` of a call with these arguments; a grid unless a sweeper is given."""
    content = {
        "hydra": {
            "sweeper": sweeper or {"_target_": "hydra._internal.core_plugins.basic_sweeper.BasicSweeper"},
            "sweep": {"dir": str(sweep), "subdir": subdir or "${hydra.job.num}"},
            "overrides": {"hydra": ["hydra.sweep.dir=x", "hydra.mode=MULTIRUN", *hydra], "task": list(task)},
        },
        "objective": OBJECTIVE,
        "model": {"dim": "${data.dim}"},
    }
    write_yaml(sweep / "multirun.yaml", content)


def write_grid(sweep: Path, choices: dict[str, Sequence[str]], fnmrs: Sequence[float | None]) -> None:
    """A finished grid: its FNMRs in the order of its jobs."""
    write_multirun(sweep, [f"{key}={','.join(values)}" for key, values in choices.items()])
    for number, (values, fnmr) in enumerate(zip(itertools.product(*choices.values()), fnmrs, strict=True)):
        write_job(sweep, number, [f"{key}={value}" for key, value in zip(choices, values, strict=True)], fnmr)


def write_json(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")


def write_yaml(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
