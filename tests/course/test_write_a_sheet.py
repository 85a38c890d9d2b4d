"""The page for instructors who write a sheet takes a new one from an empty folder to a graded exercise."""

from pathlib import Path

import pytest
from classroom import ROOT
from needs import needs_sandbox
from page import blocks, commands, put, run

PAGE = (ROOT / "docs" / "write-a-sheet.md").read_text(encoding="utf-8")
ROUTE = PAGE[PAGE.index("**1. Begin**") : PAGE.index("**7. Another variant**")]


def follow(route: str, folder: Path) -> None:
    """Do what a route says, in its order; what it shows must be seen."""
    for language, where, text in blocks(route):
        if language == "python":
            put(folder, where, text)
        for command in commands(text) if language == "console" else ():
            if command.typed.startswith("cd "):
                folder = folder / command.typed[3:]
                continue
            status, said = run(folder, command.typed.replace(" --open", ""))
            assert status == 0, f"{command.typed}\n{said}"
            said = said.replace(f"{folder}/", "")
            for line in command.seen:
                assert line in said, f"{command.typed}\n{said}"


def test_the_route_leads_to_a_graded_exercise_as_it_is_written(tmp_path: Path) -> None:
    needs_sandbox()
    follow(ROUTE, tmp_path)
    course = tmp_path / "my-course"
    seen = {
        "edit/01_springs.html": "The parabola",
        "report/01_springs.html": "springs.force",
        "feedback/student-02/01_springs/01_springs.html": "Four points in a row",
        "replay/student-02/springs.force.html": "tension = k * np.diff(u)",
    }
    for page, shown in seen.items():
        assert shown in (course / page).read_text(), page


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("$ cd my-course\n", ""),
        ("gradsheet new --course", "gradsheet new"),
        ("See it while you write: gradsheet edit 01_springs", "It was written."),
        ('below="        ("', 'below="        (("'),
        ("$ gradsheet edit 1 --open\n", "$ gradsheet build 2\n"),
    ],
)
def test_a_route_that_leads_nowhere_is_noticed(tmp_path: Path, right: str, wrong: str) -> None:
    route = ROUTE[: ROUTE.index("**3. Write**")]
    if "edit 1" not in right:
        route = route[: route.index("Leave this running")] + route[route.index("**2. Declare**") :]
    assert right in route
    with pytest.raises((AssertionError, ValueError)):
        follow(route.replace(right, wrong), tmp_path)


@pytest.mark.sweep
def test_what_is_begun_needs_nothing_more(tmp_path: Path) -> None:
    """A new sheet passes every check, and no more known answers are asked for."""
    assert run(tmp_path, "gradsheet new --course 07_two_words")[0] == 0
    assert run(tmp_path, "gradsheet build") == (0, "07_two_words: solution and assignment made\n")
    status, said = run(tmp_path, "gradsheet verify-course")
    assert status == 0
    assert [line for line in said.splitlines() if not line.endswith("as it must be")] == []
    assert len(said.splitlines()) == 4
