"""The made-up people of the verification tests."""

from tests.verification.conftest import sides

__all__ = ["sides"]
