"""The model card beside an exported file: Markdown, made from the header alone; counts and figures, no names."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from poseid.enhancers.header import info_of
from poseid.enhancers.registry import BASELINES, ENHANCERS
from poseid.reports.html import render
from poseid.verification.verdict import HARMS, HELPS, NO_EFFECT, NOT_JUDGED

_VERDICTS = {
    HELPS: "The report says **helps**: fewer genuine pairs rejected on people never trained on, no more impostors.",
    NO_EFFECT: "The report says **no effect shown**: do not expect better figures than with the raw vectors.",
    HARMS: "The report says **harms**: do not use this model.",
    NOT_JUDGED: "The report does not judge it.",
}
_PARTS = {
    "cross_validation": "people, each tested once, by the model of a fold that never saw them",
    "test": "test people never trained on",
    "validation": "validation people never trained on (the model was chosen on them: they flatter it)",
}
"""Of whom a header may have figures."""


def card(header: dict[str, Any], dim: int, file: str, made: str) -> str:
    """The card as Markdown.

    Args:
        header: of the model.
        dim: D.
        file: name of the exported file.
        made: what it is, in a sentence.
    """
    info = info_of(header, dim)
    known = {**ENHANCERS, **BASELINES}.get(info.model)
    context = {
        "header": header,
        "info": info,
        "report": info.report and {"guard": None, "fitted_on": None} | info.report,
        "dim": dim,
        "file": file,
        "made": made,
        # what a model does, by the class that the registry has of it; else its name
        "what": known.summary if known else _plain(info.model),
        "both": info.sides == "both",
        "projected": bool(header["model"].get("similarity_dim")),
        "fingerprint": header.get("fingerprint"),
        "data_digest": (header.get("data") or {}).get("digest"),
        "verdicts": _VERDICTS,
        "parts": _PARTS,
        "folds": bool(info.report and info.report.get("judged_by")),
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
