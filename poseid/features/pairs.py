"""The official comparisons of a feature folder: ``pairs.csv``."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np

from poseid.errors import InputError
from poseid.features.text import read_text

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
        return Pairs(*(getattr(self, field.name)[index] for field in fields(self)))

    def select(self, front: np.ndarray, video: np.ndarray) -> Pairs | None:
        """The comparisons among the rows that masks (N,) and (M,) select, numbered among them; None without any."""
        a, b = self.names(front, video)
        selected = self.take(a & b)
        a_row, b_row = selected.names(np.cumsum(front) - 1, np.cumsum(video) - 1)
        return replace(selected, a_row=a_row, b_row=b_row) if len(selected) else None

    def names(self, front: np.ndarray, video: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The people of ``a`` and of ``b``, (k,) each, given those (or other values) of front and video rows."""
        both, n = np.concatenate([front, video]), len(front)
        a = both[np.where(self.a_front, self.a_row, self.a_row + n)]
        return a, both[np.where(self.b_front, self.b_row, self.b_row + n)]


def read_pairs(path: Path, front: np.ndarray, video: np.ndarray) -> Pairs:
    """Read ``pairs.csv``: UTF-8, header ``protocol,fold,a,b,same``, rows named ``front:12`` or ``video:7``.

    Args:
        front, video: (N,) and (M,) the names on the rows.

    Raises:
        InputError: naming the file and the line (the header is line 1): a wrong header or number of columns,
            a row name that is misspelt or out of range, a fold that is no integer, ``same`` other than 0
            and 1 or against the names, a row compared with itself, no comparison at all.
    """
    reader = csv.reader(io.StringIO(read_text(path), newline=""))
    counts = {"front": len(front), "video": len(video)}
    found: list[tuple[int, str, int, bool, int, bool, int, bool]] = []
    try:
        if (header := next(reader, [])) != HEADER:
            raise InputError(f"{path}: line 1: the header must read {','.join(HEADER)}, not {','.join(header)[:60]!r}")
        for cells in reader:
            if not cells:
                continue
            where = f"{path}: line {reader.line_num}"
            if len(cells) != len(HEADER):
                raise InputError(f"{where}: {len(cells)} columns, not {len(HEADER)}: {','.join(HEADER)}")
            protocol, fold, a, b, same = cells
            if not protocol.strip() or not protocol.isprintable():
                raise InputError(f"{where}: protocol {protocol[:40]!r} is no name: write one such as FP")
            if not re.fullmatch(r"[0-9]{1,9}", fold, re.ASCII):
                raise InputError(f"{where}: fold {fold[:40]!r} is not an integer")
            rows = _row(a, counts, where), _row(b, counts, where)
            if rows[0] == rows[1]:
                raise InputError(f"{where}: {a} is compared with itself: remove the line")
            if same not in ("0", "1"):
                raise InputError(f"{where}: same is {same[:40]!r}: write 1 for one person, 0 for two")
            found.append((reader.line_num, protocol, int(fold), *rows[0], *rows[1], same == "1"))
    except csv.Error as error:
        raise InputError(f"{path}: line {reader.line_num}: not CSV ({error})") from None
    if not found:
        raise InputError(f"{path}: holds no comparison: add some or remove the file")
    lines, *columns = zip(*found, strict=True)
    pairs = Pairs(*map(np.array, columns))
    name_a, name_b = pairs.names(front, video)
    wrong = (name_a == name_b) != pairs.same
    if wrong.any():
        i = int(np.argmax(wrong))
        truth = "one person" if name_a[i] == name_b[i] else "two people"
        fault = f"same is {int(pairs.same[i])}, but the two rows are of {truth}"
        raise InputError(f"{path}: line {lines[i]}: {fault}: correct the line or the names")
    return pairs


def _row(name: str, counts: dict[str, int], where: str) -> tuple[bool, int]:
    """Whether it is a front row, and its number."""
    match = _ROW_NAME.fullmatch(name)
    if match is None:
        raise InputError(f"{where}: {name[:40]!r} is no row name: write front:12 or video:7")
    side, row = match[1], int(match[2])
    if row >= counts[side]:
        raise InputError(f"{where}: {name} does not exist: {side} rows run from 0 to {counts[side] - 1}")
    return side == "front", row


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
    for row in zip(*(getattr(pairs, field.name).tolist() for field in fields(pairs)), strict=True):
        protocol, fold, a_front, a_row, b_front, b_row, same = row
        a, b = f"{'front' if a_front else 'video'}:{a_row}", f"{'front' if b_front else 'video'}:{b_row}"
        writer.writerow([protocol, fold, a, b, int(same)])
    return out.getvalue()
