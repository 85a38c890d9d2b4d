"""What a submission says and shows, so that nothing in it runs in the browser of the person who reads it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_output

_TAG = re.compile(r"<(?=[A-Za-z/!?])")  # a bare < of a formula stays
_CODED = re.compile(r"&(?=#|[A-Za-z0-9]+;)(?!(lt|gt|quot|nbsp);)")  # a sign by its number or name, in a link too
_SCHEMES = "|".join(r"\s*".join(name) for name in ("javascript", "vbscript", "data"))  # browsers skip blanks in them
_SCHEME = re.compile(rf"\b({_SCHEMES})[\s\\]*:", re.IGNORECASE)
_BASE64 = re.compile(r"[A-Za-z0-9+/=\s]*")
_PICTURES = ("image/png", "image/jpeg")
# What `picture` makes and nothing else: inside an <img> no drawing runs or asks for anything.
_DRAWING = re.compile(r'<img alt="[^"<>]*" src="data:image/svg\+xml;base64,[A-Za-z0-9+/=]*" style="max-width:100%">')
_LONGEST_TEXT = 20_000  # characters of one output
_MOST_LINES = 100  # of a traceback


def inert_text(text: str) -> str:
    """Markdown in which HTML is shown as it was typed, and links lead to pages alone."""
    return _SCHEME.sub(r"\1 :", _CODED.sub("& ", _TAG.sub("&lt;", text)))


def inert_outputs(outputs: Iterable[NotebookNode], count: int | None) -> list[NotebookNode]:
    """Outputs of the kinds that cannot run: text, Markdown made inert, formulas, pictures and drawings.

    What comes from a submission's kernel may be anything: what is no output is left out, what is kept is built anew.
    """
    kept = (_inert_output(output, count) for output in outputs if _is_valid(output))
    return [output for output in kept if output is not None]


def printed_text(outputs: Iterable[NotebookNode]) -> str:
    """What was printed, to either stream, as far as a page can hold it."""
    streams = [output for output in outputs if output.output_type == "stream" and _is_valid(output)]
    return _cut("".join(output.text for output in streams))


def _inert_output(output: NotebookNode, count: int | None) -> NotebookNode | None:
    kind = output.output_type
    if kind == "stream":
        name = "stderr" if output.name == "stderr" else "stdout"
        return new_output("stream", name=name, text=_cut(output.text))
    if kind == "error":
        lines = [_cut(line) for line in output.traceback[:_MOST_LINES]]
        return new_output("error", ename=_cut(output.ename), evalue=_cut(output.evalue), traceback=lines)
    data = {name: kept for name, value in output.data.items() if (kept := _inert_data(name, value)) is not None}
    if not data:
        return None
    more = {"execution_count": count} if kind == "execute_result" else {}
    return new_output(kind, data=data, **more)


def _inert_data(kind: str, value: Any) -> str | None:
    text = "".join(value) if isinstance(value, list) and all(isinstance(part, str) for part in value) else value
    if not isinstance(text, str):
        return None
    if kind == "text/plain":
        return _cut(text)
    if kind in ("text/markdown", "text/latex"):
        return inert_text(_cut(text))
    if kind == "text/html":
        return text if _DRAWING.fullmatch(text) else None
    return text if kind in _PICTURES and _BASE64.fullmatch(text) else None


def _cut(text: str) -> str:
    """Text that a page can hold."""
    if len(text) <= _LONGEST_TEXT:
        return text
    return f"{text[:_LONGEST_TEXT]}\n... (cut: {len(text)} characters were printed)"


def _is_valid(output: NotebookNode) -> bool:
    """Whether an output is one; a forged message may have made it anything."""
    try:
        nbformat.validate(output, ref="output", version=4)
    except (nbformat.ValidationError, RecursionError):
        return False
    return True
