"""From what recognisers hand out to arrays and feature folders: InsightFace ``Face`` objects."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

import numpy as np

from poseid.errors import InputError
from poseid.features.rows import FeatureSet, Rows
from poseid.features.tables.poses import PoseFormat

_INSIGHTFACE = PoseFormat(("pitch", "yaw", "roll"))


class Face(Protocol):
    """The two attributes of ``insightface.app.common.Face`` that are read; a dict with these keys does as well."""

    @property
    def embedding(self) -> np.ndarray | None:
        """(D,) as the recogniser gave it, not normalised; None where no recognition model was loaded."""

    @property
    def pose(self) -> np.ndarray | None:
        """(3,) pitch, yaw, roll in degrees; None where ``landmark_3d_68`` was not loaded."""


def from_insightface(
    faces: Face | Mapping[str, Any] | Iterable[Face | Mapping[str, Any]],
) -> tuple[np.ndarray, np.ndarray]:
    """Vectors and poses of faces, as ``Enhancer.enhance`` takes them.

    InsightFace (2.1, ``model_zoo/landmark.py``) gives a pose as pitch, yaw, roll in degrees; it is turned into
    [yaw, pitch, roll]. ``.embedding`` is taken, not ``.normed_embedding``: its norm carries quality.

    Returns:
        (D,) and (3,) for one face, (n, D) and (n, 3) for a list or generator; float32, an unknown pose is NaN.

    Raises:
        InputError: a face without an embedding, embeddings of different dimensions, or no faces.

    >>> from types import SimpleNamespace
    >>> from_insightface(SimpleNamespace(embedding=np.ones(2), pose=np.array([5.0, -40.0, 1.0])))[1].tolist()
    [-40.0, 5.0, 1.0]
    """
    if isinstance(faces, Mapping) or not isinstance(faces, Iterable):
        features, poses = from_insightface([faces])
        return features[0], poses[0]
    embeddings: list[np.ndarray] = []
    angles: list[Any] = []
    for i, face in enumerate(faces):
        embedding, pose = (_read(face, name) for name in ("embedding", "pose"))
        if embedding is None:
            raise InputError(f"face {i}: has no embedding: load a recognition model with FaceAnalysis")
        embeddings.append(np.asarray(embedding, np.float32))
        angles.append((np.nan,) * 3 if pose is None else pose)
        if embeddings[i].ndim != 1 or len(embeddings[i]) != len(embeddings[0]):
            shapes = f"embedding of shape {embeddings[i].shape}, the first {embeddings[0].shape}"
            raise InputError(f"face {i}: {shapes}: take all from one recogniser")
    if not embeddings:
        raise InputError("faces: there are none: the list is empty")
    return np.stack(embeddings), _INSIGHTFACE.degrees(np.array(angles, np.float64), "faces")


def _read(face: Face | Mapping[str, Any], name: str) -> Any:
    return face.get(name) if isinstance(face, Mapping) else getattr(face, name, None)


def features_from_insightface(
    name: str,
    front: Mapping[str, Iterable[Face | Mapping[str, Any]]],
    video: Mapping[str, Iterable[Face | Mapping[str, Any]]],
) -> FeatureSet:
    """Faces of known people as a feature set, for :func:`poseid.features.write_folder`.

    Args:
        name: what reports call the data.
        front, video: of each person, by name: the enrolled, frontal faces, and those that are compared with them.

    Raises:
        InputError: as :func:`from_insightface`.
    """

    def rows(faces: Mapping[str, Iterable[Face | Mapping[str, Any]]]) -> Rows:
        named = [(person, face) for person, some in faces.items() for face in some]
        people = [person for person, _ in named]
        features, poses = from_insightface([face for _, face in named])
        return Rows(features, poses, np.array(people, np.str_), tuple({"person_name": person} for person in people))

    return FeatureSet(name, rows(front), rows(video))
