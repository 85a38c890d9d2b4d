"""Numbers on paper: each was used as it is printed, or with the digits that were not printed; nobody can tell which."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import product
from typing import TypeAlias

Interval: TypeAlias = tuple[float, float]

_SLACK = 1e-9  # of the last printed digit: a number half way may be rounded either way
_FLOAT = 1e-14  # of a number: its binary digits


@dataclass(frozen=True)
class Rounding:
    """To so many decimals."""

    decimals: int

    @property
    def half(self) -> float:
        """Half a unit in the last digit."""
        return 0.5 * 10.0**-self.decimals

    def used(self, *numbers: float) -> Interval:
        """From the least to the greatest that may be computed with in the place of these numbers.

        A number may be rounded as the table is, to one digit more, or not at all.
        """
        return hull(*numbers, *(round(x, self.decimals + more) for x in numbers for more in (0, 1)))

    def around(self, number: float) -> Interval:
        """Everything that is printed as this number."""
        return number - self.half, number + self.half

    def admits(self, number: float, interval: Interval) -> bool:
        """Whether a printed number may be what an interval's number was rounded to."""
        low, high = interval
        slack = self.half * (1 + _SLACK) + _FLOAT * abs(number)
        return low - slack <= number <= high + slack


def hull(*numbers: float) -> Interval:
    """From the least to the greatest that is finite; nan, which admits nothing, where none is."""
    finite = [x for x in numbers if math.isfinite(x)]
    return (min(finite), max(finite)) if finite else (math.nan, math.nan)


def times(a: Interval, b: Interval) -> Interval:
    """The products of a number of each."""
    return hull(*(x * y for x, y in product(a, b)))


def plus(a: Interval, b: Interval) -> Interval:
    """The sums of a number of each."""
    return a[0] + b[0], a[1] + b[1]


def negative(a: Interval) -> Interval:
    """The numbers with the other sign."""
    return -a[1], -a[0]
