"""Where two graphs differ: in how the computation is divided into steps, or in what is computed from what."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import permutations
from typing import Any, Literal, get_args

from grading.answers.drawing import Drawing
from grading.answers.formulas import Step
from grading.answers.kinds import Kind, Kinds, edges_of
from grading.answers.operations import IDENTITY

_LARGEST_GROUP = 12  # steps that may be one step together
_MOST_PERMUTED = 4  # arguments that are tried in another order
_MOST_TRIED = 2000  # steps that are tried to explain one that is wrong
_MOST_FINDINGS = 4
_ORDINALS = ("first", "second", "third", "fourth")
_HOLE = ""  # no node has this name
_PART = " (part "  # of a node that does several operations


# What may differ, in the order: drawn in other steps; another step; another number of them; what is seen in the whole.
Sort = Literal[
    "identity", "merged", "split",
    "swapped", "argument", "operation", "constant", "edge", "step",
    "copy", "shared", "output", "uses", "missing",
    "failed", "path", "loose", "factor",
]  # fmt: skip
NO_GRAPH = "no graph"
FINDINGS = frozenset({NO_GRAPH, *get_args(Sort)})  # what the causes of a wrong graph are called


@dataclass(frozen=True)
class Finding:
    """One difference: what sort it is of, what to tell, the nodes where it is, and the step that would mend it."""

    sort: Sort
    text: str
    nodes: tuple[str, ...]
    mended: Step | None = None

    def of_own_nodes(self) -> Finding:
        """The same, of the nodes as they were drawn: no parts of them."""
        return replace(self, nodes=tuple(dict.fromkeys(name.partition(_PART)[0] for name in self.nodes)))


# --- drawn in other steps --------------------------------------------------------------------------------------------


def regrouped(mine: Drawing, theirs: Drawing, kinds: Kinds) -> tuple[Drawing, list[Finding]]:
    """My graph in their steps, where it does the same in more or in fewer; and what was changed for that."""
    return _Regrouping(mine, set(kinds.of(theirs).values()), kinds).done()


class _Regrouping:
    def __init__(self, mine: Drawing, known: set[Kind], kinds: Kinds) -> None:
        self.mine, self.known, self.kinds = mine, known, kinds
        self.steps: dict[str, Step] = {}
        self.map: dict[str, Kind] = dict(kinds.inputs)
        self.alias: dict[str, str] = {}
        self.taken_in: set[str] = set()
        self.findings: list[Finding] = []

    def done(self) -> tuple[Drawing, list[Finding]]:
        for name, step in self.mine.steps.items():
            self._place(name, _with_names(step, self.alias))
        outputs = tuple(self.alias.get(name, name) for name in self.mine.outputs)
        self._drop_unused(outputs)
        return replace(self.mine, steps=self.steps, outputs=outputs), self.findings

    def _place(self, name: str, step: Step) -> None:
        kind = self.kinds.of_step(step, self.map)
        if kind not in self.known:
            if step.operation == IDENTITY and isinstance(step.operands[0], str):
                self.alias[name] = step.operands[0]
                text = f"your {name} only passes on {step.operands[0]}; it computes nothing"
                self.findings.append(Finding("identity", text, (name,)))
                return
            if self._joined(name, step) or (not step.is_single and self._parted(name, step)):
                return
        self.steps[name], self.map[name] = step, kind

    def _joined(self, name: str, step: Step) -> bool:
        """Whether it is a step of theirs together with those of mine before it that are none."""
        inner: list[str] = []

        def joined(operand: Any) -> Any:
            if isinstance(operand, Step):
                return operand.with_operands(joined)
            if not isinstance(operand, str) or operand not in self.steps or self.map[operand] in self.known:
                return operand
            inner.append(operand)
            return self.steps[operand].with_operands(joined) if len(inner) < _LARGEST_GROUP else operand

        whole = step.with_operands(joined)
        kind = self.kinds.find(whole, self.map) if inner and len(inner) < _LARGEST_GROUP else None
        if kind not in self.known or kind is None:
            return False
        self.steps[name], self.map[name] = whole, kind
        self.taken_in.update(inner)
        parts = [own for own in self.mine.steps if own in inner or own == name]
        self.findings.append(Finding("split", f"{_listed(parts)} are to be one step together", tuple(parts)))
        return True

    def _parted(self, name: str, step: Step) -> bool:
        """Whether all the operations of one step are steps of theirs."""
        parts: dict[str, Step] = {}
        kinds = dict(self.map)

        def part(operand: Any) -> Any:
            if not isinstance(operand, Step):
                return operand
            new = operand.with_operands(part)
            own = f"{name}{_PART}{len(parts) + 1})"
            same = next((n for n, s in parts.items() if kinds[n] == self.kinds.find(new, kinds)), own)
            if same == own:
                parts[own], kinds[own] = new, self.kinds.of_step(new, kinds)
            return same

        last = step.with_operands(part)
        kinds[name] = self.kinds.of_step(last, kinds)
        if not {kinds[own] for own in (*parts, name)} <= self.known:
            return False
        self.steps |= parts | {name: last}
        self.map = kinds
        text = f"your {self.mine.said(name)} does in one step what are to be {_number(len(parts) + 1)}"
        self.findings.append(Finding("merged", text, (name,)))
        return True

    def _drop_unused(self, outputs: tuple[str, ...]) -> None:
        """What now is within another step, and used by no other."""
        for name in reversed(list(self.steps)):
            used = {source for step in self.steps.values() for source in step.names()}
            if name in self.taken_in and name not in used and name not in outputs:
                del self.steps[name]


# --- another graph ---------------------------------------------------------------------------------------------------


def differences(mine: Drawing, theirs: Drawing, kinds: Kinds) -> list[Finding]:
    """Where my graph is another than theirs, in the order of its nodes; what a mistake entails is not told again."""
    return _Differences(mine, theirs, kinds).found()


class _Differences:
    def __init__(self, mine: Drawing, theirs: Drawing, kinds: Kinds) -> None:
        self.mine, self.theirs, self.kinds = mine, theirs, kinds
        self.their_kinds = kinds.of(theirs)
        self.wanted = Counter(self.their_kinds[name] for name in theirs.steps)
        exact = kinds.of(mine)
        present = {exact[name] for name in mine.steps}
        self.missing = {
            self.their_kinds[n]: step for n, step in theirs.steps.items() if self.their_kinds[n] not in present
        }
        self.map: dict[str, Kind] = dict(kinds.inputs)
        self.findings: list[Finding] = []
        self.astray: set[str] = set()  # what stands for nothing, so that nothing can be said of what is made from it

    def found(self) -> list[Finding]:
        for name, step in self.mine.steps.items():
            kind = self.kinds.of_step(step, self.map)
            self.map[name] = kind if kind in self.wanted else self._explained(name, step, kind)
            self.missing.pop(kind, None)
        self._copies()
        self._outputs()
        if self.missing or not self.findings:
            self._uses()
        if not self.findings:
            number = sum(self.wanted.values()) - len(self.mine.steps)
            text = (
                f"{_number(number)} of the steps are not in it" if number > 0 else "its nodes are connected otherwise"
            )
            self.findings.append(Finding("missing", text, ()))
        return self.findings

    def _explained(self, name: str, step: Step, kind: Kind) -> Kind:
        """The kind of the node that a wrong one stands for, as far as can be told; it is not looked for again."""
        if len(self.findings) >= _MOST_FINDINGS:
            return kind
        said = f"your {self.mine.said(name)}"
        found = self._swapped(step)
        if found is not None:
            return self._told(found, "swapped", f"the arguments are swapped: {said}", name)
        found, what = self._redirected(step)
        if found is not None:
            return self._told(found, "argument", f"{said}: {what} is not the right node", name)
        used = {self.map[source] for source in step.names()}
        for other, wanted in self.missing.items():
            theirs = {self.their_kinds[source] for source in wanted.names()}
            if theirs == used:
                return self._told(other, *self._other_operation(said, step, wanted), name)
        for other, wanted in self.missing.items():
            theirs = {self.their_kinds[source] for source in wanted.names()}
            if theirs > used:
                text = f"{said}: something that goes into it is left out"
                return self._told(other, "edge", text, name)
            if theirs < used:
                return self._told(other, "edge", f"{said}: something goes into it that does not belong there", name)
        if self.astray.isdisjoint(step.names()):
            self.findings.append(Finding("step", f"{said} is no step of this computation", (name,)))
        self.astray.add(name)
        return kind

    def _told(self, other: Kind, sort: Sort, text: str, name: str) -> Kind:
        wanted = self.missing.pop(other)
        mine = {kind: own for own, kind in self.map.items()}
        used = {source: self.their_kinds[source] for source in wanted.names()}
        is_there = mine.keys() >= set(used.values())
        mended = _with_names(wanted, {source: mine[kind] for source, kind in used.items()}) if is_there else None
        self.findings.append(Finding(sort, text, (name,), mended))
        return other

    def _other_operation(self, said: str, step: Step, wanted: Step) -> tuple[Sort, str]:
        nodes = _listed(list(dict.fromkeys(step.names())))
        if step.is_single and wanted.is_single and step.operation == wanted.operation:
            mine, theirs = (
                Counter(self.map[n] for n in step.names()),
                Counter(self.their_kinds[n] for n in wanted.names()),
            )
            if mine != theirs:
                return "edge", f"{said}: it uses {nodes} another number of times"
            return "constant", f"{said}: the operation is right, the number in it is not"
        return "operation", f"{said}: something else is made of {nodes} there; look at the operation"

    def _swapped(self, step: Step) -> Kind | None:
        if not 1 < len(step.operands) <= _MOST_PERMUTED:
            return None
        for operands in permutations(step.operands):
            kind = self.kinds.find(Step(step.operation, operands, step.params), self.map)
            if kind in self.missing:
                return kind
        return None

    def _redirected(self, step: Step) -> tuple[Kind | None, str]:
        """The missing kind that it is with another node in one place, and which place that is."""
        others = [name for name, kind in self.map.items() if name in self.kinds.inputs or kind in self.wanted]
        places = list(_places(step))
        for what, holed in places:
            for other in others[: _MOST_TRIED // len(places)]:
                kind = self.kinds.find(_with_names(holed, {_HOLE: other}), self.map)
                if kind in self.missing:
                    return kind, what
        return None, ""

    def _copies(self) -> None:
        of_kind: dict[Kind, list[str]] = {}
        for name in self.mine.steps:
            of_kind.setdefault(self.map[name], []).append(name)
        for kind, names in of_kind.items():
            if kind in self.wanted and len(names) > self.wanted[kind]:
                self.findings.append(Finding("copy", self._said_of_copies(names, self.wanted[kind]), tuple(names)))
            elif kind in self.wanted and len(names) < self.wanted[kind]:
                text = f"your {self.mine.said(names[0])} is drawn {_times(len(names))}; "
                text += f"the computation makes it {_times(self.wanted[kind])}"
                self.findings.append(Finding("shared", text, tuple(names)))

    def _said_of_copies(self, names: list[str], wanted: int) -> str:
        """Nodes that compute the same; one that is part of another is called by what it does."""
        parts, step = any(_PART in name for name in names), self.mine.steps[names[0]]
        written = (self.mine.written or {}).get(names[0], names[0])
        what = f"{step.operation} of {_listed(list(step.names()))}" if parts else written
        owners = [name.partition(_PART)[0] for name in names]
        same = f"in {_listed(list(dict.fromkeys(owners)))}" if parts else f"{_listed(names)} are the same"
        return f"{what} is computed {_times(len(names))}: {same}; draw it {_times(wanted)}"

    def _outputs(self) -> None:
        for mine, theirs in zip(self.mine.outputs, self.theirs.outputs, strict=True):
            kind = self.their_kinds[theirs]
            if self.map[mine] == kind:
                continue
            if kind in {self.map[name] for name in self.mine.steps}:
                self.findings.append(Finding("output", f"{mine} is not the node that is the output", (mine,)))
            elif theirs not in (self.mine.written or {theirs}) and self.map[mine] in self.wanted:
                text = f"the output {theirs} is missing: your graph ends with {mine}, a step on the way to it"
                self.findings.append(Finding("missing", text, (mine,)))

    def _uses(self) -> None:
        """Nodes that go into another number of operations than they should."""
        mine, theirs = Counter(s for s, _ in edges_of(self.mine)), Counter(s for s, _ in edges_of(self.theirs))
        names = {kind: name for name, kind in self.their_kinds.items() if self.wanted[kind] < 2}
        for name, kind in self.map.items():
            there = names.get(kind)
            if there is not None and mine[name] < theirs[there]:
                operations = f"{_number(mine[name])} operation" + "s" * (mine[name] != 1)
                text = f"your {name} feeds {operations}; it should feed {_number(theirs[there])}"
                self.findings.append(Finding("uses", text, (name,)))


def _number(count: int) -> str:
    words = ("no", "one", "two", "three", "four", "five", "six")
    return words[count] if count < len(words) else str(count)


def _times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{_number(count)} times")


def _places(step: Step) -> Iterator[tuple[str, Step]]:
    """Every place of a step where another node could stand, in words, and the step with a hole there."""
    if not step.is_single:
        for name in dict.fromkeys(step.names()):
            yield name, _with_names(step, {name: _HOLE})
        return
    for slot, operand in enumerate(step.operands):
        if isinstance(operand, str):
            place = f"{_ORDINALS[slot]} argument" if slot < len(_ORDINALS) else f"argument {slot + 1}"
            operands = (*step.operands[:slot], _HOLE, *step.operands[slot + 1 :])
            yield f"its {place}, {operand},", Step(step.operation, operands, step.params)


def _with_names(step: Step, names: Mapping[str, str]) -> Step:
    """A step that uses other nodes."""

    def renamed(operand: Any) -> Any:
        if isinstance(operand, Step):
            return _with_names(operand, names)
        return names.get(operand, operand) if isinstance(operand, str) else operand

    return step.with_operands(renamed)


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
