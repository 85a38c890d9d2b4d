"""What the judge makes of the corpus: wrong answers caught, right ones passed, mistakes named.

PYTHONPATH=tests/verify python -m corpus [--seeds 3] [--half development] [--show]
"""

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from importlib.util import find_spec

from corpus import Answer, Problem, development, development_more, held_out
from grading.verify import Exercise, Verdict, verify
from grading.verify.diagnose import FAMILIES

HALVES = {"development": development.PROBLEMS + development_more.PROBLEMS, "held out": held_out.PROBLEMS}


@dataclass
class Count:
    """So many of so many, and which were not among them."""

    hits: int = 0
    of: int = 0
    missed: list[str] = field(default_factory=list)

    def add(self, hit: bool, name: str) -> None:
        self.of += 1
        self.hits += hit
        if not hit:
            self.missed.append(name)

    def __str__(self) -> str:
        return f"{self.hits:5d} of {self.of:4d}  {100 * self.hits / max(self.of, 1):5.1f} %"


ROWS = (
    "wrong answers caught, fresh points",
    "wrong answers caught, with edge points",
    "right answers passed, fresh points",
    "right answers passed, with edge points",
    "awkward right answers passed",
    "their wrong twins caught",
    "mistake named, first guess",
    "mistake named, any guess",
    "mistake named, family of the first",
    "right answers with no mistake named",
)


def table(problems: tuple[Problem, ...], seeds: range) -> dict[str, Count]:
    """Every count of the table over these problems and seeds."""
    counts = {row: Count() for row in ROWS}
    for seed in seeds:
        for problem in problems:
            for number, answer in enumerate(problem.right):
                _count_right(counts, problem, answer, f"{problem.exercise.id} right {number} seed {seed}", seed)
            for number, wrong in enumerate(problem.wrong):
                name = f"{problem.exercise.id} [{number}] seed {seed}: {wrong.label}"
                _count_wrong(counts, problem, wrong, name, seed)
    return counts


def _count_right(counts, problem, answer, name, seed):
    fresh, everywhere = _verdicts(problem.exercise, lambda: answer, seed)
    name = f"{name} -> {fresh.outcome}, {everywhere.outcome}"
    _count_passed(counts, problem, fresh.outcome == "right", everywhere.outcome == "right", name)
    counts["right answers with no mistake named"].add(not everywhere.causes, name)


def _count_passed(counts, problem, fresh, everywhere, name):
    counts["awkward right answers passed" if problem.awkward else ROWS[2]].add(fresh, name)
    if problem.exercise.edge_inputs is not None or not problem.awkward:
        counts["awkward right answers passed" if problem.awkward else ROWS[3]].add(everywhere, name)


def _count_caught(counts, problem, fresh, everywhere, name):
    if problem.awkward:
        counts["their wrong twins caught"].add(everywhere, name)
    counts["wrong answers caught, fresh points"].add(fresh, name)
    counts["wrong answers caught, with edge points"].add(everywhere, name)


def _count_wrong(counts, problem, wrong, name, seed):
    label = wrong.label
    fresh, everywhere = _verdicts(problem.exercise, lambda: wrong.answer, seed)
    _count_caught(counts, problem, fresh.outcome == "wrong", everywhere.outcome == "wrong", name)
    if everywhere.outcome != "wrong":
        return
    said = [cause.label for cause in everywhere.causes]
    name = f"{name} -> {', '.join(said) or 'nothing'}"
    counts["mistake named, first guess"].add(said[:1] == [label], name)
    counts["mistake named, any guess"].add(label in said, name)
    counts["mistake named, family of the first"].add(bool(said) and FAMILIES[said[0]] == FAMILIES[label], name)


def table_of_gradcheck(problems: tuple[Problem, ...], seeds: range, fast_mode: bool) -> dict[str, Count]:
    """The rows that torch.autograd.gradcheck can fill, over those of the problems that it can be asked."""
    from corpus import gradcheck

    counts = {row: Count() for row in ROWS[:6]}
    for problem in (problem for problem in problems if problem.exercise.asks in gradcheck.ASKED):
        for seed in seeds:
            for answer in problem.right:
                fresh, everywhere = gradcheck.passes(problem.exercise, answer, seed, fast_mode)
                _count_passed(counts, problem, fresh, everywhere, f"{problem.exercise.id} seed {seed}")
            for wrong in problem.wrong:
                fresh, everywhere = gradcheck.passes(problem.exercise, wrong.answer, seed, fast_mode)
                _count_caught(counts, problem, not fresh, not everywhere, f"{problem.exercise.id} {wrong.label}")
    return counts


def _verdicts(exercise: Exercise, new: Callable[[], Answer], seed: int) -> tuple[Verdict, Verdict]:
    """What is said without the exercise's edge points, and with them."""
    everywhere = verify(exercise, new(), seed)
    if exercise.edge_inputs is None:
        return everywhere, everywhere
    return verify(replace(exercise, edge_inputs=None), new(), seed), everywhere


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3, help="how many seeds")
    parser.add_argument("--half", choices=HALVES, help="one half of the corpus only")
    parser.add_argument("--show", action="store_true", help="name what was missed")
    options = parser.parse_args()
    for half, problems in HALVES.items():
        if options.half in (None, half):
            start = time.perf_counter()
            counts = table(problems, range(options.seeds))
            print(f"\n{half}: {len(problems)} problems, {options.seeds} seeds, {time.perf_counter() - start:.0f} s")
            _print(counts, options.show)
            for name, fast_mode in (("gradcheck", False), ("gradcheck, fast mode", True)) if find_spec("torch") else ():
                print(f"  torch.autograd.{name}, of the questions that it can be asked")
                _print(table_of_gradcheck(problems, range(options.seeds), fast_mode), options.show)


def _print(counts: dict[str, Count], show: bool) -> None:
    for row, count in counts.items():
        print(f"  {row:42s} {count}")
        for missed in count.missed if show else ():
            print(f"      {missed}")


if __name__ == "__main__":
    main()
