"""A course of one sheet with an exercise of each kind that has a key, and a prediction."""

from classroom import ROOT

from grading.course.build import build
from grading.course.layout import CONFIG, Course

NAME = "01_kinds"
DECLARATION = '''
from grading.answers.bug import BugExercise
from grading.answers.choice import ChoiceExercise
from grading.answers.prediction import Prediction
from grading.sheets import Sheet
from grading.verify import Exercise

LONG = {"a": "One pass per input.", "b": "One pass per output.", "c": "It depends on the weather."}
CODE = """
def gradient(W, x):
    r = W @ x
    g = -2 * r
    return np.outer(g, x)
"""


def sheet(variant):
    return Sheet(
        "Kinds",
        (
            Prediction(id="kinds.guess", form="shape", happens=lambda: (3, 5), points=1),
            ChoiceExercise(id="kinds.one", options=LONG, points=2, hints=("Count the passes.",)),
            ChoiceExercise(
                id="kinds.some", statement="Which of these are linear?", several=True, partial=True, points=4,
                options={"sum": "$x + y$", "square": "$x^2$", "scale": "$3 x$", "exp": "$e^x$"},
            ),
            BugExercise(
                Exercise(
                    id="kinds.bug", function=lambda xp, W, x: xp.sum((W @ x) ** 2), wrt=("W",), points=4, draws=2,
                    inputs=lambda rng: {"W": rng.normal(size=(3, 5)), "x": rng.normal(size=5)},
                    statement="This is to return the gradient with respect to $W$.",
                ),
                code=CODE,
            ),
        ),
    )
'''
MASTER = """# %% setup=true
import numpy as np

from grading.notebook import check, hint, open_sheet, predict, reveal, show

open_sheet("01_kinds")

# %% answer="kinds.guess"
guess = None
### BEGIN SOLUTION
guess = (3, 5)
### END SOLUTION

# %% check="kinds.guess"
predict("kinds.guess", guess)

# %%
reveal("kinds.guess", np.zeros((3, 5)))

# %% answer="kinds.one"
one = None
### BEGIN SOLUTION
one = "b"
### END SOLUTION

# %% check="kinds.one"
check("kinds.one", one)

# %% attempt="kinds.one" expect="wrong" because="That is the way of forward mode."
one = "a"

# %% attempt="kinds.one" expect="right"
one = ["B"]

# %% show="kinds.some"
show("kinds.some")

# %% answer="kinds.some"
some = None
### BEGIN SOLUTION
some = {"sum", "scale"}
### END SOLUTION

# %% check="kinds.some"
check("kinds.some", some)

# %% attempt="kinds.some" expect="wrong" mark=2 because="And what of a sum?"
some = {"scale"}

# %% attempt="kinds.some" expect="wrong"
some = "sum, square"

# %% show="kinds.bug"
show("kinds.bug")

# %% answer="kinds.bug"
def gradient(W, x):
    r = W @ x
    g = -2 * r
    return np.outer(g, x)


line = None
### BEGIN SOLUTION
line = 3


def gradient(W, x):
    r = W @ x
    g = 2 * r
    return np.outer(g, x)


### END SOLUTION

# %% check="kinds.bug"
check("kinds.bug", gradient, line=line)

# %% attempt="kinds.bug" expect="wrong" mark=2 because="The product is as it should be."
line = 4


def gradient(W, x):
    r = W @ x
    g = 2 * r
    return np.outer(g, x)


# %% attempt="kinds.bug" expect="wrong" mark=2 cause="transposed"
line = 3


def gradient(W, x):
    return 2 * np.outer(x, W @ x)

"""


def write_course(root, declaration=DECLARATION, master=MASTER):
    """The course's own files; nothing is built."""
    (root / "solutions" / NAME).mkdir(parents=True)
    (root / "sheets").mkdir()
    (root / "sheets" / "kinds.py").write_text(declaration)
    (root / "solutions" / NAME / f"{NAME}.py").write_text(master)
    (root / CONFIG).write_text((ROOT / CONFIG).read_text() + "\nc.MarkedExecute.timeout = 2\n")
    return Course(root)


def make_kinds_course(root):
    """The course, built."""
    course = write_course(root)
    build(course, NAME)
    return course
