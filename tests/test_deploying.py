"""docs/deploying.md is true: its commands and its Python run, in their order, and do what it says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from poseid import cli
from poseid.enhancers.saving import open_model
from poseid.features.folder import write_folder
from poseid.features.synthetic import synthetic
from tests.documented import ROOT, commands, run_blocks, run_poseid

PAGE = ROOT / "docs" / "deploying.md"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small fitted model, its exports as the page makes them, and rows of people."""
    pytest.importorskip("onnxscript")
    pytest.importorskip("onnxruntime")
    here = tmp_path_factory.mktemp("deploying")
    data = synthetic(people=30, probes=6, seed=1, dim=32)
    write_folder(data, here / "data")
    fit = ["baseline", "ridge", "--set", "lambda=10"]
    assert cli.main([*fit, "--data", str(here / "data"), "--out", str(here / "RUN")]) == 0
    np.save(here / "gallery.npy", data.front.features)
    np.save(here / "probes.npy", data.video.features)
    np.save(here / "poses.npy", data.video.poses)
    tracks = np.array([f"{name} {row % 2}" for row, name in enumerate(data.video.names())])
    np.save(here / "tracks.npy", tracks)
    np.savez(here / "tracks.npz", features=data.video.features, poses=data.video.poses, template_id=tracks)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(here)
        for line in commands(PAGE):
            run_poseid(line)
    return here


def test_the_page_runs(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("faiss")
    monkeypatch.chdir(place)
    names = run_blocks(PAGE, lambda line: None)  # its commands have run
    probes, poses = np.load("probes.npy"), np.load("poses.npy")
    expected = names["enhancer"].enhance(probes, poses)
    np.testing.assert_allclose(names["enhance_probe"](probes[0], poses[0])["vector"], expected[0], atol=1e-5)
    assert "numbers" in names["enhance_probe"]([1.0, 2.0])["error"]
    np.testing.assert_allclose(names["enhanced"], names["enhancer"].enhance(probes), atol=1e-5)
    assert names["header"]["model"]["name"] == "ridge"
    # the index holds the references as they came, and finds by cosine with the enhanced probe
    gallery = np.load("gallery.npy")
    units = gallery / np.linalg.norm(gallery, axis=1, keepdims=True)
    np.testing.assert_allclose(names["index"].reconstruct_n(0, len(gallery)), units, atol=1e-6)
    queries = expected / np.linalg.norm(expected, axis=1, keepdims=True)
    cosines = queries @ units.T
    assert names["neighbours"].shape == (len(probes), 3)
    np.testing.assert_allclose(names["scores"], -np.sort(-cosines, axis=1)[:, :3], atol=1e-5)
    found = np.take_along_axis(cosines, names["neighbours"], axis=1)
    np.testing.assert_allclose(found, names["scores"], atol=1e-5)
    # a template for each track, from rows and from a file
    templates = names["enhancer"].enhance(probes, poses, templates=names["tracks"])
    assert (names["ids"], len(names["ids"])) == (list(dict.fromkeys(names["tracks"])), 60)
    cosines = templates.features @ units.T
    np.testing.assert_allclose(names["track_scores"], -np.sort(-cosines, axis=1)[:, :3], atol=1e-5)
    np.testing.assert_allclose(names["file_scores"], names["track_scores"], atol=1e-5)
    found = np.take_along_axis(cosines, names["track_neighbours"], axis=1)
    np.testing.assert_allclose(found, names["track_scores"], atol=1e-5)


def test_the_exports_are_the_model(place: Path) -> None:
    import poseid

    probes, poses = np.load(place / "probes.npy"), np.load(place / "poses.npy")
    outputs = [
        poseid.load(place / name).enhance(probes, poses) for name in ("RUN", "enhancer.onnx", "enhancer.safetensors")
    ]
    np.testing.assert_allclose(outputs[1], outputs[0], atol=1e-5)
    assert np.array_equal(outputs[2], outputs[0])
    assert open_model(str(place / "enhancer.onnx")).info["people"] == open_model(str(place / "RUN")).info["people"]
