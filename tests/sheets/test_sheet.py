"""What a sheet is: found by its name, its exercises by their ids, and no notebook cell claimed twice."""

from pathlib import Path

import numpy as np
import pytest

from grading.sheets import Prose, Sheet, SheetError, Variant, load_sheet
from grading.sheets.sheet import sheet_file
from grading.verify import Exercise


def exercise(name, points=1):
    return Exercise(
        id=name, function=lambda xp, x: x**2, inputs=lambda rng: {"x": rng.normal()}, wrt=("x",), points=points
    )


COLLISIONS = [
    (exercise("a.b"), exercise("a.b")),
    (exercise("a.b"), exercise("a-b")),
    (exercise("a.b"), Prose("a-b", 1, "")),
    (exercise("a.b"), Prose("a.b", 1, "")),
    (exercise("a.b"), exercise("a.b-answer")),
    (exercise("a.b"), exercise("a.b.answer")),
    (Prose("a.b.answer", 1, ""), exercise("a.b")),
    (Prose("a", 1, ""), exercise("c"), Prose("a", 2, "")),
]


@pytest.mark.parametrize("items", COLLISIONS, ids=lambda items: " and ".join(item.id for item in items))
def test_collisions_are_refused(items):
    with pytest.raises(SheetError) as refusal:
        Sheet("Clashes", items)
    message = str(refusal.value)
    assert "both need a notebook cell called" in message
    assert items[0].id in message
    assert items[-1].id in message
    assert "\n" not in message


def test_neighbours_do_not_collide():
    sheet = Sheet("Neighbours", [exercise("a.b"), exercise("a.bc"), exercise("a.b_answer"), Prose("a.c", 2, "")])
    assert [item.id for item in sheet.checked] == ["a.b", "a.bc", "a.b_answer"]
    assert sheet.points == 5.0
    assert sheet["a.c"].points == 2


def test_an_unknown_exercise_is_refused_with_those_there_are():
    with pytest.raises(SheetError, match=r"sheet 'Two' has no exercise 'c'; it has a, b"):
        Sheet("Two", (exercise("a"), exercise("b")))["c"]


UNKNOWN = ["", "1", "chain_rule", "1_chain_rule", "01-chain-rule", "01_Chain", "01_no_such_topic", "01_a.b", "../01_x"]


@pytest.mark.parametrize("name", UNKNOWN)
@pytest.mark.parametrize("load", [load_sheet, sheet_file])
def test_an_unknown_sheet_is_one_line(name, load):
    with pytest.raises(SheetError) as refusal:
        load(name)
    assert name in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_what_is_no_sheet_is_refused(tmp_path):
    (tmp_path / "empty.py").write_text("x = 1\n")
    (tmp_path / "other.py").write_text("def sheet(variant):\n    return 3\n")
    with pytest.raises(SheetError, match=r"empty.py declares no function sheet\(variant\)"):
        load_sheet("01_empty", folders=[tmp_path])
    with pytest.raises(SheetError, match=r"returned a int, not a Sheet"):
        load_sheet("01_other", folders=[tmp_path])


def test_an_instructors_own_folder_comes_first(tmp_path):
    (tmp_path / "chain_rule.py").write_text(
        "from grading.sheets import Prose, Sheet\n\n\n"
        "def sheet(variant):\n    return Sheet(f'Own {variant.number}', (Prose('a', 1, 'r'),))\n"
    )
    assert load_sheet("01_chain_rule", Variant(4), [tmp_path / "none", tmp_path]).title == "Own 4"
    assert sheet_file("01_chain_rule", [tmp_path]) == tmp_path / "chain_rule.py"
    assert load_sheet("01_chain_rule").title == "The chain rule"
    assert Path(sheet_file("01_chain_rule")).name == "chain_rule.py"


def test_a_variants_random_numbers():
    def numbers(rng):
        return tuple(rng.integers(2**40, size=3))

    anna, ben = Variant(3, "anna"), Variant(3, "ben")
    assert numbers(anna.rng("size")) == numbers(ben.rng("size")) == numbers(Variant(3).rng("size"))
    assert numbers(anna.own_rng("size")) == numbers(Variant(3, "anna").own_rng("size"))
    different = [anna.rng("size"), anna.rng("sign"), Variant(4).rng("size"), anna.own_rng("size"), ben.own_rng("size")]
    assert len({numbers(rng) for rng in different}) == len(different)
    assert isinstance(anna.rng("size"), np.random.Generator)
