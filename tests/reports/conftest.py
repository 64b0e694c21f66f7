"""The made-up people of the verification tests; a warning fails, such as a missing glyph or an empty mean."""

import warnings
from collections.abc import Iterator

import pytest

from tests.verification import people


@pytest.fixture(autouse=True)
def _no_warnings() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


@pytest.fixture
def sides():
    return people.sides
