"""docs/templates.md is true: its commands and its Python run, in their order, in an empty directory."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from poseid import cli

DOCS = Path(__file__).parents[1] / "docs"
PAGE = (DOCS / "templates.md").read_text(encoding="utf-8")


def test_the_page_runs_in_its_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"^```(bash|python)\n(.*?)^```", PAGE, flags=re.MULTILINE | re.DOTALL)
    assert [kind for kind, _ in blocks].count("bash") >= 2
    names: dict[str, object] = {}
    for kind, block in blocks:
        if kind == "python":
            exec(compile(block, "templates.md", "exec"), names)
            continue
        for line in block.splitlines():
            program, *arguments = shlex.split(line)
            assert program == "poseid"
            assert cli.main(arguments) == 0, line
    assert Path("tracks.parquet").is_file()


def test_links_exist() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", PAGE):
        assert "://" in target or (DOCS / target).exists(), target
