"""The how-to pages are true: their commands run in their order, their links lead somewhere, their tables are whole."""

import re
from pathlib import Path

import pytest

from tests.documented import ROOT, commands, run_blocks, run_commands, run_poseid

LEAVES = {
    "doctor.md": ["CHECKED/doctor.html", "CHECKED/doctor.json"],
    "choosing-a-preset.md": ["FRESH/enhancer.safetensors", "WHICH/compare.md"],
    "reading-the-report.md": ["RUN/report/report.html", "REPORT/report.html"],
    "watching.md": ["RUN/report/training.html", "workspace.json"],
    "sweeping.md": ["SWEEP/3/report/summary.json", "SWEEP/0/test/report.html", "SEARCH/2/enhancer.safetensors"],
}
"""Each how-to page, and files that its commands must have left."""


@pytest.mark.slow
@pytest.mark.parametrize("page", sorted(LEAVES))
def test_commands_of_a_page_run_in_their_order(page: str, tmp_path: Path) -> None:
    run_commands(commands(ROOT / "docs" / page), tmp_path)
    for file in LEAVES[page]:
        assert (tmp_path / file).is_file(), file


@pytest.mark.usefixtures("own_directory")
def test_the_commands_and_the_python_of_the_templates_page_run() -> None:
    run_blocks(ROOT / "docs" / "templates.md", run_poseid)
    for file in ("tracks.parquet", "EVALUATED/templates.png", "COMPARED/compare.md"):
        assert Path(file).is_file(), file


def anchors(page: Path) -> list[str]:
    """Of the headings of a page, as GitHub makes them."""
    titles = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return [re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles]


def test_anchors_are_those_of_github(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# One: `a_b`, two-three?\n\ntext # no\n\n## 数据 (2)\n", encoding="utf-8")
    assert anchors(page) == ["one-a_b-two-three", "数据-2"]


@pytest.mark.parametrize("page", [*ROOT.glob("README*.md"), *(ROOT / "docs").glob("*.md")], ids=lambda page: page.name)
def test_pictures_and_links_of_a_page_exist(page: Path) -> None:
    assert page.name not in LEAVES or len(commands(page)) >= 2
    for target, heading in re.findall(r"\]\(([^)#]*)(?:#([^)]*))?\)", page.read_text(encoding="utf-8")):
        if "://" in target:
            continue
        file = page.parent / target if target else page
        assert file.exists(), target
        assert not heading or heading in anchors(file), f"{target}#{heading}"


def test_every_choice_of_sweep_stands_in_its_page() -> None:
    page = (ROOT / "docs" / "sweeping.md").read_text(encoding="utf-8")
    named = set(re.findall(r"^\| `([a-z_]+)` \|", page, flags=re.MULTILINE))
    assert named == {path.stem for path in (ROOT / "conf" / "sweep").glob("*.yaml")}
