"""What a sweep shows, and what it does not, in plain sentences."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import partial
from statistics import fmean
from typing import Literal

from poseid.reports.format import ascii_text, fixed, with_interval
from poseid.sweeps.analysis import Sweep
from poseid.sweeps.settings import Estimate, Setting, words
from poseid.training.objective import Measure

_MOST_NAMES, _LONGEST_HEADING = 3, 120


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
    best, measure = sweep.best, sweep.objectives[0]
    if best is None:
        if not sweep.settings:
            return Conclusion("mid", "No job has finished yet", ("What is there of each job stands below.",))
        why = (
            "It is null in all of them, for want of impostor comparisons: validate on more people, or take an "
            "objective that needs fewer, such as objective=['minimize sets.headline.enhanced.eer']."
        )
        return Conclusion("mid", f"No setting has a figure for {measure.title}", (why,))
    estimate = best.estimate(measure.key)
    assert estimate is not None
    first = f"{measure.title} {interval(estimate)} ({measure.direction}), on validation people."
    first += _against_raw(best, measure)
    others = list(sweep.means)[1:]
    if not others:
        return Conclusion("mid", f"One setting: {best.name}", (first, "There is nothing to compare it with."))
    if max(sweep.means.values()) - min(sweep.means.values()) < 1e-12:
        why = (
            "All settings gave the same figure. Check that the varied keys reach the jobs (.hydra/overrides.yaml of a "
            "job), and whether the reports say strength 0: then the raw vector ships, whatever the weights are."
        )
        return Conclusion("mid", f"All {len(others) + 1} settings came out equal", (first, why))
    said = {setting.name: words(sweep.against_best[setting], measure.lower_is_better)[0] for setting in others}
    open_ones = [name for name, text in said.items() if text != "worse"]
    sentences = [first]
    if open_ones:
        named = f": {'; '.join(open_ones)}" if len(open_ones) <= _MOST_NAMES else ""
        sentences.append(f"Not shown to be better than {len(open_ones)} of {len(others)} others{named}.")
    else:
        sentences.append(f"Shown to be better than each of the {len(others)} others, paired by repeat.")
    if all(setting.repeats < 2 for setting in sweep.settings):
        sentences.append("No setting was repeated, so every difference may be chance: add seed=0,1,2.")
    elif "data.split_seed" not in sweep.varied:
        sentences.append(
            "The repeats change the seed alone, so intervals tell luck in training on these very validation people; "
            "with data.split_seed=0,1,2 as well they would tell for people like these."
        )
    if len(sweep.objectives) > 1:
        fnmr, ratio = sweep.front_measures
        sentences.append(f"No other setting beats {len(sweep.front)} settings in both {fnmr.title} and {ratio.title}.")
    heading = f"Best{' on average' if best.repeats > 1 else ''}: {best.name}"
    if len(heading) > _LONGEST_HEADING:
        heading = f"The best of {len(sweep.means)} settings"
        sentences.insert(0, best.name)
    return Conclusion("mid" if open_ones else "good", heading, tuple(sentences))


def _against_raw(best: Setting, measure: Measure) -> str:
    """What the reports of the best setting say against raw: their intervals are over people, not over seeds."""
    raw = [job.metrics[measure.raw_key] for job in best.jobs.values()] if measure.raw_key is not None else []
    known = [value for value in raw if value is not None]
    verdicts = Counter(job.verdict or "not judged" for job in best.jobs.values())
    said = ", ".join(f"{verdict} ({count} of {len(best.jobs)})" for verdict, count in verdicts.most_common())
    return f"{f' Raw vectors: {fmean(known):.4f}.' if known else ''} Verdict of its reports against raw: {said}."


def interval(estimate: Estimate | None) -> str:
    """
    >>> interval(Estimate(0.25, [0.2, 0.3], 3)), interval(Estimate(0.25, None, 1)), interval(None)
    ('0.2500 [0.2000, 0.3000]', '0.2500', '-')
    """
    if estimate is None:
        return "-"
    return ascii_text(with_interval(estimate.mean, estimate.ci95, partial(fixed, digits=4)))
