"""The benchmarks still fit the package: each is imported and shows its help; mypy checks the rest."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

import pytest

SCRIPTS = sorted((Path(__file__).resolve().parents[1] / "benchmarks").glob("*.py"))
MODULES = {"plain_transformer", "table", "template_results", "variants"}  # imported by the others


@pytest.mark.parametrize("script", [path for path in SCRIPTS if path.stem not in MODULES], ids=lambda path: path.stem)
def test_a_benchmark_shows_its_help(
    script: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.syspath_prepend(script.parent)
    monkeypatch.setattr(sys, "argv", [str(script), "--help"])
    try:
        with pytest.raises(SystemExit) as ended:
            runpy.run_path(str(script), run_name="__main__")
    finally:
        for path in SCRIPTS:
            sys.modules.pop(path.stem, None)
    assert not ended.value.code
    assert capsys.readouterr().out.startswith(f"usage: {script.name}")
