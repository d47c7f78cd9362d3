"""How long work is shown, on stderr: live on a terminal, else a plain line now and then."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from rich.progress import Progress, TaskID

    from composer.training import Watcher

QUIET_SECONDS = 2.0
LINE_SECONDS = 10.0
Item = TypeVar("Item")


def note(text: str) -> None:
    """One line for the person at the terminal; stderr, so that stdout holds only results."""
    click.echo(text, err=True)


# ---- composing ----------------------------------------------------------------------------------


def track(items: Iterable[Item], total: int, what: str) -> Iterator[Item]:
    """Pass the items on; what takes longer than two seconds is shown as it goes."""
    if sys.stderr.isatty():
        yield from _track_live(items, total, what)
        return
    last = time.monotonic()
    for done, item in enumerate(items, start=1):
        yield item
        if done < total and time.monotonic() - last > LINE_SECONDS:
            last = time.monotonic()
            note(f"{what}: {done} of {total}")


def _track_live(items: Iterable[Item], total: int, what: str) -> Iterator[Item]:
    """As ``track``, on a terminal; rich is imported only when there is something to show."""
    start = time.monotonic()
    iterator = iter(items)
    done = 0
    while time.monotonic() - start < QUIET_SECONDS:
        try:
            item = next(iterator)
        except StopIteration:
            return
        yield item
        done += 1
    with _bar() as progress:
        task = progress.add_task(what, total=total, completed=done, values="")
        for item in iterator:
            yield item
            progress.advance(task)


# ---- training -----------------------------------------------------------------------------------


@contextmanager
def watcher() -> Iterator[Watcher]:
    """What shows a training: live on a terminal, else as lines."""
    if not sys.stderr.isatty():
        yield LineWatcher()
        return
    with _bar() as progress:
        yield LiveWatcher(progress)


def _bar() -> Progress:
    """A live bar on stderr with the time left and room for values."""
    from rich import progress
    from rich.console import Console
    from rich.table import Column

    rest = Column(ratio=1, no_wrap=True, overflow="ellipsis")  # what the line has room for
    return progress.Progress(
        progress.TextColumn("{task.description}", table_column=Column(no_wrap=True)),
        progress.BarColumn(bar_width=20),
        progress.MofNCompleteColumn(),
        progress.TextColumn("left"),
        progress.TimeRemainingColumn(),
        progress.TextColumn("{task.fields[values]}", markup=False, table_column=rest),
        console=Console(stderr=True),
        expand=True,
        refresh_per_second=2,
        transient=True,
    )


class LiveWatcher:
    """Shows the phase at work as a bar, and each round as a line above it.

    Args:
        progress: a started display.
    """

    def __init__(self, progress: Progress) -> None:
        """Begin without a phase."""
        self.progress = progress
        self.task: TaskID | None = None

    def phase(self, name: str, total: int) -> None:
        """Replace the bar by one for a new phase of ``total`` steps."""
        if self.task is not None:
            self.progress.remove_task(self.task)
        self.task = self.progress.add_task(name, total=total, values="")

    def step(self, done: int, values: Mapping[str, float]) -> None:
        """Move the bar and show the latest values."""
        if self.task is not None:
            self.progress.update(self.task, completed=done, values=figures(values))

    def round(self, metrics: Mapping[str, Any]) -> None:
        """Print the measures of a finished round."""
        self.note(figures(metrics))

    def note(self, text: str) -> None:
        """Print a line above the bar."""
        self.progress.console.print(text, markup=False, highlight=False)


class LineWatcher:
    """Prints the state of the phase every ten seconds, and each round, for logs."""

    def __init__(self) -> None:
        """Begin without a phase."""
        self._name, self._total = "", 0
        self._first: int | None = None
        self._start = self._last = time.monotonic()

    def phase(self, name: str, total: int) -> None:
        """Say that a phase of ``total`` steps begins."""
        self._name, self._total, self._first = name, total, None
        self._start = self._last = time.monotonic()
        note(f"{name}: {total} steps")

    def step(self, done: int, values: Mapping[str, float]) -> None:
        """Print where the phase is, at most every ten seconds."""
        now = time.monotonic()
        if self._first is None:
            self._first = done - 1  # a resumed phase begins in its midst
        if now - self._last < LINE_SECONDS:
            return
        self._last = now
        # a rollback may lead back before the first step
        left = (now - self._start) * (self._total - done) / max(done - self._first, 1)
        told = [f"{done} of {self._total}", f"{_clock(left)} left", figures(values)]
        note(f"{self._name}: {', '.join(part for part in told if part)}")

    def round(self, metrics: Mapping[str, Any]) -> None:
        """Print the measures of a finished round."""
        note(figures(metrics))

    def note(self, text: str) -> None:
        """Print a line."""
        note(text)


def figures(values: Mapping[str, Any]) -> str:
    """Names and values in a line, floats to three digits; what is neither is left out."""
    return "  ".join(
        f"{name} {value:.3g}" if isinstance(value, float) else f"{name} {value}"
        for name, value in values.items()
        if isinstance(value, int | float | str)
    )


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"
