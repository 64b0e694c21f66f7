"""What an examination says about a folder: findings, each with its evidence and the remedy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

ERROR, WARNING, NOTE = "error", "warning", "note"
SEVERITIES = (ERROR, WARNING, NOTE)

MOST_ROWS = 1000
"""A finding names no more rows; how many there are stands in its figures."""


@dataclass(frozen=True)
class Finding:
    """One thing that is, or may be, wrong with a folder.

    Attributes:
        id: what it is, the same word in every folder; docs/doctor.md has them all.
        severity: ``error``: training refuses the folder, or its figures would be wrong; ``warning``: probably not what
            was meant; ``note``: worth knowing.
        title: what it is, in a few words.
        evidence: what was seen, with figures.
        remedy: what to do about it.
        figures: the numbers of the evidence, for programs.
        rows: some rows that it is about, as ``front:12`` or ``video:7``.
    """

    id: str
    severity: str
    title: str
    evidence: str
    remedy: str
    figures: Mapping[str, float | int | str | None] = field(default_factory=dict)
    rows: tuple[str, ...] = ()


def share(part: int, total: int) -> str:
    """A count with its share of the total.

    >>> share(3, 100), share(1, 17136)
    ('3 of 100 (3.0 %)', '1 of 17,136 (0.01 %)')
    """
    percent = 100 * part / max(total, 1)
    return f"{part:,} of {total:,} ({percent:.{1 if percent >= 1 or not part else 2}f} %)"
