"""``poseid dashboard``: the W&B workspace, to a file or to W&B."""

from __future__ import annotations

import argparse
import json

from poseid.atomic import write_text
from poseid.errors import InputError


def run_dashboard(arguments: argparse.Namespace) -> None:
    """Writes or saves the workspace; prints where it is."""
    try:
        from poseid.sweeps.dashboard import save_workspace, specification, workspace
    except ImportError:
        raise InputError('the dashboard needs wandb-workspaces: pip install "poseid[dashboard]"') from None
    if arguments.out is None:
        print(f"workspace: {save_workspace(arguments.project, arguments.entity)}")
        return
    if arguments.out.exists():
        raise InputError(f"--out {arguments.out}: is there: remove it or choose another name")
    found = specification(workspace(arguments.project, arguments.entity or ""))
    try:
        arguments.out.parent.mkdir(parents=True, exist_ok=True)
        write_text(arguments.out, json.dumps(found, ensure_ascii=False, indent=1) + "\n")
    except OSError as error:
        raise InputError(f"--out {arguments.out}: cannot be written ({error.strerror}): choose another place") from None
    print(f"specification: {arguments.out}")
