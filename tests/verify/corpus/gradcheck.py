"""torch.autograd.gradcheck on the corpus, as it is published: its own step and tolerances, where the judge asks.

The function's backward pass is the answer. That can be asked for gradients, Jacobians and products with a cotangent;
other questions are left out of its counts.
"""

from typing import Any

import numpy as np
import torch

from corpus import Answer
from grading.verify import Exercise, contract
from grading.verify.respondent import HomeRespondent
from grading.verify.sampling import Question, edge_question, fresh_question, published_question

ASKED = ("gradient", "jacobian", "vjp")


def passes(exercise: Exercise, answer: Answer, seed: int, fast_mode: bool) -> tuple[bool, bool]:
    """Whether it accepts an answer at the fresh points of a seed, and at these and the declared ones."""
    fresh = [fresh_question(exercise, seed, number) for number in range(exercise.draws)]
    declared = [at(exercise, seed) for at in (edge_question, published_question)]
    is_fresh = all(_accepts(question, answer, fast_mode) for question in fresh)
    return is_fresh, is_fresh and all(_accepts(question, answer, fast_mode) for question in declared if question)


def _accepts(question: Question, answer: Answer, fast_mode: bool) -> bool:
    leaves = [torch.tensor(primal, dtype=torch.float64, requires_grad=True) for primal in question.primals]
    try:
        with np.errstate(all="ignore"):
            function = _with_backward(question, HomeRespondent(answer)).apply
            return torch.autograd.gradcheck(function, leaves, fast_mode=fast_mode, raise_exception=False)
    except (ArithmeticError, RuntimeError, TypeError, ValueError):
        return False  # the answer, or its shapes


def _with_backward(question: Question, respondent: HomeRespondent) -> Any:
    exercise = question.exercise

    class WithBackward(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, *primals: Any) -> Any:
            ctx.question = question.at(tuple(primal.detach().numpy()[()] for primal in primals))
            return torch.from_numpy(np.array(exercise.value_at(ctx.question.point), dtype=np.float64))

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return _passed_back(ctx.question, g.numpy(), respondent)

    return WithBackward


def _passed_back(question: Question, g: Any, respondent: HomeRespondent) -> Any:
    exercise = question.exercise
    args = (*question.point.values(), g) if exercise.asks == "vjp" else question.args
    front = g.shape if exercise.asks == "jacobian" else ()
    expected = tuple(np.empty(front + np.shape(primal)) for primal in question.primals)
    reply = respondent.ask(args, exercise.limit_s)
    blocks = contract.split_blocks(reply, expected)
    if reply.error is not None or isinstance(blocks, str):
        raise ValueError("no arrays were returned")
    shaped = [contract.with_shape(*pair)[0] for pair in zip(blocks, [e.shape for e in expected], strict=True)]
    if any(block is None for block in shaped):
        raise ValueError("an array has another shape")
    products = {"gradient": lambda block: g * block, "vjp": lambda block: block}
    of = products.get(exercise.asks, lambda block: np.tensordot(g, block, g.ndim))
    return tuple(torch.from_numpy(np.array(of(block), dtype=np.float64)) for block in shaped)
