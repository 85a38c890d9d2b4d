"""A key opens for the right answer alone, tells nothing to anybody else, and is known for what it is."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grading.answers import keys
from grading.answers.choice import ChoiceExercise
from grading.answers.keys import KEYS_FILE, Key, KeysError, read_keys, write_keys
from grading.sheets import Sheet
from grading.verify import Exercise

EXERCISE = ChoiceExercise("keys.one", {"a": "this", "b": "that", "c": "neither"})
WHY = "That is the way of forward mode, which is ø."


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """A hash that is not slow; that the real one is, is tested on its own."""
    monkeypatch.setattr(keys, "_ROUNDS", 1)
    keys._slow_hash.cache_clear()
    yield
    keys._slow_hash.cache_clear()


def key(right="b", because=(("a", WHY),)):
    return Key.of(EXERCISE.salt, {"": right}, because)


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda parts: st.lists(parts, max_size=3) | st.dictionaries(st.text(max_size=3), parts, max_size=3),
    max_leaves=5,
)


@settings(deadline=None)
@given(right=PLAIN, other=PLAIN, why=st.text(max_size=200))
def test_a_key_fits_what_it_was_made_for_and_nothing_else(right, other, why):
    made = Key.of("salt", {"": right, "part": other}, [(other, why)])
    same = json.dumps(right, sort_keys=True) == json.dumps(other, sort_keys=True)
    assert made.fits(right)
    assert made.fits(other) == same
    assert made.fits(other, "part")
    assert made.fits(right, "part") == same
    assert not made.fits(right, "unheard of")
    assert made.why(other) == why.encode("utf-8", "replace").decode()
    if not same:
        assert made.why(right) == ""


def test_true_is_not_one_and_a_text_is_not_a_number():
    assert [Key.of("salt", {"": 1}).fits(value) for value in (1, True, "1", [1])] == [True, False, False, False]


def test_a_file_of_keys_says_neither_the_answer_nor_why(tmp_path):
    write_keys(tmp_path, "01_x", 0, {EXERCISE.id: key()})
    text = (tmp_path / KEYS_FILE).read_text()
    assert "forward" not in text
    data = json.loads(text)["keys"][EXERCISE.id]
    for name in EXERCISE.options:
        assert name not in [data["opens"][""], *data["sealed"]]
    # which answer is explained does not show by its place, and two files of different answers look alike
    longer = key(because=(("a", WHY), ("c", WHY)))
    swapped = key(because=(("c", WHY), ("a", WHY)))
    assert longer == swapped
    assert {len(sealed) for sealed in longer.sealed} == {len(key().sealed[0])}


def test_sealed_sentences_open_for_their_answer_alone():
    made = key(because=(("a", WHY), ("c", "Look again.")))
    assert [made.why(name) for name in ("a", "b", "c", "A", None)] == [WHY, "", "Look again.", "", ""]


def test_the_cover_is_not_the_same_for_two_answers():
    one, two = key(because=(("a", "x" * 64), ("c", "x" * 64))).sealed
    tag = 2 * keys._TAG_BYTES
    assert len(set(bytes.fromhex(one[tag:]))) > 16
    assert one[tag:] != two[tag:]


def test_the_same_keys_are_the_same_bytes(tmp_path):
    files = []
    for folder in (tmp_path / "a", tmp_path / "b"):
        folder.mkdir()
        write_keys(folder, "01_x", 3, {EXERCISE.id: key()})
        files.append((folder / KEYS_FILE).read_bytes())
        assert read_keys(folder, "01_x", 3) == {EXERCISE.id: key()}
    assert files[0] == files[1]


def test_a_sheet_without_keys_has_no_file(tmp_path):
    (tmp_path / KEYS_FILE).write_text("of an earlier build")
    write_keys(tmp_path, "01_x", 0, {})
    assert list(tmp_path.iterdir()) == []


def test_salts_belong_to_one_version_of_one_exercise():
    versions = [
        EXERCISE,
        ChoiceExercise("keys.two", EXERCISE.options),
        ChoiceExercise(EXERCISE.id, {**EXERCISE.options, "d": "more"}),
        ChoiceExercise(EXERCISE.id, EXERCISE.options, several=True),
    ]
    assert len({version.salt for version in versions}) == len(versions)
    assert ChoiceExercise(EXERCISE.id, EXERCISE.options, points=7, hints=("x",)).salt == EXERCISE.salt
    for version in versions[1:]:
        assert version.with_key(key()).key == "keys.json belongs to another version of this sheet"
    assert EXERCISE.with_key(key()).key == key()
    assert isinstance(EXERCISE.key, str)  # the exercise itself is as it was


def good():
    return {"sheet": "01_x", "variant": 0, "keys": {"a.b": {"salt": "s", "opens": {"": "00"}, "sealed": ["0" * 20]}}}


def broken():
    yield from (b"", b"{", b"[]", b"3", b"null", b"\xff\xfe", b"[" * 100_000, b"{}", b'{"sheet": "01_x"}')
    for change in (
        {"keys": []},
        {"keys": {"a.b": None}},
        {"keys": {"a.b": {"salt": "s", "opens": {}}}},
        {"keys": {"a.b": {"salt": 3, "opens": {}, "sealed": []}}},
        {"keys": {"a.b": {"salt": "s", "opens": {"": "no hex"}, "sealed": []}}},
        {"keys": {"a.b": {"salt": "s", "opens": {"": 3}, "sealed": []}}},
        {"keys": {"a.b": {"salt": "s", "opens": [3], "sealed": []}}},
        {"keys": {"a.b": {"salt": "s", "opens": {}, "sealed": [None]}}},
        {"keys": {"a.b": {"salt": "s", "opens": {}, "sealed": ["xyz"]}}},
    ):
        yield json.dumps(good() | change).encode()


@pytest.mark.parametrize("content", [*broken()])
def test_a_garbled_file_is_damaged(tmp_path, content):
    (tmp_path / KEYS_FILE).write_bytes(content)
    with pytest.raises(KeysError, match=r"^keys.json is damaged$"):
        read_keys(tmp_path, "01_x", 0)


def test_a_missing_or_foreign_file_is_told(tmp_path):
    with pytest.raises(KeysError, match=r"^keys.json is missing$"):
        read_keys(tmp_path, "01_x", 0)
    (tmp_path / KEYS_FILE).write_text(json.dumps(good()))
    assert list(read_keys(tmp_path, "01_x", 0)) == ["a.b"]
    for sheet, variant in (("02_x", 0), ("01_x", 1)):
        with pytest.raises(KeysError, match="belongs to another sheet"):
            read_keys(tmp_path, sheet, variant)
    (tmp_path / KEYS_FILE).unlink()
    (tmp_path / KEYS_FILE).mkdir()
    with pytest.raises(KeysError, match="damaged"):
        read_keys(tmp_path, "01_x", 0)


def test_a_sheet_hands_its_keys_out():
    plain = Exercise("keys.square", lambda xp, x: x**2, lambda rng: {"x": rng.normal()}, ("x",))
    sheet = Sheet("S", (plain, EXERCISE))
    assert [item.id for item in sheet.keyed] == [EXERCISE.id]
    keyed = sheet.with_keys({EXERCISE.id: key()})
    assert keyed[EXERCISE.id].key == key()
    assert keyed[plain.id] is plain
    assert sheet.with_keys({}, "keys.json is missing")[EXERCISE.id].key == "keys.json is missing"
    assert not sheet.is_personal


def test_the_real_hash_costs_something(monkeypatch):
    monkeypatch.undo()
    assert keys._ROUNDS >= 10_000
