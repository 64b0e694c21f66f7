"""Verification: from scores to error rates, intervals and a verdict. Knows vectors and people, no model.

`evaluate` scores once and gives the typed `Evaluation`, whose `block` is what ``summary.json`` holds; `metrics` lists
what is compared between models. `rates`, `identification`, `protocols` and `bootstrap` hold the pure functions.
"""

from poseid.verification.embeddings import EmbeddingSet
from poseid.verification.evaluate import evaluate
from poseid.verification.rates import eer, threshold_at_fmr
from poseid.verification.result import Evaluation
from poseid.verification.verdict import judge

__all__ = [
    "EmbeddingSet",
    "Evaluation",
    "eer",
    "evaluate",
    "judge",
    "threshold_at_fmr",
]
