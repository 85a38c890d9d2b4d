"""Plots for a page: SVG with words for whoever does not see it, in the colours of the page, without a script."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np

_WIDTH, _HEIGHT = 640, 200
_LEFT, _BASE = 10, 24  # for what stands beside and below the bars
_ROW = 22
_NAME = 230  # for the name of a row


def histogram(marks: Sequence[float], most: float, bins: int = 10) -> str:
    """How many students have how much of a sheet's marks: a bar per tenth, with the number on it."""
    counts, _ = np.histogram(np.clip(marks, 0, most), bins=bins, range=(0, most or 1))
    step, tallest = (_WIDTH - 2 * _LEFT) / bins, max(1, int(counts.max()))
    parts = []
    for place, count in enumerate(map(int, counts)):
        height = (_HEIGHT - 2 * _BASE) * count / tallest
        left, top = _LEFT + place * step, _HEIGHT - _BASE - height
        parts.append(_bar(left + 3, top, step - 6, height))
        parts += [_word(left + step / 2, top - 6, str(count), "middle")] if count else []
        parts.append(
            _word(left + step / 2, _HEIGHT - 7, f"{100 * place // bins}–{100 * (place + 1) // bins}", "middle")
        )
    parts.append(_line(_LEFT, _HEIGHT - _BASE, _WIDTH - _LEFT, _HEIGHT - _BASE))
    said = ", ".join(
        f"{count} with {100 * place // bins} to {100 * (place + 1) // bins} percent"
        for place, count in enumerate(counts)
        if count
    )
    return _svg(_HEIGHT, f"Students by their share of the marks: {said or 'none'}.", parts)


def bars(rows: Sequence[tuple[str, float | None]], what: str) -> str:
    """A share per name as a bar; a name without one says so."""
    parts, room = [], _WIDTH - _NAME - 70
    for place, (name, share) in enumerate(rows):
        middle = _ROW * place + 15
        parts.append(_word(_NAME - 8, middle, name, "end"))
        width = room * min(1.0, max(0.0, share or 0.0))
        parts.append(_frame(_NAME, middle - 11, room, 14))
        parts.append(_bar(_NAME, middle - 11, width, 14))
        parts.append(_word(_NAME + room + 6, middle, "–" if share is None else f"{100 * share:.0f} %", "start"))
    said = ", ".join(f"{name} {'not known' if share is None else f'{100 * share:.0f} percent'}" for name, share in rows)
    return _svg(_ROW * len(rows) + 4, f"{what}: {said}.", parts)


def _svg(height: float, said: str, parts: list[str]) -> str:
    words = escape(said, quote=True)
    return f'<svg role="img" aria-label="{words}" viewBox="0 0 {_WIDTH} {height:g}" class="plot">{"".join(parts)}</svg>'


def _bar(left: float, top: float, width: float, height: float) -> str:
    return f'<rect x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" height="{height:.1f}" class="bar"/>'


def _frame(left: float, top: float, width: float, height: float) -> str:
    return f'<rect x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" height="{height:.1f}" class="frame"/>'


def _line(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="axis"/>'


def _word(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'
