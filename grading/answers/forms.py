"""The forms in which a graph may be written down, made into one: what each node is, by its name."""

from __future__ import annotations

import re
from typing import Any

from autodiff.graph import BACK
from grading.answers.operations import meant
from grading.verify.plain import is_finite

INPUT_WORDS = ("input", "in", "variable", "var", "leaf", "parameter", "param", "placeholder", "given")
CONSTANT_WORDS = ("constant", "const", "number")
_OUTPUT_KEYS = ("outputs", "output")
_NUMERIC = re.compile(r"-?\d+(\.\d*)?")
_SHOWN = 60  # characters of a step in a message

Arriving = dict[str, list[tuple[float, str, Any]]]  # by target: slot, source, and the factor at the edge


class Entries:
    """Every node with what was written for it, the names of outputs if they were given, and what is wrong.

    entries : by name, a step [operation, *operands], a formula, a number, or ["input"]
    """

    def __init__(self, data: Any, inputs: tuple[str, ...]) -> None:
        self.inputs = inputs
        self.entries: dict[str, Any] = {}
        self.outputs: list[str] | None = None
        self.flaws: list[str] = []
        self._entries_of(data)

    def _entries_of(self, data: Any) -> None:
        if isinstance(data, str):
            data = re.split(r"[;\n]+", data.strip())
        if isinstance(data, list):
            data = self._of_lines(data)
        if not isinstance(data, dict):
            self.flaws.append(f'a graph is a dict such as {{"a": ("mul", "x", "y")}}; this is {kind_of(data)}')
        elif isinstance(data.get("nodes"), list):
            self._of_nodes(data)
        else:
            self._of_steps(data)

    def _of_lines(self, lines: list[Any]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for line in lines:
            if isinstance(line, str) and not line.strip():
                continue
            name: str = ""
            step: Any = None
            if isinstance(line, str) and "=" in line:
                name, step = (part.strip() for part in line.split("=", 1))
            elif isinstance(line, list) and len(line) > 1 and isinstance(line[0], str):
                name, step = line[0], line[1] if len(line) == 2 else line[1:]
            if not name:
                self.flaws.append(f"{shown(line)} is no step; write for instance a = x * y")
            elif name in found:
                self.flaws.append(f"two nodes are called {name}")
            else:
                found[name] = step
        return found

    def _of_steps(self, data: dict[str, Any]) -> None:
        entries = dict(data)
        for key in _OUTPUT_KEYS:
            said = entries.get(key)
            names = [said] if isinstance(said, str) else said
            if isinstance(names, list) and all(isinstance(n, str) and n in {*data, *self.inputs} for n in names):
                self.outputs = names
                del entries[key]
        for name in entries:
            if _NUMERIC.fullmatch(name):
                self.flaws.append(f"a node is called {name}, which reads as a number; names start with a letter")
            elif not name.strip():
                self.flaws.append("a node has no name")
        self.entries = entries
        if not entries:
            self.flaws.append("there is no node in it")

    def _of_nodes(self, data: dict[str, Any]) -> None:
        arriving: Arriving = {}
        nodes = [self._node(entry) for entry in data["nodes"]]
        names = {name for name, _ in nodes}
        if any(node.get("op") in BACK for _, node in nodes):
            self.flaws.append("this is the picture of a way back; hand in the computation")
            return
        for edge in data.get("edges", []) if isinstance(data.get("edges", []), list) else []:
            self._edge(edge, names, arriving)
        said = data.get("outputs")
        self.outputs = [str(name) for name in said] if isinstance(said, list) else None
        for name, node in nodes:
            if name in self.entries:
                self.flaws.append(f"two nodes are called {name}")
            self.entries[name] = self._arrived(name, node, sorted(arriving.get(name, []), key=lambda edge: edge[0]))

    def _node(self, entry: Any) -> tuple[str, dict[str, Any]]:
        if isinstance(entry, list) and len(entry) == 2:
            entry = {"id": entry[0], "op": entry[1]}
        if isinstance(entry, str | int):
            entry = {"id": entry}
        name = entry.get("id", entry.get("name")) if isinstance(entry, dict) else None
        if not isinstance(name, str | int):
            self.flaws.append(f'{shown(entry)} is no node; write {{"id": "a", "op": "mul"}}')
            return "", {}
        return str(name), entry

    def _edge(self, edge: Any, names: set[str], arriving: Arriving) -> None:
        if isinstance(edge, dict):
            edge = [edge.get("source", edge.get("from")), edge.get("target", edge.get("to")), edge.get("slot", 0)]
        if isinstance(edge, str):
            edge = [end.strip() for end in edge.split("->")]
        if not (isinstance(edge, list) and 2 <= len(edge) <= 4 and all(isinstance(e, str | int) for e in edge[:2])):
            self.flaws.append(f'{shown(edge)} is no edge; write ["x", "a"] for an edge from x to a')
            return
        source, target = str(edge[0]), str(edge[1])
        for end in (source, target):
            if end not in names and (end == target or end not in self.inputs):
                self.flaws.append(f"the edge from {source} to {target} ends at {end}, which is no node")
        slot = edge[2] if len(edge) > 2 and is_finite(edge[2]) else 0
        arriving.setdefault(target, []).append((slot, source, edge[3] if len(edge) > 3 and edge[3] != "" else None))

    def _arrived(self, name: str, node: dict[str, Any], edges: list[tuple[float, Any, Any]]) -> Any:
        """A node's step: its operation on what arrives, or the sum of what arrives times the factors at the edges."""
        sources = [source if factor is None else ["multiply", source, factor] for _, source, factor in edges]
        if any(factor is not None for _, _, factor in edges):
            return ["add", *sources] if len(sources) > 1 else sources[0]
        operation = node.get("op")
        if operation in CONSTANT_WORDS:
            return node.get("value")
        if operation is None and not edges:
            return ["input"]
        if operation is None:
            self.flaws.append(f"{name} has no operation")
            return 0
        if not isinstance(operation, str):
            return operation  # a number, or what will be found to be no step
        if not edges and operation.strip().lower() in INPUT_WORDS:
            return ["input"]
        words = re.findall(r"[^\W\d]\w*", operation)
        if meant(operation, len(edges)) is None and not {*self.inputs, *map(str, sources)}.isdisjoint(words):
            return self._labelled(name, operation, sources, words)
        params = node.get("params")
        return [operation, *sources, *([params] if isinstance(params, dict) else [])]

    def _labelled(self, name: str, text: str, sources: list[Any], words: list[str]) -> str:
        """A node that says its formula; the edges have to agree with it, but for inputs that are not drawn."""
        used = {word for word in words if word in {*self.inputs, *sources}}
        if not used - set(self.inputs) <= set(sources) <= used:
            self.flaws.append(f"the edges into {name} are not those of its formula, {text}")
        return text


def shown(raw: Any) -> str:
    """What was written, in a message."""
    return cut(raw if isinstance(raw, str) else repr(raw))


def cut(text: str) -> str:
    """A text on one line, and not too long."""
    line = " ".join(text.split())
    return line if len(line) <= _SHOWN else line[: _SHOWN - 1] + "…"


def kind_of(data: Any) -> str:
    """What plain data are, in a message."""
    words = {type(None): "nothing", bool: "a truth value", str: "a text", list: "a list", dict: "a dict"}
    return words.get(type(data), f"the number {data}")
