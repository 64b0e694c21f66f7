"""Make the W&B workspace that shows runs of this project: protection, identity, safety, losses, sweep, media.

With --out its specification is written as JSON, without an account and without a network. Without --out it is saved
to W&B, which needs an account (wandb login) and a project that has runs.
"""

from __future__ import annotations

import argparse
from pathlib import Path

NAME = "dashboard"
HELP = "make the W&B workspace, or write its specification"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--project", default="poseid", metavar="P", help="the W&B project (default poseid)")
    parser.add_argument("--entity", metavar="E", help="the user or team that it belongs to (default: yours)")
    parser.add_argument("--out", type=Path, metavar="FILE.json", help="write the specification here, in place of W&B")


def run(arguments: argparse.Namespace) -> None:
    from poseid.commands.dashboard_run import run_dashboard

    run_dashboard(arguments)
