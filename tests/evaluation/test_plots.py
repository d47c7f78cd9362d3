import math
from xml.etree import ElementTree as ET

import pytest

from composer.evaluation.columns import AUC, NOVELTY, Cell
from composer.evaluation.dial import REALISM, SETTINGS, Dial
from composer.evaluation.evaluate import PEOPLE, Evaluation
from composer.evaluation.plots import _shift, draw_dial, draw_plots


@pytest.fixture
def found():
    people = {AUC: Cell(0.5, 0.4, 0.6), "a": Cell(1, 0, 2), "b": Cell(1, 1, 1), "c": Cell(math.nan)}
    agent = {AUC: Cell(0.9, 0.8, 1.0), "a": Cell(3, 2, 4), "b": Cell(1, 1, 1), "c": Cell(1.0)}
    profiles = {PEOPLE: [0.1] * 8, "agent": [0.2] * 8}
    return Evaluation({PEOPLE: people, "agent": agent}, profiles, "agent")


def test_plots_are_pictures_that_need_nothing_and_are_the_same_again(found):
    plots = draw_plots(found)
    assert plots == draw_plots(found)
    assert len(plots) == 3
    row = tuple(Cell(x / 10, x / 11, x / 9) for x in range(11))
    rows = {REALISM: row[::-1], NOVELTY: row}
    dial = Dial(10, SETTINGS, rows, dict.fromkeys(rows, row[5]), Cell(1), Cell(1))
    assert draw_dial(dial) == draw_dial(dial)
    for data in (*plots.values(), *draw_dial(dial).values()):
        root = ET.fromstring(data)  # noqa: S314 - our own
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        links = [
            value for each in root.iter() for key, value in each.items() if key.endswith("href")
        ]
        assert all(link.startswith("#") for link in links)
        assert b"<dc:date" not in data


def test_a_shift_is_counted_in_half_widths_of_peoples_interval(found):
    assert _shift(found, "a") == (1, 2, 3)
    assert _shift(found, "b") is None  # people do not vary
    assert _shift(found, "c") is None
