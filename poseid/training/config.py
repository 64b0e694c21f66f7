"""Checks of the whole configuration before any data is read: one line that names the key."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from poseid.errors import InputError
from poseid.training.schedule import SCHEDULES
from poseid.training.terms import TERMS

Check = Callable[[str, Any], None]
PRECISIONS = ("32", "bf16", "16", "mixed")


def number(low: float = -math.inf, high: float = math.inf, above: bool = False) -> Check:
    """A finite number in [low, high], or in (low, high] with ``above``."""

    def check(key: str, value: Any) -> None:
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
            raise InputError(f"{key}: expected a finite number, got {value!r}")
        if value < low or value > high or (above and value == low):
            bounds = f"above {low:g}" if above else f"at least {low:g}"
            bounds += f" and at most {high:g}" if high < math.inf else ""
            raise InputError(f"{key}: expected a number {bounds}, got {value!r}")

    return check


def whole(low: int = 0) -> Check:
    """A whole number of at least ``low``."""

    def check(key: str, value: Any) -> None:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value < 2**31:
            raise InputError(f"{key}: expected a whole number of at least {low}, got {value!r}")

    return check


def choice(*allowed: str) -> Check:
    """One of some words."""

    def check(key: str, value: Any) -> None:
        if str(value) not in allowed or isinstance(value, bool):
            raise InputError(f"{key}: expected one of {', '.join(allowed)}, got {value!r}")

    return check


def flag(key: str, value: Any) -> None:
    if not isinstance(value, bool):
        raise InputError(f"{key}: expected true or false, got {value!r}")


def text(key: str, value: Any) -> None:
    if not isinstance(value, str) or not value:
        raise InputError(f"{key}: expected a text, got {value!r}")


def numbers(count: int | None = None, low: float = 0) -> Check:
    """A list of finite numbers of at least ``low``."""

    def check(key: str, value: Any) -> None:
        if not isinstance(value, list) or not value or (count is not None and len(value) != count):
            raise InputError(f"{key}: expected a list of {count or 'one or more'} numbers, got {value!r}")
        for part in value:
            number(low)(key, part)

    return check


def share_or_steps(key: str, value: Any) -> None:
    """A share in (0, 1] as a number with a point, or a whole number of steps."""
    if isinstance(value, float):
        number(0, 1, above=True)(key, value)
    else:
        whole(1)(key, value)


def texts(key: str, value: Any) -> None:
    if not isinstance(value, list):
        raise InputError(f"{key}: expected a list of texts, got {value!r}")
    for part in value:
        text(key, part)


def optional(inner: Check) -> Check:
    """null, or what ``inner`` takes."""

    def check(key: str, value: Any) -> None:
        if value is not None:
            inner(key, value)

    return check


def group(table: dict[str, Check]) -> Check:
    """A group of keys inside a group."""

    def check(key: str, value: Any) -> None:
        if not isinstance(value, dict):
            raise InputError(f"{key}: expected {', '.join(table)}, got {value!r}")
        _check_group(f"{key}.", value, table)

    return check


ROOT: dict[str, Check] = {
    **{f"lambda_{name}": number(0) for name in TERMS},
    "lr": number(0, 10, above=True),
    "lr_identity_scale": number(0, 1000),
    "weight_decay": number(0, 100),
    "warmup_epochs": number(0),
    "network_after": number(0),
    "batch_size": whole(2),
    "max_epochs": whole(1),
    "precision": choice(*PRECISIONS),
    "seed": whole(),
    "threads": whole(),
    "objective": texts,
    "evaluate_test": optional(flag),
    "resume": optional(text),
    "ckpt_path": optional(text),
    "init_from": optional(text),
}
LOSS: dict[str, Check] = {
    "temperature": number(0, above=True),
    "margin": number(0, 2),
    "hardest": whole(1),
    "swap": flag,
}
DATA: dict[str, Check] = {
    "source": choice("synthetic", "folder"),
    "dir": optional(text),
    "dim": whole(2),
    "target": choice("centroid", "pair"),
    "fractions": numbers(3),
    "split_seed": whole(),
    "folds": optional(numbers()),
    "train_people": optional(text),
    "validation_people": optional(text),
    "test_people": optional(text),
    "train_limit": optional(whole(2)),
    "min_yaw": number(0, 180),
    "max_yaw": number(0, 180),
    "missing_pose": choice("keep", "drop"),
    "divisions": whole(1),
    "pose_dropout": number(0, 1),
    "synthetic_people": whole(10),
    "synthetic_seed": whole(),
}


def _trained(value: Check) -> Check:
    """A number of φ: its first value and its learning rate."""
    return group({"value": value, "lr": number(0, 10)})


PHI: dict[str, Check] = {
    "ridge": _trained(number(0, above=True)),
    "ridge_power": _trained(number(-2, 2)),
    "length_power": _trained(number(-10, 10)),
    "metric_power": _trained(number(-1, 1)),
    "shape": _trained(numbers(4, low=-5)),
    "bias": _trained(number(-1, 1)),
    "quality": _trained(number(-1, 1)),
    "strength": _trained(number(0, 2)),
    "gate_slope": _trained(number(0, 10)),
    "gate_centre": _trained(number(-180, 180)),
    "gate_full": _trained(number(6, 180)),
    "gate_unknown": _trained(number(-100, 100)),
}
MODEL_COMMON: dict[str, Check] = {
    "name": text,
    "dim": whole(2),
    "pose_dim": whole(1),
    "suppression": number(0, 1),
    "residual": number(0, 1),
    "network": flag,
    "skip": flag,
    "init": choice("ridge", "zero", "random"),
    "phi": group(PHI),
    "similarity_dim": optional(whole(1)),
    "norm": choice("keep", "unit"),
    "sides": choice("probe", "both"),
}
MODELS: dict[str, dict[str, Check]] = {
    "residual": {
        **MODEL_COMMON,
        "rank": whole(1),
    },
    "pose_transformer": {
        **MODEL_COMMON,
        "identity_dim": whole(1),
        "tokens": whole(1),
        "width": whole(1),
        "depth": whole(0),
        "heads": whole(1),
        "mlp": whole(1),
        "aggregation": choice("mean", "weighted", "attention"),
    },
}
SCHEDULE: dict[str, Check] = {
    "name": choice(*SCHEDULES),
    "stage1_epochs": whole(),
    "stage1_lambda_id": number(0),
    "ramp_epochs": whole(),
    "start_lambda_id": number(0),
}
TRAINER: dict[str, Check] = {
    "accelerator": choice("auto", "cpu", "gpu", "mps"),
    "devices": whole(1),
    "strategy": choice("auto", "ddp"),
    "gradient_clip_val": number(0, above=True),
    "limit_train_batches": share_or_steps,
    "progress_bar": flag,
}
LOGGER: dict[str, Check] = {
    "name": choice("csv", "wandb", "none"),
    "mode": choice("online", "offline", "disabled"),
    "project": text,
    "entity": optional(text),
    "group": optional(text),
    "tags": texts,
}
CALLBACKS: dict[str, Check] = {
    "early_stopping": flag,
    "patience": whole(1),
    "diagnosis": group({"every_n_epochs": whole()}),
}


def check_config(config: Mapping[str, Any]) -> None:
    """Checks names, types and ranges of a resolved configuration, and what must hold between keys.

    Raises:
        InputError: the first fault, as ``key: what is expected, got what``.
    """
    groups = ("data", "model", "loss", "schedule", "trainer", "logger", "callbacks")
    _check_group("", {key: value for key, value in config.items() if key not in groups}, ROOT)
    name = config["model"].get("name")
    choice(*MODELS)("model.name", name)
    tables = (DATA, MODELS[name], LOSS, SCHEDULE, TRAINER, LOGGER, CALLBACKS)
    for group, table in zip(groups, tables, strict=True):
        _check_group(f"{group}.", config[group], table)
    data, model, schedule = config["data"], config["model"], config["schedule"]
    if data["min_yaw"] >= data["max_yaw"]:
        raise InputError(f"data.min_yaw: {data['min_yaw']} is not below data.max_yaw {data['max_yaw']}")
    if not math.isclose(sum(data["fractions"]), 1.0, abs_tol=1e-6):
        raise InputError(f"data.fractions: the three shares must add up to 1, got {data['fractions']}")
    if model["name"] == "pose_transformer":
        if model["dim"] % model["tokens"]:
            raise InputError(f"model.tokens: {model['tokens']} does not divide data.dim {model['dim']}")
        if model["width"] % model["heads"]:
            raise InputError(f"model.heads: {model['heads']} does not divide model.width {model['width']}")
    if data["source"] == "synthetic" and data["dir"]:
        raise InputError("data.dir: made-up people are not read from a folder; add data=folder")
    if not any(config[f"lambda_{name}"] > 0 for name in TERMS):
        raise InputError("lambda_id: all loss weights are 0, so there is nothing to train; give one of them")
    if schedule["name"] == "two_stage" and schedule["stage1_lambda_id"] == 0:
        raise InputError("schedule.stage1_lambda_id: 0 leaves stage 1 nothing to train; give a number above 0")
    if model["dim"] != data["dim"]:
        raise InputError(f"model.dim: {model['dim']} is not data.dim {data['dim']}; set data.dim alone")
    ramp = schedule.get("stage1_epochs", 0) + schedule.get("ramp_epochs", 0)
    if ramp > config["max_epochs"]:
        key = "schedule.stage1_epochs + schedule.ramp_epochs" if "stage1_epochs" in schedule else "schedule.ramp_epochs"
        raise InputError(f"{key}: {ramp} epochs do not fit into max_epochs {config['max_epochs']}")
    directions(config["objective"])


def directions(objective: Any) -> list[str]:
    """``minimize`` or ``maximize`` for each entry of the root key ``objective``.

    >>> directions(["minimize sets.headline.enhanced.eer", "maximize improvement.mean"])
    ['minimize', 'maximize']

    Raises:
        InputError: an entry is not of this form, or there is none.
    """
    if not isinstance(objective, Sequence) or isinstance(objective, str) or not objective:
        raise InputError(f"objective: expected a list of 'minimize KEY' or 'maximize KEY', got {objective!r}")
    for entry in objective:
        parts = str(entry).split()
        if len(parts) != 2 or parts[0] not in ("minimize", "maximize"):
            raise InputError(f"objective: expected 'minimize KEY' or 'maximize KEY', got {entry!r}")
    return [str(entry).split()[0] for entry in objective]


def _check_group(prefix: str, values: Mapping[str, Any], table: dict[str, Check]) -> None:
    for key, value in values.items():
        if key not in table:
            raise InputError(f"{prefix}{key}: no such key here; there are {', '.join(table)}")
        if value == "???":
            raise InputError(f"{prefix}{key}: no value given; add {prefix}{key}=VALUE")
        table[key](f"{prefix}{key}", value)
    # Groups such as schedule and logger hold only the keys that their choice uses; the root holds them all.
    if not prefix:
        for key in table:
            if key not in values:
                raise InputError(f"{key}: missing from the configuration")
