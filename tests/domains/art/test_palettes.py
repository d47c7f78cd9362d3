from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from composer.domains.art.palettes import PALETTES, fit_palette, lightness, parse_palette, rgb
from composer.errors import UsageError

COLOUR = st.integers(0, 0xFFFFFF).map("#{:06x}".format)


def luma(colours):
    return rgb(colours) @ np.array([0.299, 0.587, 0.114])


def test_there_are_a_dozen_palettes_and_no_two_are_the_same():
    assert len(PALETTES) >= 12
    assert len(set(PALETTES.values())) == len(PALETTES)


@pytest.mark.parametrize("name", PALETTES)
def test_a_palette_goes_from_dark_to_light_in_clear_steps(name):
    colours = PALETTES[name]
    assert len(colours) == 4
    light = lightness(rgb(colours))
    assert np.diff(light).min() >= 15
    assert light[0] < 20
    assert light[-1] > 90
    assert np.diff(luma(colours)).min() > 20  # in whichever way lightness is measured
    assert fit_palette(colours, 4) == colours
    assert parse_palette(f" {name.upper()} ") == colours


def test_hex_colours_are_read_in_every_spelling():
    assert parse_palette("#0B1D3A, e63946,#fff,123") == ("#0b1d3a", "#e63946", "#ffffff", "#112233")


@pytest.mark.parametrize("text", ["", "lagune", "#12", "#0b1d3a,,#fff", "#0b1d3a;#fff", "red,blue"])
def test_what_is_no_palette_is_refused_with_the_names(text):
    with pytest.raises(UsageError, match=r"not known.*'#0b1d3a.*lagoon.*cobalt"):
        parse_palette(text)


def test_the_wrong_number_of_colours_is_refused():
    with pytest.raises(UsageError, match="has 2 colours, but 4 are needed"):
        fit_palette(("#000000", "#ffffff"), 4)


def test_a_colour_that_comes_twice_is_refused():
    with pytest.raises(UsageError, match="has a colour twice"):
        fit_palette(("#000000", "#ffffff", "#000000"), 3)


@given(st.lists(COLOUR, min_size=1, max_size=16, unique=True))
def test_fitted_colours_are_the_same_ones_by_lightness(colours):
    fitted = fit_palette(colours, len(colours))
    assert sorted(fitted) == sorted(colours)
    assert (np.diff(lightness(rgb(fitted))) >= 0).all()
    assert parse_palette(",".join(colours)) == tuple(colours)


def test_lightness_is_that_of_cielab():
    colours = rgb(["#000000", "#ffffff", "#777777", "#ff0000", "#00ff00", "#0000ff"])
    known = [0, 100, 50.03, 53.24, 87.73, 32.30]
    assert lightness(colours) == pytest.approx(known, abs=0.02)
    assert lightness(colours.reshape(2, 3, 3)).shape == (2, 3)
