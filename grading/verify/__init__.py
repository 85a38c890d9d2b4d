"""Is this gradient right, and if not, which mistake explains it?

    from grading.verify import Exercise, verify

    sq_norm = Exercise(
        id="tensor.sq_norm",
        function=lambda xp, W, x: xp.sum((W @ x) ** 2),
        inputs=lambda rng: {"W": rng.normal(size=(3, 5)), "x": rng.normal(size=5)},
        wrt=("W",), asks="gradient", points=3)
    verdict = verify(sq_norm, lambda W, x: 2 * np.outer(W @ x, x))
    print(verdict.text())

The answer is compared with PyTorch autograd (where installed), with autodiff, the complex step and finite differences
at fresh points. Nothing is stored: the function is declared once and every witness differentiates it anew.
"""

from grading.verify.exercise import Exercise
from grading.verify.item import ExerciseError, Item
from grading.verify.judge import verify
from grading.verify.surrogate import surrogate, surrogate_inputs
from grading.verify.testing import assert_gradient
from grading.verify.verdict import BlockResult, Cause, Verdict, Worst

__all__ = [
    "BlockResult",
    "Cause",
    "Exercise",
    "ExerciseError",
    "Item",
    "Verdict",
    "Worst",
    "assert_gradient",
    "surrogate",
    "surrogate_inputs",
    "verify",
]
