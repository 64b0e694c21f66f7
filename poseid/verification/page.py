"""report.html: one file that says what was found, to people who did not run it.

No script, no network: styles and images lie inside. Whatever comes from the data or the configuration is escaped.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from html import escape
from typing import Any

from poseid.verification.figure_tiles import Drawn
from poseid.verification.page_parts import (
    NO_INTERVALS,
    Notes,
    arrow,
    bounds_text,
    document,
    effect,
    fmr_name,
    images,
    number,
    percent,
    plain,
    points,
    section,
    signed,
    small,
    table,
    times,
)

Block = dict[str, Any]

SET_NAMES = {
    "all": ("All", "every reference × every probe"),
    "frontal_profile": ("Frontal × profile", "every frontal row × every profile row"),
    "profile_profile": ("Profile × profile", "profile rows among themselves"),
    "frontal_frontal": ("Frontal × frontal", "frontal rows among themselves"),
}
_ONE_IN = {"1e-2": "1 impostor in 100", "1e-3": "1 impostor in 1,000", "1e-4": "1 impostor in 10,000"}
_VERDICTS = {
    "helps": (
        "good",
        "✓",
        "It helps",
        "Fewer genuine pairs are refused, and false matches at the raw threshold do not rise.",
    ),
    "harms": (
        "bad",
        "✗",
        "It does harm",
        "Something got worse by more than chance explains: do not use it on data like this.",
    ),
    "no effect shown": (
        "mid",
        "○",
        "No effect shown",
        "These people do not show, beyond chance, that it helps. That is no proof that it does nothing.",
    ),
}
_RAW, _ENHANCED = '<span class="raw">Raw</span>', '<span class="enh">Enhanced</span>'


def page(summary: Block, block: Block, figures: Mapping[str, Drawn]) -> str:
    """The whole page.

    summary  the contents of summary.json; its other evaluation block, if any, is shown in short at the end
    block    the evaluation block that is shown
    figures  from `draw_all`, made of the same block
    """
    name, other = _parts(summary, block)
    title = f"{_text(summary.get('model'))} on {_text(summary.get('data'))}"
    body = [
        f"<header><p>poseid: raw against enhanced, {name} people</p><h1>{title}</h1></header>",
        _verdict(block, summary.get("kept")),
        _key_figures(block),
        _how_to_read(),
        _who(summary, block, name),
        _headline(block),
        _fixed(block),
        section(
            "Curves and scores",
            "<p>The DET curve shows every threshold at once: the further to the lower left, the better. In the score "
            "histograms, the less genuine and impostor overlap, the better.</p>",
            images(figures, "det.png", "one"),
            images(figures, "scores.png"),
        ),
        _improvement(block, figures),
        _sets(block),
        _by_pose(block, figures),
        _turned(block),
        _identification(block),
        _protocols(block),
        *(_other(*part) for part in other),
        _footer(summary, block),
    ]
    return document(f"poseid report: {title}", body)


def _text(value: object) -> str:
    return escape(str(value)) if value not in (None, "") else "(not named)"


def _parts(summary: Block, block: Block) -> tuple[str, list[tuple[str, Block]]]:
    """Which people the block is about, and the other blocks of the summary."""
    names = [name for name in ("test", "evaluation", "validation") if summary.get(name)]
    shown = next((name for name in names if summary[name] is block), None)
    if shown is None:
        shown = next((name for name in names if summary[name] == block), "evaluation")
    others = [(name, summary[name]) for name in names if name != shown]
    return {"evaluation": "evaluated"}.get(shown, shown), others


def _notes(block: Block, name: str) -> Notes:
    return Notes(name, block.get("null_reasons", {}), block.get("bootstrap", {}).get("resamples"))


def _ci(bounds: list[float] | None, form: Callable[[float], str], notes: Notes, *paths: str) -> str:
    """An interval as a small line, or a dash with the reason that stands at the paths."""
    if bounds is None:
        return small(f"CI {notes.dash(*paths, interval=True)}")
    return small(bounds_text(bounds, form))


def _effect(bounds: list[float] | None, lower_is_better: bool, none: float = 0.0) -> str:
    """What an interval of a change says, as a small line."""
    words, kind = effect(bounds, lower_is_better, none)
    return small(words, kind) if words else ""


def _verdict(block: Block, kept: object) -> str:
    kind, sign, words, meaning = _VERDICTS.get(
        block["verdict"], ("mid", "○", "Not judged", "Without confidence intervals nothing is judged.")
    )
    return (
        f'<section class="verdict {kind}"><h2>{sign} {words}</h2><p>{meaning}</p>'
        f"<p><strong>Why:</strong> {_text(block['reason'])}</p>"
        + (f"<p><strong>{_text(kept)}</strong></p>" if kept else "")
        + "</section>"
    )


def _key_figures(block: Block) -> str:
    """Four figures that tell most, each with its interval and what that says."""
    cards = []
    entry = block["sets"][block["headline"]]
    if entry is not None:
        known = next((k for k in ("1e-3", "1e-2") if entry["raw"]["fnmr_at_fmr"].get(k) is not None), None)
        if known is None:
            title, before, after = "Equal error rate", entry["raw"]["eer"], entry["enhanced"]["eer"]
            ci = entry["difference"]["eer"]["ci95"]
        else:
            title = f"Genuine pairs refused at FMR {fmr_name(known)}"
            before, after = (entry[form]["fnmr_at_fmr"][known] for form in ("raw", "enhanced"))
            ci = entry["difference"]["fnmr_at_fmr"][known]["ci95"]
        cards.append(_card(title, arrow(percent(before), percent(after)), "lower is better", ci, points, True))
        fixed = entry["fixed_threshold"][known] if known else None
        if fixed and fixed["fmr_ratio"] is not None:
            direction, ci = "lower is better, 1× is unchanged", fixed["fmr_ratio_ci95"]
            title = f"False matches at the raw threshold of FMR {fmr_name(str(known))}"
            cards.append(_card(title, times(fixed["fmr_ratio"]), direction, ci, times, True, 1.0))
    gain = block["improvement"]
    if gain["mean"] is not None:
        direction = "cosine, higher is better"
        cards.append(
            _card("Mean improvement of genuine pairs", signed(gain["mean"]), direction, gain["ci95"], signed, False)
        )
    if block["rank1"]["raw"] is not None:
        change = arrow(percent(block["rank1"]["raw"]), percent(block["rank1"]["enhanced"]))
        cards.append(_card("Right person ranked first", change, "higher is better", None, points, False))
    return f'<div class="key">{"".join(cards)}</div>' if cards else ""


def _card(
    title: str,
    value: str,
    direction: str,
    ci: list[float] | None,
    form: Callable[[float], str],
    lower_is_better: bool,
    none: float = 0.0,
) -> str:
    words, kind = effect(ci, lower_is_better, none)
    said = ""
    if ci:
        of, unit = ("change, ", " points") if form is points else ("", "")
        said = f'<span>{of}95 % CI {bounds_text(ci, form)}{unit}</span><span class="{kind}">{words}</span>'
    return f"<div><span>{title}</span><b>{value}</b><span>{direction}</span>{said}</div>"


def _how_to_read() -> str:
    return section(
        "How to read this",
        "<p>A <em>genuine</em> comparison is of two photos of one person, an <em>impostor</em> comparison of two "
        "people. FNMR is the share of genuine comparisons that are refused, FMR the share of impostors that are let "
        "in; of both, lower is better. <span class='raw'>Raw</span> is the recogniser's vector as it came, "
        "<span class='enh'>enhanced</span> is the vector after the enhancer.</p>"
        "<p>Under each figure stands its 95 % confidence interval (CI), found by drawing the people anew; a change "
        "whose interval holds zero may be chance. A higher similarity of genuine pairs is worth nothing when impostors "
        "become more alike as well, so always look at both.</p>",
    )


_SIDES = {
    "probe": "probe: references stay bit for bit as enrolled, probes are enhanced",
    "both": "both: references and probes are enhanced, so a gallery has to be enhanced too",
}
_SHOWN = {"model", "kept", "sides", "data", "poses_used", "versions", "validation", "test", "evaluation"}


def _who(summary: Block, block: Block, name: str) -> str:
    sides = summary.get("sides")
    used = summary.get("poses_used")
    poses = "(not said)"
    if used is not None:
        poses = "yes, the given poses" if used else "no: the enhancer used its own estimate"
    # what a program adds to the summary as a plain value is worth a line
    more = {
        key.replace("_", " ").capitalize(): value
        for key, value in summary.items()
        if key not in _SHOWN and isinstance(value, (str, int, float))
    }
    bootstrap = block.get("bootstrap", {})
    rows = {
        "People": f"{number(block['people'])} {'' if name == 'evaluated' else name} people, none of them trained on",
        "References": f"{number(block['references'])} front rows",
        "Probes": f"{number(block['probes'])} video rows",
        "Data": _text(summary.get("data")),
        "Model": _text(summary.get("model")),
        "Sides": escape(_SIDES.get(str(sides), str(sides))),
        "Poses used": poses,
        **{escape(key): _text(value) for key, value in more.items()},
        "Versions": escape(", ".join(f"{key} {value}" for key, value in (summary.get("versions") or {}).items()))
        or "(not said)",
    }
    if bootstrap:
        resamples = bootstrap.get("resamples", 0)
        text = f"{number(resamples)} resamples of people, seed {bootstrap.get('seed')}" if resamples else NO_INTERVALS
        rows["Intervals"] = escape(text)
    return section("Who was evaluated", "<dl>", *(f"<dt>{k}</dt><dd>{v}</dd>" for k, v in rows.items()), "</dl>")


def _rates_table(entry: Block, path: str, notes: Notes, caption: str) -> str:
    """Every rate of a set, raw and enhanced, with the paired change."""
    raw, enhanced, difference = entry["raw"], entry["enhanced"], entry["difference"]

    def rate(value: float | None, ci: list[float] | None, where: str) -> str:
        if value is None:
            return notes.dash(where)
        return percent(value) + _ci(ci, percent, notes, f"{path}.ci95")

    def change(entry: Block, where: str) -> str:
        if entry["mean"] is None:
            return notes.dash(where)
        ci = _ci(entry["ci95"], points, notes, f"{path}.ci95")
        return points(entry["mean"]) + ci + _effect(entry["ci95"], lower_is_better=True)

    rows = [
        [
            "EER" + small("lower is better"),
            rate(raw["eer"], raw["eer_ci95"], f"{path}.eer"),
            rate(enhanced["eer"], enhanced["eer_ci95"], f"{path}.eer"),
            change(difference["eer"], f"{path}.eer"),
        ]
    ]
    for key in raw["fnmr_at_fmr"]:
        where = f"{path}.{key}"
        rows.append(
            [
                f"FNMR at FMR {fmr_name(key)}" + small(f"{_ONE_IN.get(key, key)} let in; lower is better"),
                *(rate(form["fnmr_at_fmr"][key], form["fnmr_at_fmr_ci95"][key], where) for form in (raw, enhanced)),
                change(difference["fnmr_at_fmr"][key], where),
            ]
        )
    spread = [form["d_prime"] for form in (raw, enhanced)]
    rows.append(
        [
            "d′" + small("distance of the score distributions; higher is better"),
            *(notes.dash(f"{path}.d_prime") if value is None else plain(value) for value in spread),
            notes.dash(f"{path}.d_prime") if None in spread else signed(spread[1] - spread[0], 3),
        ]
    )
    return table(["Rate", _RAW, _ENHANCED, "Change" + small("percentage points")], rows, caption)


def _sizes(entry: Block) -> str:
    return f"{number(entry['genuine'])} genuine and {number(entry['impostor'])} impostor comparisons"


def _empty(title: str, block: Block, path: str) -> str:
    return section(title, f"<p>– because {escape(_notes(block, 'none').why(path))}.</p>")


def _headline(block: Block) -> str:
    name = block["headline"]
    title = f"Raw against enhanced: {SET_NAMES[name][0].lower()}"
    entry = block["sets"][name]
    if entry is None:
        return _empty(title, block, f"sets.{name}")
    notes = _notes(block, "rates")
    text = f"<p>The headline set, {SET_NAMES[name][1]}; each rate at its own threshold.</p>"
    return section(title, text, _rates_table(entry, f"sets.{name}", notes, _sizes(entry)), notes.html())


def _fixed_table(entry: Block, path: str, notes: Notes, caption: str = "") -> str:
    rows = []
    for key, at in entry["fixed_threshold"].items():
        where = f"{path}.fixed_threshold.{key}"
        head = f"FMR {fmr_name(key)}" + small("lower is better")
        if at["threshold"] is None:
            dash = notes.dash(f"{path}.{key}")
            rows.append([head, dash, dash, dash, dash])
            continue
        if at["fmr_ratio"] is None:
            ratio = notes.dash(f"{where}.fmr_ratio")
        else:
            ci = at["fmr_ratio_ci95"]
            ratio = times(at["fmr_ratio"]) + _ci(ci, times, notes, f"{where}.fmr_ratio_ci95", f"{path}.ci95")
            ratio += _effect(ci, lower_is_better=True, none=1.0)
        ci = at["fnmr_difference_ci95"]
        difference = small(f"{points(at['fnmr_difference'])} points") + _ci(ci, points, notes, f"{path}.ci95")
        difference += _effect(ci, lower_is_better=True)
        rows.append(
            [
                head,
                plain(at["threshold"]),
                arrow(percent(at["raw"]["fmr"]), percent(at["enhanced"]["fmr"])),
                ratio,
                arrow(percent(at["raw"]["fnmr"]), percent(at["enhanced"]["fnmr"])) + difference,
            ]
        )
    titles = ["Raw's FMR", "Threshold", "FMR raw → enhanced", "FMR, times raw's", "FNMR raw → enhanced"]
    return table(titles, rows, caption)


def _fixed(block: Block) -> str:
    title = "If the threshold stays where it is"
    name = block["headline"]
    entry = block["sets"][name]
    if entry is None:
        return _empty(title, block, f"sets.{name}")
    notes = _notes(block, "fixed")
    return section(
        title,
        "<p>A system in use has its threshold set for raw vectors. This is what happens when vectors are enhanced and "
        "the threshold is not touched: FMR says who gets in wrongly, FNMR who is turned away wrongly. A ratio of 1× "
        "means as many false matches as before.</p>",
        _fixed_table(entry, f"sets.{name}", notes),
        notes.html(),
    )


def _improvement(block: Block, figures: Mapping[str, Drawn]) -> str:
    gain, like = block["improvement"], block["similarity"]
    notes = _notes(block, "gain")

    def mean(value: float | None, ci: list[float] | None, where: str) -> str:
        if value is None:
            return notes.dash(where)
        return signed(value) + _ci(ci, signed, notes, "improvement.ci95") + _effect(ci, lower_is_better=False)

    def share(value: float | None, where: str, form: Callable[[float], str] = plain) -> str:
        return notes.dash(where) if value is None else form(value)

    overall = [
        ["Mean improvement" + small("higher is better"), mean(gain["mean"], gain["ci95"], "improvement")],
        [
            "Of frontal probes" + small("should not fall"),
            mean(gain["frontal"], gain["frontal_ci95"], "improvement.frontal"),
        ],
        ["Pairs improved" + small("higher is better"), share(gain["share_improved"], "improvement", percent)],
        [
            "Mean similarity, raw → enhanced" + small("higher is better, if impostors do not rise too"),
            arrow(share(like["raw"], "similarity"), share(like["enhanced"], "similarity")),
        ],
        [
            "Similarity lost on average" + small("lower is better"),
            share(like["similarity_protection"], "similarity", lambda v: f"{v:.4f}"),
        ],
        [
            "Similarity in the identity space" + small("higher is better"),
            share(like["id_similarity"], "similarity.id_similarity"),
        ],
    ]
    empty = "no genuine comparison has a probe here"
    rows = []
    entries = [(f"{_degrees(entry['from'])} to {_degrees(entry['to'])}", entry) for entry in gain["by_yaw"]]
    for title, key in (("Beyond ±90", "beyond_90"), ("Unknown", "yaw_unknown")):
        if gain.get(key, {}).get("n"):
            entries.append((title, gain[key]))
    for title, entry in entries:
        if entry["mean"] is None:
            notes.reasons = {"improvement.by_yaw": empty, **notes.reasons}
            rows.append([title, number(entry["n"]), notes.dash("improvement.by_yaw")])
        else:
            rows.append([title, number(entry["n"]), mean(entry["mean"], entry["ci95"], "improvement.by_yaw")])
    return section(
        "Improvement of genuine pairs",
        "<p>Cosine similarity after less the raw one, of every reference with every probe of the same person.</p>",
        table(["Figure", "Value"], overall),
        "<h3>By yaw of the probe</h3>",
        table(["Yaw, degrees", "n", "Mean improvement" + small("higher is better")], rows),
        notes.html(),
        images(figures, "diagnosis.png"),
    )


def _degrees(value: float) -> str:
    return f"{value:g}".replace("-", "−")


def _sets(block: Block) -> str:
    notes = _notes(block, "sets")
    rows, more = [], []
    for name, entry in block["sets"].items():
        title, what = SET_NAMES.get(name, (name, ""))
        path = f"sets.{name}"
        if entry is None:
            dash = notes.dash(path)
            rows.append([escape(title) + small(what), dash, dash, dash, dash])
            continue
        size = f"{what}; {number(entry['genuine'])} genuine, {number(entry['impostor'])} impostor"
        cells = [escape(title) + small(size), arrow(percent(entry["raw"]["eer"]), percent(entry["enhanced"]["eer"]))]
        for key in ("1e-2", "1e-3"):
            cells.append(_pair(entry, key, path, notes))
        cells.append(_ratio(entry, path, notes))
        rows.append(cells)
        own = _notes(block, f"set-{name}")
        inner = _rates_table(entry, path, own, _sizes(entry))
        inner += _fixed_table(entry, path, own, "At the raw threshold of this set")
        more.append(f"<details><summary>{escape(title)}: all rates</summary>{inner}{own.html()}</details>")
    head = [
        "Set",
        "EER",
        f"FNMR at FMR {fmr_name('1e-2')}",
        f"FNMR at FMR {fmr_name('1e-3')}",
        "FMR, times raw's" + small("at the raw threshold"),
    ]
    return section(
        "The four comparison sets",
        "<p>Raw → enhanced, each at its own threshold; of all figures here lower is better. Frontal comparisons should "
        "not get worse; between profiles a shared pose is most easily taken for a shared identity.</p>",
        table(head, rows),
        notes.html(),
        *more,
    )


def _pair(entry: Block, key: str, path: str, notes: Notes) -> str:
    before, after = (entry[form]["fnmr_at_fmr"].get(key) for form in ("raw", "enhanced"))
    if before is None or after is None:
        return notes.dash(f"{path}.{key}")
    return arrow(percent(before), percent(after)) + _effect(entry["difference"]["fnmr_at_fmr"][key]["ci95"], True)


def _ratio(entry: Block, path: str, notes: Notes) -> str:
    """FMR at the raw threshold over raw's, at FMR 1e-3, else 1e-2."""
    for key in ("1e-3", "1e-2"):
        at = entry["fixed_threshold"][key]
        if at["fmr_ratio"] is not None:
            words = _effect(at["fmr_ratio_ci95"], lower_is_better=True, none=1.0)
            return times(at["fmr_ratio"]) + small(f"of FMR {fmr_name(key)}") + words
    return notes.dash(f"{path}.fixed_threshold.1e-2.fmr_ratio", f"{path}.1e-2")


def _by_pose(block: Block, figures: Mapping[str, Drawn]) -> str:
    title = "By pose of probe and reference"
    poses = block.get("by_pose")
    if not poses:
        return ""
    if poses.get("threshold") is None:
        return _empty(title, block, "by_pose")
    names = [f"{_degrees(b['from'])} to {_degrees(b['to'])}" for b in poses["bins"]]
    used = [c for c in range(len(names)) if any(row[c] for row in poses["n"])]
    rows = []
    for r, name in enumerate(names):
        cells = []
        for c in used:
            n = poses["n"][r][c]
            before, after = poses["raw"][r][c], poses["enhanced"][r][c]
            cells.append((arrow(percent(before), percent(after)) if n else "–") + small(f"n = {number(n)}"))
        rows.append([name, *cells])
    empty = len(names) - len(used)
    note = f" {empty} of {len(names)} columns are left out: no reference has such a yaw." if empty else ""
    outside = f" {number(poses['outside'])} comparisons lie outside the bins." if poses.get("outside") else ""
    return section(
        title,
        f"<p>FNMR at the raw threshold of the headline set at FMR {escape(str(poses['fmr']))}; lower is better. A "
        "share of few comparisons says little; – means none.</p>",
        images(figures, "heatmap.png"),
        "<details><summary>The same as a table</summary>",
        table(
            ["Probe ↓ reference →", *(names[c] for c in used)],
            rows,
            f"FNMR raw → enhanced; yaw in degrees.{note}{outside}",
        ),
        "</details>",
    )


_TURNED = {"same_way": "Turned the same way", "opposite_ways": "Turned opposite ways"}


def _turned(block: Block) -> str:
    turned = block.get("turned")
    if not turned:
        return ""
    notes = _notes(block, "turned")
    rows = []
    for name, entry in turned.items():
        title = _TURNED.get(name, escape(name))
        path = f"turned.{name}"
        if entry is None:
            dash = notes.dash(path)
            rows.append([title, dash, dash, dash])
            continue
        common = entry.get("at_common_threshold") or {}
        key = next((key for key in ("1e-3", "1e-2") if common.get(key)), None)
        cells = [title + small(_sizes(entry)), arrow(percent(entry["raw"]["eer"]), percent(entry["enhanced"]["eer"]))]
        for rate in ("fmr", "fnmr"):
            if key is None:
                cells.append(notes.dash("sets.profile_profile.1e-2", "sets.profile_profile"))
            else:
                at = common[key]
                change = arrow(percent(at["raw"][rate]), percent(at["enhanced"][rate]))
                cells.append(change + small(f"raw FMR {fmr_name(key)} threshold"))
        rows.append(cells)
    return section(
        "Impostors of the same pose",
        "<p>Profile photos compared with profile photos. If a shared pose is taken for a shared identity, impostors "
        "turned the same way get in more often than those turned opposite ways. One threshold for both, that of all "
        "raw profile pairs; raw → enhanced, lower is better.</p>",
        table(["Profile pairs", "EER", "FMR", "FNMR"], rows),
        notes.html(),
    )


def _identification(block: Block) -> str:
    rank1 = block["rank1"]
    title = "Identification"
    if rank1["raw"] is None:
        return _empty(title, block, "rank1")
    row = ["Rank-1" + small("higher is better"), percent(rank1["raw"]), percent(rank1["enhanced"])]
    row.append(points(rank1["enhanced"] - rank1["raw"]))
    return section(
        title,
        "<p>How often the right person comes first in a gallery of one frontal row a person.</p>",
        table(["Figure", _RAW, _ENHANCED, "Change" + small("percentage points")], [row]),
    )


_PROTOCOLS = {"FP": "frontal–profile", "FF": "frontal–frontal"}


def _protocols(block: Block) -> str:
    if not block["protocols"]:
        return ""
    notes = _notes(block, "pairs")
    rows = []
    for name, entry in block["protocols"].items():
        path = f"protocols.{name}"
        sizes = ""
        if "genuine" in entry:
            sizes = f"{number(entry['genuine'])} genuine, {number(entry['impostor'])} impostor"
        what = "; ".join(text for text in (_PROTOCOLS.get(name, ""), sizes) if text)
        cells = [escape(name) + small(what)]
        for rate in ("accuracy", "eer"):
            for form in ("raw", "enhanced"):
                value = entry[form][rate]
                cells.append(notes.dash(f"{path}.{rate}") if value is None else percent(value))
        rows.append(cells)
    head = ["Protocol"] + [
        f"{title}, {form}" + small(direction)
        for title, direction in (("Accuracy", "higher is better"), ("EER", "lower is better"))
        for form in ('<span class="raw">raw</span>', '<span class="enh">enhanced</span>')
    ]
    return section(
        "Listed pairs",
        "<p>The comparisons of pairs.csv. For the accuracy, each fold takes the best threshold of the others.</p>",
        table(head, rows),
        notes.html(),
    )


def _other(name: str, block: Block) -> str:
    """The headline figures of the people that the page is not about."""
    path = f"sets.{block['headline']}"
    entry = block["sets"][block["headline"]]
    notes = _notes(block, f"other-{name}")
    words = _VERDICTS.get(block["verdict"], ("mid", "○", "Not judged", ""))[2]
    used = " They chose the checkpoint, so their figures are flattering." if name == "validation" else ""
    gain = block["improvement"]
    content = [
        f"<p>{number(block['people'])} people, {number(block['references'])} references, {number(block['probes'])} "
        f"probes.{used} Verdict: <strong>{words}</strong>. {_text(block['reason'])}</p>"
    ]
    if gain["mean"] is not None:
        ci = f" (95 % CI {signed(gain['ci95'][0])} to {signed(gain['ci95'][1])})" if gain["ci95"] else ""
        content.append(f"<p>Mean improvement of genuine pairs {signed(gain['mean'])}{ci}; higher is better.</p>")
    if entry is None:
        content.append(f"<p>No rates, because {escape(notes.why(path))}.</p>")
    else:
        title = f"{SET_NAMES[block['headline']][0]}: {_sizes(entry)}"
        content += [_rates_table(entry, path, notes, title), _fixed_table(entry, path, notes, "At the raw threshold")]
    return section(f"{name.capitalize()} people", *content, notes.html())


def _footer(summary: Block, block: Block) -> str:
    version = (summary.get("versions") or {}).get("poseid")
    made = f"poseid {escape(str(version))}" if version else "poseid"
    return f"<footer>Made by {made}. The same figures, for programs, are in summary.json beside this page.</footer>"
