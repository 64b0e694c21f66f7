"""The result of pooled probes: several rows of a person, pooled, are one probe."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from poseid.verification.estimates import Estimate, average
from poseid.verification.identification import Searches, fnir_at_fpir, rank1, why_no_fnir
from poseid.verification.operating_points import Rates
from poseid.verification.rates import LABELS
from poseid.verification.set_result import difference_of, fixed_threshold, rates_of

View = Literal["profile", "any"]
VIEWS: tuple[View, ...] = ("profile", "any")
POOLINGS = ("raw_mean", "raw_length", "raw_length_squared", "enhanced_mean", "enhanced_weighted")
"""Of raw rows by weights 1, |x| (the sum of the vectors as they come) and |x|²; of enhanced rows by 1 and by their
weights."""
SEARCHED = ("raw_mean", "enhanced_weighted")
"""The poolings that are searched in galleries too."""
GALLERIES = ("one_reference", "all_references")
"""One frontal reference a person, or all references of each person, pooled."""
FPIRS = {"1e-1": 0.1, "1e-2": 0.01}


@dataclass(frozen=True)
class TemplateResult:
    """Pooled probes against references; what is judged is the mean of raw rows against enhanced rows by their weights.

    The references of `profile` are all frontal rows, as in `frontal_profile`; of `any` the front rows, as in `all`.
    """

    frames: int | None
    """k, rows of each set; None: by template, of as many rows as it has."""
    view: View
    templates: int
    people: int
    mean_frames: float
    genuine: int | None
    """Number of comparisons; None where there are no rates."""
    impostor: int | None
    rates: Mapping[str, Rates]
    """The error rates of each of `POOLINGS`, empty where there are none."""
    verdict: str
    reason: str
    one_length: bool
    """Whether all raw rows have one length, which then carries nothing."""
    searches: Mapping[str, Mapping[str, Searches]]
    """By gallery, then by pooling; empty where the references are of fewer than two people."""
    null_reasons: Mapping[str, str]
    """Why a rate is null, by its path in the set: an FMR, ``ci95``, ``fixed_threshold.…``, or "" for all of them."""

    @property
    def by(self) -> str:
        """What makes a template."""
        return "template_id" if self.frames is None else "random sets"

    def figures(self, pooling: str) -> dict[str, Estimate]:
        """EER and FNMR at each FMR of a pooling."""
        fnmr, why = self.rates[pooling].fnmr_at_fmr, self.null_reasons
        each = {f"fnmr_at_fmr_{f}": fnmr[n].because(why.get(f, "")) for n, f in enumerate(LABELS)}
        return {"eer": self.rates[pooling].eer} | each

    def change(self, pooling: str) -> dict[str, Estimate]:
        """The paired differences of EER and of FNMR at each FMR: enhanced by weights less another pooling."""
        best, other = (self.figures(name) for name in ("enhanced_weighted", pooling))
        return {name: best[name] - other[name] for name in best}

    def to_dict(self) -> dict[str, Any]:
        """A set of an entry of ``frames`` in ``summary.json``."""
        block: dict[str, Any] = {
            "templates": self.templates,
            "people": self.people,
            "mean_frames": self.mean_frames,
            "length_carries_nothing": self.one_length,
            "verdict": self.verdict,
            "reason": self.reason,
            "identification": {
                gallery: {
                    "rank1": {name: rank1(found) for name, found in forms.items()},
                    "fnir_at_fpir": {
                        label: {name: fnir(found, fpir) for name, found in forms.items()}
                        for label, fpir in FPIRS.items()
                    },
                }
                for gallery, forms in self.searches.items()
            },
            "null_reasons": dict(self.null_reasons) | self.why_no_fnir(),
        }
        block |= {"genuine": self.genuine, "impostor": self.impostor}
        if not self.rates:
            return block
        return block | {
            **{name: rates_of(rates) for name, rates in self.rates.items()},
            "difference": {
                f"enhanced_weighted_less_{name}": {
                    "eer": difference_of((change := self.change(name))["eer"]),
                    "fnmr_at_fmr": {label: difference_of(change[f"fnmr_at_fmr_{label}"]) for label in LABELS},
                }
                for name in POOLINGS[:-1]
            },
            "fixed_threshold": fixed_threshold(self.rates["raw_mean"], self.rates["enhanced_weighted"]),
        }

    def why_no_fnir(self) -> dict[str, str]:
        """By path: every gallery holds the same people, and every pooling makes the same searches."""
        if not self.searches:
            return {"fnir_at_fpir": "the gallery holds fewer than two people, or nobody of the probes"}
        one = self.searches[GALLERIES[0]][SEARCHED[0]]
        reasons = {f"fnir_at_fpir.{label}": why_no_fnir(one, fpir) for label, fpir in FPIRS.items()}
        return {path: why for path, why in reasons.items() if why}


def fnir(searches: Searches, fpir: float) -> float:
    """FNIR at a FPIR, NaN where there are too few searches."""
    return np.nan if why_no_fnir(searches, fpir) else fnir_at_fpir(searches, fpir)


def frames_block(results: Sequence[TemplateResult]) -> list[dict[str, Any]]:
    """``frames`` of an evaluation block: [{k, by, sets: {profile, any}}]; k is null by template."""
    return [
        {"k": of_k[0].frames, "by": of_k[0].by, "sets": {one.view: one for one in of_k}}
        for of_k in ([one for one in results if one.frames == k] for k in dict.fromkeys(r.frames for r in results))
    ]


def over_splits(splits: Sequence[Sequence[TemplateResult]]) -> dict[tuple[int | None, View], list[TemplateResult]]:
    """By number of frames and view, the result of each split; what one split cannot have is left out."""
    found = [{(one.frames, one.view): one for one in split} for split in splits]
    return {key: [split[key] for split in found] for key in found[0] if all(key in split for split in found)}


def averaged_figures(splits: Sequence[TemplateResult]) -> dict[str, dict[str, Estimate]]:
    """By pooling: EER, FNMR at each FMR and, of those searched, FNIR, as means over splits of different people.

    splits  results of the same number of frames and view; empty where one of them has no rates
    """
    if not all(one.rates for one in splits):
        return {}
    figures = {}
    for pooling in POOLINGS:
        each = [one.figures(pooling) | _fnirs(one, pooling) for one in splits]
        figures[pooling] = {name: average([one[name] for one in each]) for name in each[0]}
    return figures


def _fnirs(result: TemplateResult, pooling: str) -> dict[str, Estimate]:
    """FNIR has no interval: a probe's search does not resample with the people of the gallery."""
    if pooling not in SEARCHED:
        return {}
    nothing = np.full(result.rates[pooling].eer.resampled.shape, np.nan)
    why = result.why_no_fnir()
    return {
        f"fnir_at_fpir_{label}_{gallery}": Estimate(
            fnir(result.searches[gallery][pooling], fpir) if result.searches else np.nan,
            nothing,
            why.get("fnir_at_fpir") or why.get(f"fnir_at_fpir.{label}", ""),
        )
        for gallery in GALLERIES
        for label, fpir in FPIRS.items()
    }
