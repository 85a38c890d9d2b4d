"""pytest: the fixture `assert_gradient`. Nothing is imported before a test asks for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture
def assert_gradient() -> Callable[..., Any]:
    """`assert_gradient(f, grad, *inputs)`: fails with the judge's verdict unless grad is the derivative of f."""
    from grading.verify.testing import assert_gradient

    return assert_gradient
