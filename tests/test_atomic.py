"""A file or directory is complete, or what it was before."""

from pathlib import Path

import pytest

from poseid.atomic import atomic_directory, atomic_file, write_bytes, write_text
from poseid.errors import InputError


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


def test_a_directory_made_for_a_file_goes_with_it(tmp_path: Path) -> None:
    def half(path: Path) -> None:
        with atomic_file(path) as partial:
            partial.write_bytes(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        half(tmp_path / "new" / "a")
    assert list(tmp_path.iterdir()) == []
    write_bytes(tmp_path / "new" / "b", b"done")
    with pytest.raises(KeyboardInterrupt):
        half(tmp_path / "new" / "a")
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["b"]
    with pytest.raises(InputError, match=r"b/c: cannot be made \(File exists\)"):
        write_bytes(tmp_path / "new" / "b" / "c", b"")


def test_a_directory_replaces_only_its_own_kind(tmp_path: Path) -> None:
    def fill(content: bytes, replaces: str = "mark") -> None:
        with atomic_directory(tmp_path / "out", lambda: (tmp_path / "out" / replaces).is_file()) as partial:
            (partial / "mark").write_bytes(content)
            if content == b"fails":
                raise RuntimeError

    for content in (b"one", b"two"):
        fill(content)
    with pytest.raises(RuntimeError):
        fill(b"fails")
    assert (tmp_path / "out" / "mark").read_bytes() == b"two"
    with pytest.raises(InputError, match="not empty"):
        fill(b"three", "other")
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_link_to_a_directory_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    for content in (b"first", b"second"):  # into an empty directory, and in place of one
        with atomic_directory(tmp_path / "link", lambda: (tmp_path / "real" / "mark").is_file()) as partial:
            (partial / "mark").write_bytes(content)
        assert (tmp_path / "real" / "mark").read_bytes() == content
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "real"]


def test_a_directory_comes_back_when_the_new_one_cannot_take_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "mark").write_bytes(b"old")
    rename = Path.rename

    def fail(self: Path, target: Path) -> Path:
        if self.suffix == ".partial":
            raise KeyboardInterrupt
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", fail)
    with pytest.raises(KeyboardInterrupt), atomic_directory(out, lambda: True) as partial:
        (partial / "mark").write_bytes(b"new")
    assert (out / "mark").read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [out]
