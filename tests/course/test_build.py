"""From a master text to a solution and an assignment: reproducible, and nothing of the solution in what is released."""

import json

import nbformat
import pytest
from classroom import NAME, REPOSITORY, ROOT, SHEET, append, make_course, tree_digest, untouched
from nbclient import NotebookClient

from grading.course.build import BuildError, build, compose, read_attempts
from grading.course.execution import execute
from grading.course.freshness import require_built
from grading.course.grade import grade
from grading.course.layout import Course, CourseError
from grading.course.start import start
from grading.sheets import Prose, Sheet
from grading.trusted.kernel import OwnKernelManager, scratch_folders
from grading.verify import ExerciseError, verify

MADE = [REPOSITORY.solution(NAME), REPOSITORY.assignment(NAME), REPOSITORY.assignments / NAME / "sheet.json"]


def made(course):
    return [(course.root / path.relative_to(ROOT)).read_bytes() for path in MADE]


def test_a_build_is_what_is_committed_and_leaves_no_gradebook(course):
    committed = made(course)
    for path in MADE:
        (course.root / path.relative_to(ROOT)).unlink()
    assert build(course, NAME, only_if_changed=True)
    assert made(course) == committed
    assert {path.name for path in course.root.iterdir()} == {"nbgrader_config.py", "solutions", "assignments"}
    assert not build(course, NAME, only_if_changed=True)


# --- what is released --------------------------------------------------------------------------------------------

RELEASE = untouched()
TEXT = "\n".join(cell.source for cell in RELEASE.cells)


def solution_lines():
    """The lines between BEGIN and END of the solution; what stands above BEGIN, as faulty code does, is released."""
    lines, inside = [], False
    for cell in nbformat.read(REPOSITORY.solution(NAME), as_version=4).cells:
        above = cell.source.partition("### BEGIN SOLUTION")[0].splitlines()
        for line in cell.source.splitlines():
            inside = "BEGIN SOLUTION" in line or (inside and "END SOLUTION" not in line)
            if inside and "BEGIN SOLUTION" not in line and len(line.strip()) > 1 and line not in above:
                lines.append(line.strip())
    return lines


def test_no_solution_is_released():
    assert "BEGIN SOLUTION" not in TEXT
    assert "END SOLUTION" not in TEXT
    lines = solution_lines()
    assert len(lines) > 20
    released = {line.strip() for line in TEXT.splitlines()}
    assert not [line for line in lines if line in released]


def test_no_attempt_is_in_a_notebook():
    solution = nbformat.read(REPOSITORY.solution(NAME), as_version=4)
    sources = {cell.source for cell in [*RELEASE.cells, *solution.cells]}
    attempts = read_attempts(REPOSITORY, NAME)
    assert len(attempts) >= 3 * len(SHEET.checked)
    assert not [attempt for attempt in attempts if attempt.source in sources]
    bodies = [attempt.source.partition("\n")[2].strip("\n") for attempt in attempts]
    assert not [body for body in bodies if body and body in TEXT]


def test_no_rubric_is_in_a_notebook():
    words = json.dumps(nbformat.read(REPOSITORY.solution(NAME), as_version=4)) + TEXT
    assert not [item for item in SHEET.exercises if isinstance(item, Prose) and item.rubric[:40] in words]


def test_points_and_ids_are_the_declarations():
    graded = {
        cell.id: cell.metadata.nbgrader for cell in RELEASE.cells if cell.metadata.get("nbgrader", {}).get("grade")
    }
    assert {name: meta.points for name, meta in graded.items()} == {
        item.cell_id: item.points for item in SHEET.exercises
    }
    for name, meta in graded.items():
        assert meta.grade_id == name
        assert meta.solution == isinstance(next(i for i in SHEET.exercises if i.cell_id == name), Prose)


def test_cells_have_their_own_stable_ids():
    ids = [cell.id for cell in RELEASE.cells]
    assert len(set(ids)) == len(ids)
    nbformat.validate(RELEASE)


def test_an_untouched_notebook_runs_to_its_end(tmp_path):
    path, _ = start(NAME, tmp_path)
    notebook = append(nbformat.read(path, as_version=4), "print('reached')")
    with scratch_folders() as folders:
        client = NotebookClient(notebook, timeout=60, resources={"metadata": {"path": str(path.parent)}})
        client.km = OwnKernelManager(folders)
        client.execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert "error" not in {output.output_type for output in outputs}
    assert outputs[-1].text == "reached\n"
    checks = {cell.id: cell.outputs for cell in notebook.cells if cell.id in {item.cell_id for item in SHEET.checked}}
    for (output,) in checks.values():
        assert output.data["text/plain"] == "0.0"
        assert "Not attempted yet" in output.data["text/html"]


# --- another variant ---------------------------------------------------------------------------------------------


def test_another_variant_builds_and_verifies(tmp_path):
    course = make_course(tmp_path / "course")
    committed = made(course)
    assert build(course, NAME, variant=2027)
    assert course.variant(NAME) == 2027
    assert made(course)[0] != committed[0]
    sheet = course.sheet(NAME)
    solution = nbformat.read(course.solution(NAME), as_version=4)
    for item in sheet.checked:
        (result,) = next(cell for cell in solution.cells if cell.id == item.cell_id).outputs
        assert float(result.data["text/plain"]) == item.points
        assert verify(item, None, seed=1).outcome == "not attempted"
    assert not build(course, NAME, only_if_changed=True)


# --- what cannot be built ----------------------------------------------------------------------------------------

SMALL = """# %% setup=true
open_sheet("01_chain_rule")

# %% answer="chain.one_number"
### BEGIN SOLUTION
one_number = 1
### END SOLUTION

# %% check="chain.one_number"
check("chain.one_number", one_number)

# %% [markdown] prose="chain.lemma"
# words
"""
SMALL_SHEET = Sheet("small", (SHEET["chain.one_number"], SHEET["chain.lemma"]))


def composed(text):
    import jupytext

    return compose(jupytext.reads(text, fmt="py:percent"), SMALL_SHEET, "small.py")


def test_a_small_master_is_composed():
    notebook = composed(SMALL)
    assert [cell.id for cell in notebook.cells] == [
        "setup",
        "chain-one_number-answer",
        "chain-one_number",
        "chain-lemma",
    ]


CHECK_CELL = SMALL[SMALL.index('# %% check="') : SMALL.index("# %% [markdown]")]
BROKEN = {
    "no setup": (SMALL.replace(" setup=true", ""), "exactly one cell must be the setup cell"),
    "two setups": (SMALL + "\n# %% setup=true\nx = 1\n", "exactly one cell must be the setup cell"),
    "a check missing": (SMALL.replace(CHECK_CELL, ""), '0 cells check="chain.one_number"'),
    "a check doubled": (SMALL + CHECK_CELL, '2 cells check="chain.one_number"'),
    "an answer missing": (SMALL.replace(' answer="chain.one_number"', ""), '0 cells answer="chain.one_number"'),
    "a prose missing": (SMALL.replace(' prose="chain.lemma"', ""), '0 cells prose="chain.lemma"'),
    "an unknown exercise": (SMALL + '\n# %% check="chain.unheard_of"\nx\n', 'says check="chain.unheard_of"'),
    "a check misspelt": (
        SMALL.replace('check="chain.one_number"', 'check="chain.one_numbr"'),
        'says check="chain.one_numbr"',
    ),
    "words checked": (SMALL + '\n# %% check="chain.lemma"\nx\n', 'says check="chain.lemma"'),
    "a show too many": (SMALL + '\n# %% show="chain.one_number"\nx\n', 'says show="chain.one_number"'),
    "no solution region": (SMALL.replace("### BEGIN SOLUTION", ""), 'answer="chain.one_number" has no'),
    "no end": (SMALL.replace("### END SOLUTION", ""), 'answer="chain.one_number" has no'),
}


@pytest.mark.parametrize(("text", "reason"), BROKEN.values(), ids=BROKEN)
def test_a_broken_master_is_refused_in_one_line(text, reason):
    with pytest.raises(BuildError) as refused:
        composed(text)
    said = str(refused.value)
    assert said.startswith("small.py")
    assert reason in said
    assert "\n" not in said


def test_a_solution_that_fails_is_told_and_replaces_nothing(course):
    committed = made(course)
    master = course.master(NAME)
    text = master.read_text(encoding="utf-8")
    master.write_text(text.replace("open_sheet(", "raise ValueError('no luck')\nopen_sheet(", 1), encoding="utf-8")
    with pytest.raises(BuildError, match=r"^01_chain_rule: a cell of the solution fails: ValueError: no luck$"):
        build(course, NAME)
    assert made(course) == committed


def test_a_master_that_is_not_there_is_told(tmp_path):
    course = Course(tmp_path)
    (tmp_path / "solutions" / NAME).mkdir(parents=True)
    with pytest.raises((BuildError, OSError), match=r"01_chain_rule\.py"):
        build(course, NAME)


def test_a_solution_that_is_not_right_is_refused(course):
    master = course.master(NAME)
    master.write_text(master.read_text().replace("return y - target\n", "return target - y\n", 1))
    before = tree_digest(course.assignments)
    with pytest.raises(BuildError, match=r"the solution of chain\.squared_loss is not right") as refusal:
        build(course, NAME)
    assert "\n" not in str(refusal.value)
    assert "sign is wrong" in str(refusal.value)
    assert len(str(refusal.value)) < len(str(master)) + 320
    assert tree_digest(course.assignments) == before


@pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning")
def test_an_exercise_at_fault_does_not_build(course):
    (course.root / "sheets").mkdir()
    declared = (ROOT / "grading" / "sheets" / "chain_rule.py").read_text()
    at_fault = declared.replace("0.5 * xp.sum((target - y) ** 2)", "xp.sum(xp.sqrt(y))", 1)
    (course.root / "sheets" / "chain_rule.py").write_text(at_fault)
    with pytest.raises((BuildError, ExerciseError), match=r"chain\.squared_loss") as refusal:
        build(course, NAME)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('cause="transposed"', 'cause="banana"', 'cause="banana" is not in the catalogue'),
        ('expect="right"', 'expect="rihgt"', 'expect="rihgt" must be'),
        ('attempt="chain.jacobian"', 'attempt="chain.jakobian"', "does not declare"),
    ],
)
def test_a_misspelt_attempt_is_refused(course, old, new, said):
    master = course.master(NAME)
    master.write_text(master.read_text().replace(old, new, 1))
    with pytest.raises(BuildError, match=said):
        build(course, NAME)


def test_what_a_cell_prints_in_pieces_is_kept_as_one(tmp_path):
    cell = nbformat.v4.new_code_cell("import time\nprint(1, flush=True)\ntime.sleep(0.5)\nprint(2)")
    notebook = nbformat.v4.new_notebook(cells=[cell])
    execute(notebook, tmp_path)
    assert [output.text for output in notebook.cells[0].outputs] == ["1\n2\n"]


def test_what_changed_since_it_was_built_must_be_built_again(course):
    require_built(course, NAME)
    course.master(NAME).write_text(course.master(NAME).read_text() + "\n# %%\n1 + 1\n")
    with pytest.raises(BuildError, match="has changed since it was built; run `gradsheet build 01_chain_rule`"):
        require_built(course, NAME)
    with pytest.raises(CourseError, match="has changed since it was built"):
        grade(course, NAME, sandbox=False)
