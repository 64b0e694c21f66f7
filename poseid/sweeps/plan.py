"""What a sweep set out to do: the combinations of a grid, or the trials of a search."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

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
    """What the last call of a sweep was to do.

    Args:
        kind: a grid, a search of so many trials, or not known.
        combinations: of a grid, the overrides of each job in the order of their numbers.
        trials: of a search, how many this call was to add.
        first: the number of its first job; earlier calls in the same directory made those before.
        task, hydra: the arguments of the call; empty where they were not written down.
        objective: the root key as it was written down, or None.
        unknown: why the plan is not known, in words.
    """

    kind: Literal["grid", "search", "unknown"]
    combinations: tuple[tuple[str, ...], ...] = ()
    trials: int = 0
    first: int = 0
    task: tuple[str, ...] = ()
    hydra: tuple[str, ...] = ()
    objective: Any = None
    unknown: str = ""


def read_plan(directory: Path) -> Plan:
    """Reads ``multirun.yaml``; where there is none, what the last job knows of its sweep.

    Raises:
        InputError: the directory is no multirun directory.
    """
    if not directory.is_dir():
        raise InputError(f"{directory}: no such directory: give the one that python train.py -m wrote")
    if (directory / ".hydra").is_dir():
        raise InputError(f"{directory}: is a single run: give the directory of its whole sweep")
    path = directory / MULTIRUN
    jobs = job_directories(directory)
    if path.is_file():
        try:
            content = read_yaml(path)
            return plan_of(content["hydra"], content.get("objective"))
        except (InputError, KeyError, TypeError, AttributeError):
            return Plan("unknown", unknown=f"{MULTIRUN} is damaged")
    for job in reversed(jobs):
        try:
            hydra = read_yaml(job / ".hydra" / "hydra.yaml")["hydra"]
            # the arguments in there are those of the job, not of the call
            hydra["overrides"] = {"task": [], "hydra": hydra["overrides"]["hydra"]}
            plan = plan_of(hydra, None)
        except (InputError, KeyError, TypeError):
            continue
        if plan.kind == "search":
            return plan
        break
    if not jobs:
        raise InputError(
            f"{directory}: is no multirun directory (it has no {MULTIRUN}): give the one that python train.py -m wrote"
        )
    return Plan("unknown", unknown=f"there is no {MULTIRUN}")


def plan_of(hydra: dict[str, Any], objective: Any) -> Plan:
    """The plan of a call from Hydra's own configuration.

    Raises:
        KeyError, TypeError: it is not of the form that Hydra writes.
    """
    task = tuple(str(item) for item in hydra["overrides"]["task"])
    arguments = [str(item) for item in hydra["overrides"]["hydra"]]
    own = tuple(item for item in arguments if item.partition("=")[0].lstrip("+") not in _SET_ANEW)
    sweeper = hydra["sweeper"]
    if "n_trials" in sweeper:
        # where an earlier call left jobs, the number of the first new one stands among the arguments alone
        given = [item for item in arguments if item.startswith("hydra.sweep.subdir=")]
        subdir = given[-1] if given else str(hydra["sweep"].get("subdir"))
        return Plan("search", (), int(sweeper["n_trials"]), _first_job(subdir), task, own, objective)
    if not str(sweeper.get("_target_", "")).endswith(".BasicSweeper"):
        return Plan("unknown", task=task, hydra=own, objective=objective, unknown="its sweeper is not one known here")
    searched = [f"{key}={value}" for key, value in (sweeper.get("params") or {}).items()]
    combinations = grid([*searched, *task])
    unknown = "" if combinations is not None else "its arguments cannot be read"
    kind: Literal["grid", "unknown"] = "unknown" if combinations is None else "grid"
    return Plan(kind, combinations or (), 0, 0, task, own, objective, unknown)


def grid(arguments: Sequence[str]) -> tuple[tuple[str, ...], ...] | None:
    """The overrides of each job of a grid, as Hydra's own sweeper makes them; None where its grammar refuses them.

    >>> grid(["lambda_id=1,2", "seed=0"])
    (('lambda_id=1', 'seed=0'), ('lambda_id=2', 'seed=0'))
    """
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import HydraException

    choices: dict[str, list[str]] = {}
    try:
        for override in OverridesParser.create().parse_overrides(list(arguments)):
            key = override.get_key_element()
            if override.is_sweep_override():
                choices[key] = [f"{key}={value}" for value in override.sweep_string_iterator()]
            else:
                choices[key] = [f"{key}={override.get_value_element_as_str()}"]
    except HydraException:
        return None
    return tuple(itertools.product(*choices.values()))


def _first_job(subdir: str) -> int:
    """The number that a call's jobs begin with: ``subdir`` adds it where an earlier call left jobs.

    >>> _first_job("${hydra.job.num}"), _first_job("${poseid.add:7,${hydra.job.num}}")
    (0, 7)
    """
    _, found, rest = subdir.partition("add:")
    number = rest.partition(",")[0]
    return int(number) if found and number.isdecimal() else 0
