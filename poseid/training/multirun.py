"""What belongs to a sweep as a whole: naming the jobs that failed once all have run."""

from __future__ import annotations

import json
import logging
import sys
from pathlib import Path
from typing import Any

from hydra.experimental.callback import Callback
from omegaconf import DictConfig

FAILED = "failed.json"
log = logging.getLogger(__name__)


def write_failure(run_dir: Path, error: BaseException, overrides: list[str]) -> None:
    """Leaves ``failed.json`` with the error's type, its message and the overrides of the job."""
    record = {"error": type(error).__name__, "message": str(error), "overrides": overrides}
    (run_dir / FAILED).write_text(json.dumps(record, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def failed_jobs(sweep_dir: Path) -> list[str]:
    """One line for each failed job of a sweep directory: its number, overrides and message."""
    lines = []
    for path in sorted(sweep_dir.glob(f"*/{FAILED}"), key=lambda p: (len(p.parent.name), p.parent.name)):
        record = json.loads(path.read_text(encoding="utf-8"))
        lines.append(f"job {path.parent.name} ({' '.join(record['overrides'])}): {record['message']}")
    return lines


class FailedJobs(Callback):
    """Hydra callback: names the failed jobs at the end of a multirun, which then ends with status 1."""

    def on_multirun_end(self, config: DictConfig, **kwargs: Any) -> None:
        lines = failed_jobs(Path(config.hydra.sweep.dir))
        for line in lines:
            log.error("failed: %s", line)
        if lines:
            log.error("%d job(s) of %s failed; the others are complete", len(lines), config.hydra.sweep.dir)
            sys.exit(1)
