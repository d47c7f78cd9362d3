from __future__ import annotations

import threading
from functools import partial

import pytest

from composer.evaluation.parallel import at_once


def count_to(number, step):
    for place in range(number):
        step(place)
    return number


def test_results_come_in_the_order_of_the_jobs_and_every_step_is_counted():
    told = []
    found = at_once([partial(count_to, number) for number in (300, 1, 20)], told.append)
    assert found == [300, 1, 20]
    assert told == list(range(1, 322))
    assert at_once([], told.append) == []


def test_a_failure_ends_the_others():
    begun = threading.Event()

    def endless(step):
        while True:
            begun.set()
            step(None)

    def failing(_):
        begun.wait(10)
        message = "no more"
        raise ValueError(message)

    with pytest.raises(ValueError, match="no more"):
        at_once([failing, endless], lambda _: None)
