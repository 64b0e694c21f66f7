"""What to watch of a training, in sections: the one list behind report/training.html and the W&B workspace."""

from __future__ import annotations

from dataclasses import dataclass

from poseid.training.losses import TERMS
from poseid.training.metric_names import IMPROVEMENT_BY_YAW, REGISTERED, SHAPE
from poseid.verification.genuine import YAW_BINS

PROTECTIONS = ("similarity_protection", "impostor_protection")
OTHERS = tuple(name for name in TERMS if name not in (*PROTECTIONS, "id", "detection", "template"))
OTHER_WEIGHTS = ("id", *OTHERS)
_BESIDE_OTHERS = ("val/fnmr_at_fmr_1e-2", "val/improvement/mean", "val/improvement/frontal")
"""The registered metrics that share a panel with other curves; each other one has a panel of its own."""
MOST_CURVES = 5  # in one picture, each with a colour of its own


@dataclass(frozen=True)
class Panel:
    """Curves over the epochs, in one picture.

    Args:
        title: of the picture.
        note: its unit and which way is better.
        curves: a metric of ``metric_names.ALL`` and what it is called here, each.
    """

    title: str
    note: str
    curves: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Section:
    """Panels that answer one question; ``guide`` says how."""

    name: str
    guide: str
    panels: tuple[Panel, ...]


def _loss(name: str, title: str, note: str) -> Panel:
    return Panel(title, note, ((f"train/loss/{name}", "training people"), (f"val/loss/{name}", "validation people")))


def _weights(names: tuple[str, ...], title: str) -> Panel:
    return Panel(title, "weight, after the schedule", tuple((f"weight/{name}", name) for name in names))


def _phi(names: tuple[str, ...], title: str, note: str) -> Panel:
    return Panel(title, note, tuple((f"phi/{name}", name) for name in names))


def _metric(name: str) -> Panel:
    metric = REGISTERED[name]
    return Panel(metric.title, f"{'higher' if metric.higher_is_better else 'lower'} is better", ((name, "enhanced"),))


SECTIONS = (
    Section(
        "Protection",
        "Is anybody made worse than without the enhancer? Both losses are 0 when no pair fell and no impostor rose "
        "against the raw vector. Rising on validation people: more pairs fall below raw, or impostors come closer; "
        "give that protection more weight.",
        (
            _loss("similarity_protection", "Similarity protection", "what pairs lost against raw; lower is better"),
            _loss("impostor_protection", "Impostor protection", "what impostors gained; lower is better"),
            _loss("detection", "Detection", "smooth FNMR at FMR 1e-2 and 1e-3; lower is better"),
            _loss("template", "Detection of templates", "the same of pooled frames; lower is better"),
            _weights((*PROTECTIONS, "detection", "template"), "Their weights in force"),
            Panel(
                "Pairs below raw",
                "share of genuine pairs, lower is better",
                (("val/share_below_raw", "validation people"),),
            ),
        ),
    ),
    Section(
        "What the training moves",
        "Which way do the loss weights push the closed form? These numbers are what training finds besides the "
        "network. A number that still rises or falls at the end wants more epochs, or a higher learning rate of its "
        "own (conf/model/phi).",
        (
            _phi(
                ("bias", "quality"), "Bias and quality", "cosines: raises all scores; raises short vectors, lowers long"
            ),
            _phi(("strength",), "Strength", "factor on the correction; 0 is the raw vector"),
            _phi(("ridge",), "Ridge", "shrinkage of the regression"),
            _phi(
                ("ridge_power", "length_power", "metric_power"),
                "Powers",
                "of variance, length and within-person covariance",
            ),
            _phi(SHAPE, "Shape", "logarithmic gains of directions with small (1) to large (4) variance"),
            _phi(("gate_slope", "gate_unknown"), "Gate, logits", "slope per degree; threshold without a pose"),
            _phi(("gate_centre", "gate_full"), "Gate, angles", "degrees"),
            _phi(("weight_length", "weight_yaw"), "Weights of frames", "how much more long vectors, less turned heads"),
        ),
    ),
    Section(
        "Identity",
        "Do photos of one person come closer, and at which turn of the head? Frontal heads should stay where they are. "
        "Higher similarity alone proves nothing: compare Safety.",
        (
            _loss("id", "Identity loss", "1 − cosine with the target; lower is better"),
            Panel(
                "Similarity of genuine pairs",
                "mean cosine, higher is better",
                (("val/similarity/enhanced", "enhanced"), ("val/similarity/raw", "raw")),
            ),
            Panel(
                "Improvement",
                "mean change of the cosine, higher is better",
                (("val/improvement/mean", "all"), ("val/improvement/frontal", "frontal")),
            ),
            Panel(
                "Improvement by yaw",
                "mean change of the cosine, higher is better",
                tuple(
                    (name, f"{low} to {high}°".replace("-", "−"))
                    for name, (low, high) in zip(IMPROVEMENT_BY_YAW, YAW_BINS, strict=True)
                ),
            ),
        ),
    ),
    Section(
        "Safety",
        "Would the system in use get worse? A curve above its limit line, which is what the raw vectors score, says "
        "yes: more false matches, or more false non-matches, than without the enhancer.",
        (
            Panel(
                "FMR at the raw threshold",
                "share of false matches, lower is better",
                (("val/fmr_at_raw_threshold", "enhanced"), ("val/fmr_limit", "limit: raw")),
            ),
            Panel(
                "FNMR at FMR 1e-2",
                "share of false non-matches, lower is better",
                (("val/fnmr_at_fmr_1e-2", "enhanced"), ("val/fnmr_limit", "limit: raw")),
            ),
            Panel(
                "FNMR at the raw threshold",
                "share of false non-matches, lower is better",
                (("val/fnmr_at_raw_threshold", "enhanced"),),
            ),
            Panel("FMR, times raw's", "above 1: more false matches", (("val/fmr_ratio", "enhanced"),)),
            Panel(
                "What the epoch is chosen by",
                "weighted loss on validation people; lower is better",
                (("val/selection", "val/selection"),),
            ),
            *(_metric(name) for name in REGISTERED if name not in _BESIDE_OTHERS),
        ),
    ),
    Section(
        "Other losses",
        "Does the training itself go well? Validation rising while training falls is overfitting: fewer epochs, more "
        "weight decay or a lower learning rate. A loss whose weight is 0 is computed but not trained.",
        (
            _loss("total", "Total", "Σ weight · loss; the weights may change over the epochs"),
            *(_loss(name, name.capitalize(), "lower is better") for name in OTHERS),
            *(
                _weights(OTHER_WEIGHTS[first : first + MOST_CURVES], "Other weights in force")
                for first in range(0, len(OTHER_WEIGHTS), MOST_CURVES)
            ),
            Panel("Learning rate", "of the last group of parameters", (("lr", "lr"),)),
        ),
    ),
)
