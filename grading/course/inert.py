"""What a submission says and shows, so that nothing in it runs in the browser of the person who reads it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_output

_TAG = re.compile(r"<(?=[A-Za-z/!?])")  # a bare < of a formula stays
_CODED = re.compile(r"&(?=#|[A-Za-z0-9]+;)(?!(lt|gt|quot|nbsp);)")  # a sign by its number or name, in a link too
_SCHEMES = "|".join(r"\s*".join(name) for name in ("javascript", "vbscript", "data"))  # browsers skip blanks in them
_SCHEME = re.compile(rf"\b({_SCHEMES})[\s\\]*:", re.IGNORECASE)
_IN_FORMULA = re.compile(r"\\(?=(href|require|class|cssId|style)(?![A-Za-z]))")  # a link, which a macro may hide
_ATTACHED = re.compile(r"attachment[\s\\]*:(?P<name>[\w.-]*)(?P<then>\)|\s|\Z)?")
_ENDLESS = re.compile(r"[^\n]{5000}(?=[^\n])")  # a line for which nbconvert, which looks for links, takes minutes
_BASE64 = re.compile(r"[A-Za-z0-9+/=\s]*")
_PICTURES = ("image/png", "image/jpeg")
# What `picture` makes and nothing else: inside an <img> no drawing runs or asks for anything.
_DRAWING = re.compile(r'<img alt="[^"<>]*" src="data:image/svg\+xml;base64,[A-Za-z0-9+/=]*" style="max-width:100%">')
_LONGEST_TEXT = 20_000  # characters of one output, or of a cell's source
_LONGEST_SOURCES = 1_000_000  # of all cells together; more can take minutes to be coloured
_MOST_LINES = 100  # of a traceback
_MOST_OUTPUTS = 1000  # of a cell
_STREAMS = ("stdout", "stderr")


def inert_text(text: str, attached: Collection[str] = ()) -> str:
    """Markdown in which HTML is shown as it was typed, and links, of formulas as well, lead to pages alone.

    Of pictures in the cell itself only those are left whose names are `attached`: a page cannot be made with others.
    """

    def picture(found: re.Match[str]) -> str:
        is_there = found["name"] in attached and found["then"] is not None
        return found[0] if is_there else found[0].replace("attachment", "attached", 1)

    shown = _SCHEME.sub(r"\1 :", _CODED.sub("& ", _TAG.sub("&lt;", text)))
    return _ENDLESS.sub(r"\g<0>\n", _ATTACHED.sub(picture, without_links(shown)))


def without_links(text: str) -> str:
    """Text in whose formulas nothing is a link, or looks like something else."""
    return _IN_FORMULA.sub(r"\\ ", text)


def inert_attachments(attachments: Any) -> dict[str, dict[str, str]]:
    """The pictures that are kept in a Markdown cell, by their names."""
    found = attachments.items() if isinstance(attachments, dict) else ()
    pictures = {
        name: {kind: data for kind, data in bundle.items() if kind in _PICTURES and _inert_data(kind, data)}
        for name, bundle in found
        if isinstance(bundle, dict)
    }
    return {name: bundle for name, bundle in pictures.items() if bundle}


def shortened(cells: Iterable[NotebookNode]) -> None:
    """Leave of the sources of cells, which have been run, what a page can hold."""
    left = _LONGEST_SOURCES
    for cell in cells:
        kept = cell.source[: min(_LONGEST_TEXT, left)]
        left -= len(kept)
        if kept != cell.source:
            cell.source = f"{kept}\n# ... (cut: {len(cell.source)} characters were handed in)"


def inert_outputs(outputs: Iterable[NotebookNode], count: int | None) -> list[NotebookNode]:
    """Outputs of the kinds that cannot run: text, Markdown made inert, formulas, pictures and drawings.

    What comes from a submission's kernel may be anything: what is no output is left out, what is kept is built anew.
    """
    found = _together(outputs)
    kept = (_inert_output(output, count) for output in found[:_MOST_OUTPUTS] if _is_valid(output))
    cut = [new_output("stream", text=f"... (cut: {len(found)} outputs)\n")] if len(found) > _MOST_OUTPUTS else []
    return [*(output for output in kept if output is not None), *cut]


def printed_text(outputs: Iterable[NotebookNode]) -> str:
    """What was printed, to either stream, as far as a page can hold it."""
    return _cut("".join(output.text for output in _together(outputs) if output.output_type == "stream"))


def _together(outputs: Iterable[NotebookNode]) -> list[NotebookNode]:
    """Outputs with all that was printed to one stream in one piece: into how many it was cut is chance."""
    printed: dict[str, list[str]] = {}
    found: list[NotebookNode] = []
    for output in outputs:
        if output.output_type != "stream":
            found.append(output)
        elif isinstance(output.text, str) and output.name in _STREAMS:
            if output.name not in printed:
                printed[output.name] = []
                found.append(new_output("stream", name=output.name))
            printed[output.name].append(output.text)
    for output in found:
        if output.output_type == "stream":
            output["text"] = "\n".join(map(_last_written, "".join(printed[output.name]).split("\n")))
    if list(printed) == ["stderr", "stdout"]:
        first, second = (place for place, output in enumerate(found) if output.output_type == "stream")
        if second == first + 1:  # which comes first is chance as well
            found[first], found[second] = found[second], found[first]
    return found


def _last_written(line: str) -> str:
    """What is seen of a line that was written over from its beginning."""
    written = line.rstrip("\r")
    return written.rpartition("\r")[2] + line[len(written) :][:1]


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
