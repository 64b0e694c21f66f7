"""What training can be hoped for, given the number of people: measured, see docs/results.md."""

from __future__ import annotations

from dataclasses import dataclass

TRAINING_SHARE = 0.6
"""Of the people, by the default split."""

FEWEST_TO_HOPE = 50
"""Training people below which next to no run helped."""


@dataclass(frozen=True)
class Measured:
    """Ten runs of the default recipe on real photographs with so many training people."""

    people: int
    helped: int
    harmed: int
    eer_change: float
    """Mean change of the equal error rate in percent of it; lower is better."""


MEASURED = (
    Measured(20, 0, 0, -1.6),
    Measured(50, 3, 0, -4.9),
    Measured(100, 4, 0, -8.9),
    Measured(200, 3, 0, -11.3),
    Measured(300, 3, 0, -11.3),
)
"""docs/results.md, "How many people it takes, and how often it harms"."""


def outlook(paired: int) -> str:
    """A sentence or two for so many people with pairs.

    >>> outlook(30)[:81]
    '30 people with pairs make about 18 training people (60 % by the default split). E'
    """
    training = round(TRAINING_SHARE * paired)
    start = (
        f"{paired:,} people with pairs make about {training:,} training people "
        f"({100 * TRAINING_SHARE:.0f} % by the default split). "
    )
    below = [row for row in MEASURED if row.people <= training]
    if not below:
        row = MEASURED[0]
        return start + (
            f"Expect nothing: of ten runs with {row.people} training people on real photographs, {row.helped} helped."
        )
    row = below[-1]
    harm = f" and {row.harmed} harmed" if row.harmed else ", none harmed"
    return start + (
        f"Of ten runs with {row.people} training people on real photographs, {row.helped} helped{harm}; the equal "
        f"error rate changed by {row.eer_change:+.1f} % of itself on average. "
        "Your photos may differ: judge by the report of your own run."
    )
