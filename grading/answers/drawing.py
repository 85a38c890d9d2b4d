"""A graph as somebody wrote it down, read: in whatever form, under whatever names, or why it cannot be one.

    {"a": ("mul", "x", "y"), "b": ("sin", "a"), "f": ("add", "a", "b")}     a step per node
    {"a": "x * y", "b": "sin(a)", "f": "a + b"}                             or a formula
    {"nodes": [{"id": "a", "op": "mul"}, ...], "edges": [["x", "a"], ...]}  nodes, and edges in the order of arguments
    "a = x * y; b = sin(a); f = a + b"                                      or lines

Inputs need not be written. An edge may carry a factor, [source, target, slot, factor]: its target is the sum of the
sources times their factors, as in a graph of adjoints.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import numpy as np

from grading.answers.forms import CONSTANT_WORDS, INPUT_WORDS, Entries, cut, kind_of, shown
from grading.answers.formulas import FormulaError, Step, formula
from grading.answers.operations import IDENTITY, MISFITS, OPERATIONS, Meter, meant, near
from grading.verify.plain import is_finite

_MOST_FLAWS = 4


class DrawingError(ValueError):
    """Something is no graph; `flaws` says why, the first reason first."""

    def __init__(self, flaws: Iterable[str]) -> None:
        self.flaws = tuple(flaws)[:_MOST_FLAWS]
        super().__init__("; ".join(self.flaws))


@dataclass(frozen=True, eq=False)
class Drawing:
    """A graph that can be evaluated.

    inputs : the names of all that the function takes
    steps : every node but inputs and constants, each after those it uses
    outputs : the nodes that are the function's values, in its order
    loose : nodes that lead to no output
    written : what the person wrote for each step
    """

    inputs: tuple[str, ...]
    steps: dict[str, Step]
    outputs: tuple[str, ...]
    loose: tuple[str, ...] = ()
    written: Mapping[str, str] | None = None

    def said(self, name: str) -> str:
        """A node as its person wrote it."""
        text = (self.written or {}).get(name, "")
        return f"{name} = {text}" if text else name

    def values(self, inputs: Sequence[Any], meter: Meter) -> dict[str, Any]:
        """The value of every node.

        Raises
        ------
        StepError : a step cannot be carried out
        """
        found = dict(zip(self.inputs, inputs, strict=True))
        for name, step in self.steps.items():
            try:
                found[name] = step.value(found, meter)
            except Exception as error:
                lines = str(error).strip().splitlines()
                raise StepError(name, lines[0] if lines else type(error).__name__) from error
        return found


class StepError(Exception):
    """A step of a graph cannot be carried out; `node` says which."""

    def __init__(self, node: str, reason: str) -> None:
        self.node = node
        super().__init__(reason)


def read(data: Any, inputs: tuple[str, ...], outputs: tuple[str, ...], in_order: bool = False) -> Drawing:
    """The graph that plain data describe, of a function with these inputs and outputs.

    in_order : inputs are what they are by their position, as those of a function, whatever they are called

    Raises
    ------
    DrawingError : the data are no graph
    """
    return _Reader(inputs, outputs, in_order).read(data)


class _Reader:
    """One reading; `flaws` are what it has found to be wrong."""

    def __init__(self, inputs: tuple[str, ...], outputs: tuple[str, ...], in_order: bool) -> None:
        self.inputs, self.outputs, self.in_order = inputs, outputs, in_order
        self.flaws: list[str] = []
        self.entries: dict[str, Any] = {}
        self.alias: dict[str, str] = {}
        self.named_outputs: list[str] | None = None
        self.user = ""

    def read(self, data: Any) -> Drawing:
        form = Entries(data, self.inputs)
        self.entries, self.named_outputs, self.flaws = form.entries, form.outputs, form.flaws
        self._stop()
        drawn = {name for name, raw in self.entries.items() if self._is_input(name, raw)}
        self._name_inputs([name for name in self.entries if name in drawn])
        self._stop()
        parsed = {name: self._parsed(name, raw) for name, raw in self.entries.items() if name not in drawn}
        self._stop()
        steps, constants = self._settled(self._sorted(parsed))
        self._stop()
        outputs = self._find_outputs(steps, constants)
        self._stop()
        written = {name: _written(self.entries[name]) for name in steps}
        return Drawing(self.inputs, steps, outputs, _loose(steps, outputs), written)

    def _stop(self) -> None:
        if self.flaws:
            raise DrawingError(self.flaws)

    # --- inputs and outputs

    def _name_inputs(self, drawn: list[str]) -> None:
        known = [] if self.in_order else [name for name in drawn if name in self.inputs]
        own = [name for name in drawn if name not in known]
        missing = [name for name in self.inputs if name not in known]
        if own and len(own) != len(missing):
            self.flaws.append(f"{own[0]} is drawn as an input; the inputs are {', '.join(self.inputs)}")
        self.alias = dict(zip(own, missing, strict=False))
        for name in self.entries:
            if name in self.inputs and name not in drawn and name not in self.alias.values():
                self.flaws.append(f"{name} is an input; call the node that is made from it something else")

    def _is_input(self, name: str, raw: Any) -> bool:
        word = raw[0] if isinstance(raw, list) and len(raw) == 1 else raw
        if not isinstance(word, str) or name in self.outputs or word in self.entries:
            return False
        return word.strip().lower() in INPUT_WORDS

    def _find_outputs(self, steps: dict[str, Step], constants: dict[str, Any]) -> tuple[str, ...]:
        if self.named_outputs is not None:
            named = [self.alias.get(name, name) for name in self.named_outputs]
            if len(named) == len(self.outputs) and all(name in {*steps, *self.inputs} for name in named):
                return tuple(named)
            self.flaws.append(f"it has {len(named)} outputs; the function has {', '.join(self.outputs)}")
            return ()
        if all(name in steps for name in self.outputs):
            return self.outputs
        used = {name for step in steps.values() for name in step.names()}
        written = [name for name in self.entries if name in steps]  # steps are in the order of the computation
        ends = iter([name for name in written if name not in used and name not in self.outputs])
        found = [name if name in steps else next(ends, "") for name in self.outputs]
        if not all(found) or next(ends, ""):
            lacking = next(name for name in self.outputs if name not in steps)
            said = "is a constant" if lacking in constants else "is not among the nodes"
            self.flaws.append(f"the output {lacking} {said}; call the node {lacking} whose value it is")
        return tuple(found)

    # --- steps

    def _parsed(self, name: str, raw: Any) -> Any:
        self.user = name
        if isinstance(raw, list) and len(raw) == 2 and raw[0] in CONSTANT_WORDS:
            raw = raw[1]
        found = self._operand(raw)
        return Step(IDENTITY, (found,)) if isinstance(found, str) else found

    def _operand(self, raw: Any) -> Any:
        if isinstance(raw, str):
            return self._text(raw.strip())
        if is_finite(raw):
            return float(raw)
        if isinstance(raw, list) and raw and not any(isinstance(part, str | dict) for part in raw):
            return self._array(raw)
        if isinstance(raw, list) and raw:
            return self._step(raw)
        if isinstance(raw, dict) and isinstance(raw.get("op"), str):
            args = raw.get("args", raw.get("inputs", raw.get("operands", [])))
            return self._step([raw["op"], *(args if isinstance(args, list) else [args])])
        self.flaws.append(f"{self.user} has {kind_of(raw)} for an operand")
        return 0.0

    def _array(self, raw: list[Any]) -> Any:
        try:
            array = np.array(raw, dtype=np.float64)
        except (TypeError, ValueError):
            array = np.array(np.nan)
        if not np.all(np.isfinite(array)):
            self.flaws.append(f"{self.user} has {shown(raw)} for an operand, which is no array of numbers")
        return array

    def _text(self, text: str) -> Any:
        name = self._known(text)
        if name is not None:
            return name
        try:
            return formula(text, self._name, self._apply)
        except FormulaError as error:
            self.flaws.append(f"{self.user} = {shown(text)}, which {error}")
            return 0.0

    def _known(self, name: str) -> str | None:
        if name in self.alias or name in self.entries or name in self.inputs:
            return self.alias.get(name, name)
        return None

    def _name(self, name: str) -> Any:
        # Python's parser writes a name's letters in their normal form
        alike = (own for own in (*self.inputs, *self.entries) if unicodedata.normalize("NFKC", own) == name)
        known = self._known(next(alike, name))
        if known is None and name not in ("pi", "π"):
            there = get_close_matches(name, [*self.inputs, *self.entries], 1)
            advice = f"; perhaps {there[0]} is meant" if there and there[0] != self.user else ""
            if all(self._known(letter) is not None for letter in name):
                advice = f"; a product is written {' * '.join(name)}"
            self.flaws.append(f"{self.user} uses {name}, which is defined nowhere{advice}")
            return 0.0
        return known

    def _step(self, raw: list[Any]) -> Any:
        params = raw[-1] if isinstance(raw[-1], dict) and "op" not in raw[-1] else None
        parts = raw if params is None else raw[:-1]
        if len(parts) == 2 and isinstance(parts[1], list) and self._are_operands(parts[1]):
            parts = [parts[0], *parts[1]]  # written as mul([x, y])
        if len(parts) == 3 and isinstance(parts[1], str) and meant(parts[1], 2) and not _names_operation(parts[0], 2):
            parts = [parts[1], parts[0], parts[2]]  # written as x * y
        if not parts or not isinstance(parts[0], str):
            self.flaws.append(f"{self.user} = {shown(raw)} does not start with an operation")
            return 0.0
        if len(parts) == 1 and self._known(parts[0]) is not None:
            return self._known(parts[0])
        return self._apply(parts[0], [self._operand(part) for part in parts[1:]], _unpacked(params or {}))

    def _are_operands(self, parts: list[Any]) -> bool:
        """Whether a list is one of operands, rather than a step of its own or an array."""
        return bool(parts) and isinstance(parts[0], str) and self._known(parts[0]) is not None

    def _apply(self, word: str, operands: list[Any], params: dict[str, Any]) -> Any:
        found = meant(word, len(operands))
        if found is None:
            alike = near(word)
            advice = f"; near it are {', '.join(alike)}" if alike else ""
            self.flaws.append(f"{self.user} has the operation {shown(word)}, which is not known{advice}")
            return 0.0
        name, before, behind = found
        operation, all_operands = OPERATIONS[name], (*before, *operands, *behind)
        if not operation.fewest <= len(all_operands) <= operation.most:
            got = f"{len(operands)} argument" + "s" * (len(operands) != 1)
            self.flaws.append(f"{self.user} is a {word} of {got}; {name} takes {operation.takes()}")
            return 0.0
        return Step(name, all_operands, params)

    # --- order

    def _sorted(self, parsed: dict[str, Any]) -> dict[str, Any]:
        """The nodes, each after those it uses."""
        uses = {
            name: set(step.names()) & set(parsed) if isinstance(step, Step) else set() for name, step in parsed.items()
        }
        found: dict[str, Any] = {}
        waiting = {name: len(used) for name, used in uses.items()}
        users: dict[str, list[str]] = {name: [] for name in parsed}
        for name, used in uses.items():
            for one in used:
                users[one].append(name)
        ready = [name for name in parsed if not waiting[name]]
        for name in ready:
            found[name] = parsed[name]
            for user in users[name]:
                waiting[user] -= 1
                if not waiting[user]:
                    ready.append(user)
        if len(found) < len(parsed):
            self.flaws.append(f"{_circle(uses, found)} go in a circle; every node is made from earlier ones")
        return found

    def _settled(self, parsed: dict[str, Any]) -> tuple[dict[str, Step], dict[str, Any]]:
        """The steps with constants in the place of nodes that are constants, and these."""
        steps: dict[str, Step] = {}
        constants: dict[str, Any] = {}

        def replaced(operand: Any) -> Any:
            if isinstance(operand, Step):
                return settled(operand)
            return constants.get(operand, operand) if isinstance(operand, str) else operand

        def settled(step: Step) -> Any:
            new = step.with_operands(replaced)
            return new if any(new.names()) else self._constant(new)

        for name, step in parsed.items():
            self.user = name
            found = settled(step) if isinstance(step, Step) else step
            (steps if isinstance(found, Step) else constants)[name] = found
        return steps, constants

    def _constant(self, step: Step) -> Any:
        try:
            with np.errstate(all="ignore"):
                value = np.asarray(step.value({}, Meter()), dtype=np.float64)
        except MISFITS:
            value = np.array(np.nan)
        if not np.all(np.isfinite(value)):
            self.flaws.append(f"{self.user} has a constant that is no finite number")
        return float(value) if value.ndim == 0 else value


def _names_operation(word: Any, count: int) -> bool:
    return isinstance(word, str) and meant(word, count) is not None


def _unpacked(params: dict[str, Any]) -> dict[str, Any]:
    """Parameters as NumPy takes them: tuples for lists, and an index in its own form."""
    return {name: _parameter(value) for name, value in params.items()}


def _parameter(value: Any) -> Any:
    if isinstance(value, dict) and isinstance(value.get("slice"), list):
        return slice(*value["slice"])
    if isinstance(value, dict) and "entries" in value:
        return np.asarray(value["entries"])
    if isinstance(value, list):
        return tuple(map(_parameter, value))
    return ... if value == "..." else value


def _circle(uses: dict[str, set[str]], sorted_out: Mapping[str, Any]) -> str:
    """The nodes of one circle, from a node to itself."""
    name, path = next(name for name in uses if name not in sorted_out), list[str]()
    while name not in path:
        path.append(name)
        name = next(used for used in sorted(uses[name]) if used not in sorted_out)
    return " → ".join([name, *reversed(path[path.index(name) :])])


def _loose(steps: dict[str, Step], outputs: Sequence[str]) -> tuple[str, ...]:
    """The nodes from which no output is reached."""
    needed = set(outputs)
    for name in reversed(steps):
        if name in needed:
            needed.update(steps[name].names())
    return tuple(name for name in steps if name not in needed)


def _written(raw: Any) -> str:
    """A step in one line: mul(x, y)."""
    if isinstance(raw, list) and raw and isinstance(raw[0], str) and len(raw) > 1:
        operands = ", ".join(_written(part) for part in raw[1:] if not isinstance(part, dict))
        return cut(f"{raw[0]}({operands})")
    if isinstance(raw, dict):
        return cut(f"{raw.get('op', '')}(…)")
    return cut(raw.strip() if isinstance(raw, str) else f"{raw:g}" if is_finite(raw) else shown(raw))
