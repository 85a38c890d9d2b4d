"""What is written down beside a notebook stays there, whatever lies there already."""

import json
import os

import pytest

from grading.notebook.state import NOTES_FILE, NOTES_VARIABLE, Notes

GARBLED = [b"", b"{", b"[]", b"null", b'{"hints": 3}', b"\xff\xfe\x00", b"[" * 100_000]


def test_what_is_put_is_there_for_the_next_session(tmp_path):
    assert Notes(tmp_path).get("hints", "a.b") is None
    assert Notes(tmp_path).put("hints", "a.b", [1, 2])
    assert Notes(tmp_path).put("predictions", "a.b", {"first": 3.5})
    assert Notes(tmp_path).put("hints", "c", "ø")
    assert Notes(tmp_path).topic("hints") == {"a.b": [1, 2], "c": "ø"}
    assert Notes(tmp_path).get("predictions", "a.b") == {"first": 3.5}
    assert [path.name for path in tmp_path.iterdir()] == [NOTES_FILE]


@pytest.mark.parametrize("garbled", GARBLED)
def test_a_garbled_file_counts_as_empty_and_is_kept(tmp_path, garbled):
    path = tmp_path / NOTES_FILE
    path.write_bytes(garbled)
    notes = Notes(tmp_path)
    assert notes.get("hints", "a") is None
    assert path.read_bytes() == garbled  # reading moves nothing
    assert notes.put("hints", "a", 1)
    assert json.loads(path.read_text()) == {"hints": {"a": 1}}
    assert (tmp_path / "notes.damaged-1.json").read_bytes() == garbled


def test_an_earlier_backup_is_kept(tmp_path):
    for number in (1, 2):
        (tmp_path / NOTES_FILE).write_text("no. " + str(number))
        assert Notes(tmp_path).put("hints", "a", 1)
    assert (tmp_path / "notes.damaged-1.json").read_text() == "no. 1"
    assert (tmp_path / "notes.damaged-2.json").read_text() == "no. 2"


def test_what_cannot_be_written_is_no_error(tmp_path):
    gone = Notes(tmp_path / "nowhere")
    assert gone.get("hints", "a") is None
    assert not gone.put("hints", "a", 1)
    assert not Notes(tmp_path).put("hints", "a", object())
    (tmp_path / NOTES_FILE).mkdir()
    assert Notes(tmp_path).get("hints", "a") is None
    assert Notes(tmp_path).put("hints", "a", 1)


def test_a_writer_that_is_stopped_leaves_what_there_was(tmp_path, monkeypatch):
    Notes(tmp_path).put("hints", "a", 1)

    def stopped(source, target):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", stopped)
        with pytest.raises(KeyboardInterrupt):
            Notes(tmp_path).put("hints", "a", 2)
    assert Notes(tmp_path).get("hints", "a") == 1
    assert [path.name for path in tmp_path.iterdir()] == [NOTES_FILE]


def test_a_run_that_is_to_leave_nothing_leaves_nothing(tmp_path, monkeypatch):
    Notes(tmp_path).put("hints", "a", 1)
    monkeypatch.setenv(NOTES_VARIABLE, "off")
    assert Notes(tmp_path).get("hints", "a") is None
    assert not Notes(tmp_path).put("hints", "a", 2)
    monkeypatch.delenv(NOTES_VARIABLE)
    assert Notes(tmp_path).get("hints", "a") == 1
