"""The report on a class as it is read: by everybody, in light and dark, wide and narrow, on paper, without network."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from axe import violations
from classroom import NAME, make_course
from reader import SCHEMES, asked_for, photograph, read_offline
from recorded import enter_sheet, record

from grading.course.layout import Course
from grading.course.report import write_report

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Course:
    course = make_course(tmp_path_factory.mktemp("report") / "course")
    enter_sheet(course)
    record(course, [f"student-{number:02d}" for number in range(30)], everything_by_hand=False)
    return course


@pytest.fixture(scope="module")
def report(course: Course) -> Path:
    return write_report(course, NAME)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("sheets", [[NAME], [NAME, NAME]], ids=["a sheet", "the class"])
def test_nobody_is_shut_out(sheets: list[str], scheme: str, course: Course, browser: Browser, pictures: Path) -> None:
    page = write_report(course, *sheets)
    with read_offline(browser, page, scheme) as reader:
        assert violations(reader) == []
        assert asked_for(reader) == []
        photograph(reader, pictures, f"report-{page.stem}-{scheme}")


def test_only_tables_scroll_sideways_and_by_keyboard(report: Path, browser: Browser) -> None:
    with read_offline(browser, report, "light") as reader:
        for width in (1280, 800, 400):
            reader.set_viewport_size({"width": width, "height": 900})
            assert reader.evaluate("document.documentElement.scrollWidth <= innerWidth")
        wide = reader.locator(".wide").evaluate_all("all => all.filter(e => e.scrollWidth > e.clientWidth).length")
        assert wide > 0
        assert reader.locator(".wide:not([tabindex])").count() == 0


def test_a_link_to_a_hint_opens_it(report: Path, browser: Browser) -> None:
    with read_offline(browser, report, "light") as reader:
        link = reader.locator("a[href^='#hint-']").first
        hint = reader.locator(f"[id='{link.get_attribute('href')[1:]}']")
        assert not hint.is_visible()
        link.click()
        assert hint.is_visible()


def test_on_paper_nothing_is_closed_or_dark(report: Path, browser: Browser) -> None:
    with read_offline(browser, report, "dark") as reader:
        reader.emulate_media(media="print", color_scheme="dark")
        page = reader.evaluate("getComputedStyle(document.documentElement).backgroundColor")
        assert page == "rgb(255, 255, 255)"
        assert reader.locator("details li").first.bounding_box()["height"] > 0


def test_the_plots_say_in_words_what_they_show(report: Path, browser: Browser) -> None:
    with read_offline(browser, report, "light") as reader:
        said = reader.locator("svg").evaluate_all("all => all.map(e => e.getAttribute('aria-label'))")
        assert all("percent" in words for words in said)
        assert len(said) == 2
