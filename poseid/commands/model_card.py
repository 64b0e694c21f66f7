"""The model card beside an exported file: Markdown, made from the header alone; counts and figures, no names."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from poseid.enhancers.header import info_of
from poseid.verification.table import interval, percent, signed

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
    both = info.sides == "both"
    parts = [
        f"# {_plain(file)}",
        f"An enhancer of poseid: it takes the head pose out of face vectors, by "
        f"{_WHAT.get(info.model, _plain(info.model))}. {made}.",
        "## What goes in and what comes out",
        _list(
            f"vectors of {dim} numbers, with the lengths that the recogniser gave them",
            "a head pose for each, [yaw, pitch, roll] in degrees, or none: NaN is unknown",
            f"out: vectors of {dim} numbers, "
            + ("of length 1" if info.norm == "unit" else "of the lengths that came in"),
            "**references and probes are both enhanced**: a gallery must be enhanced once as well"
            if both
            else "**probes only are enhanced**; references, and so an existing gallery, stay as they are",
        ),
        "`poseid enhance`, or in Python `poseid.load(FILE).enhance(probes, poses)`.",
        "## Trained on",
        _list(*_training(header, info.training_people, info.validation_people)),
        "## Figures",
        *_figures(info.report),
        "## When not to use it",
        _list(
            "with vectors of another recogniser, another version of it, or vectors that were normalised or centred "
            "since: compare them with the fingerprint above",
            "where the report does not say *helps*, or was made on people unlike yours: evaluate on your own first, "
            "`poseid evaluate`",
            "with a threshold that decides about people, before false matches were measured at that threshold on your "
            "own impostors",
            *(["on one side only: references and probes must both go through it"] if both else []),
            *(
                [
                    "by the cosine of what comes out: it was trained to be compared through a projection that only "
                    "`poseid evaluate` on the run itself applies"
                ]
                if header["model"].get("similarity_dim")
                else []
            ),
        ),
        "## Where it comes from",
        _list(*_origin(header, info.versions)),
        "The software is Apache-2.0. The weights were fitted to face vectors of people: the terms of that data, and "
        "the law on biometric data, hold for them too; data for research make a model for research. The header holds "
        "salted hashes of the names of those people, which tell whoever has a list of names who among them took part.",
    ]
    return "\n\n".join(parts) + "\n"


def _training(header: dict[str, Any], training: int | None, validation: int | None) -> list[str]:
    lines = []
    fitted_on = (header.get("report") or {}).get("fitted_on")
    if training is None:
        lines.append("whom it was trained on is not recorded in this file")
    else:
        people = f"{training} training people and {validation or 0} validation people"
        lines.append(people + (f"; fitted on {fitted_on}" if fitted_on else ""))
    look = header.get("fingerprint")
    if look:
        lengths = look["length_quantiles"]
        lines.append(
            f"{look['rows']} probe vectors of {look['dim']} numbers; lengths: median {lengths[3]:.4g}, "
            f"1 % below {lengths[0]:.4g}, 1 % above {lengths[-1]:.4g}; "
            f"length of the mean of the unit vectors {look['mean_length']:.3f}"
        )
        lines.append(f"fingerprint {_digest(look)}")
    return lines


def _figures(report: dict[str, Any] | None) -> list[str]:
    if report is None:
        return ["None: this model carries no report. Make one on people it never saw: `poseid evaluate`."]
    parts = [f"{_VERDICTS.get(report['verdict'], _plain(report['verdict']))} {_plain(report['reason'])}"]
    if report.get("kept"):
        parts.append(_plain(report["kept"]))
    for name in ("test", "validation"):
        figures = report.get(name)
        if figures is None:
            continue
        chosen = " (the model was chosen on them: they flatter it)" if name == "validation" else ""
        parts.append(
            f"{figures['people']} {name} people never trained on{chosen}, {figures['references']} references, "
            f"{figures['probes']} probes, set `{figures['headline']}`, 95 % intervals of the change:"
        )
        parts.append(_table(figures))
    if report.get("test") is None:
        parts.append("No test people were looked at.")
    return parts


def _table(figures: dict[str, Any]) -> str:
    rows = [("", "raw", "enhanced", "change")]
    for key, label in (("eer", "EER"), ("fnmr_at_fmr", f"FNMR at FMR {figures['fmr']}")):
        pair = figures[key]
        if pair is not None:
            change = _change(pair["difference"], pair["difference_ci95"])
            rows.append((label, percent(pair["raw"]), percent(pair["enhanced"]), change))
    fixed = figures["raw_threshold"]
    if fixed is not None:
        times = "-" if fixed["fmr_ratio"] is None else f"{fixed['fmr_ratio']:.2f} ×"
        times += interval(fixed["fmr_ratio_ci95"], "{:.2f}".format)
        rows.append((f"impostors let in at the raw threshold for FMR {figures['fmr']}", "1.00 ×", times, ""))
        held = _change(fixed["fnmr_difference"], fixed["fnmr_difference_ci95"])
        rows.append(("FNMR at that threshold", "", "", held))
    improvement = figures["improvement"]
    for key, label in (("mean", "similarity of genuine pairs"), ("frontal", "the same, frontal pairs alone")):
        change = f"{signed(improvement[key])}{interval(improvement[f'{key}_ci95'], signed)}"
        rows.append((label, "", "", change))
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([lines[0], "|---|---|---|---|", *lines[1:]])


def _origin(header: dict[str, Any], versions: dict[str, str] | None) -> list[str]:
    lines = []
    if versions:
        lines.append(", ".join(f"{_plain(name)} {_plain(version)}" for name, version in versions.items()))
    data = (header.get("data") or {}).get("digest")
    if data:
        lines.append(f"data digest {_plain(data)[:16]}")
    lines.append(f"header digest {_digest(header)}; the whole configuration stands in the header of the file")
    return lines


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]


def _list(*lines: str) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _change(value: float | None, bounds: list[float] | None) -> str:
    """
    >>> _change(-0.0117, [-0.02, -0.0049])
    '-1.17 [-2.00, -0.49] points'
    """
    return "-" if value is None else f"{_hundredths(value)}{interval(bounds, _hundredths)} points"


def _hundredths(value: float) -> str:
    return f"{100 * value:+.2f}"


def _plain(text: object) -> str:
    """Text of a file in one line that Markdown and HTML show as it is.

    >>> _plain("<b>*x*|")
    '\\\\<b\\\\>\\\\*x\\\\*\\\\|'
    """
    line = " ".join(str(text).split())
    return "".join(f"\\{character}" if character in "\\`*[]<>|#" else character for character in line)
