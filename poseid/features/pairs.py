"""The official comparisons of a feature folder: ``pairs.csv``."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from poseid.errors import InputError

HEADER = ["protocol", "fold", "a", "b", "same"]
_ROW_NAME = re.compile(r"(front|video):([0-9]{1,15})", re.ASCII)


@dataclass(frozen=True, eq=False)
class Pairs:
    """k comparisons of two rows each; one array a column of ``pairs.csv``.

    Attributes:
        protocol: (k,) str, such as ``FP``.
        fold: (k,) int64.
        a_front: (k,) bool, True where ``a`` is a front row, False where it is a video row.
        a_row: (k,) int64, its number in that file, from 0.
        b_front: (k,) bool, the same for ``b``.
        b_row: (k,) int64.
        same: (k,) bool, True for two photos of one person (genuine).
    """

    protocol: np.ndarray
    fold: np.ndarray
    a_front: np.ndarray
    a_row: np.ndarray
    b_front: np.ndarray
    b_row: np.ndarray
    same: np.ndarray

    def __len__(self) -> int:
        return len(self.same)

    def take(self, index: np.ndarray) -> Pairs:
        """The comparisons at ``index``, a mask or numbers."""
        return Pairs(
            self.protocol[index],
            self.fold[index],
            self.a_front[index],
            self.a_row[index],
            self.b_front[index],
            self.b_row[index],
            self.same[index],
        )

    def select(self, front: np.ndarray, video: np.ndarray) -> Pairs | None:
        """The comparisons among the kept rows, row numbers counted among the kept ones.

        Args:
            front: (N,) bool, the front rows that are kept.
            video: (M,) bool, the video rows that are kept.

        Returns:
            None where no comparison is left.
        """
        kept = self.take(_pick(front, video, self.a_front, self.a_row) & _pick(front, video, self.b_front, self.b_row))
        if not len(kept):
            return None
        new_front, new_video = np.cumsum(front) - 1, np.cumsum(video) - 1
        return Pairs(
            kept.protocol,
            kept.fold,
            kept.a_front,
            _pick(new_front, new_video, kept.a_front, kept.a_row),
            kept.b_front,
            _pick(new_front, new_video, kept.b_front, kept.b_row),
            kept.same,
        )

    def names(self, front: np.ndarray, video: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The people of ``a`` and of ``b``, (k,) each, given the names on front (N,) and video (M,) rows."""
        return _pick(front, video, self.a_front, self.a_row), _pick(front, video, self.b_front, self.b_row)


def _pick(front: np.ndarray, video: np.ndarray, is_front: np.ndarray, row: np.ndarray) -> np.ndarray:
    """front[row] where is_front, video[row] elsewhere."""
    both = np.concatenate([front, video])
    return both[np.where(is_front, row, row + len(front))]


def read_pairs(path: Path, front: np.ndarray, video: np.ndarray) -> Pairs:
    """Read ``pairs.csv``: UTF-8, header ``protocol,fold,a,b,same``, rows named ``front:12`` or ``video:7``.

    Args:
        path: the file.
        front: (N,) the names on the front rows.
        video: (M,) the names on the video rows.

    Raises:
        InputError: naming the file and the line (the header is line 1): a wrong header or number of columns,
            a row name that is misspelt or out of range, a fold that is no whole number, ``same`` other than 0
            and 1 or against the names, a row compared with itself, no comparison at all.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise InputError(f"{path}: line {line}: not UTF-8: save the file as UTF-8") from None
    reader = csv.reader(io.StringIO(text, newline=""))
    counts = {"front": len(front), "video": len(video)}
    protocol: list[str] = []
    fold: list[int] = []
    rows: tuple[list[tuple[bool, int]], list[tuple[bool, int]]] = ([], [])
    same: list[bool] = []
    lines: list[int] = []
    try:
        if (header := next(reader, [])) != HEADER:
            raise InputError(f"{path}: line 1: the header must read {','.join(HEADER)}, not {','.join(header)[:60]!r}")
        for cells in reader:
            if not cells:
                continue
            where = f"{path}: line {reader.line_num}"
            if len(cells) != len(HEADER):
                raise InputError(f"{where}: {len(cells)} columns, not {len(HEADER)}: {','.join(HEADER)}")
            if not cells[0].strip() or not cells[0].isprintable():
                raise InputError(f"{where}: protocol {cells[0][:40]!r} is no name: write one such as FP")
            if not re.fullmatch(r"[0-9]{1,9}", cells[1], re.ASCII):
                raise InputError(f"{where}: fold {cells[1][:40]!r} is not a whole number")
            for column, cell in enumerate(cells[2:4]):
                match = _ROW_NAME.fullmatch(cell)
                if match is None:
                    raise InputError(f"{where}: {cell[:40]!r} is no row name: write front:12 or video:7")
                side, row = match[1], int(match[2])
                if row >= counts[side]:
                    raise InputError(f"{where}: {cell} does not exist: {side} rows run from 0 to {counts[side] - 1}")
                rows[column].append((side == "front", row))
            if rows[0][-1] == rows[1][-1]:
                raise InputError(f"{where}: {cells[2]} is compared with itself: remove the line")
            if cells[4] not in ("0", "1"):
                raise InputError(f"{where}: same is {cells[4][:40]!r}: write 1 for one person, 0 for two")
            protocol.append(cells[0])
            fold.append(int(cells[1]))
            same.append(cells[4] == "1")
            lines.append(reader.line_num)
    except csv.Error as error:
        raise InputError(f"{path}: line {reader.line_num}: not CSV ({error})") from None
    if not same:
        raise InputError(f"{path}: holds no comparison: add some or remove the file")
    a, b = rows
    pairs = Pairs(
        np.array(protocol),
        np.array(fold, np.int64),
        np.array([is_front for is_front, _ in a], bool),
        np.array([row for _, row in a], np.int64),
        np.array([is_front for is_front, _ in b], bool),
        np.array([row for _, row in b], np.int64),
        np.array(same, bool),
    )
    name_a, name_b = pairs.names(front, video)
    wrong = (name_a == name_b) != pairs.same
    if wrong.any():
        i = int(np.argmax(wrong))
        truth = "one person" if name_a[i] == name_b[i] else "two people"
        raise InputError(
            f"{path}: line {lines[i]}: same is {int(pairs.same[i])}, but the two rows are of {truth}: "
            "correct the line or the names"
        )
    return pairs


def pairs_text(pairs: Pairs) -> str:
    """The text of ``pairs.csv``.

    >>> one = np.array([1])
    >>> print(pairs_text(Pairs(np.array(["FP"]), one, one > 0, one, one < 0, one, one > 0)), end="")
    protocol,fold,a,b,same
    FP,1,front:1,video:1,1
    """
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(HEADER)
    a = [f"{'front' if f else 'video'}:{r}" for f, r in zip(pairs.a_front.tolist(), pairs.a_row.tolist(), strict=True)]
    b = [f"{'front' if f else 'video'}:{r}" for f, r in zip(pairs.b_front.tolist(), pairs.b_row.tolist(), strict=True)]
    writer.writerows(
        zip(pairs.protocol.tolist(), pairs.fold.tolist(), a, b, pairs.same.astype(int).tolist(), strict=True)
    )
    return out.getvalue()
