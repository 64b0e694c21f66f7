"""The made-up people of the verification tests."""

import pytest

from tests.verification import people


@pytest.fixture
def sides():
    return people.sides
