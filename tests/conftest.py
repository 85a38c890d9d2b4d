"""Fixtures of the whole suite; that this file is here also lets tests import the helpers beside it."""

import pytest
from classroom import make_course


@pytest.fixture
def course(tmp_path):
    """A throw-away course, nothing handed in yet."""
    return make_course(tmp_path / "course")
