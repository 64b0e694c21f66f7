"""A command as a line to copy into a shell."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Sequence


def shell_line(arguments: Sequence[str]) -> str:
    """Arguments as one line for this machine's shell.

    >>> shell_line(["python", "train.py", "lambda_id=1,2"])
    'python train.py lambda_id=1,2'
    """
    return subprocess.list2cmdline(arguments) if os.name == "nt" else shlex.join(arguments)
