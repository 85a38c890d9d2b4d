"""What a class did on one sheet, in numbers: from the gradebook, the ledger and what was handed in."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from grading.course.alike import Pair, alike
from grading.course.grade import Marks, read_marks
from grading.course.handed_in import opened_hints, read_answers
from grading.course.layout import Course, CourseError
from grading.course.roster import roster_ids
from grading.sheets import Prose, Sheet
from grading.trusted.ledger import GRADED, Intake, Ledger
from grading.verify import Verdict
from grading.verify.item import Item

LEAST_MARKED = 8  # below, a correlation says nothing
TOO_FEW = "too few"
NO_SPREAD = "no spread"
BY_HAND = "by hand"
NOT_EXPLAINED = "not explained"
IN_WORDS = "in words"
UNNAMED = (IN_WORDS, NOT_EXPLAINED)


@dataclass(frozen=True)
class ExerciseTally:
    """How the class did in one exercise.

    solved : the mean mark as a share of the points, None while marks by hand are missing or nothing was marked
    discrimination : the correlation with the marks in all other exercises, or why there is none
    outcomes : how many verdicts there are of each outcome
    """

    id: str
    points: float
    marked: int
    solved: float | None
    discrimination: float | str
    outcomes: Counter[str]


@dataclass(frozen=True)
class MistakeTally:
    """A mistake, who made it, the sentence that most of them were told, and the hint they were led to (0: none)."""

    exercise: str
    label: str
    students: tuple[str, ...]
    told: str
    hint: int


@dataclass(frozen=True)
class Task:
    """Something that a person should do or look at: why, in which exercise (if in one), whose work, and details."""

    why: str
    exercise: str
    students: tuple[str, ...]
    details: str = ""


@dataclass(frozen=True)
class Tally:
    """What is known of one sheet.

    marks : of everybody who was marked, by student
    verdicts : theirs, by student and exercise
    intakes : what became of each submission
    absent : who is on the roster and has handed in nothing
    opened : the highest hint that was opened, by student and exercise, of those who handed in their notes
    remarks : what the marking wants to be looked at, by student
    """

    name: str
    sheet: Sheet
    marks: list[Marks]
    verdicts: dict[str, dict[str, Verdict]]
    intakes: list[Intake]
    absent: list[str]
    opened: dict[str, dict[str, int]]
    remarks: dict[str, list[str]]
    course: Course

    @classmethod
    def of(cls, course: Course, name: str) -> Tally:
        """What is known of a sheet now.

        Raises
        ------
        CourseError : nothing was marked yet
        """
        ledger, sheet = Ledger(course.ledger), course.sheet(name)
        verdicts, in_book = ledger.verdicts(name), read_marks(course, name)
        intakes = _with_those_of_nbgrader(ledger.intakes(name), in_book, verdicts)
        if not intakes:
            raise CourseError(f"nothing was marked for {name} yet; run `gradsheet grade {name}`")
        graded = {intake.student for intake in intakes if intake.state == GRADED}
        marks = [row for row in in_book if row.student in graded]
        students = [row.student for row in marks]
        handed_in = {intake.student for intake in intakes}
        return cls(
            name,
            sheet,
            marks,
            {student: verdicts.get(student, {}) for student in students},
            intakes,
            sorted((roster_ids(course) or set()) - handed_in),
            opened_hints(course, name, students, sheet),
            {student: ledger.remarks(name, student) for student in students},
            course,
        )

    @staticmethod
    def has(course: Course, name: str) -> bool:
        """Whether anything was marked, or set aside."""
        ledger = Ledger(course.ledger)
        return bool(ledger.intakes(name) or ledger.verdicts(name))

    @property
    def set_aside(self) -> list[Intake]:
        """The submissions that could not be marked."""
        return [intake for intake in self.intakes if intake.state != GRADED]

    @property
    def totals(self) -> list[float]:
        """Everybody's mark on the whole sheet."""
        return [row.total for row in self.marks]

    @cached_property
    def exercises(self) -> list[ExerciseTally]:
        """A tally per exercise, in the sheet's order."""
        complete = [item for item in self.sheet.exercises if self._is_complete(item)]
        return [self._exercise(item, complete) for item in self.sheet.exercises]

    def _is_complete(self, item: Item | Prose) -> bool:
        return bool(self.marks) and all(row.by_cell.get(item.cell_id) is not None for row in self.marks)

    def _exercise(self, item: Item | Prose, complete: list[Item | Prose]) -> ExerciseTally:
        given = [mark for row in self.marks if (mark := row.by_cell.get(item.cell_id)) is not None]
        solved: float | None = None
        discrimination: float | str = BY_HAND
        if item in complete:
            solved = statistics.fmean(given) / item.points if item.points else None
            others = [other.cell_id for other in complete if other is not item]
            rest = [sum(row.by_cell[cell] or 0.0 for cell in others) for row in self.marks]
            discrimination = correlation(given, rest)
        outcomes = Counter(own[item.id].outcome for own in self.verdicts.values() if item.id in own)
        return ExerciseTally(
            item.id, item.points, len(given), solved, discrimination, Counter(dict(outcomes.most_common()))
        )

    @cached_property
    def mistakes(self) -> list[MistakeTally]:
        """What went wrong, by exercise and mistake; the commonest first."""
        found: dict[tuple[str, str, str], list[tuple[str, str, int]]] = {}
        for student, own in self.verdicts.items():
            for verdict in own.values():
                for label, told in _said_wrong(verdict):
                    key = (verdict.exercise, label, told if label == IN_WORDS else "")
                    found.setdefault(key, []).append((student, told, verdict.hint))
        place = {item.id: number for number, item in enumerate(self.sheet.exercises)}
        tallies = [_mistake(*key[:2], rows) for key, rows in found.items() if key[0] in place]
        return sorted(tallies, key=lambda row: (-len(row.students), place[row.exercise], row.label))

    @cached_property
    def hints(self) -> list[tuple[str, int, tuple[str, ...]]]:
        """Exercise, rung, and who has opened it, as they say themselves."""
        rungs = [(item.id, rung) for item in self.sheet.checked for rung in range(1, len(item.hints) + 1)]
        used = [
            (name, rung, tuple(s for s, own in self.opened.items() if own.get(name, 0) >= rung)) for name, rung in rungs
        ]
        return [row for row in used if row[2]]

    @cached_property
    def unattempted(self) -> list[tuple[str, tuple[str, ...]]]:
        """Exercise, and who of those who were marked has not attempted it."""
        rows = [
            (item.id, tuple(s.student for s in self.marks if not self._attempted(item, s)))
            for item in self.sheet.exercises
        ]
        return [row for row in rows if row[1]]

    def _attempted(self, item: Item | Prose, row: Marks) -> bool:
        if isinstance(item, Prose):
            mark = row.by_cell.get(item.cell_id, 0.0)  # nbgrader gives 0 by itself where nothing was written
            return mark is None or item.cell_id in row.by_hand
        verdict = self.verdicts[row.student].get(item.id)
        return verdict is not None and verdict.outcome != "not attempted"

    @cached_property
    def tasks(self) -> list[Task]:
        """What needs a person."""
        return [*self._to_mark(), *self._undecided(), *self._to_look_at(), *self._aside()]

    def _to_mark(self) -> Iterator[Task]:
        for item in self.sheet.exercises:
            waiting = tuple(row.student for row in self.marks if row.by_cell.get(item.cell_id, 0.0) is None)
            if waiting:
                yield Task("to mark by hand", item.id, waiting, "in nbgrader's formgrader")

    def _undecided(self) -> Iterator[Task]:
        for outcome, why in (("fault", "at fault"), ("inconclusive", "not decided")):
            for item in self.sheet.checked:
                own = {
                    s: v[item.id] for s, v in self.verdicts.items() if item.id in v and v[item.id].outcome == outcome
                }
                if own:
                    details = Counter(filter(None, (verdict.problem for verdict in own.values()))).most_common(1)
                    yield Task(why, item.id, tuple(own), details[0][0] if details else "")

    def _to_look_at(self) -> Iterator[Task]:
        for student, said in self.remarks.items():
            for remark in said:
                exercise, _, what = remark.partition(" ")
                yield Task("to look at", exercise, (student,), what)

    def _aside(self) -> Iterator[Task]:
        for intake in self.set_aside:
            yield Task(intake.state, "", (intake.student,), intake.reason)

    @property
    def mended(self) -> list[Intake]:
        """What was marked, and had something about it to be told."""
        return [intake for intake in self.intakes if intake.state == GRADED and intake.reason]

    @cached_property
    def pairs(self) -> list[Pair]:
        """Submissions that are more alike than is usual in this class."""
        cells = {item.id: item.answer_cell_id for item in self.sheet.checked}
        wrong = {
            s: [cells[v.exercise] for v in own.values() if v.outcome == "wrong" and v.exercise in cells]
            for s, own in self.verdicts.items()
        }
        answers = read_answers(self.course, self.name, list(self.verdicts), self.sheet)
        return alike(answers, wrong)


def correlation(marks: Sequence[float], rest: Sequence[float]) -> float | str:
    """Pearson's correlation of the marks in an exercise with those in all others, or why there is none.

    Source: item-rest correlation, as in classical test theory (Lord and Novick 1968, section 15).
    """
    if len(marks) < LEAST_MARKED:
        return TOO_FEW
    try:
        return statistics.correlation(marks, rest)
    except statistics.StatisticsError:
        return NO_SPREAD


def _with_those_of_nbgrader(
    intakes: list[Intake], in_book: list[Marks], verdicts: dict[str, dict[str, Verdict]]
) -> list[Intake]:
    """What was marked with plain `nbgrader autograde` is in no list of ours, but in gradebook and ledger."""
    known = {intake.student for intake in intakes}
    others = [row.student for row in in_book if row.student not in known and row.student in verdicts]
    return sorted([*intakes, *(Intake(student, GRADED, "") for student in others)], key=lambda intake: intake.student)


def _said_wrong(verdict: Verdict) -> list[tuple[str, str]]:
    """The mistakes that a verdict names, each with its sentence; that it names none is one too."""
    if verdict.outcome != "wrong":
        return []
    if verdict.causes:
        return list({cause.label: (cause.label, cause.text) for cause in reversed(verdict.causes)}.values())
    return [(IN_WORDS, verdict.problem)] if verdict.problem else [(NOT_EXPLAINED, "; ".join(verdict.known))]


def _mistake(exercise: str, label: str, rows: list[tuple[str, str, int]]) -> MistakeTally:
    students, told, hints = zip(*rows, strict=True)
    return MistakeTally(
        exercise, label, students, Counter(told).most_common(1)[0][0], Counter(hints).most_common(1)[0][0]
    )
