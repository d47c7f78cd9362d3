from __future__ import annotations

import threading
import time
from concurrent.futures import CancelledError, ThreadPoolExecutor
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


def test_an_interrupt_while_jobs_are_handed_out_ends_those_that_run(monkeypatch):
    ended = threading.Event()

    class Interrupted(ThreadPoolExecutor):
        def submit(self, *arguments):
            if self._threads:
                raise KeyboardInterrupt
            return super().submit(*arguments)

    def long(step):
        try:
            for _ in range(1000):
                step(None)
                time.sleep(0.01)
        except CancelledError:
            ended.set()

    monkeypatch.setattr("composer.evaluation.parallel.ThreadPoolExecutor", Interrupted)
    with pytest.raises(KeyboardInterrupt):
        at_once([long, long], lambda _: None)
    assert ended.is_set()
