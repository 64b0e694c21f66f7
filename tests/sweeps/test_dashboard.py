"""The W&B workspace names what runs log, and nothing else."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from poseid.cli import main
from poseid.training.panels import SECTIONS
from tests.cli.caller import Caller

pytest.importorskip("wandb_workspaces", reason="needs the extra [dashboard]")

Records = list[dict[str, Any]]


@pytest.fixture(scope="module")
def specification(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    path = tmp_path_factory.mktemp("dashboard") / "看板" / "workspace.json"
    assert main(["dashboard", "--project", "face", "--entity", "me", "--out", str(path)]) == 0
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def sections(specification: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    found = specification["spec"]["section"]["panelBankConfig"]["sections"]
    return {section["name"]: section["panels"] for section in found}


def keys(panel: dict[str, Any]) -> Iterator[str]:
    """The history keys of a panel as they are, others as ``summary:…`` or ``config:…``."""
    config = panel["config"]
    yield from config.get("metrics", [])
    yield from config.get("mediaKeys", [])
    yield from (column["accessor"] for column in config.get("columns", []))
    yield from (config[axis] for axis in ("xAxis", "yAxis") if axis in config)
    if "targetKey" in config:
        yield f"summary:{config['targetKey']}"
    if panel["viewType"] == "Weave":
        yield config["panel2Config"]["exp"]["fromOp"]["inputs"]["key"]["val"]


def test_every_section_is_there(specification: dict[str, Any]) -> None:
    assert (specification["project"], specification["entity"]) == ("face", "me")
    found = sections(specification)
    assert list(found) == [*(section.name for section in SECTIONS), "Sweep", "Media"]
    named = {name: {key for panel in panels for key in keys(panel)} for name, panels in found.items()}
    protections = ("similarity_protection", "impostor_protection")
    assert {f"{part}/{name}" for part in ("train/loss", "val/loss", "weight") for name in protections} <= named[
        "Protection"
    ]
    assert "val/share_below_raw" in named["Protection"]
    assert {"val/similarity/raw", "val/similarity/enhanced", "val/improvement/mean"} <= named["Identity"]
    assert {"val/improvement/yaw_-90_-45", "val/improvement/yaw_45_90", "train/loss/id"} <= named["Identity"]
    assert {"val/fmr_at_raw_threshold", "val/fmr_limit", "val/fnmr_at_fmr_1e-2", "val/fnmr_limit"} <= named["Safety"]
    assert named["Media"] == {"diagnosis", "improvement_by_yaw"}
    kinds = [panel["viewType"] for panel in found["Sweep"]]
    assert kinds == ["Parallel Coordinates Plot", "Scatter Plot", "Parameter Importance"]
    scatter = found["Sweep"][1]["config"]
    assert (scatter["xAxis"], scatter["yAxis"]) == (
        "summary:shipped/fmr_ratio",
        "summary:shipped/fnmr_at_raw_threshold",
    )
    assert "summary:shipped/fnmr_at_fmr_1e-2" in named["Sweep"]


def test_every_panel_names_what_a_run_logs(
    specification: dict[str, Any], logged_run: Path, wandb_records: Callable[[Path], Records]
) -> None:
    records = wandb_records(logged_run)
    logged = {key for record in records if "history" in record for key in record["history"]["item"]}
    logged |= {key.split(".")[0] for key in logged}  # media stand as their parts: diagnosis.captions
    for record in records:
        logged |= {f"summary:{key}" for key in record.get("summary", {}).get("update", {})}
        config = record.get("run", {}).get("config", {}).get("update", {})
        logged |= {f"config:{key}.value" for key in config}
    for name, panels in sections(specification).items():
        for panel in panels:
            named = list(keys(panel))
            assert named, (name, panel["viewType"])
            assert set(named) <= logged, (name, set(named) - logged)


def test_where_nobody_is_logged_in_it_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    monkeypatch.setenv("NETRC", str(tmp_path / "none"))
    monkeypatch.setenv("HOME", str(tmp_path))
    said = "not logged in to W&B: run wandb login first, or write the specification with --out FILE.json"
    assert Caller(capsys).refused("dashboard") == f"error: {said}\n"


def test_saving_goes_to_the_project_that_was_asked_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import wandb
    import wandb_workspaces.workspaces as workspaces

    saved = []

    def save(workspace: Any) -> Any:
        saved.append((workspace.entity, workspace.project))
        if len(saved) > 1:
            raise ConnectionError("no network\nin detail")
        return SimpleNamespace(url="https://wandb.example/me/face?nw=1")

    monkeypatch.setattr(wandb, "Api", lambda: SimpleNamespace(default_entity="me"))
    monkeypatch.setattr(workspaces.Workspace, "save", save)
    call = Caller(capsys)
    assert call.done("dashboard", "--project", "face") == "workspace: https://wandb.example/me/face?nw=1\n"
    assert saved == [("me", "face")]
    assert "of project face (no network)" in call.refused("dashboard", "--project", "face")


def test_a_file_that_is_there_is_not_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "workspace.json"
    path.write_text("mine", encoding="utf-8")
    assert "is there" in Caller(capsys).refused("dashboard", "--out", path)
    assert path.read_text(encoding="utf-8") == "mine"
