"""The result of pooled probes: several rows of a person, pooled, are one probe."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from poseid.verification.estimates import Estimate
from poseid.verification.operating_points import Rates
from poseid.verification.rates import LABELS
from poseid.verification.set_result import differences, fixed_threshold, rates_of

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
    identification: Mapping[str, Any]
    """By gallery: ``rank1`` and, by FPIR, ``fnir_at_fpir`` of each of `SEARCHED`; empty where nobody can be found."""
    null_reasons: Mapping[str, str]
    """Why a rate is null, by its path in the set: an FMR, ``ci95``, ``fixed_threshold.…``, or "" for all of them."""

    @property
    def by(self) -> str:
        """What makes a template."""
        return "template_id" if self.frames is None else "random sets"

    def figures(self, pooling: str) -> dict[str, Estimate]:
        """EER and FNMR at each FMR of a pooling; of those searched FNIR too, which has no interval.

        A search does not resample with the people of the gallery.
        """
        rates, why = self.rates[pooling], self.null_reasons
        out = {"eer": rates.eer}
        out |= {f"fnmr_at_fmr_{f}": rates.fnmr_at_fmr[n].because(why.get(f, "")) for n, f in enumerate(LABELS)}
        if pooling in SEARCHED:
            nothing = np.full(rates.eer.resampled.shape, np.nan)
            for gallery in GALLERIES:
                found = self.identification.get(gallery)
                for fpir in FPIRS:
                    reason = why.get("fnir_at_fpir") or why.get(f"fnir_at_fpir.{fpir}", "")
                    value = found["fnir_at_fpir"][fpir][pooling] if found else np.nan
                    out[f"fnir_at_fpir_{fpir}_{gallery}"] = Estimate(value, nothing, reason)
        return out

    def to_dict(self) -> dict[str, Any]:
        """A set of an entry of ``frames`` in ``summary.json``."""
        block: dict[str, Any] = {
            "templates": self.templates,
            "people": self.people,
            "mean_frames": self.mean_frames,
            "length_carries_nothing": self.one_length,
            "verdict": self.verdict,
            "reason": self.reason,
            "identification": self.identification,
            "null_reasons": self.null_reasons,
        }
        block |= {"genuine": self.genuine, "impostor": self.impostor}
        if not self.rates:
            return block
        best = self.rates["enhanced_weighted"]
        return block | {
            **{name: rates_of(rates) for name, rates in self.rates.items()},
            "difference": {
                f"enhanced_weighted_less_{name}": differences(self.rates[name], best) for name in POOLINGS[:-1]
            },
            "fixed_threshold": fixed_threshold(self.rates["raw_mean"], best),
        }


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
