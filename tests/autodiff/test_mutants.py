"""The checks of the rows are themselves checked: a wrong rule must not pass them."""

import numpy as np
import pytest
from row_cases import cases

from autodiff import batch, modes
from autodiff.rule import TABLE, Custom, Elementwise, Linear, Multilinear, Reduction
from autodiff.testing import check

ROWS = list(TABLE.values())


def survives(rule):
    """Whether every case of the row still passes."""
    try:
        for f, args in cases(rule):
            check(f, args, second=False)
    # A wrong transpose may also fail loudly: in the gate, or in NumPy for want of a fitting shape.
    except (AssertionError, ValueError, IndexError):
        return False
    return True


def scaled(formula, factor):
    if callable(formula):
        return lambda *args, **params: formula(*args, **params) * factor
    return formula * factor if formula else 1.0


def of_kind(*kinds):
    return [rule for rule in ROWS if isinstance(rule, kinds)]


def named(rule):
    return str(rule.key) if isinstance(rule.key, str) else rule.name


@pytest.mark.parametrize("factor", [2.0, -1.0, 0.999])
@pytest.mark.parametrize("rule", of_kind(Elementwise, Linear, Multilinear, Reduction, Custom), ids=named)
def test_wrong_formula(rule, factor, monkeypatch):
    """Each formula in turn, by a factor: of both halves of a custom rule, of every partial of an elementwise one."""
    for k, formula in enumerate(rule.formulas):
        wrong = (*rule.formulas[:k], scaled(formula, factor), *rule.formulas[k + 1 :])
        monkeypatch.setattr(rule, "formulas", wrong)
        assert not survives(rule), f"formula {k}"
        monkeypatch.undo()
    assert survives(rule)


@pytest.mark.parametrize("rule", [r for r in of_kind(Elementwise) if len(r.formulas) == 2], ids=named)
def test_swapped_partials(rule, monkeypatch):
    monkeypatch.setattr(rule, "formulas", rule.formulas[::-1])
    same = {np.add, np.floor_divide}
    assert survives(rule) == (rule.key in same)


@pytest.mark.parametrize("rule", of_kind(Multilinear), ids=named)
def test_swapped_operands(rule, monkeypatch):
    (right,) = rule.formulas
    monkeypatch.setattr(rule, "formulas", (lambda g, slot, args, **p: right(g, slot, args[::-1], **p),))
    assert not survives(rule)


@pytest.mark.parametrize("rule", of_kind(Elementwise, Linear, Multilinear, Reduction, Custom), ids=named)
def test_dropped_adjoint(rule, monkeypatch):
    """The classic: a vjp that answers for an adjoint of ones, whatever it is given."""
    right = type(rule).vjp
    monkeypatch.setattr(type(rule), "vjp", lambda self, slot, g, *rest: right(self, slot, np.ones_like(g), *rest))
    flat = isinstance(rule, Elementwise) and not any(rule.formulas)
    assert survives(rule) == flat


def broadcasts(rule):
    """Whether some case of the row repeats an argument, so that its adjoint must be summed."""
    if isinstance(rule, Elementwise):
        return len(rule.formulas) > 1 and any(rule.formulas)
    return rule.key in (np.matmul, np.broadcast_to, np.where, "solve", np.einsum)


@pytest.mark.parametrize("rule", [rule for rule in ROWS if broadcasts(rule)], ids=named)
def test_forgotten_projection(rule, monkeypatch):
    monkeypatch.setattr(modes, "project", lambda g, like: g)
    assert not survives(rule)


WITH_AXES = [np.sum, np.mean, np.prod, np.max, np.min, np.cumsum, np.concatenate, "euclidean", "logsumexp"]


@pytest.mark.parametrize("key", WITH_AXES, ids=lambda key: named(TABLE[key]))
def test_wrong_axis(key, monkeypatch):
    """A vjp that counts the axis from the wrong end."""
    rule = TABLE[key]
    right = type(rule).vjp

    def wrong(self, slot, g, y, args, params):
        if self is rule:
            last, axis = args[slot].ndim - 1, params["axis"]
            params = {**params, "axis": tuple(last - i for i in axis) if isinstance(axis, tuple) else last - axis}
        return right(self, slot, g, y, args, params)

    monkeypatch.setattr(type(rule), "vjp", wrong)
    assert not survives(rule)


@pytest.mark.parametrize("rule", of_kind(Elementwise, Linear, Multilinear, Reduction, Custom), ids=named)
def test_adjoint_in_the_wrong_places(rule, monkeypatch):
    """The adjoint read backwards: right numbers, wrong places."""
    right = type(rule).vjp

    def wrong(self, slot, g, *rest):
        return right(self, slot, np.reshape(np.ravel(g)[::-1], np.shape(g)), *rest)

    monkeypatch.setattr(type(rule), "vjp", wrong)
    flat = isinstance(rule, Elementwise) and not any(rule.formulas)
    assert survives(rule) == flat


@pytest.mark.parametrize("rule", of_kind(Multilinear, Custom), ids=named)
def test_the_push_alone_wrong(rule, monkeypatch):
    """Forward mode off by a factor, reverse mode right."""
    right = type(rule).jvp
    monkeypatch.setattr(type(rule), "jvp", lambda self, *rest: right(self, *rest) * 1.001)
    assert not survives(rule)


@pytest.mark.parametrize("key", [k for k in batch.RULES if k != "scatter"], ids=lambda key: named(TABLE[key]))
def test_wrong_batch_rule(key, monkeypatch):
    """All rows at once, in the wrong order."""
    right = batch.RULES[key]
    monkeypatch.setitem(batch.RULES, key, lambda *args: right(*args)[::-1])
    assert not survives(TABLE[key])


def test_transposition_not_undone(monkeypatch):
    rule = TABLE[np.transpose]
    monkeypatch.setattr(rule, "formulas", (lambda g, slot, args, axes: np.transpose(g, axes),))
    assert not survives(rule)


def test_indexing_that_forgets_repeated_entries(monkeypatch):
    def overwrite(x, index, shape):
        out = np.zeros(shape, x.dtype)
        out[index] = x
        return out

    monkeypatch.setattr(TABLE["scatter"], "evaluate", overwrite)
    assert not survives(TABLE["getitem"])
