"""Command lines: what is left of a sweep, how its best job is made again, and what to run next."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from poseid.errors import InputError
from poseid.shell_line import shell_line
from poseid.sweeps.jobs import Job, read_yaml
from poseid.sweeps.plan import Plan
from poseid.sweeps.settings import Setting
from poseid.training.arguments import fold_directory
from poseid.training.override_text import quoted

_ENOUGH_REPEATS = 5


class Advice(NamedTuple):
    """Something to do: one sentence and its command lines, possibly none."""

    what: str
    lines: tuple[str, ...] = ()


def to_finish(directory: Path, plan: Plan, jobs: Sequence[Job]) -> list[Advice]:
    """What it takes to finish a sweep: jobs that were killed, failed or never began; trials that are left."""
    advice = []
    finished = {frozenset(job.given.items()) for job in jobs if job.state == "finished"}
    open_jobs = [job for job in jobs if job.state != "finished" and frozenset(job.given.items()) not in finished]
    resumable = [job for job in open_jobs if job.state == "unfinished" and job.directory and _goes_on(job.directory)]
    if resumable:
        lines = [
            shell_line(["python", "train.py", f"resume={_hydra_path(job.directory)}", "evaluate_test=false"])
            for job in resumable
        ]
        advice.append(Advice("Go on with jobs that were killed (not with any that still runs):", tuple(lines)))
    call = ["python", "train.py", "-m", *plan.hydra, f"hydra.sweep.dir={_hydra_path(directory)}"]
    if plan.trials is not None:
        # a failed trial counts: the search was given the worst value for it
        over = [job.name for job in jobs if job.state in ("finished", "failed")]
        left = plan.trials - sum(not name.isdecimal() or int(name) >= plan.first_job for name in over)
        what, trials = f"{left} of {plan.trials} trials are left:", f"hydra.sweeper.n_trials={left}"
        if left > 0:
            advice.append(Advice(what, (shell_line([*call, *plan.task, trials]),)))
        return advice
    again = [job for job in open_jobs if job not in resumable and job.overrides]
    if again:
        lines = [shell_line([*call, *_arguments(values)]) for values in merged([job.given for job in again])]
        count = f"the {len(again)} jobs" if len(again) > 1 else "the one job"
        advice.append(Advice(f"Run {count} that failed, stopped or never began:", tuple(lines)))
    if plan.unknown:
        advice.append(Advice(f"Jobs that never began cannot be listed: {plan.unknown}."))
    return advice


def _goes_on(directory: Path) -> bool:
    """Whether there is something to go on with: a checkpoint, or a fold of a cross-validation."""
    return (directory / "checkpoints" / "last.ckpt").is_file() or fold_directory(directory, 0).is_dir()


def _hydra_path(path: Path | None) -> str:
    """A path as Hydra's grammar takes it."""
    text = str(path)
    return text if re.fullmatch(r"[\w./-]+", text, re.ASCII) else quoted(text)


def _arguments(values: dict[str, str]) -> list[str]:
    return [f"{key}={value}" for key, value in values.items()]


def merged(combinations: Sequence[dict[str, str]]) -> list[dict[str, str]]:
    """Combinations as few grids: those that differ in one key alone become one with all its values.

    >>> merged([{"lambda_id": "1", "seed": "0"}, {"lambda_id": "2", "seed": "0"}, {"lambda_id": "1", "seed": "1"}])
    [{'lambda_id': '1', 'seed': '0,1'}, {'lambda_id': '2', 'seed': '0'}]
    """
    grids = list({tuple(values.items()): values for values in combinations}.values())
    for key in reversed(dict.fromkeys(key for values in grids for key in values)):
        together: dict[tuple[tuple[str, str], ...], dict[str, str]] = {}
        for values in grids:
            rest = tuple((other, value) for other, value in values.items() if other != key)
            grid = together.get(rest)
            if grid is None or key not in values or key not in grid:
                together[rest if grid is None else tuple(values.items())] = dict(values)
            else:
                grid[key] += f",{values[key]}"
        grids = list(together.values())
    return grids


def to_reproduce(job: Job) -> str:
    """The line that trains a job again, by itself, without evaluating the test people."""
    return shell_line(["python", "train.py", *_arguments(_by_itself(job)), "evaluate_test=false"])


def _by_itself(job: Job) -> dict[str, str]:
    """The overrides of a job outside its sweep.

    How a sweep runs (``sweep=``) is no single run's business: the groups and threads that it chose are named instead.
    """
    given = job.given
    if given.pop("sweep", None) is None or job.directory is None:
        return given
    try:
        choices = read_yaml(job.directory / ".hydra" / "hydra.yaml")["hydra"]["runtime"]["choices"]
        chosen = {key: str(value) for key, value in choices.items() if value is not None and "/" not in key}
        chosen["threads"] = str(read_yaml(job.directory / ".hydra" / "config.yaml")["threads"])
    except (InputError, KeyError, TypeError, AttributeError):
        return given
    return {**{key: value for key, value in chosen.items() if key != "sweep" and key not in given}, **given}


def to_evaluate(job: Job) -> Advice:
    """The one evaluation on the test people, of the job that is selected."""
    what = "Evaluate once on the test people, with the job that you select:"
    assert job.directory is not None
    try:
        config = read_yaml(job.directory / ".hydra" / "config.yaml")
        data, cv = config["data"], config.get("cv")
        source, folder = data["source"], data["dir"]
    except (InputError, KeyError, TypeError, AttributeError):
        source, folder, cv = "folder", None, None
    command = ["evaluate", str(job.directory)]
    if cv is not None:  # its folds have test people, the model of everybody has none
        seed = str(data.get("split_seed", 0))
        command = ["compare", "raw", str(job.directory), "--cv", str(cv), "--split-seed", seed]
    line = [*command, "--data", str(folder or "DATA"), "--out", str(job.directory / "test")]
    evaluate = shell_line(["poseid", *line])
    if source != "synthetic":
        return Advice(what, (evaluate,))
    people, seed = str(data.get("synthetic_people")), str(data.get("synthetic_seed"))
    make = ["poseid", "synthetic", "--people", people, "--seed", seed, "--out", "DATA"]
    return Advice(f"{what[:-1]} (made-up ones here):", (shell_line(make), evaluate))


def to_repeat(directory: Path, settings: Sequence[Setting]) -> Advice | None:
    """More seeds of the best setting and the next one, where they were run too few times to know their spread."""
    best = settings[:2]
    wanted = _ENOUGH_REPEATS - min((len(setting.jobs) for setting in best), default=_ENOUGH_REPEATS)
    if wanted <= 0:
        return None
    jobs = [next(iter(setting.jobs.values())) for setting in best]
    done = {job.given.get("seed", "0") for setting in best for job in setting.jobs.values()}
    new = (str(seed) for seed in itertools.count() if str(seed) not in done)
    seeds = ",".join(itertools.islice(new, wanted))
    end = [f"seed={seeds}", f"hydra.sweep.dir={_hydra_path(directory)}"]
    others = [{key: value for key, value in _by_itself(job).items() if key != "seed"} for job in jobs]
    lines = tuple(shell_line(["python", "train.py", "-m", *_arguments(values), *end]) for values in merged(others))
    return Advice(f"Fewer than {_ENOUGH_REPEATS} repeats say little about chance; more of the best two:", lines)
