"""What the judge makes of the corpus: wrong answers caught, right ones passed, mistakes named.

PYTHONPATH=tests/verify python -m corpus [--seeds 3] [--half development] [--show]
"""

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

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
    kind = "awkward right answers passed" if problem.awkward else "right answers passed, fresh points"
    counts[kind].add(fresh.outcome == "right", f"{name} -> {fresh.outcome}")
    row = "awkward right answers passed" if problem.awkward else "right answers passed, with edge points"
    if problem.exercise.edge_inputs is not None or not problem.awkward:
        counts[row].add(everywhere.outcome == "right", f"{name} -> {everywhere.outcome}")
    counts["right answers with no mistake named"].add(not everywhere.causes, name)


def _count_wrong(counts, problem, wrong, name, seed):
    label = wrong.label
    fresh, everywhere = _verdicts(problem.exercise, lambda: wrong.answer, seed)
    if problem.awkward:
        counts["their wrong twins caught"].add(everywhere.outcome == "wrong", name)
    counts["wrong answers caught, fresh points"].add(fresh.outcome == "wrong", name)
    counts["wrong answers caught, with edge points"].add(everywhere.outcome == "wrong", name)
    if everywhere.outcome != "wrong":
        return
    said = [cause.label for cause in everywhere.causes]
    name = f"{name} -> {', '.join(said) or 'nothing'}"
    counts["mistake named, first guess"].add(said[:1] == [label], name)
    counts["mistake named, any guess"].add(label in said, name)
    counts["mistake named, family of the first"].add(bool(said) and FAMILIES[said[0]] == FAMILIES[label], name)


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
            for row, count in counts.items():
                print(f"  {row:42s} {count}")
                for missed in count.missed if options.show else ():
                    print(f"      {missed}")


if __name__ == "__main__":
    main()
