"""What a sweep shows, and what it does not, in plain sentences."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from poseid.sweeps.analysis import Sweep
from poseid.sweeps.differences import words
from poseid.sweeps.estimates import Estimate

_MOST_NAMES = 4


@dataclass(frozen=True)
class Conclusion:
    """
    Args:
        kind: good where the best setting is shown to beat every other one, else mid.
        heading: the answer.
        sentences: what it rests on.
    """

    kind: Literal["good", "mid"]
    heading: str
    sentences: tuple[str, ...]


def conclude(sweep: Sweep) -> Conclusion:
    """The answer to "which setting is best?" as far as the repeats carry it."""
    best, measure = sweep.best, sweep.asked[0]
    if best is None:
        heading = "No job has finished yet" if not sweep.settings else f"No setting has a figure for {measure.title}"
        return Conclusion("mid", heading, ("What is there of each job stands below.",))
    estimate = best.estimate(measure.key)
    assert estimate is not None
    first = f"{measure.title} {interval(estimate)} ({measure.direction}), on validation people."
    others = list(sweep.means)[1:]
    if not others:
        return Conclusion("mid", f"One setting: {best.name}", (first, "There is nothing to compare it with."))
    if max(sweep.means.values()) - min(sweep.means.values()) < 1e-12:
        why = (
            "Nothing that was varied changed the figure. Where no epoch of training beats the start, the start is what "
            "ships, whatever the weights are; a job's train.log says so."
        )
        return Conclusion("mid", f"All {len(others) + 1} settings came out equal", (first, why))
    said = {setting.name: words(sweep.against_best[setting], measure.lower_is_better)[0] for setting in others}
    open_ones = [name for name, text in said.items() if text != "worse"]
    sentences = [first]
    if open_ones:
        named = "; ".join(open_ones[:_MOST_NAMES]) + (
            f"; and {len(open_ones) - _MOST_NAMES} more" if len(open_ones) > _MOST_NAMES else ""
        )
        sentences.append(f"Not shown to be better than {len(open_ones)} of {len(others)} others: {named}.")
    else:
        sentences.append(f"Shown to be better than each of the {len(others)} others, paired by repeat.")
    if all(len(setting.jobs) < 2 for setting in sweep.settings):
        sentences.append("No setting was repeated, so every difference may be chance: add seed=0,1,2.")
    heading = f"Best on average: {best.name}"
    return Conclusion("mid" if open_ones else "good", heading, tuple(sentences))


def interval(estimate: Estimate | None) -> str:
    """
    >>> interval(Estimate(0.25, [0.2, 0.3], 3)), interval(Estimate(0.25, None, 1)), interval(None)
    ('0.2500 [0.2000, 0.3000]', '0.2500', '-')
    """
    if estimate is None:
        return "-"
    if estimate.ci95 is None:
        return f"{estimate.mean:.4f}"
    return f"{estimate.mean:.4f} [{estimate.ci95[0]:.4f}, {estimate.ci95[1]:.4f}]"
