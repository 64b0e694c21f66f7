"""The table at the end of a run: raw against enhanced, in plain characters that any terminal shows."""

from __future__ import annotations

from typing import Any

SET_TITLES = {
    "all": "all references x all probes",
    "frontal_profile": "frontal x profile",
    "profile_profile": "profile x profile",
    "frontal_frontal": "frontal x frontal",
}


def table_text(block: dict[str, Any], part: str, unseen: bool = True, kept: str | None = None) -> str:
    """The evaluation block as lines: sizes, improvement, a table of rates a set, the verdict.

    Args:
        block: as :func:`poseid.verification.evaluate.evaluate` returns it.
        part: which people it is about, such as "test" or "validation".
        unseen: whether it is known that none of them was trained on.
        kept: what to say of how much of the correction ships, or None.
    """
    improvement = block["improvement"]
    lines = [
        "",
        f"{block['people']} {part} people{' never trained on' if unseen else ''}: {block['references']} references, "
        f"{block['probes']} probes",
        f"improvement of genuine pairs: mean {signed(improvement['mean'])}{interval(improvement['ci95'], signed)}, "
        f"frontal {signed(improvement['frontal'])}, improved {percent(improvement['share_improved'])} of pairs",
        "by yaw: "
        + "  ".join(
            f"{entry['from']:+.0f}..{entry['to']:+.0f}: {signed(entry['mean'])} (n={entry['n']})"
            for entry in improvement["by_yaw"]
            if entry["n"]
        ),
    ]
    for name, entry in block["sets"].items():
        if entry is None:
            continue
        mark = ", the headline" if name == block["headline"] else ""
        lines += ["", f"{SET_TITLES.get(name, name)}{mark}: {entry['genuine']} genuine, {entry['impostor']} impostor"]
        lines += set_rows(entry)
    if any("  -" in line for line in lines):
        lines += ["", "- : too few comparisons; FNMR at FMR f needs 30 / f impostor comparisons"]
    lines += ["", f"verdict: {block['verdict']}. {block['reason']}"]
    return "\n".join(lines if kept is None else [*lines, kept])


def set_rows(entry: dict[str, Any]) -> list[str]:
    """The rows of one comparison set; rates in percent, lower is better but for d'."""
    rows = [("", "raw", "enhanced")]
    raw, enhanced = entry["raw"], entry["enhanced"]
    rows.append(("EER", percent(raw["eer"]), percent(enhanced["eer"])))
    for fmr in raw["fnmr_at_fmr"]:
        rows.append((f"FNMR at FMR {fmr}", percent(raw["fnmr_at_fmr"][fmr]), percent(enhanced["fnmr_at_fmr"][fmr])))
    rows.append(("d' (higher is better)", plain(raw["d_prime"]), plain(enhanced["d_prime"])))
    for fmr, fixed in entry["fixed_threshold"].items():
        if fixed and fixed["fmr_ratio"] is not None:
            ratio = f"{fixed['fmr_ratio']:.2f}x"
            rows.append((f"false matches at raw's FMR {fmr} threshold", "1.00x", ratio))
            missed = (percent(fixed["raw"]["fnmr"]), percent(fixed["enhanced"]["fnmr"]))
            rows.append((f"FNMR at raw's FMR {fmr} threshold", *missed))
    width = max(len(row[0]) for row in rows)
    return [f"  {label:<{width}}  {left:>9}  {right:>9}" for label, left, right in rows]


def percent(value: float | None) -> str:
    """
    >>> percent(0.0944), percent(None)
    ('9.44 %', '-')
    """
    return "-" if value is None else f"{100 * value:.2f} %"


def signed(value: float | None) -> str:
    """
    >>> signed(0.0123), signed(-1e-9)  # no minus where it rounds to nothing
    ('+0.0123', '+0.0000')
    """
    return "-" if value is None else f"{round(value, 4) + 0.0:+.4f}"


def plain(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def interval(bounds: list[float] | None, form: Any) -> str:
    return "" if bounds is None else f" [{form(bounds[0])}, {form(bounds[1])}]"
