import numpy as np
import pytest

from composer.evaluation.reference import compare


def test_a_figure_among_those_of_people():
    human = np.arange(101.0)
    wanted = {"median": 50.0, "low": 2.5, "high": 97.5, "as_much": 26 / 101}
    assert compare(75, human) == pytest.approx(wanted)
    assert compare(101, human)["as_much"] == 0
    assert compare(0, human)["as_much"] == 1
