"""What a submission says and shows cannot run in the browser of the person who reads it."""

import re
from html.parser import HTMLParser

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from nbconvert.filters.markdown_mistune import markdown2html_mistune
from nbformat import NotebookNode, from_dict
from nbformat.v4 import new_output

from grading.course.inert import inert_outputs, inert_text, printed_text
from grading.notebook.figures import Picture

RUNS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<SVG/onload=alert(1)>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](java&#115;cript:alert(1))",
    "[x](java&amp;#115;cript:alert(1))",
    "[x](javascript&colon;alert(1))",
    "[x](java&Tab;script:alert(1))",
    "[x](javascript\\:alert(1))",
    "[x][y]\n\n[y]: javascript:alert(1)",
    "<javascript:alert(1)>",
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
    "![x](javascript:alert(1))",
    "$\\href{javascript:alert(1)}{x}$",
    "$\\href{java\nscript:alert(1)}{x}$",
    "<a href='vbscript:x'>x</a>",
    "<!-- --><iframe srcdoc='<script>'>",
    "<style>* {display: none}</style>",
    "`<b>`\n```\n</code></pre><script>alert(1)</script>\n```",
    '![x" onerror="alert(1)](y)',
    "[x](y 'z\" onclick=\"alert(1)')",
]
ALIVE = {"script", "iframe", "object", "embed", "style", "svg", "form", "input", "base", "meta", "link"}


# As a browser reads it: tabs and new lines do not count, blanks do.
SCHEME = re.compile(
    r"\s*(" + "|".join(r"[\t\r\n]*".join(f"{name}:") for name in ("javascript", "vbscript", "data")) + ")", re.I
)


class Finder(HTMLParser):
    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attrs):
        links = [value for name, value in attrs if name in ("href", "src") and value]
        schemes = [link for link in links if SCHEME.match(link)]
        handlers = [name for name, _ in attrs if name.startswith("on")]
        self.found += schemes + handlers + [tag] * (tag in ALIVE)


def alive_in(page):
    finder = Finder()
    finder.feed(page)
    formulas = [link for link in re.findall(r"\\href\{([^}]*)", page) if SCHEME.match(link)]
    return finder.found + formulas


@pytest.mark.parametrize("text", RUNS)
def test_words_do_not_run(text):
    assert alive_in(markdown2html_mistune(inert_text(text))) == []


def test_without_that_most_of_them_would():
    assert sum(bool(alive_in(markdown2html_mistune(text))) for text in RUNS) >= len(RUNS) * 0.7


PIECES = [
    "<",
    ">",
    "script",
    "javascript",
    ":",
    "&",
    "#115;",
    "amp;",
    "[x](",
    ")",
    "'",
    '"',
    "onload=",
    "\n",
    " ",
    "$\\href{",
]


@given(st.lists(st.sampled_from(PIECES), max_size=25).map("".join))
@example("&amp;#106;avascript:")
def test_words_of_any_kind_do_not_run_and_made_inert_once_is_enough(text):
    once = inert_text(text)
    assert inert_text(once) == once
    assert alive_in(markdown2html_mistune(once)) == []


@pytest.mark.parametrize(
    "text", ["$a < b$ and $c > d$", "$$ \\begin{pmatrix} a & b \\\\ c & d \\end{pmatrix} $$", "a **b** `c` & d, 3 <4"]
)
def test_formulas_and_words_stay_as_they_are(text):
    assert inert_text(text) == text


DRAWING = Picture("<svg><path d='M0 0'/></svg>", 'what is "shown" & <said>')._repr_html_()
KEPT = {
    "text": new_output("display_data", data={"text/plain": "<b>"}),
    "printed": new_output("stream", name="stderr", text="careful"),
    "picture": new_output("display_data", data={"image/png": "iVBORw0KGgo=\n"}),
    "drawing": new_output("display_data", data={"text/html": DRAWING}),
    "formula": new_output("display_data", data={"text/latex": "$x^2$"}),
    "error": new_output("error", ename="ValueError", evalue="no", traceback=["a", "b"]),
}


@pytest.mark.parametrize("output", KEPT.values(), ids=KEPT)
def test_honest_outputs_are_kept(output):
    assert inert_outputs([output], 3) == [output]


def test_of_what_can_run_the_text_is_kept():
    data = {"text/html": "<script>", "application/javascript": "x", "image/svg+xml": "<svg>", "text/plain": "a table"}
    (kept,) = inert_outputs([new_output("execute_result", data=data, execution_count=7)], 3)
    assert (kept.data, kept.execution_count) == ({"text/plain": "a table"}, 3)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (">", "><script>alert(1)</script>"),
        ("<img", "<img onload=alert(1)"),
        ('alt="', 'alt="" onload="alert(1)'),
        ("image/svg+xml", "text/html"),
        ("data:image/svg+xml;base64,", "https://example.org/"),
        ("max-width:100%", "background:url(https://example.org)"),
        ("<img", "\n<img"),
    ],
)
def test_what_is_nearly_a_drawing_is_left_out(old, new):
    assert inert_outputs([new_output("display_data", data={"text/html": DRAWING.replace(old, new, 1)})], 3) == []


FORGED = [
    {"output_type": "stream", "name": 'x" onload="y', "text": "t"},
    {"output_type": "display_data", "data": {"image/png": '"><script>alert(1)</script>'}, "metadata": {}},
    {"output_type": "display_data", "data": {"image/png": ["iVBO", 3]}, "metadata": {}},
    {"output_type": "display_data", "data": {"text/plain": {"a": 1}}, "metadata": {}},
    {"output_type": "display_data", "data": {"image/png": "aaaa"}, "metadata": {"image/png": {"width": "1 onload=x"}}},
    {"output_type": "execute_result", "data": {"text/plain": "1"}, "metadata": {}, "execution_count": "<script>"},
    {"output_type": "unheard of"},
    {"output_type": "error", "ename": 3, "evalue": None, "traceback": "no list"},
    {"output_type": "error", "ename": "E" * 10**6, "evalue": "e" * 10**6, "traceback": ["t" * 10**6] * 1000},
]


@pytest.mark.parametrize("forged", FORGED)
def test_forged_outputs_are_left_out_or_built_anew(forged):
    kept = inert_outputs([from_dict(forged)], None)
    assert len(str(kept)) < 3 * 10**6
    assert not re.search("onload|<script", str(kept))


def test_what_was_printed_is_one_text_and_cut():
    outputs = [new_output("stream", name=name, text=name * 3000) for name in ("stdout", "stderr")] + [KEPT["picture"]]
    assert printed_text(outputs).startswith("stdoutstdout")
    assert len(printed_text(outputs)) < 21_000
    assert printed_text([NotebookNode({"output_type": "stream", "name": 3, "text": 4})]) == ""
