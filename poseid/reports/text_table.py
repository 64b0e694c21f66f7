"""The table at the end of a run: raw against enhanced, in plain characters that any terminal shows."""

from __future__ import annotations

from typing import Any

from poseid.reports.format import SET_TITLES, aligned, ascii_text, between, fixed, percent, signed, times, with_interval
from poseid.reports.template_table import template_lines, template_verdict


def table_text(block: dict[str, Any], part: str, unseen: bool = True, guard: str | None = None) -> str:
    """The evaluation block as lines: sizes, improvement, a table of rates a set, the verdict.

    Args:
        block: as :func:`poseid.verification.evaluate.evaluate` returns it; its ``headline`` names the set that the
            verdict is taken on.
        part: which people it is about, such as "test" or "validation".
        unseen: whether it is known that none of them was trained on.
        guard: what to say of how much of the correction ships, or None.
    """
    gain = block["improvement"]
    bins = (f"{between(b['from'], b['to'])}: {signed(b['mean'])} (n={b['n']})" for b in gain["by_yaw"] if b["n"])
    lines = [
        "",
        f"{block['people']} {part} people{' never trained on' if unseen else ''}: {block['references']} references, "
        f"{block['probes']} probes",
        f"improvement of genuine pairs: mean {with_interval(gain['mean'], gain['ci95'], signed)}, "
        f"frontal {signed(gain['frontal'])}, improved {percent(gain['share_improved'], 2)} of pairs",
        f"by yaw: {'  '.join(bins)}",
    ]
    for name, entry in block["sets"].items():
        if entry is None:
            continue
        mark = " (the verdict is taken on this set)" if name == block["headline"] else ""
        lines += ["", f"{SET_TITLES.get(name, name)}{mark}: {entry['genuine']} genuine, {entry['impostor']} impostor"]
        lines += _set_rows(entry)
    lines += template_lines(block)
    if any("  –" in line for line in lines):
        lines += ["", "- : too few comparisons; FNMR at FMR f needs 30 / f impostor comparisons"]
    lines += [
        "",
        f"verdict: {block['verdict']}. {block['reason']}",
        *template_verdict(block),
        *([] if guard is None else [guard]),
    ]
    return ascii_text("\n".join(lines))


def _set_rows(entry: dict[str, Any]) -> list[str]:
    """The rows of one comparison set; rates in percent, lower is better but for d'."""
    raw, enhanced = entry["raw"], entry["enhanced"]
    rows = [("", "raw", "enhanced"), ("EER", percent(raw["eer"], 2), percent(enhanced["eer"], 2))]
    for fmr in raw["fnmr_at_fmr"]:
        before, after = (percent(form["fnmr_at_fmr"][fmr], 2) for form in (raw, enhanced))
        rows.append((f"FNMR at FMR {fmr}", before, after))
    rows.append(("d' (higher is better)", fixed(raw["d_prime"]), fixed(enhanced["d_prime"])))
    for fmr, point in entry["fixed_threshold"].items():
        if point and point["fmr_ratio"] is not None:
            rows.append((f"false matches at raw's FMR {fmr} threshold", times(1.0), times(point["fmr_ratio"])))
            before, after = (percent(point[form]["fnmr"], 2) for form in ("raw", "enhanced"))
            rows.append((f"FNMR at raw's FMR {fmr} threshold", before, after))
    return [f"  {line}" for line in aligned(rows, right=True)]
