"""``poseid baseline`` and ``poseid evaluate``: what they write, whom they evaluate on, what they refuse."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from poseid.enhancers.people import hashed_people
from poseid.enhancers.registry import build
from poseid.enhancers.saving import open_model, read_info, save_enhancer
from poseid.features.fingerprint import digest, hash_people
from poseid.features.folder import write_folder
from poseid.features.people import split_by_folds, split_people
from poseid.features.rows import FeatureSet
from poseid.features.synthetic import synthetic
from tests.cli.caller import Caller, summary_of, write_lines
from tests.pictures import is_drawn, of_page


def test_baseline_header(work: Path, data: FeatureSet) -> None:
    info = read_info(work / "ridge" / "enhancer.safetensors")
    split = split_people(data.people(), 0)
    assert info["model"] == {"name": "ridge", "dim": 32, "sides": "probe"}
    assert info["data"] == {"name": "data", "digest": digest(data)}
    assert info["people"] == hashed_people(split.train, split.validation, split.test, digest(data))
    assert info["people"]["test"] == hash_people(split.test, digest(data))
    assert info["fingerprint"]["dim"] == 32
    assert json.loads((work / "ridge" / "baseline.json").read_text(encoding="utf-8")) == info
    assert not any(name in (work / "ridge" / "baseline.json").read_text(encoding="utf-8") for name in data.people())


def test_baseline_folds_and_people(work: Path, data: FeatureSet, tmp_path: Path, call: Caller) -> None:
    base = ("baseline", "ridge", "--data", work / "data", "--set", "lambda=10", "--out")
    call.done(*base, tmp_path / "a", "--folds", "1,2")
    people = read_info(tmp_path / "a" / "enhancer.safetensors")["people"]
    split = split_by_folds(data, [1, 2], 0, 1 / 3)
    assert people == hashed_people(split.train, split.validation, split.test, people["salt"])
    names = write_lines(tmp_path / "some.txt", data.people()[:30])
    call.done(*base, tmp_path / "b", "--people", names)
    people = read_info(tmp_path / "b" / "enhancer.safetensors")["people"]
    assert [len(people[part]) for part in ("train", "validation", "test")] == [20, 10, 0]
    assert "no fold 9" in call.refused(*base, tmp_path / "c", "--folds", "9")
    assert "fold numbers" in call.refused(*base, tmp_path / "c", "--folds", "one")
    assert "no such baseline" in call.refused("baseline", "rigde", "--data", work / "data", "--out", tmp_path / "c")
    assert not (tmp_path / "c").exists()


@pytest.mark.rendered
def test_evaluate_takes_the_runs_test_people(work: Path, tmp_path: Path, call: Caller) -> None:
    arguments = ("evaluate", work / "ridge", "--data", work / "data", "--resamples", "50", "--out")
    out = call.done(*arguments, tmp_path / "a")
    assert "the 6 test people of the split" in out
    assert "verdict" in out
    summary = summary_of(tmp_path / "a")
    assert [summary[key] for key in ("model", "sides", "data", "poses_used")] == ["ridge", "probe", "data", True]
    assert summary["evaluation"]["people"] == 6
    assert summary["evaluation"]["bootstrap"]["resamples"] == 50
    assert set(summary["evaluation"]["protocols"]) <= {"FP", "FF"}
    # of six people many figures are not defined
    assert len(pictures := of_page(tmp_path / "a" / "report.html")) > 4
    assert all(map(is_drawn, pictures))
    call.done(*arguments, tmp_path / "b", "--no-pose")
    assert summary_of(tmp_path / "b")["poses_used"] is False


def test_on_other_data_everybody_else_is_evaluated(work: Path, data: FeatureSet, tmp_path: Path, call: Caller) -> None:
    """The same people in another folder: training and validation people are known by their salted hashes."""
    other = synthetic(people=5, probes=8, seed=2, dim=32)
    mixed = FeatureSet("mixed", joined(data.front, other.front), joined(data.video, other.video))
    write_folder(mixed, tmp_path / "mixed")
    arguments = ("evaluate", work / "ridge", "--data", tmp_path / "mixed", "--resamples", "0", "--out", tmp_path / "o")
    out = call.done(*arguments)
    assert "the 11 people the model was not trained on" in out  # 6 test people and 5 new ones
    assert summary_of(tmp_path / "o")["evaluation"]["people"] == 11


def joined(a: Any, b: Any) -> Any:
    arrays = [np.concatenate([getattr(a, name), getattr(b, name)]) for name in ("features", "poses", "people")]
    return type(a)(*arrays, (*a.metadata, *b.metadata))


def test_evaluate_refuses_people_it_was_trained_on(work: Path, data: FeatureSet, tmp_path: Path, call: Caller) -> None:
    split = split_people(data.people(), 0)
    arguments = ("evaluate", work / "ridge", "--data", work / "data", "--out", tmp_path / "o", "--people")
    names = write_lines(tmp_path / "train.txt", [*split.test, *split.train[:3]])
    assert "was trained on 3 of the 9 people" in call.refused(*arguments, names)
    names = write_lines(tmp_path / "validation.txt", list(split.validation))
    assert "was chosen by 18 of the 18 people" in call.refused(*arguments, names)
    assert not (tmp_path / "o").exists()
    names = write_lines(tmp_path / "test.txt", list(split.test))
    out = call.done(*arguments, names, "--resamples", "0")
    assert "the 6 people of test.txt" in out


def test_raw_is_evaluated_on_everybody(work: Path, tmp_path: Path, call: Caller) -> None:
    out = call.done("evaluate", "raw", "--data", work / "data", "--resamples", "20", "--out", tmp_path / "o")
    assert "all 60 people" in out
    evaluation = summary_of(tmp_path / "o")["evaluation"]
    assert evaluation["verdict"] == "no effect shown"
    assert evaluation["sets"]["all"]["raw"] == evaluation["sets"]["all"]["enhanced"]
    assert evaluation["protocols"]["FP"]["raw"]["accuracy"] > 0.5
    assert evaluation["frames"] == []
    assert not (tmp_path / "o" / "templates.png").exists()


def test_frames_are_pooled_where_asked_for(work: Path, tmp_path: Path, call: Caller) -> None:
    arguments = ("evaluate", "raw", "--data", work / "data", "--resamples", "20", "--out")
    out = call.done(*arguments, tmp_path / "o", "--frames", "1,4,4,20")
    assert "several frames as one probe, profile frames: FNMR at FMR 1e-2, lower is better" in out
    assert "warning: --frames 20: left out, since fewer than two people have 20 video rows" in out
    assert "verdict on templates, 4 profile frames: no effect shown. " in out
    block = summary_of(tmp_path / "o")["evaluation"]
    found = [(entry["k"], entry["by"], list(entry["sets"])) for entry in block["frames"]]
    assert found == [(k, "random sets", ["profile", "any"]) for k in (1, 4)]
    four = block["frames"][1]["sets"]["profile"]
    assert (four["templates"], four["people"], four["mean_frames"]) == (39, 39, 4.0)
    assert (tmp_path / "o" / "templates.png").is_file()
    call.done(*arguments, tmp_path / "again", "--frames", "4")
    assert summary_of(tmp_path / "again")["evaluation"]["frames"] == block["frames"][1:]
    for wrong in ("0", "1,two", "2,", "1.5", "-1"):
        assert "write numbers of frames from 1 on" in call.refused(*arguments, tmp_path / "x", f"--frames={wrong}")
    assert not (tmp_path / "x").exists()


def test_rows_with_a_template_id_are_pooled_by_it_without_being_asked(
    data: FeatureSet, tmp_path: Path, call: Caller
) -> None:
    ids = tuple(
        entry | {"template_id": f"{entry['person_name']} {n % 2}"} for n, entry in enumerate(data.video.metadata)
    )
    video = replace(data.video, metadata=ids)
    write_folder(replace(data, video=video), tmp_path / "tracks")
    arguments = ("evaluate", "raw", "--data", tmp_path / "tracks", "--resamples", "20", "--out")
    out = call.done(*arguments, tmp_path / "o", "--frames", "2")
    assert "verdict on templates, profile frames of a template_id (mean " in out
    frames = summary_of(tmp_path / "o")["evaluation"]["frames"]
    assert [(entry["k"], entry["by"]) for entry in frames] == [(None, "template_id"), (2, "random sets")]
    assert [frames[0]["sets"]["any"][key] for key in ("templates", "mean_frames")] == [120, 4.0]


def test_a_checkpoint_finds_its_people_beside_it(work: Path, data: FeatureSet, tmp_path: Path, call: Caller) -> None:
    split = split_people(data.people(), 0)
    model = {"name": "residual", "dim": 32, "rank": 4, "pose_dim": 4, "sides": "both"}
    enhancer = build("residual", {key: value for key, value in model.items() if key != "name"})
    torch.nn.init.normal_(enhancer.linear_path.weight, std=0.1)
    run = tmp_path / "run"
    (run / "checkpoints").mkdir(parents=True)
    state = {f"enhancer.{key}": value for key, value in enhancer.state_dict().items()} | {"decoder.x": torch.ones(1)}
    content = {"state_dict": state, "hyper_parameters": {"model": model, "lr": 1e-3}}
    checkpoint = run / "checkpoints" / "best.ckpt"
    torch.save(content, checkpoint)
    arguments = ("evaluate", checkpoint, "--data", work / "data", "--resamples", "0", "--out")
    out = call.done(*arguments, tmp_path / "a")
    assert "are unknown" in out
    assert "warning" in out
    assert "never trained on" not in out
    assert summary_of(tmp_path / "a")["training_people_known"] is False
    assert summary_of(tmp_path / "a")["sides"] == "both"
    salt = digest(data)
    people = hashed_people(split.train, split.validation, split.test, salt)
    info = {"model": model, "sides": "both", "data": {"name": "data", "digest": salt}, "people": people}
    save_enhancer(enhancer, info, run / "enhancer.safetensors")
    out = call.done(*arguments, tmp_path / "b")
    assert "the 6 test people" in out
    x = torch.from_numpy(data.video.features[:4])
    with torch.no_grad():
        assert torch.equal(open_model(str(checkpoint)).enhancer(x).features, open_model(str(run)).enhancer(x).features)


def test_bad_input_is_one_line(work: Path, tmp_path: Path, call: Caller) -> None:
    (tmp_path / "empty").mkdir()
    for suffix in ("ckpt", "safetensors", "txt"):
        (tmp_path / f"bad.{suffix}").write_bytes(b"no")
    write_folder(synthetic(people=12, dim=16), tmp_path / "small")
    write_folder(synthetic(people=1, dim=32), tmp_path / "alone")
    names = write_lines(tmp_path / "names.txt", ["nobody at all"])
    pairs = write_lines(tmp_path / "pairs.csv", ["protocol,fold,a,b,same", "FP,1,front:0,video:999999,1"])
    ridge, data = work / "ridge", work / "data"
    for model, folder, more, message in (
        (tmp_path / "empty", data, (), "holds no enhancer.safetensors"),
        (tmp_path / "none", data, (), "no such file"),
        (tmp_path / "bad.ckpt", data, (), "not a checkpoint"),
        (tmp_path / "bad.safetensors", data, (), "not a readable safetensors"),
        (tmp_path / "bad.txt", data, (), "is no MODEL"),
        ("ridge", data, (), "poseid baseline ridge"),
        (ridge, tmp_path / "small", (), "vectors have 16 numbers, the model ridge takes 32"),
        (ridge, data, ("--people", names), "nobody in the data"),
        (ridge, data, ("--pairs", pairs), "does not exist"),
        (ridge, tmp_path / "alone", (), "needs at least 2"),
        (ridge, tmp_path / "nowhere", (), "does not exist"),
    ):
        assert message in call.refused("evaluate", model, "--data", folder, *more, "--out", tmp_path / "o")
    assert not (tmp_path / "o").exists()


def test_pairs_from_a_file(work: Path, data: FeatureSet, tmp_path: Path, call: Caller) -> None:
    same = int(np.flatnonzero(data.video.people == data.front.people[0])[0])
    other = int(np.flatnonzero(data.video.people != data.front.people[0])[0])
    lines = [f"MINE,{fold},front:0,video:{row},{truth}" for fold in (1, 2) for row, truth in ((same, 1), (other, 0))]
    pairs = write_lines(tmp_path / "mine.csv", ["protocol,fold,a,b,same", *lines])
    data_of = ("--data", work / "data", "--pairs", pairs)
    call.done("evaluate", "raw", *data_of, "--resamples", "0", "--out", tmp_path / "o")
    assert set(summary_of(tmp_path / "o")["evaluation"]["protocols"]) == {"MINE"}


def test_output_appears_complete_or_not_at_all(
    work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: Caller
) -> None:
    full, empty = tmp_path / "full", tmp_path / "empty"
    full.mkdir()
    empty.mkdir()
    (full / "mine.txt").write_text("mine", encoding="utf-8")
    arguments = ("evaluate", "raw", "--data", work / "data", "--resamples", "0", "--out")
    assert "not empty" in call.refused(*arguments, full)
    assert "no directory" in call.refused(*arguments, full / "mine.txt")
    assert [path.name for path in full.iterdir()] == ["mine.txt"]
    call.done(*arguments, empty)
    assert (empty / "summary.json").is_file()

    def broken(*arguments: object) -> None:
        Path(str(arguments[-1])).joinpath("half.txt").write_text("half", encoding="utf-8")
        raise RuntimeError("disk")

    monkeypatch.setattr("poseid.reports.report.write_report", broken)
    assert call(*arguments, tmp_path / "gone")[0] == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty", "full"]
