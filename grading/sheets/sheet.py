"""What a sheet is: a title, its exercises, and the variant they are drawn for."""

from __future__ import annotations

import importlib
import importlib.util
import re
import sys
import unicodedata
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from traceback import extract_tb
from types import ModuleType

import numpy as np

from grading.answers.keys import NO_KEY, Key, Keyed
from grading.verify.item import Item

SETUP_CELL_ID = "setup"
_NAME = re.compile(r"\d\d_(?P<topic>[a-z0-9_]+)")


class SheetError(ValueError):
    """A sheet cannot be found or used as declared; the message says which, and what to change."""

    def _render_traceback_(self) -> list[str]:
        """What a notebook shows of it: the message, without the way it came."""
        return [f"{type(self).__name__}: {self}"]


@dataclass(frozen=True)
class Variant:
    """Which set of a sheet: the course's number for everybody, and the student for what differs between students."""

    number: int = 0
    student: str = ""

    def rng(self, what: str) -> np.random.Generator:
        """Random numbers for `what`, the same for the whole class."""
        return np.random.default_rng([self.number, zlib.crc32(what.encode())])

    def own_rng(self, what: str) -> np.random.Generator:
        """Random numbers for `what` that differ from student to student."""
        student = unicodedata.normalize("NFC", self.student)  # an umlaut is one, however a computer stores it
        return np.random.default_rng([self.number, zlib.crc32(what.encode()), zlib.crc32(student.encode())])


@dataclass(frozen=True)
class Prose:
    """A derivation or an explanation in words, marked by a person.

    `rubric` says what earns marks; it is for the person who marks and never reaches a student's notebook.
    """

    id: str
    points: float
    rubric: str

    @property
    def cell_id(self) -> str:
        """The id of the notebook cell that holds the answer."""
        return self.id.replace(".", "-")

    @property
    def cell_ids(self) -> tuple[str, ...]:
        """The same cell: words are answered and marked in one place."""
        return (self.cell_id,)


@dataclass(frozen=True)
class Sheet:
    """A sheet's title and its exercises, in the order of the notebook.

    `forbids` names what answers must do without, such as ("autodiff", "f"): a module of that name cannot be imported
    while the sheet is marked, and an answer that mentions or calls a function of that name is shown to a person. What
    only some answers must do without is forbidden by their exercises.

    Raises
    ------
    SheetError : two exercises would share a notebook cell's id ('a.b' and 'a-b' read the same)
    """

    title: str
    exercises: tuple[Item | Prose, ...]
    forbids: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "exercises", tuple(self.exercises))
        owner = {SETUP_CELL_ID: "the setup cell"}
        for item in self.exercises:
            for cell_id in item.cell_ids:
                if cell_id in owner:
                    raise SheetError(
                        f"sheet '{self.title}': {owner[cell_id]} and {item.id} both need a notebook cell called "
                        f"'{cell_id}'; rename one"
                    )
                owner[cell_id] = item.id

    def __getitem__(self, exercise_id: str) -> Item | Prose:
        for item in self.exercises:
            if item.id == exercise_id:
                return item
        known = [item.id for item in self.exercises]
        meant = [name for name in known if name.split(".")[-1] == exercise_id] or get_close_matches(
            str(exercise_id), known, 1
        )
        advice = f"did you mean '{meant[0]}'?" if meant else f"it has {', '.join(known)}"
        raise SheetError(f"sheet '{self.title}' has no exercise '{exercise_id}'; {advice}")

    @property
    def checked(self) -> tuple[Item, ...]:
        """The exercises that are checked by machine."""
        return tuple(item for item in self.exercises if isinstance(item, Item))

    def forbidden_to(self, item: Item) -> tuple[str, ...]:
        """What an answer to this exercise must do without."""
        return tuple(dict.fromkeys((*self.forbids, *item.forbids)))

    @property
    def keyed(self) -> tuple[Keyed, ...]:
        """The exercises that cannot be judged without a key."""
        return tuple(item for item in self.exercises if isinstance(item, Keyed) and item.needs_key)

    def with_keys(self, keys: Mapping[str, Key], why_not: str = NO_KEY) -> Sheet:
        """The sheet with the keys to its exercises, by id; `why_not` says why one is missing."""
        given = {item.id: item.with_key(keys.get(item.id, why_not)) for item in self.keyed}
        return replace(self, exercises=tuple(given.get(item.id, item) for item in self.exercises))

    @property
    def is_personal(self) -> bool:
        """Whether some exercise differs from student to student."""
        return any(exercise.is_personal for exercise in self.checked)

    @property
    def points(self) -> float:
        """The marks of the whole sheet."""
        return float(sum(item.points for item in self.exercises))


def load_sheet(name: str, variant: Variant | None = None, folders: Sequence[Path] = ()) -> Sheet:
    """The sheet called `name` ('01_chain_rule'), declared in `chain_rule.py` in one of `folders` or in this package.

    Raises
    ------
    SheetError : no such sheet, or its module fails or does not declare `sheet(variant) -> Sheet`
    """
    module = _module(name, folders)
    declare = getattr(module, "sheet", None)
    if not callable(declare):
        raise SheetError(f"{module.__file__} declares no function sheet(variant)")
    with _told_in_a_line(Path(str(module.__file__))):
        declared = declare(variant or Variant())
    if not isinstance(declared, Sheet):
        raise SheetError(f"{module.__file__}: sheet(variant) returned a {type(declared).__name__}, not a Sheet")
    return declared


def sheet_file(name: str, folders: Sequence[Path] = ()) -> Path:
    """The file in which a sheet is declared.

    Raises
    ------
    SheetError : no such sheet
    """
    return Path(str(_module(name, folders).__file__))


def _module(name: str, folders: Sequence[Path]) -> ModuleType:
    match = _NAME.fullmatch(name)
    if match is None:
        raise SheetError(f"'{name}' is not the name of a sheet; names look like 01_chain_rule")
    topic = match["topic"]
    for folder in folders:
        path = folder / f"{topic}.py"
        if path.exists():
            return _module_at(f"_gradsheet_sheet_{topic}", path)
    try:
        return importlib.import_module(f"grading.sheets.{topic}")
    except ModuleNotFoundError as error:
        if error.name != f"grading.sheets.{topic}":
            raise
        places = ", ".join(str(folder) for folder in folders) or "the package grading.sheets"
        raise SheetError(
            f"no sheet '{name}': {topic}.py was not found in {places}; a course of one's own has it in "
            f"sheets/{topic}.py, beside the notebook or in a folder above"
        ) from None


def _module_at(name: str, path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise SheetError(f"{path} cannot be imported")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and pickles inside look their module up by name
    with _told_in_a_line(path):
        spec.loader.exec_module(module)
    return module


@contextmanager
def _told_in_a_line(path: Path) -> Iterator[None]:
    """A slip in a declaration, with its line; what says itself what to mend stays as it is."""
    try:
        yield
    except (ValueError, OSError, ModuleNotFoundError):
        raise
    except Exception as error:
        lines = [frame.lineno for frame in extract_tb(error.__traceback__) if frame.filename == str(path)]
        where = f"{path}, line {lines[-1]}" if lines else str(path)
        raise SheetError(f"{where}: {type(error).__name__}: {' '.join(str(error).split())}") from error
