"""The W&B workspace as code: the sections of a training's page, and the jobs of a sweep side by side."""

from __future__ import annotations

from typing import Any

import wandb
import wandb_workspaces.reports.v2 as reports
import wandb_workspaces.workspaces as workspaces

from poseid.errors import InputError, first_line
from poseid.training.losses import TERMS
from poseid.training.metric_names import BY_YAW, DIAGNOSIS
from poseid.training.panels import SECTIONS

NAME = "poseid: protection, identity, safety"
FNMR = "shipped/fnmr_at_fmr_1e-2"
"""What jobs are compared by: of the enhancer that ships, on validation people; lower is better."""
FNMR_AT_RAW, FMR_RATIO = "shipped/fnmr_at_raw_threshold", "shipped/fmr_ratio"
"""The axes of the front: both at one threshold, that of the raw vectors; lower is better."""


def workspace(project: str, entity: str) -> workspaces.Workspace:
    """The workspace of a project; nothing is sent anywhere.

    Args:
        project: name of the W&B project.
        entity: user or team that it belongs to; may be empty for a specification alone.
    """
    curves = {
        section.name: [
            reports.LinePlot(title=panel.title, x="epoch", y=[metric for metric, _ in panel.curves], title_y=panel.note)
            for panel in section.panels
        ]
        for section in SECTIONS
    }
    column, summary = reports.ParallelCoordinatesPlotColumn, reports.SummaryMetric
    weights = [column(metric=reports.Config(f"lambda_{name}"), display_name=f"λ {name}") for name in TERMS]
    fnmr = column(metric=summary(FNMR), display_name="FNMR at FMR 1e-2")
    sweep = [
        reports.ParallelCoordinatesPlot(title="Loss weights to FNMR", columns=[*weights, fnmr]),
        reports.ScatterPlot(
            title="FNMR against FMR ratio at raw's threshold: the Pareto front is the lower left edge",
            x=summary(FMR_RATIO),
            y=summary(FNMR_AT_RAW),
            running_ymin=True,
        ),
        reports.ParameterImportancePlot(with_respect_to=FNMR),
    ]
    media = [
        reports.MediaBrowser(title="Diagnosis", media_keys=[DIAGNOSIS], num_columns=1),
        reports.WeavePanelSummaryTable(table_name=BY_YAW),
    ]
    sections: dict[str, list[Any]] = {**curves, "Sweep": sweep, "Media": media}
    return workspaces.Workspace(
        entity=entity,
        project=project,
        name=NAME,
        sections=[workspaces.Section(name=name, panels=panels, is_open=True) for name, panels in sections.items()],
        settings=workspaces.WorkspaceSettings(x_axis="epoch", max_runs=50),
    )


def specification(made: workspaces.Workspace) -> dict[str, Any]:
    """The workspace as W&B stores it, without what is null."""
    content: dict[str, Any] = made._to_model().model_dump(mode="json", by_alias=True, exclude_none=True)
    return content


def save_workspace(project: str, entity: str | None) -> str:
    """Saves the workspace to W&B; returns its address.

    Raises:
        InputError: not logged in, or W&B does not take it.
    """
    # Not logged in is one line, not a question: the command may run where nobody can answer.
    wandb.setup(settings=wandb.Settings(silent=True))
    try:
        address: str = workspace(project, entity or str(wandb.Api().default_entity)).save().url
    except wandb.errors.UsageError:
        raise InputError(
            "not logged in to W&B: run wandb login first, or write the specification with --out FILE.json"
        ) from None
    except Exception as error:
        raise InputError(f"W&B did not take the workspace of project {project} ({first_line(error)})") from None
    return address
