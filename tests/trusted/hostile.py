"""Submissions that try to get marks they have not earned, or to do harm; and odd ones that are nothing of the kind.

Each is a notebook on a small sheet of its own. `marks` are what each exercise must get, to the point; where an attack
breaks itself, how much is left depends on the moment, and `marks` are then the most it may get (`at_most`).
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import dataclass, field

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell

NAME = "01_small"
DECLARATION = """
from grading.sheets import Sheet
from grading.verify import Exercise


def sheet(variant):
    x = float(variant.own_rng("small.hand").choice([0.7, 1.3, 1.9]))
    return Sheet(
        "A small sheet",
        (
            Exercise(
                id="small.slope", function=lambda xp, x, a: xp.sin(a * x**2), wrt=("x",), points=1, draws=2,
                inputs=lambda rng: {"x": rng.uniform(0.5, 2.0), "a": rng.uniform(0.3, 1.5)},
            ),
            Exercise(
                id="small.norm", function=lambda xp, W, x: xp.sum((W @ x) ** 2), wrt=("W",), points=2, draws=2,
                inputs=lambda rng: {"W": rng.normal(size=(3, 5)), "x": rng.normal(size=5)},
            ),
            Exercise(
                id="small.value", function=lambda xp, x: xp.log(xp.sum(xp.exp(x))), asks="value", points=1, draws=2,
                inputs=lambda rng: {"x": rng.normal(size=6)},
            ),
            Exercise(
                id="small.hand", function=lambda xp, x: x**3, given={"x": x}, wrt=("x",), decimals=2, points=2,
                statement=f"What is the slope of $x^3$ at $x = {x:g}$? Give two decimals.",
            ),
        ),
        forbids=("autodiff", "sine"),
    )
"""
MASTER = """
# %% setup=true
import numpy as np

from grading.notebook import check, hint, open_sheet, show

open_sheet("01_small")

# %% answer="small.slope"
def slope(x, a):
    ### BEGIN SOLUTION
    return 2 * a * x * np.cos(a * x**2)
    ### END SOLUTION

# %% check="small.slope"
check("small.slope", slope)

# %% answer="small.norm"
def norm(W, x):
    ### BEGIN SOLUTION
    return 2 * np.outer(W @ x, x)
    ### END SOLUTION

# %% check="small.norm"
check("small.norm", norm)

# %% answer="small.value"
def value(x):
    ### BEGIN SOLUTION
    return np.log(np.sum(np.exp(x)))
    ### END SOLUTION

# %% check="small.value"
check("small.value", value)

# %% show="small.hand"
task = show("small.hand")
task

# %% answer="small.hand"
hand = None
### BEGIN SOLUTION
hand = round(3 * task.given["x"] ** 2, 2)
### END SOLUTION

# %% check="small.hand"
check("small.hand", hand)
"""
SOLUTION = {
    "slope": "def slope(x, a):\n    return 2 * a * x * np.cos(a * x**2)",
    "norm": "def norm(W, x):\n    return 2 * np.outer(W @ x, x)",
    "value": "def value(x):\n    return np.log(np.sum(np.exp(x)))",
    "hand": 'hand = round(3 * task.given["x"] ** 2, 2)',
}
FULL = {"slope": 1.0, "norm": 2.0, "value": 1.0, "hand": 2.0}
NOTHING = dict.fromkeys(FULL, 0.0)
SLEEP = "86395.125"  # what a process left behind would be told by
MARKER = "<script>alert('of-a-submission')</script>"

Change = Callable[[NotebookNode], None]


@dataclass(frozen=True)
class Case:
    """One submission: the answers in it, what else was done to the notebook, files beside it, and the marks due."""

    answers: dict[str, str] = field(default_factory=dict)
    change: tuple[Change, ...] = ()
    marks: dict[str, float] = field(default_factory=lambda: dict(NOTHING))
    at_most: bool = False
    files: dict[str, str | bytes] = field(default_factory=dict)
    raw: str | bytes | None = None

    def write(self, release: NotebookNode, folder) -> None:
        """Hand it in."""
        folder.mkdir(parents=True)
        notebook = copy.deepcopy(release)
        for cell in notebook.cells:
            topic = cell.id.removeprefix("small-").removesuffix("-answer")
            if cell.id.endswith("-answer") and topic in self.answers:
                cell.source = self.answers[topic]
        for change in self.change:
            change(notebook)
        text = nbformat.writes(notebook) + "\n" if self.raw is None else self.raw
        files = dict(self.files)
        if not any(name.endswith(".ipynb") for name in files):
            files[f"{NAME}.ipynb"] = text
        for name, content in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            content = text if content is RENAMED else content
            path.write_bytes(content if isinstance(content, bytes) else content.encode())


RENAMED = "the notebook under this name"


# --- what may be done to a notebook ------------------------------------------------------------------------------


def put(source: str, before: str = "small-slope-answer") -> Change:
    """A code cell of the student's own."""

    def change(notebook: NotebookNode) -> None:
        place = next(number for number, cell in enumerate(notebook.cells) if cell.id == before)
        notebook.cells.insert(place, new_code_cell(source, id=f"put-{place}"))

    return change


def append(source: str) -> Change:
    return lambda notebook: notebook.cells.append(new_code_cell(source, id="appended"))


def prose(source: str) -> Change:
    return lambda notebook: notebook.cells.append(new_markdown_cell(source, id=f"prose-{len(notebook.cells)}"))


def attached(name: str, kind: str, data: str) -> Change:
    """A Markdown cell with something in it, as JupyterLab makes it of a picture that is pasted."""

    def change(notebook: NotebookNode) -> None:
        notebook.cells.append(new_markdown_cell(f"![mine](attachment:{name})"))
        notebook.cells[-1]["attachments"] = {name: {kind: data}}

    return change


def metadata(**changes) -> Change:
    """Other metadata in every cell that nbgrader knows."""

    def change(notebook: NotebookNode) -> None:
        for cell in notebook.cells:
            if "nbgrader" in cell.metadata:
                cell.metadata.nbgrader.update(copy.deepcopy(changes))

    return change


def everywhere(**changes) -> Change:
    def change(notebook: NotebookNode) -> None:
        for cell in notebook.cells:
            cell.metadata.update(copy.deepcopy(changes))

    return change


def notebook_metadata(**changes) -> Change:
    return lambda notebook: notebook.metadata.update(copy.deepcopy(changes))


def graded_source(source: str) -> Change:
    """Another source in the cells that are graded."""

    def change(notebook: NotebookNode) -> None:
        for cell in notebook.cells:
            if cell.metadata.get("nbgrader", {}).get("grade"):
                cell.source = source

    return change


def twice(cell_id: str) -> Change:
    def change(notebook: NotebookNode) -> None:
        place = next(number for number, cell in enumerate(notebook.cells) if cell.id == cell_id)
        notebook.cells.insert(place + 1, copy.deepcopy(notebook.cells[place]))

    return change


def backwards(notebook: NotebookNode) -> None:
    notebook.cells = notebook.cells[::-1]


def without_metadata(notebook: NotebookNode) -> None:
    for cell in notebook.cells:
        cell.metadata = NotebookNode()


def without_graded_cells(notebook: NotebookNode) -> None:
    notebook.cells = [cell for cell in notebook.cells if not cell.metadata.get("nbgrader", {}).get("grade")]


def with_outputs(notebook: NotebookNode) -> None:
    """The outputs of a notebook that was marked in full, as if it had been run."""
    for cell in notebook.cells:
        if cell.cell_type == "code":
            data = {"text/plain": "2.0", "text/html": "Right"}
            cell.outputs = [nbformat.v4.new_output("execute_result", data=data, execution_count=1)]
            cell.execution_count = 1


def attack(source: str, **more) -> Case:
    """A cell of the student's own, and no answers."""
    return Case(change=(put(source),), **more)


def harm(source: str, **more) -> Case:
    """Right answers, and a cell that does harm after all of them."""
    return Case(dict(SOLUTION), (append(source),), **({"marks": FULL} | more))


def breaking(source: str, **more) -> Case:
    """Right answers, and a cell in between that breaks the kernel: what came before it counts."""
    marks = {"slope": 1.0, "norm": 2.0, "value": 0.0, "hand": 0.0}
    return Case(dict(SOLUTION), (put(source, "small-value-answer"),), **({"marks": marks} | more))


def answering(source: str, topic: str = "slope", mark: float = 0.0, **more) -> Case:
    """Right answers but for one, which is this."""
    return Case(SOLUTION | {topic: source}, marks=FULL | {topic: mark}, **more)


# --- marks that were not earned ----------------------------------------------------------------------------------

UNEARNED = {
    # patching what compares
    "patches-numpy-testing": attack(
        "import numpy.testing as t\nt.assert_allclose = t.assert_array_equal = lambda *a, **k: None\n"
        "np.allclose = np.array_equal = np.isclose = lambda *a, **k: True"
    ),
    "patches-ndarray-comparisons": attack(
        "import builtins, math\nbuiltins.abs = lambda x: 0.0\nmath.isclose = lambda *a, **k: True\n"
        "np.abs = np.max = np.sum = lambda *a, **k: np.float64(0)"
    ),
    "swaps-the-code-of-check": attack("check.__code__ = (lambda exercise_id, answer: 2.0).__code__"),
    "swaps-the-code-of-the-respondent": attack(
        "from grading.verify import respondent as r\n"
        "def ask(self, args, limit_s):\n"
        "    return Reply(tuple(args[:1]), tuple(args), Form('array', ('float64',)), None, 0.0)\n"
        "r.HomeRespondent.ask.__code__ = ask.__code__"
    ),
    "patches-the-wire": attack(
        "from grading.notebook import wire\nsend = wire.send\n"
        "wire.send = lambda connection, message: send(connection, {**message, 'mark': 2.0, 'outcome': 'right',"
        " 'verdict': {'mark': 2.0}, 'points': 2.0})"
    ),
    "answers-the-channel-itself": attack(
        "import os, socket\nfrom grading.notebook import wire\n"
        "for name in ('small.slope', 'small.norm', 'small.value', 'small.hand'):\n"
        "    s = socket.socket(socket.AF_UNIX); s.connect(os.environ['GRADSHEET_CHANNEL'])\n"
        "    wire.send(s, {'type': 'check', 'exercise': name, 'handed': ['function', 'function']})\n"
        "    print(wire.receive(s))"
    ),
    "answers-the-channel-from-a-thread": attack(
        "import os, socket, threading, time\nfrom grading.notebook import wire\n"
        "def flood():\n"
        "    while True:\n"
        "        try:\n"
        "            s = socket.socket(socket.AF_UNIX); s.connect(os.environ['GRADSHEET_CHANNEL']); s.settimeout(1)\n"
        "            wire.send(s, {'type': 'verdict', 'exercise': 'small.slope', 'mark': 1.0, 'outcome': 'right'})\n"
        "            s.close(); time.sleep(0.05)\n"
        "        except Exception: pass\n"
        "threading.Thread(target=flood, daemon=True).start()"
    ),
    "sits-down-in-the-channels-place": attack(
        "import os, socket\npath = os.environ['GRADSHEET_CHANNEL']\nos.rename(path, path + '-real')\n"
        "s = socket.socket(socket.AF_UNIX); s.bind(path); s.listen()"
    ),
    "redefines-check": attack("def check(*unused):\n    return 2.0"),
    "redefines-numpy": attack(
        "class np:\n    def __getattr__(self, name):\n        return lambda *a, **k: 0.0\nnp = np()"
    ),
    "traces-every-call": attack(
        "import sys, threading\ndef trace(frame, event, arg):\n"
        "    for name in ('mark', 'points', 'expected'):\n"
        "        if name in frame.f_locals: frame.f_locals[name] = 2.0\n"
        "    return trace\n"
        "sys.settrace(trace); threading.settrace(trace)"
    ),
    # looking for the answer
    "reads-the-callers-frames": answering(
        "import sys\ndef slope(x, a):\n    frame = sys._getframe()\n    while frame:\n"
        "        for name, thing in frame.f_locals.items():\n"
        "            if name in ('expected', 'benches', 'witnesses', 'seed'): return thing\n"
        "        frame = frame.f_back\n    return 0.0"
    ),
    "searches-all-objects": answering(
        "import gc\ndef slope(x, a):\n"
        "    for thing in gc.get_objects():\n"
        "        if type(thing).__name__ in ('Exercise', 'Sheet', '_Bench', 'Testimony'): return thing.function\n"
        "    return 0.0"
    ),
    "imports-the-declaration": answering(
        "def value(x):\n    from grading.sheets import load_sheet\n"
        "    return load_sheet('01_small')['small.value'].function(np, x)",
        "value",
    ),
    "reads-the-declaration": answering(
        "def value(x):\n    import glob\n"
        "    text = open(glob.glob('/**/sheets/small.py', recursive=True)[0]).read()\n"
        "    names = {}\n    exec(text, names)\n    return names['sheet'](None)['small.value'].function(np, x)",
        "value",
    ),
    "asks-the-public-judge": answering(
        "def slope(x, a):\n    from grading.verify.oracles import autodiff_witness\n    return autodiff_witness(x, a)"
    ),
    "reads-the-solutions": answering(
        "def hand_of():\n    import glob, json\n"
        "    for path in glob.glob('/**/solutions/**/*.ipynb', recursive=True):\n"
        "        exec(json.load(open(path))['cells'][1]['source'])\nhand = hand_of()",
        "hand",
    ),
    "copies-a-classmate": answering(
        "import glob\nhand = None\nfor path in glob.glob('/**/submitted/*/*/*.ipynb', recursive=True):\n"
        "    hand = 5.07",
        "hand",
    ),
    "keeps-a-library-of-guesses": answering("hand = [1.47, 5.07, 10.83]", "hand"),
    "calls-itself-somebody-else": Case(
        {"hand": "hand = round(3 * task.given['x'] ** 2 + 1, 2)"},
        files={"sheet.json": '{"sheet": "01_small", "student": "honest-plain", "variant": 3}'},
    ),
    # forbidden means
    "torch": answering(
        "def slope(x, a):\n    import torch\n    t = torch.tensor(x, requires_grad=True)\n"
        "    torch.sin(a * t**2).backward()\n    return t.grad.item()"
    ),
    "torch-by-another-name": answering(
        "def slope(x, a):\n    torch = __import__('to' + 'rch')\n    t = torch.tensor(float(x), requires_grad=True)\n"
        "    torch.sin(a * t**2).backward()\n    return t.grad.item()"
    ),
    "torch-in-another-process": answering(
        "def slope(x, a):\n    import subprocess, sys\n"
        "    code = f'import torch; t = torch.tensor({float(x)}, requires_grad=True);'\\\n"
        "        f'torch.sin({float(a)} * t**2).backward(); print(t.grad.item())'\n"
        "    return float(subprocess.check_output([sys.executable, '-c', code]))"
    ),
    "torch-from-another-place": answering(
        "def slope(x, a):\n    import glob, sys\n"
        "    sys.path[:0] = [p.rsplit('/', 2)[0] for p in glob.glob('/**/torch/autograd', recursive=True)]\n"
        "    import torch.autograd\n    return torch.autograd.functional.jacobian(lambda t: torch.sin(a * t**2), x)"
    ),
    "torch-without-import": answering(
        "def slope(x, a):\n    import ctypes, glob\n"
        "    ctypes.CDLL(glob.glob('/**/libtorch_python.so', recursive=True)[0])\n    return 0.0"
    ),
    "autodiff-where-it-is-forbidden": answering(
        "def slope(x, a):\n    import autodiff\n    return autodiff.grad(lambda t: np.sin(a * t**2))(x)"
    ),
    "autodiff-through-importlib": answering(
        "def slope(x, a):\n    import importlib, sys\n    sys.modules.pop('autodiff', None)\n"
        "    return importlib.import_module('autodiff').grad(lambda t: np.sin(a * t**2))(x)"
    ),
    "a-difference-quotient": answering(
        "def sine(x, a):\n    return np.sin(a * x**2)\n\n\n"
        "def slope(x, a, h=1e-6):\n    return (sine(x + h, a) - sine(x - h, a)) / (2 * h)",
        mark=0.0,
    ),
    "an-import-hook": attack(
        "import sys, types\nclass Hook:\n"
        "    def find_spec(self, name, path=None, target=None):\n        print('asked for', name)\n"
        "sys.meta_path.insert(0, Hook())\nfor name in [n for n in sys.modules if n.startswith('grading')]:\n"
        "    fake = types.ModuleType(name); fake.check = lambda *a: 2.0; sys.modules[name] = fake"
    ),
    # hooks of IPython
    "an-input-transformer": attack(
        "get_ipython().input_transformers_cleanup.append("
        "lambda lines: ['2.0\\n'] if any('check(' in line for line in lines) else lines)"
    ),
    "an-ast-transformer": attack(
        "import ast\nclass Replace(ast.NodeTransformer):\n"
        "    def visit_Call(self, node):\n        return ast.copy_location(ast.Constant(2.0), node)\n"
        "get_ipython().ast_transformers.append(Replace())"
    ),
    "hooks-around-every-cell": attack(
        "ip = get_ipython()\nfor event in ('pre_run_cell', 'post_run_cell', 'pre_execute', 'post_execute'):\n"
        "    ip.events.register(event, lambda *a: print(2.0))"
    ),
    "another-display-hook": attack(
        "import sys\nip = get_ipython()\nsys.displayhook = lambda value: print('2.0')\n"
        "ip.displayhook.__class__.__call__ = lambda self, result=None: ip.kernel.session.send(\n"
        "    ip.kernel.iopub_socket, 'execute_result', {'data': {'text/plain': '2.0'}, 'metadata': {},\n"
        "    'execution_count': 1}, parent=ip.kernel.get_parent())"
    ),
    "another-formatter": attack(
        "get_ipython().display_formatter.formatters['text/plain'].for_type(object, lambda o, p, c: p.text('2.0'))\n"
        "get_ipython().display_formatter.format = lambda *a, **k: ({'text/plain': '2.0'}, {})"
    ),
    "another-do-execute": attack(
        "kernel = get_ipython().kernel\nasync def do_execute(code, silent, *a, **k):\n"
        "    kernel.send_response(kernel.iopub_socket, 'execute_result', {'data': {'text/plain': '2.0'},\n"
        "        'metadata': {}, 'execution_count': 1})\n"
        "    return {'status': 'ok', 'execution_count': 1, 'payload': [], 'user_expressions': {}}\n"
        "kernel.do_execute = do_execute"
    ),
    "forged-results-for-later-cells": attack(
        "from IPython.display import display\nh = display('x', display_id='later')\n"
        "get_ipython().display_pub.publish(data={'text/plain': '2.0'}, metadata={}, update=True,"
        " transient={'display_id': 'later'})"
    ),
    "a-forged-count": attack(
        "ip = get_ipython()\nfor count in ('2.0', [[]], None, 10**30):\n"
        "    ip.kernel.session.send(ip.kernel.iopub_socket, 'execute_input', {'code': '', 'execution_count': count},"
        " parent=ip.kernel.get_parent())",
        at_most=True,
    ),
    "prints-what-a-mark-looks-like": answering(
        "from IPython.display import HTML, display\ndef slope(x, a):\n"
        "    print('1.0'); display(HTML('<b>Right: small.slope, 1 of 1 point</b>')); display(1.0)\n    return 0.0"
    ),
    "outputs-of-a-right-one": Case(change=(with_outputs,)),
    # values that are none
    "an-array-of-its-own-mind": answering(
        "class Liar(np.ndarray):\n    def __eq__(self, other): return np.ones(self.shape, bool)\n"
        "    __sub__ = __rsub__ = __abs__ = lambda self, *other: np.zeros(self.shape)\n"
        "def norm(W, x):\n    return np.zeros((3, 5)).view(Liar)",
        "norm",
    ),
    "a-number-of-its-own-mind": answering(
        "class Liar(float):\n    def __sub__(self, other): return 0.0\n    __rsub__ = __sub__\n"
        "    def __eq__(self, other): return True\n    __le__ = __lt__ = __ge__ = __gt__ = __eq__\n"
        "def slope(x, a):\n    return Liar(0.5)"
    ),
    "an-object-with-array": answering(
        "class Liar:\n    def __array__(self, *a, **k):\n        import os\n"
        "        return np.array(len(os.environ))\n"
        "def slope(x, a):\n    return Liar()"
    ),
    "not-a-number": answering("def slope(x, a):\n    return np.nan"),
    "an-endless-number": answering("def slope(x, a):\n    return 10**5000"),
    "an-endless-sequence": answering(
        "class Endless:\n    def __len__(self): return 2**40\n    def __getitem__(self, n): return 1.0\n"
        "def slope(x, a):\n    return Endless()"
    ),
    "a-huge-array": answering("def slope(x, a):\n    return np.ones(60_000_000)"),
    "a-deep-list": answering(
        "def slope(x, a):\n    deep = 1.0\n    for _ in range(100_000):\n        deep = [deep]\n    return deep"
    ),
    "a-pickle": answering(
        "class Bomb:\n    def __reduce__(self):\n        return (__import__('os')._exit, (3,))\n"
        "def slope(x, a):\n    return np.array([Bomb()], dtype=object)"
    ),
    "an-exception-that-talks": answering(
        f"class Talks(Exception):\n    def __str__(self):\n        return {MARKER!r} * 10**5\n"
        "def slope(x, a):\n    raise Talks()"
    ),
    "an-exception-that-fails": answering(
        "class Fails(Exception):\n    def __str__(self):\n        raise SystemExit\ndef slope(x, a):\n    raise Fails()"
    ),
    "leaves-instead-of-answering": answering("def slope(x, a):\n    raise SystemExit"),
    "another-answer-each-time": answering(
        "calls = []\ndef slope(x, a):\n    calls.append(x)\n"
        "    return 2 * a * x * np.cos(a * x**2) + (len(calls) > 2) * 1e-3",
        mark=0.5,
    ),
    "pinned-random-numbers": attack(
        "np.random.seed(0)\nclass Pinned:\n    def __getattr__(self, name): return lambda *a, **k: np.ones(3)\n"
        "np.random.default_rng = lambda *a: Pinned()"
    ),
    "alters-its-arguments": answering(
        "def norm(W, x):\n    right = 2 * np.outer(W @ x, x)\n    W[...] = 0\n    return right", "norm", mark=1.0
    ),
    # what a submission may not change
    "more-points": Case(change=(metadata(points=99.0, grade=True, solution=True, locked=False),)),
    "no-longer-graded": Case(change=(metadata(grade=False, locked=False),)),
    "another-grade-id": Case(change=(metadata(grade_id="small-slope"),), at_most=True),
    "an-old-schema": Case(change=(metadata(schema_version=1, checksum=None),)),
    "metadata-of-another-kind": Case(change=(everywhere(nbgrader=["grade"], tags=3, collapsed="yes"),), at_most=True),
    "cells-to-be-skipped": Case(change=(everywhere(tags=["skip-execution", "raises-exception", "remove_cell"]),)),
    "other-graded-cells": Case(change=(graded_source("2.0"),)),
    "another-kernel": Case(
        change=(
            notebook_metadata(
                kernelspec={"name": "bash", "display_name": "Bash", "language": "bash"}, language_info={"name": "bash"}
            ),
        )
    ),
    "a-kernel-of-its-own": Case(
        files={"kernel.json": json.dumps({"argv": ["touch", "{connection_file}"], "display_name": "x"})},
        change=(notebook_metadata(kernelspec={"name": "kernel", "display_name": "x"}),),
    ),
    "graded-cells-twice": Case(
        {"slope": "def slope(x, a):\n    return 1.0"}, (twice("small-slope"), twice("small-norm"))
    ),
    "checks-another-exercises-answer": Case(SOLUTION | {"norm": "norm = slope"}, marks=FULL | {"norm": 0.0}),
    "checks-before-it-is-asked": Case(
        {"slope": SOLUTION["slope"] + "\ncheck('small.slope', slope)\nslope = None"},
    ),
}

# --- harm --------------------------------------------------------------------------------------------------------

HARM = {
    "exits": breaking("import os\nos._exit(0)"),
    "exits-while-it-is-asked": Case(
        SOLUTION | {"value": "import os\ndef value(x):\n    os._exit(0)"}, marks=FULL | {"value": 0.0, "hand": 0.0}
    ),
    "asks-the-kernel-to-leave": breaking("get_ipython().ask_exit()\nexit()", at_most=True, marks=FULL),
    "becomes-another-program": breaking(f"import os\nos.execvp('sleep', ['sleep', '{SLEEP}'])"),
    "a-segmentation-fault": breaking("import ctypes\nctypes.string_at(0)"),
    "kills-its-parent": breaking("import os, signal\nos.kill(os.getppid(), signal.SIGKILL)", at_most=True, marks=FULL),
    "kills-everybody": breaking(
        "import os, signal\nos.killpg(0, signal.SIGTERM)\nos.kill(-1, signal.SIGKILL)", at_most=True, marks=FULL
    ),
    "stops-itself": breaking("import os, signal\nos.kill(os.getpid(), signal.SIGSTOP)"),
    "closes-every-file": breaking("import os\nos.closerange(3, 256)"),
    "never-ends": breaking(
        "while True:\n    try:\n        while True: pass\n    except BaseException: pass", at_most=True, marks=FULL
    ),
    "never-answers": answering(
        "def slope(x, a):\n    import signal, time\n    signal.setitimer = lambda *a: None\n"
        "    signal.signal(signal.SIGALRM, signal.SIG_IGN)\n    while True:\n        try: time.sleep(60)\n"
        "        except BaseException: pass",
        at_most=True,
    ),
    "waits-for-input": harm("input('your password, please: ')"),
    "processes-left-behind": harm(
        f"import subprocess\nfor _ in range(5):\n    subprocess.Popen(['sleep', '{SLEEP}'], start_new_session=True)"
    ),
    "a-process-that-hides": harm(
        f"import os\nif os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0:\n"
        f"        os.closerange(0, 256); os.execvp('sleep', ['sleep', '{SLEEP}'])\n    os._exit(0)"
    ),
    "a-bomb-of-processes": harm("import os\nwhile True:\n    try:\n        os.fork()\n    except OSError: pass"),
    "a-bomb-of-threads": harm(
        "import threading, time\nthreading.stack_size(2**16)\nwhile True:\n"
        "    try:\n        threading.Thread(target=time.sleep, args=[60], daemon=True).start()\n"
        "    except RuntimeError: time.sleep(0.01)"
    ),
    "all-the-memory": harm("hoard = []\nwhile True:\n    hoard.append(bytearray(b'x') * 2**26)"),
    "memory-in-many-processes": harm(
        "import os, time\nfor _ in range(5):\n    if os.fork() == 0:\n        x = bytearray(b'x') * (900 * 2**20)\n"
        "        time.sleep(60)"
    ),
    "memory-while-it-is-asked": answering("def slope(x, a):\n    return bytearray(b'x') * 2**33"),
    "all-the-disk": harm(
        "import itertools\nfor n in itertools.count():\n    open(f'part-{n}', 'wb').write(bytes(2**24))"
    ),
    "all-the-disk-elsewhere": harm(
        "import itertools, os\nfor n in itertools.count():\n"
        "    for place in ('/tmp', '/dev/shm', os.environ['HOME'], '/var/tmp', '/run'):\n"
        "        try: open(f'{place}/part-{n}', 'wb').write(bytes(2**24))\n        except OSError: pass"
    ),
    "files-without-end": harm("import itertools\nfor n in itertools.count():\n    open(str(n), 'w').close()"),
    "folders-without-end": harm("import os\nfor _ in range(5000):\n    os.mkdir('d' * 200)\n    os.chdir('d' * 200)"),
    "output-without-end": harm("while True:\n    print('spam ' * 10**5)"),
    "messages-without-end": harm("from IPython.display import display\nwhile True:\n    display('spam')"),
    "one-huge-message": harm("print('x' * 10**8)"),
    "pictures-without-end": harm(
        "from IPython.display import display\nwhile True:\n"
        "    display({'image/png': 'A' * 10**6, 'application/x-spam': ['y'] * 10**4}, raw=True)"
    ),
    "takes-the-devices-away": harm(
        "import os\nfor name in ('null', 'zero', 'random', 'urandom', 'tty', 'pts', 'pts/ptmx'):\n"
        "    try: os.utime(f'/dev/{name}', (0, 0)); os.chmod(f'/dev/{name}', 0)\n    except OSError: pass"
    ),
    "keeps-others-from-opening-files": harm(
        "import fcntl, glob, os, signal, time\nsignal.signal(signal.SIGIO, signal.SIG_IGN)\nkept = []\n"
        "for path in glob.glob(os.path.dirname(os.__file__) + '/*.py'):\n"
        "    try: kept.append(open(path)); fcntl.fcntl(kept[-1], fcntl.F_SETLEASE, fcntl.F_WRLCK)\n"
        "    except OSError: pass\ntime.sleep(1.5)"
    ),
    "replies-without-end": breaking(
        "connection = get_ipython().kernel.session._connection\n"
        'frame = b\'{"msg_type": "execute_reply", "content": {"status": "ok", "a": [\' + b\'{},\' * 10**6 + b\'0]}}\'\n'
        "while True: connection.sendall(len(frame).to_bytes(4, 'big') + frame)",
        at_most=True,
        marks=FULL,
    ),
    "the-network": harm(
        "import socket, urllib.request\n"
        "for family in (socket.AF_INET, socket.AF_INET6):\n"
        "    for port in [@PORT@]:\n"
        "        for host in ('127.0.0.1', '::1', '0.0.0.0', 'localhost'):\n"
        "            try: socket.create_connection((host, port), timeout=1).send(b'hello')\n"
        "            except OSError: pass\n"
        "            try: urllib.request.urlopen(f'http://{host}:{port}/', timeout=1)\n"
        "            except OSError: pass"
    ),
    "an-abstract-socket": harm(
        "import socket\ns = socket.socket(socket.AF_UNIX)\ntry: s.connect('\\0@ABSTRACT@')\nexcept OSError: pass"
    ),
    "the-gradebook": harm(
        "import glob, os, sqlite3\n"
        "for place in ('@ROOT@', '/', '/proc/1/root' + '@ROOT@', '/proc/self/cwd/../../..'):\n"
        "    for name in ('gradebook.db', 'ledger.db'):\n"
        "        try:\n            book = sqlite3.connect(os.path.join(place, name))\n"
        "            book.execute('UPDATE grade SET auto_score = 99, manual_score = 99')\n"
        "            book.execute('BEGIN EXCLUSIVE')\n        except Exception as error: print(error)"
    ),
    "other-peoples-files": harm(
        "import os, pathlib, shutil\nfor path in ('@ROOT@', '@CANARY@', '@PACKAGE@'):\n"
        "    shutil.rmtree(path, ignore_errors=True)\n    try: os.makedirs(path, exist_ok=True)\n"
        "    except OSError: pass\n"
        "    try: pathlib.Path(path, 'left-behind').write_text('x')\n    except OSError: pass"
    ),
    "the-folder-of-the-sockets": breaking(
        "import glob, os\nfolder = os.path.dirname(os.environ['GRADSHEET_CHANNEL']) + '/shared'\n"
        "for path in glob.glob(folder + '/*'):\n    os.unlink(path); os.symlink('@CANARY@' + '/canary', path)",
        at_most=True,
        marks=FULL,
    ),
    "floods-the-folder-of-the-sockets": breaking(
        "import os\nfolder = os.path.dirname(os.environ['GRADSHEET_CHANNEL']) + '/shared'\n"
        "for n in range(10**5):\n    open(f'{folder}/{n}', 'wb').write(bytes(2**20))",
        at_most=True,
        marks=FULL,
    ),
    "tells-secrets": harm(
        "import glob, os\nprint(dict(os.environ))\n"
        "for path in ('/proc/1/environ', '/proc/self/environ', '/etc/shadow',\n"
        "        '/etc/passwd', '@CANARY@' + '/canary', '@ROOT@' + '/nbgrader_config.py', "
        "os.path.expanduser('~/.ssh')):\n"
        "    try: print(open(path).read())\n    except OSError: pass\n"
        "for path in glob.glob('/proc/*/environ') + glob.glob('/proc/*/cmdline'):\n"
        "    try: print(open(path).read())\n    except OSError: pass"
    ),
    "breaks-out": harm(
        "import ctypes, os\nlibrary = ctypes.CDLL(None)\nprint(library.unshare(0x10000000), library.setns(3, 0))\n"
        "print(library.mount(b'none', b'/tmp', b'tmpfs', 0, None), library.ptrace(16, 1, 0, 0))\n"
        "for path in ('/proc/sys/kernel/core_pattern', '/proc/sysrq-trigger', '/sys/fs/cgroup/release_agent'):\n"
        "    try: open(path, 'w').write('|/bin/false')\n    except OSError: pass\n"
        "try: os.setuid(0); os.mknod('disk', 0o60600, os.makedev(254, 0)); open('disk').read()\nexcept OSError: pass"
    ),
    "startup-files-for-the-next": harm(
        "import os, pathlib\nfor home in (os.environ['HOME'], '/root', '/home', os.path.expanduser('~')):\n"
        "    folder = pathlib.Path(home, '.ipython/profile_default/startup')\n"
        "    try:\n        folder.mkdir(parents=True, exist_ok=True)\n"
        "        (folder / '00-mine.py').write_text('raise SystemExit')\n"
        "        pathlib.Path(home, '.bashrc').write_text('exit')\n    except OSError: pass"
    ),
    "packages-for-the-next": harm(
        "import os, site, sys\nfor place in [*sys.path, *site.getsitepackages(), os.path.dirname(np.__file__)]:\n"
        "    try: open(os.path.join(place, 'sitecustomize.py'), 'w').write('raise SystemExit')\n"
        "    except OSError: pass"
    ),
    "scripts-in-what-it-shows": harm(
        "from IPython.display import HTML, SVG, Javascript, Markdown, display\n"
        f"display(HTML({MARKER!r})); display(Javascript(\"alert('of-a-submission')\")); display(Markdown({MARKER!r}))\n"
        "display({'image/svg+xml': \"<svg onload='alert(1)'>of-a-submission</svg>\"}, raw=True)\n"
        f"print({MARKER!r})"
    ),
    "scripts-in-its-words": Case(
        dict(SOLUTION),
        (
            prose(f"Words.\n\n{MARKER}\n\n<img src=x onerror=\"alert('of-a-submission')\"> [x](javascript:alert('y'))"),
            prose("<iframe src='javascript:alert(1)'></iframe><style>body {display: none}</style>"),
        ),
        marks=FULL,
    ),
    "a-broken-message": breaking(
        "ip = get_ipython()\nfor content in ({}, {'name': 3}, {'data': 'x', 'metadata': 3}):\n"
        "    for kind in ('stream', 'display_data', 'execute_result', 'error', 'comm_open', 'clear_output'):\n"
        "        ip.kernel.session.send(ip.kernel.iopub_socket, kind, content, parent=ip.kernel.get_parent())",
        at_most=True,
        marks=FULL,
    ),
    "shadows-numpy": Case(dict(SOLUTION), files={"numpy.py": "raise SystemExit"}, marks=FULL, at_most=True),
    "shadows-the-kernel": Case(
        dict(SOLUTION), files={"ipykernel_launcher.py": "import time; time.sleep(5)"}, marks=FULL, at_most=True
    ),
    "shadows-our-packages": Case(
        {},
        files={
            "grading/__init__.py": "",
            "grading/notebook.py": "check = hint = show = open_sheet = lambda *a: 2.0",
            "autodiff.py": "",
        },
    ),
    "a-configuration-of-its-own": Case(
        dict(SOLUTION),
        files={
            "nbgrader_config.py": "c = get_config()\nc.MarkedExecute.sandbox = False\nraise SystemExit",
            ".ipython/profile_default/startup/00.py": "raise SystemExit",
            "conftest.py": "raise SystemExit",
            "sitecustomize.py": "raise SystemExit",
        },
        marks=FULL,
    ),
    "a-line-without-end": harm("import sys\nfor _ in range(12): sys.stdout.write('y' * 2**20)"),
    "code-without-end": harm("x = 1  # <>&\n" * 10**6),
    "an-answer-without-end": Case(
        SOLUTION | {"norm": SOLUTION["norm"] + "\n" + "# <>&\n" * 10**6}, marks=FULL | {"norm": 0.0}
    ),
    "much-code": Case(SOLUTION | {"norm": SOLUTION["norm"] + "\n" + "# <>&\n" * 10**5}, marks=FULL),
    "cells-without-end": Case(dict(SOLUTION), tuple(append("1") for _ in range(20_000)), FULL),
    "words-without-end": Case(
        dict(SOLUTION), tuple(prose(text) for text in ["\\begin{a}" * 5500, "[" * 50_000] * 9), FULL
    ),
    "files-beside-without-end": Case(
        dict(SOLUTION), marks=FULL, files={f"data-{n}.bin": bytes([n]) * (9 * 2**20) for n in range(15)}
    ),
    "answers-that-take-their-time": Case(
        SOLUTION
        | {
            "slope": "import time\n\n\ndef slope(x, a):\n    time.sleep(4.5)\n    return x * a",
            "norm": "def norm(W, x):\n    time.sleep(4.5)\n    return W * 0.5",
        },
        marks=FULL | {"slope": 0.0, "norm": 0.0},
    ),
    "links-that-a-formula-makes": Case(
        dict(SOLUTION),
        (
            prose(r"$\def\x#1{\href{java#1}{click}}\x{script:alert('of-a-submission')}$"),
            append(
                "from IPython.display import Latex, display\n"
                r"display(Latex(r'$\def\x#1{\href{java#1}{click}}\x{script:alert(1)}$'))"
            ),
        ),
        FULL,
    ),
    "attached-to-its-words": Case(dict(SOLUTION), (attached("a.svg", "image/svg+xml", f"<svg>{MARKER}</svg>"),), FULL),
    "broken-json": Case(raw='{"cells": [{"cell_type": "code", "source"'),
    "json-without-end": Case(raw="[" * 200_000),
    "json-of-another-kind": Case(raw='{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": {"a": 1}'),
    "not-text": Case(raw=b"\x00\xff\xfe" * 1000),
    "numbers-without-end": Case(raw='{"nbformat": ' + "9" * 10_000 + ', "cells": []}'),
    "an-empty-file": Case(raw=""),
}

# --- odd, but honest ---------------------------------------------------------------------------------------------

_LOOP = "def norm(W, x):\n    r = W @ x\n    return [[2 * a * b for b in x] for a in r]"


def _honest(change: tuple[Change, ...] = (), files: dict[str, str] | None = None, **answers: str) -> Case:
    return Case(SOLUTION | answers, change, FULL, files=files or {})


HONEST = {
    "plain": _honest(),
    "a-copied-test-cell": _honest((twice("small-slope"), twice("small-hand"))),
    "a-copied-answer-cell": _honest((twice("small-norm-answer"),)),
    "deleted-tests": _honest((without_graded_cells,)),
    "backwards": _honest((backwards,)),
    "lost-metadata": _honest((without_metadata,)),
    "old-outputs": _honest((with_outputs,)),
    "renamed": _honest(files={"my solution (2).ipynb": RENAMED}),
    "warnings": _honest(
        slope="import sys, warnings\n\n\ndef slope(x, a):\n    warnings.warn('old')\n    print('x', file=sys.stderr)\n"
        "    return 2 * a * x * np.cos(a * x**2)"
    ),
    "prints": _honest(value="def value(x):\n    print('x is', x)\n    return np.log(np.sum(np.exp(x)))"),
    "slow": _honest(
        slope="import time\n\n\ndef slope(x, a):\n    time.sleep(1.5)\n    return 2 * a * x * np.cos(a * x**2)"
    ),
    "lists": _honest(norm=_LOOP),
    "an-object": _honest(
        slope="class Slope:\n    def __call__(self, x, a):\n        return 2 * a * x * np.cos(a * x**2)"
        "\n\n\nslope = Slope()"
    ),
    "partial": _honest(
        slope="from functools import partial\n\n\ndef power(n, x, a):\n    return n * a * x * np.cos(a * x**n)\n\n\n"
        "slope = partial(power, 2)"
    ),
    "a-helper-beside-it": _honest(
        files={"helper.py": "import numpy as np\n\n\ndef lse(x):\n    return np.log(np.sum(np.exp(x)))\n"},
        value="from helper import lse\n\n\ndef value(x):\n    return lse(x)",
    ),
    "data-beside-it": _honest(
        (put("factor = float(open('data/factor.txt').read())"),),
        {"data/factor.txt": "2.0"},
        slope="def slope(x, a):\n    return factor * a * x * np.cos(a * x**2)",
    ),
    "own-cells-that-fail": _honest((put("1 / 0"), put("this is no Python"), append("undefined"))),
    "the-shell": _honest(
        (put("!echo 2 > factor\nfactor = float(open('factor').read())"),),
        slope="def slope(x, a):\n    return factor * a * x * np.cos(a * x**2)",
    ),
    "magics": _honest((put("%timeit -n1 -r1 sum(range(10))"), put("%%time\nx = 1"), append("!ls"))),
    "another-process": _honest(
        (put("import subprocess\nprint(subprocess.run(['echo', 'hello'], capture_output=True, text=True).stdout)"),)
    ),
    "threads": _honest(
        slope="from concurrent.futures import ThreadPoolExecutor\n\n\ndef slope(x, a):\n"
        "    with ThreadPoolExecutor(4) as pool:\n"
        "        return 2 * sum(pool.map(lambda v: v, [a * x * np.cos(a * x**2)]))"
    ),
    "a-picture": _honest(
        (
            append(
                "import base64\nfrom IPython.display import Image, display\ndisplay(Image(base64.b64decode("
                "'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==')))"
            ),
        )
    ),
    "much-memory-for-a-while": _honest((put("big = np.ones((5000, 5000)); big @ np.ones(5000); del big"),)),
    "files-of-its-own": _honest((put("np.save('mine.npy', np.ones(1000)); np.load('mine.npy').sum()"),)),
    "an-endless-loop-of-its-own": _honest((put("while True:\n    pass"),)),
    "tests-itself": _honest(
        (append("def f(x):\n    return np.sin(x)\n\n\nassert abs((f(1 + 1e-6) - f(1)) / 1e-6 - np.cos(1)) < 1e-5"),)
    ),
    "asks-itself-again": _honest((append("check('small.slope', slope)\ncheck('small.norm', lambda W, x: 0)"),)),
    "another-folder": _honest((put("import os\nos.makedirs('sub', exist_ok=True)\nos.chdir('sub')"),)),
    "signs-of-the-world": _honest(
        (prose("Ünïcödé ∂f/∂x, $a < b$ & <b>bold</b> 😀"), put("größe = '😀'\nprint(größe)"))
    ),
    "exits-halfway": _honest((put("exit()"), put("quit"))),
    "names-of-ours-taken-again": _honest((put("check = show = hint = open_sheet = 'mine'"),)),
    "prints-nowhere": _honest(
        (put("import sys\nsys.stdout = None"), put("sys.stdout = open('log', 'w'); sys.stdout.close()"))
    ),
    "a-widget": _honest(
        (put("try:\n    from ipywidgets import interact\n    interact(print, x=3)\nexcept ImportError: pass"),)
    ),
    "a-picture-in-its-words": _honest((attached("a.png", "image/png", "iVBORw0KGgo="),)),
    "shows-without-a-pause": _honest(
        (
            put(
                "import time\nfrom IPython.display import display\nend = time.monotonic() + 1.6\n"
                "while time.monotonic() < end: display('x')"
            ),
        )
    ),
    "strict-about-warnings": _honest((put("import warnings\nwarnings.simplefilter('error')\nnp.seterr(all='raise')"),)),
}
