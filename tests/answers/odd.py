"""What people hand in, or type by mistake, that is no answer to anything."""

import numpy as np


class Hostile:
    """Raises wherever it is looked at."""

    def __getattr__(self, name):
        raise RuntimeError("no")

    def __iter__(self):
        raise RuntimeError("no")

    def __repr__(self):
        raise RuntimeError("no")

    def __eq__(self, other):
        raise RuntimeError("no")

    __hash__ = None


def endless():
    deep = []
    deep.append(deep)
    return deep


def deep():
    nested = []
    for _ in range(10_000):
        nested = [nested]
    return nested


def exits():
    raise SystemExit


def wants_more(a, b, c, d, e):
    return a


ODD = {
    "an empty text": "",
    "a blank": "  \n",
    "not a number": float("nan"),
    "infinity": float("-inf"),
    "a negative number": -1,
    "a huge number": 10**5000,
    "a large number": 10**300,
    "a tiny number": 1e-320,
    "a truth value": True,
    "a complex number": 2j,
    "bytes": b"b",
    "an object": object(),
    "a hostile object": Hostile(),
    "a hostile object in a list": [Hostile()],
    "an empty list": [],
    "an empty dict": {},
    "a dict": {"a": 1},
    "a dict with odd keys": {(1, 2): 3},
    "a list in itself": endless(),
    "a deep list": deep(),
    "a long list": ["a"] * 10_000,
    "a long text": "a" * 10**6,
    "half a character": "\ud800",
    "a text with a null": "a\0b",
    "a nested list": [["a"]],
    "an array": np.arange(3.0),
    "a matrix of texts": np.array([["a", "b"]]),
    "a huge array": np.zeros(10**6),
    "an array of objects": np.array([None, "a", 3], dtype=object),
    "a scalar array": np.array("b"),
    "a date": np.datetime64("2020-01-01"),
    "a class": dict,
    "a module": np,
    "a function": wants_more,
    "a function that exits": exits,
    "a generator": (n for n in range(3)),
    "an exception": ValueError("x"),
    "a set of mixed things": {1, "a", None},
    "not implemented": NotImplemented,
    "an ellipsis": ...,
}
