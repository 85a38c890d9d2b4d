"""What a submission says and shows cannot run in the browser of the person who reads it."""

import re
from html.parser import HTMLParser
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath, markdown2html_mistune
from nbformat import NotebookNode, from_dict
from nbformat.v4 import new_code_cell, new_output

from grading.course.inert import (
    inert_attachments,
    inert_outputs,
    inert_text,
    printed_text,
    shortened,
    without_links,
)
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


LINKS_IN_FORMULAS = [
    r"$\href{java}{x}$",
    r"$\def\x#1{\href{java#1}{click}}\x{script:alert(1)}$",
    r"$\let\y=\href\y{x}{x}$",
    r"$\require{html}\style{position: fixed}{x}$",
]


@pytest.mark.parametrize("text", LINKS_IN_FORMULAS)
def test_no_formula_holds_a_link_or_the_parts_of_one(text):
    assert not re.search(r"\\(href|require|style)", without_links(text))
    assert not re.search(r"\\(href|require|style)", inert_text(text))


def test_a_line_of_words_ends_somewhere():
    shown = inert_text("[" * 12_000 + "\nshort\n" + "b" * 5000)
    assert [len(line) for line in shown.split("\n")] == [5000, 5000, 2000, 5, 5000]
    assert inert_text(shown) == shown


ATTACHED = [
    "![x](attachment:a.png)",
    '![x](attachment:a.png "a title")',
    "![x](attachment:b.png)",
    "![x](attachment:a.png>)",
    "![x](attachment\\:b.png)",
    "![x](<attachment:a.png>)",
    "![x][1]\n\n[1]: attachment:a.png\n\n[2]: attachment:b.png",
    "![x](attachment:)",
    "![x](attachment:../a.png)",
    "![x](attachment:a.png&amp;)",
]


def page_of(text, attachments):
    return MarkdownWithMath(IPythonRenderer(escape=False, attachments=attachments)).render(text)


@pytest.mark.parametrize("text", ATTACHED)
def test_a_page_can_be_made_whatever_is_said_of_pictures(text):
    kept = inert_attachments({"a.png": {"image/png": "iVBORw0KGgo="}})
    page = page_of(inert_text(text, kept), kept)
    assert alive_in(page.replace("data:image/png", "")) == []


def test_a_picture_in_the_cell_is_shown():
    kept = inert_attachments({"a.png": {"image/png": "iVBORw0KGgo="}})
    assert 'src="data:image/png;base64,iVBORw0KGgo="' in page_of(inert_text(ATTACHED[0], kept), kept)


def test_of_sources_a_page_gets_what_it_can_hold():
    cells = [new_code_cell("x = 1"), new_code_cell("#" * 30_000), *(new_code_cell("y" * 20_000) for _ in range(60))]
    shortened(cells)
    assert cells[0].source == "x = 1"
    assert cells[1].source == "#" * 20_000 + "\n# ... (cut: 30000 characters were handed in)"
    assert sum(len(cell.source) for cell in cells) < 1_100_000


@given(st.text("ab\n\r", max_size=30), st.lists(st.integers(0, 30), max_size=4))
@example("50%\r60%\rdone\r\nnext", [4])
def test_in_how_many_pieces_something_is_printed_does_not_matter(text, cuts):
    places = [0, *sorted(cuts), len(text)]
    pieces = [text[start:end] for start, end in pairwise(places)]
    for name in ("stdout", "stderr"):
        at_once = inert_outputs([new_output("stream", name=name, text=text)], 1)
        assert inert_outputs([new_output("stream", name=name, text=piece) for piece in pieces], 1) == at_once
        shown = [line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n")]
        assert [line.rstrip("\r") for line in at_once[0].text.split("\n")] == shown


def test_a_line_without_end_is_cut_and_its_length_told():
    pieces = [new_output("stream", name="stdout", text="x" * 2**20) for _ in range(8)]
    (shown,) = inert_outputs(pieces, 1)
    assert shown.text == "x" * 20_000 + f"\n... (cut: {2**23} characters were printed)"
    assert printed_text(pieces) == shown.text


def test_of_outputs_without_end_the_first_are_kept():
    outputs = inert_outputs([new_output("display_data", data={"text/plain": "x"})] * 1500, 1)
    assert len(outputs) == 1001
    assert "1500 outputs" in outputs[-1].text


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
