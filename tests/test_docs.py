"""The how-to pages are true: their commands run in their order, their links lead somewhere, their tables are whole."""

import re
from pathlib import Path

import pytest

from tests.documented import ROOT, commands, run_commands

LEAVES = {
    "doctor.md": ["CHECKED/doctor.html", "CHECKED/doctor.json"],
    "choosing-a-preset.md": ["FRESH/enhancer.safetensors", "WHICH/compare.md"],
    "reading-the-report.md": ["RUN/report/report.html", "REPORT/report.html"],
    "watching.md": ["RUN/report/training.html", "workspace.json"],
    "templates.md": ["EVALUATED/templates.png", "COMPARED/compare.md"],
    "sweeping.md": ["SWEEP/3/report/summary.json", "SWEEP/0/test/report.html", "SEARCH/2/enhancer.safetensors"],
}
"""Each how-to page, and files that its commands must have left."""


@pytest.mark.slow
@pytest.mark.parametrize("page", sorted(LEAVES))
def test_commands_of_a_page_run_in_their_order(page: str, tmp_path: Path) -> None:
    run_commands(commands(ROOT / "docs" / page), tmp_path)
    for file in LEAVES[page]:
        assert (tmp_path / file).is_file(), file


@pytest.mark.parametrize("page", sorted(LEAVES))
def test_links_of_a_page_exist(page: str) -> None:
    assert len(commands(ROOT / "docs" / page)) >= 2
    for target in re.findall(r"\]\(([^)#]+)\)", (ROOT / "docs" / page).read_text(encoding="utf-8")):
        if "://" not in target:
            assert (ROOT / "docs" / target).exists(), target


def test_every_choice_of_sweep_stands_in_its_page() -> None:
    page = (ROOT / "docs" / "sweeping.md").read_text(encoding="utf-8")
    named = set(re.findall(r"^\| `([a-z_]+)` \|", page, flags=re.MULTILINE))
    assert named == {path.stem for path in (ROOT / "conf" / "sweep").glob("*.yaml")}
