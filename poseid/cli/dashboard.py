"""Make the W&B workspace that shows runs of this project: protection, identity, safety, losses, sweep, media.

With --out its specification is written as JSON, without an account and without a network. Without --out it is saved
to W&B, which needs an account (wandb login) and a project that has runs.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from poseid.interrupt import importing

NAME = "dashboard"
HELP = "make the W&B workspace, or write its specification"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--project", default="poseid", metavar="P", help="the W&B project (default poseid)")
    parser.add_argument("--entity", metavar="E", help="the user or team that it belongs to (default: yours)")
    parser.add_argument("--out", type=Path, metavar="FILE.json", help="write the specification here, in place of W&B")


def run(arguments: argparse.Namespace) -> None:
    """Writes or saves the workspace; prints where it is."""
    with importing():
        from poseid.atomic import json_text, write_text
        from poseid.errors import InputError

        try:
            import wandb_workspaces  # noqa: F401  (only to say how to install it)
        except ImportError:
            raise InputError('the dashboard needs wandb-workspaces: pip install "poseid[dashboard]"') from None
        from poseid.sweeps.dashboard import save_workspace, specification, workspace

    if arguments.out is None:
        print(f"workspace: {save_workspace(arguments.project, arguments.entity)}")
        return
    if arguments.out.exists():
        raise InputError(f"--out {arguments.out}: is there: remove it or choose another name")
    found = specification(workspace(arguments.project, arguments.entity or ""))
    try:
        arguments.out.parent.mkdir(parents=True, exist_ok=True)
        write_text(arguments.out, json_text(found))
    except OSError as error:
        raise InputError(f"--out {arguments.out}: cannot be written ({error.strerror}): choose another place") from None
    print(f"specification: {arguments.out}")
