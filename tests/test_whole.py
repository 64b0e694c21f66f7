"""A file is whole, or what it was before."""

from pathlib import Path

import pytest

from poseid.whole import write_bytes, write_text


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.txt"
    write_text(path, "old\nläuft 人\n")
    assert path.read_bytes() == "old\nläuft 人\n".encode()

    def fail(self: Path, target: Path) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        write_bytes(path, b"new")
    assert path.read_bytes() == "old\nläuft 人\n".encode()
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.txt"]
