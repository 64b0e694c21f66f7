"""pairs.csv: what is read, and what is refused by line."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from poseid.errors import InputError
from poseid.features.pairs import pairs_text, read_pairs

FRONT = np.array(["a", "b", "c"])
VIDEO = np.array(["a", "a", "b", "c"])
GOOD = "protocol,fold,a,b,same\nFP,1,front:0,video:1,1\nFF,2,video:3,front:1,0\nFF,2,video:0,video:1,1\n"


def test_read_and_write(tmp_path: Path) -> None:
    path = tmp_path / "pairs.csv"
    path.write_bytes(b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode() + b"\r\n")
    pairs = read_pairs(path, FRONT, VIDEO)
    lines = [
        ("FP", 1, True, 0, False, 1, True),
        ("FF", 2, False, 3, True, 1, False),
        ("FF", 2, False, 0, False, 1, True),
    ]
    assert list(zip(*(getattr(pairs, field.name).tolist() for field in fields(pairs)), strict=True)) == lines
    assert pairs_text(pairs) == GOOD
    assert [names.tolist() for names in pairs.names(FRONT, VIDEO)] == [["a", "c", "a"], ["a", "b", "a"]]


HEADER = "protocol,fold,a,b,same\n"
LINE = "FP,1,front:0,video:1,1\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: the header"),
        ("protocol;fold;a;b;same\n", "line 1: the header"),
        ("fold,protocol,a,b,same\n" + LINE, "line 1: the header"),
        (HEADER, "holds no comparison"),
        (HEADER + LINE + "FP,1,front:0,video:1\n", "line 3: 4 columns"),
        (HEADER + LINE + "FP,1,front:0,video:1,1,9\n", "line 3: 6 columns"),
        (HEADER + ",1,front:0,video:1,1\n", "line 2: protocol"),
        (HEADER + "FP,one,front:0,video:1,1\n", "line 2: fold 'one'"),
        (HEADER + "FP,-1,front:0,video:1,1\n", "line 2: fold '-1'"),
        (HEADER + "FP,1,Front:0,video:1,1\n", "line 2: 'Front:0' is no row name"),
        (HEADER + "FP,1,front:0,video: 1,1\n", "line 2: 'video: 1' is no row name"),
        (HEADER + "FP,1,front:٣,video:1,1\n", "line 2: 'front:٣' is no row name"),
        (
            f"{HEADER}\n{LINE}FP,1,front:3,video:1,1\n",
            "line 4: front:3 does not exist: front rows run from 0 to 2",
        ),
        (HEADER + "FP,1,front:0,video:4,1\n", "line 2: video:4 does not exist"),
        (HEADER + "FP,1,video:1,video:01,1\n", "line 2: video:1 is compared with itself"),
        (HEADER + "FP,1,front:0,video:1,yes\n", "line 2: same is 'yes'"),
        (HEADER + LINE + "FP,1,front:0,video:2,1\n", "line 3: same is 1, but the two rows are of two people"),
        (HEADER + LINE + "FP,1,front:0,video:0,0\n", "line 3: same is 0, but the two rows are of one person"),
        (HEADER + LINE + '"FP\nFP",1,front:0,video:1,1\n', "line 4: protocol"),
        (HEADER + LINE + "F\udce9,1,front:0,video:1,1\n", "line 3: not UTF-8"),
    ],
)
def test_faults_name_the_line(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "pairs.csv"
    path.write_text(text, encoding="utf-8", errors="surrogateescape")
    with pytest.raises(InputError) as caught:
        read_pairs(path, FRONT, VIDEO)
    assert message in str(caught.value)
    assert str(caught.value).startswith(str(path))
    assert len(str(caught.value).splitlines()) == 1
