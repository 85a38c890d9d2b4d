"""Stands in the place of grading.verify.exercise where a kernel may not have autodiff: a name for annotations."""

from typing import Any

Array = Any
