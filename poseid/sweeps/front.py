"""What the figure of the Pareto front shows: where each setting stands, what it is called, which ones are joined."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from poseid.reports.label_placement import Point
from poseid.sweeps.analysis import Sweep
from poseid.sweeps.overrides import NOT_GIVEN, as_number, value_order
from poseid.sweeps.repeats import Setting
from poseid.sweeps.scales import labels, short_key, values_of

MOST_NAMED, MOST_ON_FRONT = 16, 32
"""With more settings than the first number, those on the front alone are named; of these not more than the second."""
_LINE, _MOST_LINES = 24, 3
"""Characters of a line of a name, and how many lines it may take; in place of a longer one stands a number."""

Points = dict[Setting, Point]


def front_points(sweep: Sweep) -> Points:
    """FMR ratio and FNMR of each setting that has both, as means over its repeats."""
    fnmr, ratio = sweep.front_measures
    return {
        setting: (x.mean, y.mean)
        for setting in sweep.settings
        if (x := setting.estimate(ratio.key)) is not None and (y := setting.estimate(fnmr.key)) is not None
    }


def raw_point(sweep: Sweep) -> Point | None:
    """The same of the raw vectors: a ratio of 1, and their FNMR at this threshold."""
    key = sweep.front_measures[0].raw_key
    known = [value for job in sweep.finished if key and (value := job.figures[key]) is not None]
    return (1.0, fmean(known)) if known else None


def point_texts(sweep: Sweep, points: Points) -> dict[Setting, str]:
    """What is written at the points, those of the front first: names in lines, or numbers where they are too long."""
    named = [*sweep.front, *points]
    if len(points) > MOST_NAMED:
        named = list(sweep.front[:: -(-len(sweep.front) // MOST_ON_FRONT)])
    return {setting: _name(sweep, setting) or number_text(sweep, setting) for setting in named}


def number_text(sweep: Sweep, setting: Setting) -> str:
    """Its row in the table of all settings."""
    return f"no. {sweep.settings.index(setting) + 1}"


def _name(sweep: Sweep, setting: Setting) -> str | None:
    """The values of a setting; None where they take too many lines."""
    parts = []
    for key in sweep.keys:
        values = values_of(sweep.settings, key)
        if len(values) > 1:
            shown = labels(values)[values.index(setting.values.get(key, NOT_GIVEN))]
            parts.append(f"{short_key(key)} {shown}")
    lines = _in_lines(parts)
    return "\n".join(lines) if 0 < len(lines) <= _MOST_LINES else None


def _in_lines(parts: Sequence[str]) -> list[str]:
    """
    >>> _in_lines(["id 3", "pose 1", "similarity_protection 0.3"])
    ['id 3, pose 1,', 'similarity_protection 0.3']
    """
    lines: list[str] = []
    for part in parts:
        if lines and len(f"{lines[-1]}, {part}") <= _LINE:
            lines[-1] += f", {part}"
        else:
            lines = [*lines[:-1], *(f"{line}," for line in lines[-1:]), part]
    return lines


def joined_points(sweep: Sweep, points: Points) -> list[list[Point]]:
    """Of a sweep over two numeric keys, the points of each value of the first key, in the order of the second one."""
    if len(sweep.keys) != 2:
        return []
    values = {setting: [setting.values.get(key, NOT_GIVEN) for key in sweep.keys] for setting in points}
    if any(as_number(value) is None for pair in values.values() for value in pair):
        return []
    by_first: dict[str, list[Point]] = {}
    for setting in sorted(points, key=lambda setting: value_order(values[setting][1])):
        by_first.setdefault(values[setting][0], []).append(points[setting])
    return [line for line in by_first.values() if len(line) > 1]
