"""An evaluation block in a dozen figures: what a model's header and its card say about it."""

from __future__ import annotations

from typing import Any

from poseid.verification.operating_points import strictest


def key_figures(block: dict[str, Any]) -> dict[str, Any]:
    """The headline of an evaluation block; rates are fractions, and what is null there is None here.

    Args:
        block: as :func:`poseid.verification.evaluate.evaluate` returns it.

    Returns:
        ``people``, ``references``, ``probes``, ``headline`` (the set), ``verdict``, ``reason``;
        ``improvement``: ``mean``, ``frontal`` and their ``…_ci95``, cosine, higher is better;
        ``eer``: ``raw``, ``enhanced``, ``difference``, ``difference_ci95``, lower is better, None without the set;
        ``fmr``: the operating point of what follows, "1e-3", "1e-2" where there are too few impostors for it, or None;
        ``fnmr_at_fmr``: as ``eer``, each side at its own threshold;
        ``raw_threshold``: ``fmr_ratio`` (impostors accepted, enhanced against raw), ``fnmr_difference`` and their
        ``…_ci95``, where the raw threshold stays as it is, lower is better.
    """
    improvement = block["improvement"]
    shown = {key: block[key] for key in ("people", "references", "probes", "headline", "verdict", "reason")}
    shown["improvement"] = {"mean": improvement["mean"], "mean_ci95": improvement["ci95"]} | {
        key: improvement[key] for key in ("frontal", "frontal_ci95")
    }
    shown |= {"eer": None, "fmr": None, "fnmr_at_fmr": None, "raw_threshold": None}
    headline = block["sets"][block["headline"]]
    if headline is None:
        return shown
    forms = [headline[form] for form in ("raw", "enhanced", "difference")]
    shown["eer"] = _change(*(form["eer"] for form in forms))
    fmr = strictest(headline["raw"]["fnmr_at_fmr"])
    if fmr is not None:
        fixed = headline["fixed_threshold"][fmr]
        keys = ("fmr_ratio", "fmr_ratio_ci95", "fnmr_difference", "fnmr_difference_ci95")
        shown |= {"fmr": fmr, "fnmr_at_fmr": _change(*(form["fnmr_at_fmr"][fmr] for form in forms))}
        shown["raw_threshold"] = {key: fixed[key] for key in keys}
    return shown


def _change(raw: float | None, enhanced: float | None, change: dict[str, Any]) -> dict[str, Any]:
    return {"raw": raw, "enhanced": enhanced, "difference": change["mean"], "difference_ci95": change["ci95"]}
