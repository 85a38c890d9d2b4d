"""`gradsheet`, the command: every subcommand here only parses and prints; the work is done elsewhere."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from grading.course.layout import Course

# What may go wrong because of what a person typed or has; everything else is a defect and shows its traceback.
_EXPECTED = (ValueError, OSError)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one subcommand; returns the exit status. An error that a person can mend is one line on stderr."""
    options = _parser().parse_args(argv)
    try:
        return int(options.run(options) or 0)
    except ModuleNotFoundError as error:
        return _complain(f"{error.name} is not installed; this command needs: pip install 'gradsheet[grader]'")
    except KeyboardInterrupt:
        return _complain("stopped; what was finished is kept")
    except _EXPECTED as error:
        return _complain(str(error))


def _complain(message: str) -> int:
    print(f"gradsheet: {message}", file=sys.stderr)
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="gradsheet",
        description="Exercise sheets on backpropagation: every gradient is checked, every wrong one explained.",
        epilog="A sheet is named in full (01_chain_rule), by its topic (chain_rule) or by its number (1).",
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_start(commands)
    _add_check(commands)
    _add_submit_check(commands)
    _add_doctor(commands)
    _add_new(commands)
    _add_edit(commands)
    _add_build(commands)
    _add_solutions(commands)
    _add_bundle(commands)
    _add_verify_course(commands)
    _add_grade(commands)
    _add_export(commands)
    _add_report(commands)
    _add_replay(commands)
    _add_demo(commands)
    return parser


Commands = argparse._SubParsersAction


def _command(
    commands: Commands[argparse.ArgumentParser], name: str, summary: str, details: str
) -> argparse.ArgumentParser:
    return commands.add_parser(name, help=summary, description=f"{summary[0].upper()}{summary[1:]}. {details}")


# --- students ----------------------------------------------------------------------------------------------------


def _add_start(commands: Commands[argparse.ArgumentParser]) -> None:
    command = _command(
        commands, "start", "take your own copy of a sheet", "A copy that is there already is never overwritten."
    )
    command.add_argument("sheet", help="which sheet")
    command.add_argument("--to", type=Path, default=Path("work"), help="folder for your copies (default: work)")
    command.add_argument(
        "--student", default="", help="your id in this course, for exercises that differ between students"
    )
    command.add_argument("--if-missing", action="store_true", help="do nothing if you have a copy already")
    command.add_argument("--lab", action="store_true", help="open it in JupyterLab")
    command.set_defaults(run=_start)


def _start(options: argparse.Namespace) -> None:
    from grading.course.start import is_anonymous, open_lab, start

    path, is_new = start(options.sheet, options.to, options.student, options.if_missing)
    print(f"{'Your copy' if is_new else 'You have a copy already'}: {path}")
    if is_anonymous(path):
        print("Some exercises have numbers of your own. So that your copy shows yours, say who you are:")
        print(f"  gradsheet start {options.sheet} --to {options.to} --student YOUR-ID")
    if options.lab:
        open_lab(path)
    print(f"Open it with: jupyter lab {path}")


def _add_check(commands: Commands[argparse.ArgumentParser]) -> None:
    command = _command(
        commands,
        "check",
        "run a notebook and say what its checks say",
        "A fresh kernel runs it from top to bottom; the file is left as it is. Exit status 1 if an answer is wrong.",
    )
    command.add_argument("notebook", type=Path, help="your copy, such as work/01_chain_rule/01_chain_rule.ipynb")
    command.set_defaults(run=_check)


def _check(options: argparse.Namespace) -> int:
    from grading.course.trial import try_out

    trial = try_out(options.notebook, _tell_cells)
    print(trial.text())
    return int(bool(trial.errors) or any(said.outcome == "wrong" for said in trial.verdicts.values()))


def _add_submit_check(commands: Commands[argparse.ArgumentParser]) -> None:
    command = _command(
        commands,
        "submit-check",
        "say what the marking will see of a notebook",
        "Runs it with the sheet's own graded cells in a fresh kernel, and lists what is not answered, what was changed "
        "and what fails; the file is left as it is. Exit status 1 if there is something to look at.",
    )
    command.add_argument("notebook", type=Path, help="your copy, such as work/01_chain_rule/01_chain_rule.ipynb")
    command.set_defaults(run=_submit_check)


def _submit_check(options: argparse.Namespace) -> int:
    from grading.course.trial import submit_check

    found = submit_check(options.notebook, _tell_cells)
    print(found.text())
    return int(bool(found.remarks))


def _tell_cells(number: int, total: int) -> None:
    """How far the run is, on a line that the next one overwrites; only for a person at a terminal."""
    if sys.stderr.isatty():
        print(f"\rcell {number} of {total}", end="\r" if number == total else "", file=sys.stderr, flush=True)


def _add_doctor(commands: Commands[argparse.ArgumentParser]) -> None:
    command = _command(
        commands, "doctor", "say what this computer lacks", "And the command that gets it. Exit status 1 if it does."
    )
    command.add_argument("--grader", action="store_true", help="look at what marking needs as well")
    command.set_defaults(run=_doctor)


def _doctor(options: argparse.Namespace) -> int:
    from grading.course.doctor import examine

    lacking = False
    for finding in examine(Path.cwd(), options.grader):
        print(finding, flush=True)
        lacking = lacking or finding.state == "missing"
    return int(lacking)


# --- instructors -------------------------------------------------------------------------------------------------


def _add_new(commands: Commands[argparse.ArgumentParser]) -> None:
    command = _command(
        commands,
        "new",
        "begin a sheet",
        "Writes its declaration and its master, which build as they are. Nothing that is there is overwritten.",
    )
    command.add_argument("name", help="its number and topic, such as 02_my_topic")
    command.add_argument("--course", action="store_true", help="make the current folder a course first")
    command.set_defaults(run=_new)


def _new(options: argparse.Namespace) -> None:
    from grading.course.scaffold import begin_course, check_name, new_sheet, the_course

    check_name(options.name)  # before a folder becomes a course for nothing
    course = begin_course(Path.cwd()) if options.course else the_course(options.name)
    declaration, master = new_sheet(course, options.name)
    print(f"Declaration: {declaration}\nMaster:      {master}")
    print(f"See it while you write: gradsheet edit {options.name}")


def _add_edit(commands: Commands[argparse.ArgumentParser]) -> None:
    command = _command(
        commands,
        "edit",
        "show a sheet while you write it",
        "At each change of its files: what its known answers come to, and a page of what students see, which reloads "
        "itself. Ctrl-C ends it.",
    )
    command.add_argument("sheet", help="which sheet")
    command.add_argument("--once", action="store_true", help="show it once and end")
    command.add_argument("--open", action="store_true", help="open the page in a browser")
    command.set_defaults(run=_edit)


def _edit(options: argparse.Namespace) -> None:
    from grading.course.edit import edit
    from grading.course.layout import Course

    course = Course.find()
    edit(course, course.require_sheet(options.sheet), options.once, options.open)


def _add_build(commands: Commands[argparse.ArgumentParser]) -> None:
    command = _command(
        commands,
        "build",
        "make solutions and assignments from the masters",
        "The same master gives the same files, byte for byte.",
    )
    command.add_argument("sheet", nargs="*", help="which sheets (default: all)")
    command.add_argument("--variant", type=int, help="release another set of the sheets, with this number")
    command.add_argument("--if-changed", action="store_true", help="leave sheets alone whose master has not changed")
    _add_processes(command)
    command.set_defaults(run=_build)


def _build(options: argparse.Namespace) -> int:
    from grading.course.build import build_and_tell
    from grading.course.layout import Course

    course = Course.find()
    work = partial(build_and_tell, course=course, variant=options.variant, only_if_changed=options.if_changed)
    return _tell_each(_sheets(course, options.sheet), work, options.processes)


def _add_solutions(commands: Commands[argparse.ArgumentParser]) -> None:
    command = _command(
        commands,
        "solutions",
        "make the set of solutions to hand out",
        "For each sheet the executed notebook, a page and its PDF, and an index. What has not changed is not executed "
        "again. A file that was not made here, or was changed, is never overwritten.",
    )
    command.add_argument("sheet", nargs="*", help="which sheets (default: all)")
    command.add_argument("--to", type=Path, default=Path("solution-set"), help="where (default: solution-set)")
    command.add_argument(
        "--pdf",
        action=argparse.BooleanOptionalAction,
        help="with PDFs or without (default: with, if there is Chromium)",
    )
    _add_processes(command)
    command.set_defaults(run=_solutions)


def _solutions(options: argparse.Namespace) -> int:
    from grading.course.layout import Course
    from grading.course.printing import BROWSERS, find_browser
    from grading.course.solution_set import add_solution, write_index

    course, browser = Course.find(), find_browser() if options.pdf is not False else ""
    names = _sheets(course, options.sheet)
    failed = _tell_each(
        names, partial(add_solution, course=course, folder=options.to, browser=browser), options.processes
    )
    print(f"Index: {write_index(course, options.to)}")
    if browser or options.pdf is False:
        return failed
    _complain(f"no PDF, as there is no Chromium on PATH ({', '.join(BROWSERS)}); the pages were made")
    return int(failed or bool(options.pdf))


def _add_bundle(commands: Commands[argparse.ArgumentParser]) -> None:
    command = _command(
        commands,
        "bundle",
        "make the archive to hand out",
        "The released sheets, the students' part of the package and how to start; no solution, no rubric. The same "
        "sheets give the same file, byte for byte.",
    )
    command.add_argument("sheet", nargs="*", help="which sheets (default: all)")
    command.add_argument("--to", type=Path, default=Path("bundle.zip"), help="where (default: bundle.zip)")
    command.set_defaults(run=_bundle)


def _bundle(options: argparse.Namespace) -> None:
    from grading.course.bundle import write_bundle
    from grading.course.layout import Course

    course = Course.find()
    names = _sheets(course, options.sheet)
    print(f"{', '.join(names)}\nArchive: {write_bundle(course, sorted(names), options.to)}")


def _add_processes(command: argparse.ArgumentParser) -> None:
    command.add_argument("--processes", type=int, default=2, help="how many sheets at a time (default: 2)")


def _sheets(course: Course, given: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(course.require_sheet(name) for name in given)) or course.sheet_names()


def _tell_each(names: Sequence[str], work: Callable[[str], str], processes: int) -> int:
    """Print a line per sheet as it is done; returns 1 if one of them could not be done."""
    from grading.course.parallel import for_each

    failed = 0
    for name, outcome in for_each(names, work, processes):
        if isinstance(outcome, Exception):
            failed = _complain(str(outcome))
        else:
            print(f"{name}: {outcome}", flush=True)
    return failed


def _add_verify_course(commands: Commands[argparse.ArgumentParser]) -> None:
    command = _command(
        commands,
        "verify-course",
        "put the sheets to the proof, in several variants",
        "Solutions must be right, untouched cells not attempted, every attempt of the master what it says, no exercise "
        "at fault, and nothing of a solution released. Exit status 1 if something is not so.",
    )
    command.add_argument("sheet", nargs="*", help="which sheets (default: all)")
    command.add_argument(
        "--variants", type=int, default=3, metavar="N", help="the released one and N - 1 more (default: 3)"
    )
    command.add_argument(
        "--seeds", type=int, default=1, metavar="N", help="look for faults at the points of N seeds each (default: 1)"
    )
    command.set_defaults(run=_verify_course)


def _verify_course(options: argparse.Namespace) -> int:
    from grading.course.layout import Course

    course, failed = Course.find(), 0
    names = _sheets(course, options.sheet)
    if not names:  # or else a build server would be content with nothing
        return _complain(f"there is no sheet in {course.root}; begin one with: gradsheet new 01_my_topic")
    for name in names:
        try:
            failed |= _verified(course, name, options.variants, options.seeds)
        except _EXPECTED as error:  # the other sheets are looked at all the same
            failed = _complain(str(error))
    return failed


def _verified(course: Course, name: str, variants: int, seeds: int) -> int:
    from grading.course.master import read_attempts
    from grading.course.proof import prove, shortfalls

    failed = 0
    for what, wrong in prove(course, name, variants, seeds):
        print(f"{name}, {what}: {f'{len(wrong)} to mend' if wrong else 'as it must be'}", flush=True)
        for line in wrong:
            print(f"  {line}")
        failed |= bool(wrong)
    for line in shortfalls(course.declared(name), read_attempts(course, name)):
        print(f"  could be known better: {line}")
    return failed


def _add_grade(commands: Commands[argparse.ArgumentParser]) -> None:
    command = _command(
        commands,
        "grade",
        "mark what was handed in",
        "Reads submitted/<student>/<sheet>/, writes nbgrader's gradebook and a feedback page per student. What was "
        "marked before and has not changed is left alone; marks given by hand are never touched.",
    )
    command.add_argument("sheet", nargs="*", help="which sheets (default: all for which something was handed in)")
    command.add_argument("--student", default="", help="mark this student alone")
    command.add_argument("--again", action="store_true", help="mark what has not changed as well")
    command.add_argument("--no-sandbox", action="store_true", help="run submissions unprotected: they can do anything")
    command.set_defaults(run=_grade)


def _grade(options: argparse.Namespace) -> int:
    from grading.course.layout import Course
    from grading.course.progress import grade_with_progress

    course = Course.find()
    names = list(dict.fromkeys(map(course.require_sheet, options.sheet)))
    return grade_with_progress(course, names, options.student, not options.no_sandbox, options.again)


def _add_export(commands: Commands[argparse.ArgumentParser]) -> None:
    command = _command(
        commands,
        "export",
        "make a page of a notebook",
        "One HTML file that needs no network and runs no script, with what the notebook shows.",
    )
    command.add_argument("notebook", type=Path, nargs="+", help="a notebook that has been run")
    command.add_argument("--to", type=Path, default=Path("pages"), help="folder for the pages (default: pages)")
    command.set_defaults(run=_export)


def _export(options: argparse.Namespace) -> None:
    from grading.course.pages import write_page

    for notebook in options.notebook:
        print(f"Page: {write_page(notebook, options.to)}")


def _add_report(commands: Commands[argparse.ArgumentParser]) -> None:
    command = _command(
        commands,
        "report",
        "write the report on the class",
        "One HTML page, and the same as CSV and JSON, in report/; on several sheets a section each, and an overview.",
    )
    command.add_argument("sheet", nargs="*", help="which sheets (default: all that were marked)")
    command.set_defaults(run=_report)


def _report(options: argparse.Namespace) -> None:
    from grading.course.layout import Course
    from grading.course.report import marked_sheets, write_report

    course = Course.find()
    names = list(dict.fromkeys(map(course.require_sheet, options.sheet))) or marked_sheets(course)
    print(f"Report: {write_report(course, *names)}")


def _add_replay(commands: Commands[argparse.ArgumentParser]) -> None:
    command = _command(
        commands,
        "replay",
        "look at one answer once more",
        "Runs a student's marked submission again, in the sandbox and with the seed of the marking, and shows the "
        "answer, its inputs and the verdict, also as a page in replay/. Exit status 1 if the marking said otherwise.",
    )
    command.add_argument("student", help="whose answer")
    command.add_argument("exercise", help="which exercise, such as chain.jacobian")
    command.add_argument("--sheet", default="", help="the sheet it belongs to, where several have such an exercise")
    command.add_argument("--no-sandbox", action="store_true", help="run the submission unprotected: it can do anything")
    command.set_defaults(run=_replay)


def _replay(options: argparse.Namespace) -> int:
    from grading.course.layout import Course
    from grading.course.replay import replay

    course = Course.find()
    found = replay(course, options.student, options.exercise, options.sheet, not options.no_sandbox)
    print(found.text())
    print(f"Page: {found.write(course.replayed)}")
    return int(not found.is_same)


def _add_demo(commands: Commands[argparse.ArgumentParser]) -> None:
    command = _command(
        commands,
        "demo",
        "build the course and grade a simulated class",
        "Everything is made in demo/ and can be thrown away. What is done already is not repeated.",
    )
    command.add_argument("--sheet", default="1", help="which sheet (default: 1)")
    command.add_argument("--to", type=Path, default=Path("demo"), help="where (default: demo)")
    command.set_defaults(run=_demo)


def _demo(options: argparse.Namespace) -> int:
    from grading.course.demo import demo
    from grading.course.layout import Course

    course = Course.find()
    return demo(course, course.require_sheet(options.sheet), options.to)


if __name__ == "__main__":
    sys.exit(main())
