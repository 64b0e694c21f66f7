"""A whole evaluation in a file, resamples included, so that another process can average it over folds.

An .npz of arrays without pickle, and one text that says how they make up the result. Scores of impostors are left out.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poseid.atomic import write_bytes
from poseid.errors import InputError
from poseid.verification.estimates import Estimate
from poseid.verification.genuine import ByPose, Improvement, Similarity
from poseid.verification.identification import Searches
from poseid.verification.operating_points import Rates
from poseid.verification.protocols import ProtocolRates, ProtocolResult
from poseid.verification.result import Evaluation, YawSignSet
from poseid.verification.scores import Genuine
from poseid.verification.set_result import SetResult
from poseid.verification.template_result import TemplateResult
from poseid.verification.verdict import NOT_JUDGED

_CLASSES: dict[str, Any] = {
    cls.__name__: cls
    for cls in (
        *(ByPose, Estimate, Evaluation, Genuine, Improvement, ProtocolRates, ProtocolResult, Rates),
        *(Searches, SetResult, Similarity, TemplateResult, YawSignSet),
    )
}
_STRUCTURE = "structure"


def write_evaluation(evaluation: Evaluation, path: Path, intervals: bool = True) -> None:
    """Writes an evaluation; :func:`read_evaluation` gives it back bit for bit, but for ``headline_scores``.

    Args:
        evaluation: of one fold.
        path: the file.
        intervals: False leaves the resamples, the verdict and pooled probes out.
    """
    evaluation = replace(evaluation, headline_scores=None)
    if not intervals:
        evaluation = replace(evaluation, resamples=0, verdict=NOT_JUDGED, reason="", frames=())
    arrays: dict[str, NDArray[Any]] = {}
    structure = json.dumps(_encoded(evaluation, arrays, intervals))
    content = io.BytesIO()
    np.savez(content, **{_STRUCTURE: np.array(structure)}, **arrays)  # type: ignore[arg-type]
    write_bytes(path, content.getbuffer())


def read_evaluation(path: Path) -> Evaluation:
    """Reads an evaluation.

    Raises:
        InputError: the file is missing or damaged.
    """
    try:
        with np.load(path, allow_pickle=False) as opened:
            evaluation = _decoded(json.loads(str(opened[_STRUCTURE])), opened)
    except Exception:
        raise InputError(f"{path}: is missing or damaged: remove the directory of its fold and resume") from None
    if not isinstance(evaluation, Evaluation):
        raise InputError(f"{path}: holds no evaluation")
    return evaluation


def _encoded(value: Any, arrays: dict[str, NDArray[Any]], intervals: bool) -> Any:
    """JSON, with each array under its number in `arrays`."""
    if isinstance(value, (np.ndarray, np.generic)):
        arrays[name := str(len(arrays))] = np.asarray(value)
        return {"array": name}
    if isinstance(value, Estimate) or is_dataclass(value):
        names = [field.name for field in fields(value)] if is_dataclass(value) else ["value", "resampled", "reason"]
        parts = {name: getattr(value, name) for name in names}
        if isinstance(value, Estimate) and not intervals:
            parts["resampled"] = value.resampled[..., :0]
        return {
            "class": type(value).__name__,
            "of": {key: _encoded(part, arrays, intervals) for key, part in parts.items()},
        }
    if isinstance(value, Mapping):
        return {"mapping": {key: _encoded(part, arrays, intervals) for key, part in value.items()}}
    if isinstance(value, (list, tuple)):
        return {type(value).__name__: [_encoded(part, arrays, intervals) for part in value]}
    return value


def _decoded(value: Any, arrays: Mapping[str, NDArray[Any]]) -> Any:
    if not isinstance(value, dict):
        return value
    if "array" in value:
        return arrays[value["array"]]
    if "class" in value:
        return _CLASSES[value["class"]](**{key: _decoded(part, arrays) for key, part in value["of"].items()})
    if "mapping" in value:
        return {key: _decoded(part, arrays) for key, part in value["mapping"].items()}
    (kind,) = value
    parts = [_decoded(part, arrays) for part in value[kind]]
    return tuple(parts) if kind == "tuple" else parts
