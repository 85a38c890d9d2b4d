"""A step of a graph, and a step that is written as a formula: `1 + x**2 + y**2`, `W @ x + b`, `6*z1/z2`."""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from grading.answers.operations import Meter, Params, carry_out

LONGEST_FORMULA = 300  # characters
_DEEPEST = 40  # operations inside each other

_SIGNS: dict[type[ast.AST], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.Pow: "**",
    ast.MatMult: "@",
}
_KEYWORDS = ("axis", "keepdims")
_NUMBERS = {"pi": math.pi, "π": math.pi}


@dataclass(frozen=True, eq=False)
class Step:
    """An operation on operands: names of nodes, constants, or further steps, where one node does several at once."""

    operation: str
    operands: tuple[Any, ...]
    params: Params = field(default_factory=dict)

    def names(self) -> Iterator[str]:
        """The names of the nodes it uses, in their order, as often as it uses them."""
        for operand in self.operands:
            if isinstance(operand, str):
                yield operand
            elif isinstance(operand, Step):
                yield from operand.names()

    @property
    def is_single(self) -> bool:
        """Whether it is one operation."""
        return not any(isinstance(operand, Step) for operand in self.operands)

    def with_operands(self, change: Callable[[Any], Any]) -> Step:
        """The same operation on other operands."""
        return Step(self.operation, tuple(map(change, self.operands)), self.params)

    def value(self, values: Mapping[str, Any], meter: Meter) -> Any:
        """What it computes from the values of nodes."""
        args = [_value(operand, values, meter) for operand in self.operands]
        return carry_out(self.operation, args, self.params, meter)


def _value(operand: Any, values: Mapping[str, Any], meter: Meter) -> Any:
    if isinstance(operand, Step):
        return operand.value(values, meter)
    return values[operand] if isinstance(operand, str) else operand


class FormulaError(ValueError):
    """A text is no formula; the message says why."""


Apply = Callable[[str, list[Any], dict[str, Any]], Any]


def formula(text: str, name: Callable[[str], Any], apply: Apply) -> Any:
    """What a formula says: `name` makes operands of names, `apply` makes steps of words for operations and operands.

    Raises
    ------
    FormulaError : it is none, or contains what a formula of a graph does not
    """
    if len(text) > LONGEST_FORMULA:
        raise FormulaError(f"is longer than {LONGEST_FORMULA} characters")
    if "\0" in text:
        raise FormulaError("is no formula")
    tidy = text.replace("^", "**").replace("·", "*").replace("×", "*").replace("−", "-").strip()
    try:
        tree = ast.parse(tidy, mode="eval").body
        return _read(tree, name, apply, 0)
    except (SyntaxError, RecursionError, MemoryError, OverflowError) as error:
        raise FormulaError("is no formula") from error


def _read(tree: ast.AST, name: Callable[[str], Any], apply: Apply, depth: int) -> Any:
    def read(part: ast.AST) -> Any:
        return _read(part, name, apply, depth + 1)

    if depth > _DEEPEST:
        raise FormulaError(f"has more than {_DEEPEST} operations inside each other; make several nodes of it")
    if isinstance(tree, ast.Constant) and isinstance(tree.value, int | float) and math.isfinite(float(tree.value)):
        return float(tree.value)
    if isinstance(tree, ast.Name):
        found = name(tree.id)
        return _NUMBERS.get(tree.id) if found is None else found
    if isinstance(tree, ast.BinOp) and type(tree.op) in _SIGNS:
        return apply(_SIGNS[type(tree.op)], [read(tree.left), read(tree.right)], {})
    if isinstance(tree, ast.UnaryOp) and isinstance(tree.op, ast.USub | ast.UAdd):
        operand = read(tree.operand)
        if isinstance(tree.op, ast.UAdd):
            return operand
        return -operand if isinstance(operand, float) else apply("-", [operand], {})
    if isinstance(tree, ast.Attribute) and tree.attr == "T":
        return apply("transpose", [read(tree.value)], {})
    if isinstance(tree, ast.Call) and isinstance(tree.func, ast.Name | ast.Attribute):
        said = {keyword.arg: _keyword(keyword) for keyword in tree.keywords if keyword.arg in _KEYWORDS}
        if len(said) == len(tree.keywords):
            return apply(ast.unparse(tree.func), [read(arg) for arg in tree.args], {str(k): v for k, v in said.items()})
    raise FormulaError(f"has a part that a step cannot have: {ast.unparse(tree)[:40]}")


def _keyword(keyword: ast.keyword) -> Any:
    try:
        return ast.literal_eval(keyword.value)
    except ValueError as error:
        raise FormulaError(f"has a part that a step cannot have: {ast.unparse(keyword)[:40]}") from error
