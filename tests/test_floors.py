"""Nothing on a lower floor of the house imports anything on a higher one, and the lowest two need NumPy alone."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FLOORS = [
    "autodiff",
    "grading.verify",
    "grading.answers",
    "grading.sheets",
    "grading.notebook",
    "grading.trusted",
    "grading.course",
    "grading.cli",
]
MODULES = sorted(path for top in ("autodiff", "grading") for path in (ROOT / top).rglob("*.py"))


def floor_of(module: str) -> int:
    """The floor a module lives on; -1 for one that is not of this house."""
    homes = [number for number, home in enumerate(FLOORS) if module == home or module.startswith(f"{home}.")]
    return homes[0] if homes else -1


def imports_of(path: Path) -> set[str]:
    """Every module that a file imports, inside functions too."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def climbs(path: Path, imports: set[str]) -> list[str]:
    """The imports of a file that lead to a higher floor than its own."""
    module = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    return [name for name in imports if floor_of(name) > floor_of(module) >= 0]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_import_climbs(path: Path) -> None:
    assert climbs(path, imports_of(path)) == []


def test_a_climbing_import_would_be_found() -> None:
    assert climbs(ROOT / "autodiff" / "tape.py", {"numpy", "grading.verify"}) == ["grading.verify"]
    assert climbs(ROOT / "grading" / "notebook" / "session.py", {"grading.course.layout"}) == ["grading.course.layout"]


@pytest.mark.parametrize("module", ["autodiff", "grading.verify", "grading.answers", "grading.notebook"])
def test_a_students_kernel_imports_numpy_alone(module: str) -> None:
    heavy = ("torch", "nbgrader", "jupyter", "IPython", "jupytext", "sqlalchemy", "rich", "networkx")
    code = f"import sys, {module}; print([name for name in {heavy} if name in sys.modules])"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"
