"""The model card beside an exported file: Markdown, made from the header alone; counts and figures, no names."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from poseid.enhancers.header import info_of
from poseid.reports.html import render

_WHAT = {
    "residual": "a pose-gated correction of the vector, in its own dimensions",
    "pose_transformer": "a small transformer over slices of the vector with the pose in its attention",
    "raw": "nothing: vectors come out as they went in",
    "mean_subtraction": "the mean of the head's yaw bin taken out",
    "ridge": "a gated ridge regression to the person's frontal mean",
    "wccn": "a ridge regression, then within-class covariance normalisation of both sides",
    "dream": "a residual network whose share grows with the yaw (Cao et al., CVPR 2018)",
    "srt": "an unmasking network with the self-restrained triplet loss (Boutros et al., 2022)",
}
_VERDICTS = {
    "helps": "The report says **helps**: fewer genuine pairs refused on people never trained on, no more impostors.",
    "no effect shown": "The report says **no effect shown**: do not expect better figures than with the raw vectors.",
    "harms": "The report says **harms**: do not use this model.",
}


def card(header: dict[str, Any], dim: int, file: str, made: str) -> str:
    """The card as Markdown.

    Args:
        header: of the model.
        dim: D.
        file: name of the exported file.
        made: what it is, in a sentence.
    """
    info = info_of(header, dim)
    context = {
        "header": header,
        "info": info,
        "report": info.report and {"guard": None, "fitted_on": None} | info.report,
        "dim": dim,
        "file": file,
        "made": made,
        "what": _WHAT.get(info.model, _plain(info.model)),
        "both": info.sides == "both",
        "projected": bool(header["model"].get("similarity_dim")),
        "fingerprint": header.get("fingerprint"),
        "data_digest": (header.get("data") or {}).get("digest"),
        "verdicts": _VERDICTS,
        "plain": _plain,
        "digest": _digest,
    }
    return render("model_card.md", context)


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]


def _plain(text: object) -> str:
    """Text of a file in one line that Markdown and HTML show as it is.

    >>> _plain("<b>*x*|")
    '\\\\<b\\\\>\\\\*x\\\\*\\\\|'
    """
    line = " ".join(str(text).split())
    return "".join(f"\\{character}" if character in "\\`*[]<>|#" else character for character in line)
