"""A finding: what is, or may be, wrong with a folder, with its evidence and the remedy."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ERROR, WARNING, NOTE = "error", "warning", "note"
SEVERITIES = (ERROR, WARNING, NOTE)

CATALOGUE: dict[str, dict[str, str]] = tomllib.loads(
    Path(__file__).with_name("findings.toml").read_text(encoding="utf-8")
)
"""Severity, title and remedy of every finding, by its id."""

Figures = Mapping[str, float | int | str | None]


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
    figures: Figures
    rows: tuple[str, ...]


def finding(
    id: str, evidence: str, figures: Figures, rows: tuple[str, ...] = (), severity: str | None = None
) -> Finding:
    """A finding with the texts of the `CATALOGUE`, and its severity unless another is given.

    >>> finding("other-dim", "…", {"dim": 128}).remedy
    'Train with data.dim=128.'
    """
    texts = CATALOGUE[id]
    title, remedy = (texts[key].format(**figures) for key in ("title", "remedy"))
    return Finding(id, severity or texts["severity"], title, evidence, remedy, figures, rows)


def share(part: int, total: int) -> str:
    """A count with its share of the total.

    >>> share(3, 100), share(1, 17136)
    ('3 of 100 (3.0 %)', '1 of 17,136 (0.01 %)')
    """
    percent = 100 * part / max(total, 1)
    return f"{part:,} of {total:,} ({percent:.{1 if percent >= 1 or not part else 2}f} %)"
