"""A new sheet: what is written, and what is refused in one line."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from classroom import ROOT

from grading.cli import main
from grading.course.layout import CONFIG, Course, CourseError
from grading.course.master import read_master
from grading.course.scaffold import begin_course, new_sheet
from grading.sheets import Prose, Variant, load_sheet
from grading.verify.exercise import draw


@pytest.fixture
def mine(tmp_path: Path) -> Course:
    """A course without a sheet."""
    (tmp_path / "mine").mkdir()
    return begin_course(tmp_path / "mine")


def test_what_is_begun_has_what_a_sheet_has(mine: Course) -> None:
    declaration, master = new_sheet(mine, "03_two_words")
    assert declaration == mine.root / "sheets" / "two_words.py"
    assert master == mine.master("03_two_words")
    sheet = load_sheet("03_two_words", Variant(), [mine.root / "sheets"])
    assert sheet.title == "Two words"
    assert {item.id.split(".")[0] for item in sheet.exercises} == {"two_words"}
    assert any(isinstance(item, Prose) for item in sheet.exercises)
    assert sheet.keyed
    assert len(sheet.checked) > len(sheet.keyed)
    text = master.read_text() + declaration.read_text()
    assert "my_topic" not in text
    assert "My title" not in text
    assert "progress()" in read_master(mine, "03_two_words").cells[-1].source


def test_another_variant_asks_for_other_sizes(mine: Course) -> None:
    new_sheet(mine, "03_two_words")
    sheets = [load_sheet("03_two_words", Variant(number), [mine.root / "sheets"]) for number in range(4)]
    exercises = [sheet["two_words.gradient"] for sheet in sheets]
    shapes = {draw(exercise, np.random.default_rng(0))["W"].shape for exercise in exercises}
    assert len(shapes) > 1


def test_in_the_repository_the_declaration_stands_beside_the_others(tmp_path: Path) -> None:
    shutil.copyfile(ROOT / CONFIG, tmp_path / CONFIG)
    (tmp_path / "grading" / "sheets").mkdir(parents=True)
    declaration, _ = new_sheet(Course(tmp_path), "08_new")
    assert declaration == tmp_path / "grading" / "sheets" / "new.py"


NAMES = ["1_springs", "01-springs", "01_Springs", "01_", "springs", "", "01_1", "../01_x", "01_a b", "01_" + "x" * 60]


@pytest.mark.parametrize("name", NAMES)
def test_what_is_no_name_is_refused_and_nothing_written(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["new", "--course", name]) == 1
    said = capsys.readouterr().err
    assert "cannot be the name of a sheet" in said
    assert said.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_what_is_taken_is_refused(mine: Course) -> None:
    written = new_sheet(mine, "01_springs")
    before = [path.read_bytes() for path in written]
    refused = {
        "01_springs": "01_springs is there already and is left as it is",
        "01_waves": "the number 01 is taken by 01_springs; the next one is 02",
        "02_springs": "the topic springs is taken by 01_springs; choose another",
    }
    for name, said in refused.items():
        with pytest.raises(CourseError, match=re.escape(said)):
            new_sheet(mine, name)
    (mine.root / "sheets" / "waves.py").write_text("mine")
    with pytest.raises(CourseError, match=r"waves\.py is there already and is left as it is"):
        new_sheet(mine, "02_waves")
    assert [path.read_bytes() for path in written] == before
    assert not mine.master("02_waves").exists()


def test_where_there_is_no_course_it_says_how_to_begin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["new", "01_springs"]) == 1
    said = capsys.readouterr().err
    assert said.endswith("To make this folder one: gradsheet new --course 01_springs\n")
    assert main(said.split("gradsheet ")[-1].split()) == 0
    assert main(["new", "--course", "02_waves"]) == 1
    assert "is a course already" in capsys.readouterr().err
    assert main(["new", "02_waves"]) == 0
