"""What the README and the pages under docs/ show is what happens."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from grading.course.build import read_attempts
from grading.course.layout import Course
from grading.notebook.session import PUBLIC_SEED
from grading.verify import verify

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks(language: str) -> list[str]:
    """The README's fenced blocks in a language, in order."""
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


def test_the_python_example_prints_what_stands_below_it() -> None:
    (code,), shown = blocks("python"), blocks("text")[-1]
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert run.stdout.strip() == shown.strip()


def test_the_students_example_is_what_a_student_sees() -> None:
    course = Course(ROOT)
    exercise = course.sheet("01_chain_rule")["chain.jacobian"]
    attempts = [a for a in read_attempts(course, "01_chain_rule") if a.exercise == exercise.id]
    source = next(attempt.source for attempt in attempts if attempt.cause == "transposed")
    namespace: dict[str, object] = {}
    exec(f"import numpy as np\n{source}", namespace)
    assert verify(exercise, namespace["jacobian"], seed=PUBLIC_SEED).text().strip() == blocks("text")[0].strip()


def test_it_fits_a_screen_before_its_first_section() -> None:
    assert README.index("\n## ") < README.index("\n", 2500)
    assert README[: README.index("\n## ")].count("\n") <= 34


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
        assert target.startswith("https://") or (page.parent / target).exists(), target


def test_every_command_in_the_readme_exists() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"^\$ make (\w+)", README, flags=re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), target
    for command in re.findall(r"^\$ gradsheet ([\w-]+)", README, flags=re.MULTILINE):
        subprocess.run([sys.executable, "-m", "grading.cli", command, "--help"], check=True, capture_output=True)
