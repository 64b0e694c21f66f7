"""Embedded people without their tracks, for tests in which each row is a probe of its own."""

from __future__ import annotations

from dataclasses import replace

from poseid.features.identifiers import KEYS
from poseid.features.rows import FeatureSet


def without_tracks(features: FeatureSet) -> FeatureSet:
    """The same rows; no row has a template, a media or a frame number."""
    entries = [{key: value for key, value in entry.items() if key not in KEYS} for entry in features.video.metadata]
    return replace(features, video=replace(features.video, metadata=entries))
