"""Plots as a notebook keeps them: the same bytes each time, with words for whoever cannot see them."""

import base64
import re

import numpy as np
import pytest
from matplotlib import pyplot

from grading.notebook import picture


def drawn():
    figure, axes = pyplot.subplots()
    axes.plot(np.arange(5), np.arange(5) ** 2, label="$x^2$")
    axes.legend()
    return picture(figure, 'A parabola, "rising" & smooth')


def test_the_same_plot_has_the_same_bytes():
    assert drawn() == drawn()


def test_the_last_bits_of_what_is_drawn_do_not_show():
    def curve(last):
        figure, axes = pyplot.subplots()
        axes.semilogy(np.exp(-np.arange(300) / 50) * (1 + last))
        return picture(figure, "A straight line").svg

    assert curve(0.0) == curve(1e-11)
    assert curve(0.0) != curve(1e-1)


def test_it_is_an_image_with_words_and_knows_dark_pages():
    shown = drawn()._repr_html_()
    assert 'alt="A parabola, &quot;rising&quot; &amp; smooth"' in shown
    svg = base64.b64decode(re.search(r"base64,([^\"]+)", shown)[1]).decode()
    assert svg == drawn().svg
    assert "prefers-color-scheme: dark" in svg
    assert "<dc:date>" not in svg
    assert repr(drawn()) == 'Picture: A parabola, "rising" & smooth'


def test_the_figure_is_closed_and_words_are_owed():
    before = pyplot.get_fignums()
    drawn()
    assert pyplot.get_fignums() == before
    with pytest.raises(ValueError, match="say in `alt`"):
        picture(pyplot.figure(), " ")
