"""Several jobs at once, one on each processor; what they give does not depend on how many."""

from __future__ import annotations

import os
from concurrent.futures import FIRST_EXCEPTION, CancelledError, ThreadPoolExecutor, wait
from threading import Event, Lock
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Result = TypeVar("Result")


def at_once(
    jobs: Sequence[Callable[[Callable[[object], None]], Result]], progress: Callable[[int], None]
) -> list[Result]:
    """Run jobs in threads: the networks, which take the time, let go of the interpreter's lock.

    Args:
        jobs: each is given a function and calls it, with anything, at every step that it makes.
            They share nothing that they change.
        progress: is told how many steps all of them have made.

    Returns:
        What they return, in their order. Where one fails, or the program is interrupted, the others
        end at their next step, and the failure is raised.
    """
    stopped, lock, done = Event(), Lock(), 0

    def step(_: object) -> None:
        nonlocal done
        if stopped.is_set():
            raise CancelledError
        with lock:
            done += 1
            progress(done)

    pool = ThreadPoolExecutor(os.cpu_count())
    try:
        running = [pool.submit(job, step) for job in jobs]
        finished, _ = wait(running, return_when=FIRST_EXCEPTION)
        for job in finished:
            job.result()  # raises where it is the one that failed
        return [job.result() for job in running]
    finally:
        stopped.set()
        pool.shutdown(cancel_futures=True)
