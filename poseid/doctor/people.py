"""Who is on the rows, and what to expect of training with so many people: measured, see docs/results.md."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from poseid.doctor.finding import WARNING, Finding, finding, share
from poseid.doctor.folder import Folder
from poseid.features.person_names import alike_names
from poseid.features.rows import shown

TRAINING_SHARE = 0.6
"""Of the people, by the default split."""

FEWEST_TO_HELP = 50
"""Training people below which next to no run helped."""

_MANY_WITHOUT = 0.2
_HEAVY = 0.2


class Measured(NamedTuple):
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
    """What to expect of training with so many people with pairs, in a sentence or two.

    >>> outlook(30)[:81]
    '30 people with pairs make about 18 training people (60 % by the default split). E'
    """
    training = round(TRAINING_SHARE * paired)
    below = [row for row in MEASURED if row.people <= training]
    row = below[-1] if below else MEASURED[0]
    start = (
        f"{paired:,} people with pairs make about {training:,} training people "
        f"({100 * TRAINING_SHARE:.0f} % by the default split). {'Of' if below else 'Expect nothing: of'} ten runs with "
        f"{row.people} training people on real photographs, {row.helped} helped"
    )
    if not below:
        return f"{start}."
    harmed = f" and {row.harmed} harmed" if row.harmed else ", none harmed"
    return (
        f"{start}{harmed}; the equal error rate changed by {row.eer_change:+.1f} % of itself on average. "
        "Your photos may differ: judge by the report of your own run."
    )


def check_people(folder: Folder) -> Iterator[Finding]:
    """Whether front and video rows are of the same people, and whether there are enough of them."""
    rows, names, paired = folder.rows_of_people, folder.names, folder.paired
    if not rows.any(axis=1).all():  # names could not be read: another finding says so
        return
    alone = {"front": rows[1] == 0, "video": rows[0] == 0}
    only = {f"only_{kind}": int(mask.sum()) for kind, mask in alone.items()}
    parts = [
        f"{mask.sum():,} have {kind} rows alone, such as {shown(names[int(mask.argmax())])}"
        for kind, mask in alone.items()
        if mask.any()
    ]
    unpaired = sum(only.values())
    if unpaired:
        yield finding(
            "people-without-pair" if paired else "no-pairs",
            f"{share(unpaired, len(names))} people: {'; '.join(parts)}.",
            {"paired": paired, **only},
            severity=WARNING if paired and unpaired > _MANY_WITHOUT * len(names) else None,
        )
    several = [group for group in alike_names(names) if len(group) > 1]
    if several:
        more = sum(len(group) - 1 for group in several)
        yield finding("names-alike", f"{more:,}, such as {' and '.join(map(shown, several[0][:2]))}.", {"n": more})
    training = round(TRAINING_SHARE * paired)
    if 0 < training < FEWEST_TO_HELP:
        yield finding(
            "few-people",
            f"{paired} people have pairs, so {training} would be trained on.",
            {"paired": paired, "training": training, "needed": FEWEST_TO_HELP},
        )
    most, total = int(rows.sum(axis=0).max()), int(rows.sum())
    if len(names) >= 10 and most > _HEAVY * total:
        evidence = f"{shown(names[int(rows.sum(axis=0).argmax())])} has {share(most, total)} rows."
        yield finding("uneven-people", evidence, {"rows": most, "of": total})
