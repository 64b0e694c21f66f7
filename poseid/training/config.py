"""The configuration as typed fields, checked before any data is read: the first fault is one line that names its key.

A new key is its line under conf/ and its field here.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import BaseModel, Field, ValidationError

from poseid.errors import InputError
from poseid.interrupt import importing
from poseid.training.objective import check_objective

Finite = Annotated[float, Field(allow_inf_nan=False)]
NotNegative = Annotated[Finite, Field(ge=0)]
Positive = Annotated[Finite, Field(gt=0)]
Share = Annotated[Finite, Field(ge=0, le=1)]
Signed = Annotated[Finite, Field(ge=-1, le=1)]
Count = Annotated[int, Field(ge=0, lt=2**31)]
AtLeast1 = Annotated[Count, Field(ge=1)]
AtLeast2 = Annotated[Count, Field(ge=2)]
Text = Annotated[str, Field(min_length=1)]
Value = TypeVar("Value")


class Group(BaseModel, extra="forbid", strict=True):
    """Keys of one group: of exactly these types, and no others."""


class Trained(Group, Generic[Value]):
    """A number of φ (phi): its first value and its learning rate."""

    value: Value
    lr: Annotated[NotNegative, Field(le=10)]


class Phi(Group):
    ridge: Trained[Positive]
    ridge_power: Trained[Annotated[Finite, Field(ge=-2, le=2)]]
    length_power: Trained[Annotated[Finite, Field(ge=-10, le=10)]]
    metric_power: Trained[Signed]
    shape: Trained[Annotated[list[Annotated[Finite, Field(ge=-5)]], Field(min_length=4, max_length=4)]]
    bias: Trained[Signed]
    quality: Trained[Signed]
    strength: Trained[Annotated[NotNegative, Field(le=2)]]
    gate_slope: Trained[Annotated[NotNegative, Field(le=10)]]
    gate_centre: Trained[Annotated[Finite, Field(ge=-180, le=180)]]
    gate_full: Trained[Annotated[Finite, Field(ge=6, le=180)]]
    gate_unknown: Trained[Annotated[Finite, Field(ge=-100, le=100)]]
    weight_length: Trained[Annotated[Finite, Field(ge=-20, le=20)]]
    weight_yaw: Trained[Annotated[Finite, Field(ge=-20, le=20)]]


class Model(Group):
    """What both networks have."""

    dim: AtLeast2
    pose_dim: AtLeast1
    suppression: Share
    residual: Share
    network: bool
    skip: bool
    init: Literal["ridge", "zero", "random"]
    phi: Phi
    similarity_dim: AtLeast1 | None
    norm: Literal["keep", "unit", "weight"]
    sides: Literal["probe", "both"]


class Residual(Model):
    name: Literal["residual"]
    rank: AtLeast1


class PoseTransformer(Model):
    name: Literal["pose_transformer"]
    identity_dim: AtLeast1
    tokens: AtLeast1
    width: AtLeast1
    depth: Count
    heads: AtLeast1
    mlp: AtLeast1
    aggregation: Text  # the names are in AGGREGATIONS of enhancers/pose_transformer.py


class DataConfig(Group):
    """The group ``data``; conf/data/ says what each key means."""

    source: Literal["synthetic", "folder"]
    dir: Text | None
    dim: AtLeast2
    target: Literal["centroid", "pair"]
    fractions: Annotated[list[NotNegative], Field(min_length=3, max_length=3)]
    split_seed: Count
    folds: Annotated[list[Count], Field(min_length=1)] | None
    train_people: Text | None
    validation_people: Text | None
    test_people: Text | None
    train_limit: AtLeast2 | None
    min_yaw: Annotated[NotNegative, Field(le=180)]
    max_yaw: Annotated[NotNegative, Field(le=180)]
    missing_pose: Literal["keep", "drop"]
    divisions: AtLeast1
    pose_dropout: Share
    synthetic_people: Annotated[Count, Field(ge=10)]
    synthetic_seed: Count


class Loss(Group):
    temperature: Positive
    margin: Annotated[NotNegative, Field(le=2)]
    hardest: AtLeast1
    swap: bool


class Constant(Group):
    name: Literal["constant"]


class TwoStage(Group):
    name: Literal["two_stage"]
    stage1_epochs: Count
    stage1_lambda_id: Positive  # with 0, stage 1 would have nothing to train
    ramp_epochs: Count


class Progressive(Group):
    name: Literal["progressive"]
    start_lambda_id: NotNegative
    ramp_epochs: Count


class Trainer(Group):
    accelerator: Literal["auto", "cpu", "gpu", "mps"]
    devices: AtLeast1
    num_nodes: AtLeast1
    gradient_clip_val: Positive
    # A share with a point, or a number of steps without one.
    limit_train_batches: Annotated[Positive, Field(le=1, strict=True)] | AtLeast1
    overfit_batches: Share | Count
    accumulate_grad_batches: AtLeast1
    max_steps: Literal[-1] | AtLeast1
    fast_dev_run: Count | bool
    max_time: Annotated[str, Field(pattern=r"^\d+:\d\d:\d\d:\d\d$")] | None
    deterministic: bool
    progress_bar: bool


class FileLogger(Group):
    name: Literal["csv", "none"]


class WandbLogger(Group):
    name: Literal["wandb"]
    mode: Literal["online", "offline", "disabled"]
    project: Text
    entity: Text | None
    group: Text | None
    tags: list[Text]


class Diagnosis(Group):
    every_n_epochs: Count


class Callbacks(Group):
    early_stopping: bool
    patience: AtLeast1
    diagnosis: Diagnosis


class Config(Group):
    """The whole configuration, with the root keys ``lambda_<term>`` as ``weights``."""

    weights: dict[str, NotNegative]
    lr: Annotated[Positive, Field(le=10)]
    lr_identity_scale: Annotated[NotNegative, Field(le=1000)]
    weight_decay: Annotated[NotNegative, Field(le=100)]
    warmup_epochs: NotNegative
    network_after: NotNegative
    batch_size: AtLeast2
    max_epochs: AtLeast1
    precision: Literal[32, 16, "32", "bf16", "16", "mixed"]
    seed: Count
    threads: Count
    objective: list[str]
    cv: AtLeast2 | None
    fold: Count | None
    resamples: Annotated[Count, Field(ge=100)]
    evaluate_test: bool | None
    resume: Text | None
    ckpt_path: Text | None
    init_from: Text | None
    data: DataConfig
    model: Annotated[Residual | PoseTransformer, Field(discriminator="name")]
    loss: Loss
    schedule: Annotated[Constant | TwoStage | Progressive, Field(discriminator="name")]
    trainer: Trainer
    logger: Annotated[FileLogger | WandbLogger, Field(discriminator="name")]
    callbacks: Callbacks


def check_config(config: Mapping[str, Any]) -> Config:
    """Checks names, types and ranges of a resolved configuration, and what must hold between keys.

    Raises:
        InputError: the first fault, as ``key: what it should be, got what``.
    """
    weights = {key: value for key, value in config.items() if key.startswith("lambda_")}
    others = {key: value for key, value in config.items() if key not in weights}
    try:
        checked = Config.model_validate({"weights": weights, **others})
    except ValidationError as error:
        raise InputError(_first_fault(error, {"weights": weights, **others})) from None
    check_objective(checked.objective)
    _check_between(checked)
    # Last, since it needs torch: no other fault waits for that.
    with importing():
        from poseid.enhancers.pose_transformer import AGGREGATIONS
        from poseid.training.losses import TERMS

    model = checked.model
    if isinstance(model, PoseTransformer) and model.aggregation not in AGGREGATIONS:
        *names, last = map(repr, AGGREGATIONS)
        raise InputError(f"model.aggregation: should be {', '.join(names)} or {last}, got {model.aggregation!r}")
    known = [f"lambda_{name}" for name in TERMS]
    for key in weights.keys() - set(known):
        raise InputError(f"{key}: no such key here; there are {', '.join(known)}")
    for key in known:
        if key not in weights:
            raise InputError(f"{key}: missing from the configuration")
    return checked


def _first_fault(error: ValidationError, config: Mapping[str, Any]) -> str:
    """The first fault in one line."""
    fault = error.errors(include_url=False)[0]
    path, message, given = [*fault["loc"]], fault["msg"].removeprefix("Input "), fault["input"]
    if path[0] in ("model", "schedule", "logger"):
        del path[1:2]  # the choice, which is no key
    names, group, beside = [], config, config
    for part in path:  # a place in a list, or the alternative of a union, is no key either
        if isinstance(group, Mapping):
            names.append(str(part))
            beside, group = group, group.get(str(part), {})
    key = ".".join(names).removeprefix("weights.")
    if key == "logger.mode" and given == os.environ.get("WANDB_MODE"):
        key = "WANDB_MODE (the environment variable; or give logger.mode)"
    if given == "???":
        return f"{key}: no value given; add {key}=VALUE"
    if fault["type"] == "missing":
        return f"{key}: missing from the configuration"
    if fault["type"] == "extra_forbidden":
        known = [str(name) for name in beside if name != names[-1]]
        return f"{key}: no such key here; there are {', '.join(known)}"
    if fault["type"] == "union_tag_invalid":
        return f"{key}.name: should be one of {fault['ctx']['expected_tags']}, got {fault['ctx']['tag']!r}"
    if fault["type"] in ("model_type", "model_attributes_type"):
        message = "should be a group of keys"
    return f"{key}: {message}, got {given!r}"


def _check_between(config: Config) -> None:
    """What must hold between keys."""
    data, model, schedule = config.data, config.model, config.schedule
    if data.min_yaw >= data.max_yaw:
        raise InputError(f"data.min_yaw: {data.min_yaw:g} is not below data.max_yaw {data.max_yaw:g}")
    if not math.isclose(sum(data.fractions), 1.0, abs_tol=1e-6):
        raise InputError(f"data.fractions: the three shares must add up to 1, got {data.fractions}")
    if isinstance(model, PoseTransformer):
        if model.dim % model.tokens:
            raise InputError(f"model.tokens: {model.tokens} does not divide data.dim {model.dim}")
        if model.width % model.heads:
            raise InputError(f"model.heads: {model.heads} does not divide model.width {model.width}")
    _check_folds(config)
    if data.source == "synthetic" and data.dir:
        raise InputError("data.dir: made-up people are not read from a folder; add data=folder")
    if config.trainer.fast_dev_run and (config.resume or config.ckpt_path):
        raise InputError("trainer.fast_dev_run: tries a new run; leave it out, or resume and ckpt_path")
    if not any(config.weights.values()):
        raise InputError("lambda_id: all loss weights are 0, so there is nothing to train; give one of them")
    if model.dim != data.dim:
        raise InputError(f"model.dim: {model.dim} is not data.dim {data.dim}; set data.dim alone")
    ramp = {key: epochs for key, epochs in schedule if key in ("stage1_epochs", "ramp_epochs")}
    total = sum(ramp.values())
    if total > config.max_epochs:
        keys = " + ".join(f"schedule.{key}" for key in ramp)
        raise InputError(f"{keys}: {total} epochs do not fit into max_epochs {config.max_epochs}")


def _check_folds(config: Config) -> None:
    """A cross-validation chooses who tests by itself."""
    data = config.data
    if config.cv is None:
        if config.fold is not None:
            raise InputError(f"fold: {config.fold} of no cross-validation; add cv=K, or leave it out")
        return
    if config.fold is not None and config.fold >= config.cv:
        raise InputError(f"fold: should be from 0 to {config.cv - 1}, got {config.fold}")
    for key in ("folds", "train_people", "validation_people", "test_people"):
        if getattr(data, key) is not None:
            raise InputError(f"data.{key}: cv={config.cv} chooses the test people by itself; leave one of the two out")
    if data.fractions[0] * data.fractions[1] == 0:
        raise InputError(f"data.fractions: cv needs training and validation people, got {data.fractions}")
    for key in ("max_steps", "max_time", "fast_dev_run"):
        if getattr(config.trainer, key) not in (None, -1, False, 0):
            raise InputError(f"trainer.{key}: the model of everybody trains as many epochs as its folds; leave it out")
    if config.trainer.devices * config.trainer.num_nodes > 1:
        raise InputError("trainer.devices: folds train in one process each; leave it, or cv, out")
    for key in ("ckpt_path", "init_from"):
        if getattr(config, key):
            raise InputError(f"{key}: its weights have seen people whom folds test; leave it, or cv, out")
