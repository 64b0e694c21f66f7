"""What pyarrow says of a bad file, and what it says of another place."""

import errno
from pathlib import Path

import pytest

from poseid.errors import InputError
from poseid.features.tables.arrow import reading


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG])
def test_a_fault_of_what_is_written_is_not_put_on_what_is_read(number: int) -> None:
    with pytest.raises(OSError, match="out.parquet") as raised, reading(Path("in.parquet")):
        raise OSError(number, "no", "out.parquet")
    assert not isinstance(raised.value, InputError)


def test_a_fault_of_what_is_read_names_it() -> None:
    with pytest.raises(InputError, match=r"in\.parquet: cannot be read"), reading(Path("in.parquet")):
        raise OSError(errno.EIO, "no")
