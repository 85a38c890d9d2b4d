"""What the steps of a program are called: as the local variables that held them, or after what they are adjoints of."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from autodiff.modes import project
from autodiff.program import Program
from autodiff.rule import Custom, Elementwise, Linear, Multilinear, Reduction
from autodiff.symbols import Origin, Symbol
from autodiff.tape import strip

WALKS = {kind.vjp.__code__ for kind in (Elementwise, Linear, Reduction, Custom)}
PUSHES = {kind.jvp.__code__ for kind in (Elementwise, Linear, Multilinear, Reduction, Custom)}

DEFINITIONS = ("autodiff.functions", "autodiff.composed")  # ours, whose local variables have names worth keeping
OURS = 10**6  # deeper than any function of the user's


class Watch:
    """While it watches, symbols get the names of the local variables that hold them, and adjoints those of primals.

    It looks at local variables as lines are executed (sys.settrace); the name of the outermost function counts.
    """

    def __init__(self, program: Program) -> None:
        self.program = program

    def __enter__(self) -> None:
        self.before = sys.gettrace()
        sys.settrace(self.called)

    def __exit__(self, *error: Any) -> None:
        sys.settrace(self.before)

    def called(self, frame: Any, event: str, arg: Any) -> Any:
        """A function is entered: whether to watch it, and for what."""
        module = str(frame.f_globals.get("__name__", ""))
        if frame.f_code in WALKS or frame.f_code in PUSHES or frame.f_code is project.__code__:
            frame.f_trace_lines = False
            return self.walked
        if module.startswith(("numpy", "namedtuple_")) or (
            module.startswith("autodiff.") and module not in DEFINITIONS
        ):
            return None
        for name in frame.f_code.co_names if module not in DEFINITIONS else ():
            self.named(name, frame.f_globals.get(name))
        return self.at_line

    def named(self, name: str, held: Any) -> None:
        """What the user calls a constant array."""
        if type(held) is np.ndarray:
            self.program.names.setdefault(id(held), (name, held))

    def at_line(self, frame: Any, event: str, arg: Any) -> Any:
        """A line has been executed: what do the local variables hold?"""
        ours = frame.f_globals.get("__name__") in DEFINITIONS
        depth, back = (OURS if ours else 0), frame.f_back
        while back is not None:
            depth, back = depth + 1, back.f_back
        for name, held in frame.f_locals.items():
            symbol = strip(held)
            if type(symbol) is Symbol:
                named = symbol.func in (None, "argument") or (symbol.label is not None and symbol.label[0] <= depth)
                if not named and not (ours and len(name) < 4):
                    symbol.label = (depth, name)
            elif not ours:
                self.named(name, held)
        return self.at_line

    def walked(self, frame: Any, event: str, arg: Any) -> Any:
        """A rule, or the gate, returns an adjoint or a tangent: of what?"""
        if event == "return" and arg is not None:
            here = frame.f_locals
            if frame.f_code is project.__code__:
                originated(arg, "adjoint", here["like"], "")
            elif frame.f_code in PUSHES:
                originated(arg, "tangent", here["y"], here["self"].explain)
            elif not PUSHES & {frame.f_back.f_code, frame.f_back.f_back.f_code}:  # a loop may be a frame
                originated(arg, "adjoint", here["args"][here["slot"]], here["self"].explain)
        return self.walked


def originated(found: Any, kind: str, of: Any, explain: str) -> None:
    """Note what a symbol was computed as, if it has the shape for it."""
    symbol, primal = strip(found), strip(of)
    if type(symbol) is not Symbol or type(primal) is not Symbol or symbol.shape != primal.shape:
        return
    if all(o.primal is not primal for o in symbol.origins):
        symbol.origins.append(Origin(kind, primal, explain))
