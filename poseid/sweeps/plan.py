"""What a sweep set out to do: the combinations of a grid, or the trials of a search."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from poseid.errors import InputError
from poseid.sweeps.jobs import MULTIRUN, job_directories, read_yaml

_SET_ANEW = (
    "hydra.mode",
    "hydra.sweep.dir",
    "hydra.sweep.subdir",
    "hydra.sweeper.n_trials",
    "hydra.job.config.override_dirname.exclude_keys",
)
"""What every call sets for itself."""


@dataclass(frozen=True)
class Plan:
    """What the last call of a sweep was to do: a grid, a search, or not known.

    Args:
        combinations: of a grid, the overrides of each job in the order of their numbers.
        trials: of a search, how many this call was to add.
        first_job: the number of its first one; earlier calls in the same directory made those before.
        task, hydra: the arguments of the call.
        objective: the root key as it was written down, or None.
        unknown: why the plan is not known, in words.
    """

    combinations: tuple[tuple[str, ...], ...] = ()
    trials: int | None = None
    first_job: int = 0
    task: tuple[str, ...] = ()
    hydra: tuple[str, ...] = ()
    objective: Any = None
    unknown: str = ""


def read_plan(directory: Path) -> Plan:
    """Reads ``multirun.yaml``; where there is none, nothing is known of the call.

    Raises:
        InputError: the directory is no multirun directory.
    """
    if not directory.is_dir():
        raise InputError(f"{directory}: no such directory: give the one that python train.py -m wrote")
    if (directory / ".hydra").is_dir():
        raise InputError(f"{directory}: is a single run: give the directory of its whole sweep")
    path = directory / MULTIRUN
    if path.is_file():
        try:
            content = read_yaml(path)
            return _plan_of(content["hydra"], content.get("objective"))
        except (InputError, KeyError, TypeError, AttributeError):
            return Plan(unknown=f"{MULTIRUN} is damaged")
    if not job_directories(directory):
        raise InputError(
            f"{directory}: is no multirun directory (it has no {MULTIRUN}): give the one that python train.py -m wrote"
        )
    return Plan(unknown=f"there is no {MULTIRUN}")


def _plan_of(hydra: dict[str, Any], objective: Any) -> Plan:
    """The plan of a call from Hydra's own configuration; KeyError or TypeError where Hydra writes no such thing."""
    task = tuple(str(item) for item in hydra["overrides"]["task"])
    arguments = [str(item) for item in hydra["overrides"]["hydra"]]
    own = tuple(item for item in arguments if item.partition("=")[0].lstrip("+") not in _SET_ANEW)
    plan = Plan(task=task, hydra=own, objective=objective)
    sweeper = hydra["sweeper"]
    if "n_trials" in sweeper:
        # where an earlier call left jobs, the number of the first new one stands among the arguments alone
        given = [item for item in arguments if item.startswith("hydra.sweep.subdir=")]
        first = re.search(r"add:(\d+),", given[-1] if given else str(hydra["sweep"].get("subdir")))
        return replace(plan, trials=int(sweeper["n_trials"]), first_job=int(first[1]) if first else 0)
    if not str(sweeper.get("_target_", "")).endswith(".BasicSweeper"):
        return replace(plan, unknown="its sweeper is not one known here")
    searched = [f"{key}={value}" for key, value in (sweeper.get("params") or {}).items()]
    combinations = grid([*searched, *task])
    if combinations is None:
        return replace(plan, unknown="its arguments cannot be read")
    return replace(plan, combinations=combinations)


def grid(arguments: Sequence[str]) -> tuple[tuple[str, ...], ...] | None:
    """The overrides of each job of a grid, as Hydra's own sweeper makes them; None where its grammar refuses them.

    >>> grid(["lambda_id=1,2", "seed=0"])
    (('lambda_id=1', 'seed=0'), ('lambda_id=2', 'seed=0'))
    """
    from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import HydraException

    try:
        (jobs,) = BasicSweeper.split_arguments(OverridesParser.create().parse_overrides(list(arguments)), None)
    except HydraException:
        return None
    return tuple(tuple(job) for job in jobs)
