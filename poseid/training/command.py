"""What stands between Hydra and a run: checks, exit statuses, names, and jobs of a multirun."""

from __future__ import annotations

import json
import logging
import os
import sys
import warnings
from collections.abc import Collection
from pathlib import Path
from typing import Any, NoReturn

from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from poseid.atomic import write_text
from poseid.errors import InputError, first_line
from poseid.features.folder import check_there
from poseid.interrupt import importing
from poseid.reports.folds_table import PEOPLE, folds_text
from poseid.reports.text_table import table_text
from poseid.training.arguments import FAILED, ONE_PROCESS, check_launchers, sweep_choices
from poseid.training.config import check_config
from poseid.training.health import Diverged
from poseid.training.objective import objective_values
from poseid.training.override_text import key_of
from poseid.training.processes import by_torchrun, check_processes, first_process
from poseid.training.run_directory import RunContext, release

WANDB_LONGEST = 128
"""Characters of a name that W&B takes."""
log = logging.getLogger(__name__)


def run_job(config: DictConfig) -> float | tuple[float, ...]:
    """One job of Hydra: checks, trains, prints, returns the objective.

    A single run ends the process: status 2 for bad input, 1 when its losses diverged, 130 on Ctrl-C. In a multirun a
    failing job leaves ``failed.json`` and returns the worst objective, since ending the process would take the other
    jobs along.
    """
    quiet_libraries()
    hydra = HydraConfig.get()
    in_multirun = hydra.mode == RunMode.MULTIRUN
    run_dir = Path(hydra.runtime.output_dir)
    overrides = as_given(hydra.overrides.task)
    try:
        resolved = checked(config, overrides, in_multirun)
        # What there is to say, the first of several processes says.
        processes = resolved["trainer"]["devices"] * resolved["trainer"]["num_nodes"]
        logging.disable(logging.NOTSET if first_process(processes) else logging.WARNING)
        log.info("run directory: %s", run_dir)
        # Lightning is imported only now: a misspelt key need not wait for it. On a busy machine it takes a while.
        with importing():
            from poseid.training.cross_validation import run_cross_validation
            from poseid.training.run import run_training

        (run_dir / FAILED).unlink(missing_ok=True)
        groups = {group: choice for group, choice in hydra.runtime.choices.items() if "/" not in group and choice}
        asked, folds = resolved["evaluate_test"], resolved["cv"] is not None and resolved["fold"] is None
        context = RunContext(
            run_dir=run_dir,
            name=run_name(run_dir, overrides, hydra.job.config.override_dirname.exclude_keys),
            group=sweep_name(Path(hydra.sweep.dir if in_multirun else hydra.run.dir)) if in_multirun or folds else None,
            tags=[f"{group}={choice}" for group, choice in groups.items()],
            evaluate_test=not in_multirun if asked is None else asked,
        )
        if folds:
            side_by_side = not in_multirun and bool(sweep_choices(overrides))
            summary = run_cross_validation(resolved, context, multirun_command(hydra) if side_by_side else None)
        else:
            summary = run_training(resolved, context)
    except KeyboardInterrupt:
        # max_epochs is not written down with the run: without it a longer training would end where the first did.
        longer = f" max_epochs={config.max_epochs}" if config.resume else ""
        log.warning("stopped. To go on: python train.py resume=%s%s", run_dir, longer)
        if in_multirun:
            raise KeyboardInterrupt from None
        sys.exit(130)
    except Exception as error:
        if not in_multirun:
            if isinstance(error, (InputError, Diverged, OSError)):  # the last such as of a full disk
                _end_refused(error, run_dir)
            raise
        log.error("job failed: %s", error, exc_info=not isinstance(error, (InputError, Diverged)))
        record = {"error": type(error).__name__, "message": str(error), "overrides": overrides}
        write_text(run_dir / FAILED, json.dumps(record, ensure_ascii=False, indent=1) + "\n")
        return objective_values(None, config.objective)
    if summary is None:
        if resolved["trainer"]["fast_dev_run"]:
            release(run_dir)
        return objective_values(None, resolved["objective"])
    part = next(name for name in ("cross_validation", "test", "validation") if summary.get(name) is not None)
    print(table_text(summary[part], PEOPLE.get(part, part), guard=summary["guard"]), flush=True)
    if part == "cross_validation":
        print(folds_text(summary), flush=True)
    print(f"report: {run_dir / 'report' / 'report.html'}")
    print(f"run directory: {run_dir}", flush=True)
    return objective_values(summary["validation"], resolved["objective"])


def checked(config: DictConfig, overrides: list[str], in_multirun: bool) -> dict[str, Any]:
    """The configuration as plain values, with all that can be checked before anything is read or trained.

    Raises:
        InputError: the first fault.
    """
    choices = [] if in_multirun else sweep_choices(overrides)
    if choices and config.cv is not None:
        check_launchers(choices)
    elif choices and config.resume is None:
        raise InputError("sweep: chooses how a multirun runs; add -m")
    resolved = resolve(config)
    check_config(resolved)
    devices, machines = resolved["trainer"]["devices"], resolved["trainer"]["num_nodes"]
    if in_multirun and devices * machines > 1:
        raise InputError(ONE_PROCESS)
    if in_multirun and resolved["trainer"]["fast_dev_run"]:
        raise InputError("trainer.fast_dev_run: tries one run, without a result to compare: leave it or -m out")
    check_processes(devices, machines, resolved["trainer"]["accelerator"])
    if resolved["data"]["source"] == "folder" and resolved["data"]["dir"]:
        check_there(Path(resolved["data"]["dir"]))
    return resolved


def run_name(run_dir: Path, overrides: list[str], fixed: Collection[str] = ()) -> str:
    """The name of a W&B run: the overrides, in a multirun without those that all jobs share; cut where W&B would.

    >>> run_name(Path("sweep/3"), ["data.dir=faces", "lambda_id=3"], ["data.dir"])
    'lambda_id=3'
    """
    own = [item for item in overrides if key_of(item) not in fixed]
    name = " ".join(own or overrides) or run_dir.name
    return name if len(name) <= WANDB_LONGEST else f"{run_dir.name}: {name}"[: WANDB_LONGEST - 1] + "…"


def sweep_name(sweep_dir: Path) -> str:
    """The name of a W&B group: the directory as given; of an absolute one the last part, without the machine's path.

    >>> sweep_name(Path("multirun/2030-01-31/12-00-00")), sweep_name(Path("/home/me/sweep").absolute())
    ('multirun/2030-01-31/12-00-00', 'sweep')
    """
    return (sweep_dir.name if sweep_dir.is_absolute() else sweep_dir.as_posix())[-WANDB_LONGEST:]


def as_given(overrides: Any) -> list[str]:
    """The overrides of a command line; an interpolation in one of them is resolved, and refused, in its own key."""
    given = OmegaConf.to_container(overrides, resolve=False)
    assert isinstance(given, list)
    return [str(item) for item in given]


def multirun_command(hydra: Any) -> list[str]:
    """This command as a multirun, with the launcher that it names.

    Args:
        hydra: Hydra's configuration of this job.
    """
    (conf,) = [Path(source.path) for source in hydra.runtime.config_sources if source.provider == "main"]
    of_launcher = [item for item in as_given(hydra.overrides.hydra) if key_of(item).startswith("hydra.launcher")]
    return [sys.executable, str(conf.parent / "train.py"), "-m", *as_given(hydra.overrides.task), *of_launcher]


def resolve(config: DictConfig) -> dict[str, Any]:
    """The configuration as plain values, every interpolation resolved."""
    try:
        container = OmegaConf.to_container(config, resolve=True)
    except OmegaConfBaseException as error:
        raise InputError(f"{error.full_key}: {first_line(error)}") from None
    assert isinstance(container, dict)
    return {str(key): value for key, value in container.items()}


def _end_refused(error: Exception, run_dir: Path) -> NoReturn:
    """Ends a single run with one line: status 2 for bad input, else 1."""
    refused = isinstance(error, InputError)
    if refused:
        release(run_dir)
    # All processes of a machine refuse the same; another machine may lack what is there on this one.
    if not (refused and by_torchrun() and os.environ.get("LOCAL_RANK", "0") != "0"):
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
    sys.exit(2 if refused else 1)


def quiet_libraries() -> None:
    """Takes Lightning's advertising and advice that does not apply here out of the output."""
    # Where train.log cannot be written, such as on a full disk, the terminal still has every line.
    logging.raiseExceptions = False
    # What torch says from C++, such as that all layers had a gradient after all. Read when torch is imported.
    os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")
    for name in ("pytorch", "fabric", "pytorch.utilities.rank_zero", "fabric.utilities.distributed"):
        logging.getLogger(f"lightning.{name}").setLevel(logging.ERROR)
    # Batches are cut by index from tensors in memory: worker processes would only copy them.
    warnings.filterwarnings("ignore", message=".*does not have many workers.*")
    # A run on the CPU was asked for, and a run that has moved goes on where it is now.
    warnings.filterwarnings("ignore", message=".*available but not used.*")
    warnings.filterwarnings("ignore", message=".*The dirpath has changed from.*")
    # A resumed run goes on in its own directory by design.
    warnings.filterwarnings("ignore", message=".*Checkpoint directory .* exists and is not empty.*")
    # Every process evaluates all validation people, and what it logs is the same in each.
    warnings.filterwarnings("ignore", message=".*It is recommended to use `self.log.*sync_dist=True.*")
    # Lightning's own use of torch, which nobody here can mend.
    warnings.filterwarnings("ignore", message=".*isinstance\\(treespec, LeafSpec\\).*")
    warnings.filterwarnings("ignore", message=".*functional.all_gather is deprecated.*")
