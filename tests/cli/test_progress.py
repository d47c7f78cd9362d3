from __future__ import annotations

import io

import pytest
from rich.console import Console
from rich.progress import Progress, TextColumn

from composer.cli import progress


@pytest.fixture
def clock(monkeypatch):
    """A clock that the test sets."""
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def slow(clock, seconds: float, count: int):
    for number in range(count):
        clock[0] += seconds
        yield number


def test_what_is_quick_is_not_shown(clock, capsys):
    assert list(progress.track(slow(clock, 0.1, 5), 5, "composing")) == [0, 1, 2, 3, 4]
    assert capsys.readouterr().err == ""


def test_a_log_gets_a_line_every_ten_seconds(clock, capsys):
    assert len(list(progress.track(slow(clock, 6.0, 5), 5, "composing"))) == 5
    assert capsys.readouterr().err.splitlines() == ["composing: 2 of 5", "composing: 4 of 5"]


@pytest.mark.parametrize("seconds", [0.1, 1.5])
def test_a_terminal_gets_every_item_too(clock, monkeypatch, seconds):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    assert list(progress.track(slow(clock, seconds, 5), 5, "composing")) == [0, 1, 2, 3, 4]


def test_lines_tell_phase_place_time_left_and_values(clock, capsys):
    with progress.watcher() as watcher:
        watcher.phase("learn fragments", 100)
        watcher.step(1, {"loss": 1.0})
        clock[0] = 20.0
        watcher.step(25, {"loss": 0.123456})
        watcher.round({"round": 1, "total": 0.5, "detail": {}, "note": "best"})
        watcher.note("rolled back")
    assert capsys.readouterr().err.splitlines() == [
        "learn fragments: 100 steps",
        "learn fragments: 25 of 100, 0:01:00 left, loss 0.123",
        "round 1  total 0.5  note best",
        "rolled back",
    ]


@pytest.mark.parametrize(
    ("first", "later", "left"),
    [(71, 80, "0:00:40"), (1, 0, "0:33:20")],
    ids=["resumed", "rolled back to before the first step"],
)
def test_the_time_left_counts_only_what_was_done_here(clock, capsys, first, later, left):
    watcher = progress.LineWatcher()
    watcher.phase("learn fragments", 100)
    watcher.step(first, {})
    clock[0] = 20.0
    watcher.step(later, {})
    line = capsys.readouterr().err.splitlines()[-1]
    assert line == f"learn fragments: {later} of 100, {left} left"  # and no comma: no values


def test_the_live_display_shows_the_phase_and_keeps_the_notes():
    stream = io.StringIO()
    columns = [TextColumn("{task.description}"), TextColumn("{task.fields[values]}")]
    console = Console(file=stream, force_terminal=True, width=100)
    with Progress(*columns, console=console, auto_refresh=False) as display:
        watcher = progress.LiveWatcher(display)
        watcher.step(1, {})
        watcher.phase("learn fragments", 10)
        watcher.step(10, {"loss": 0.25})
        watcher.phase("compose and learn", 10)
        watcher.step(4, {"realism": 0.75})
        watcher.note("[odd] text")
    text = stream.getvalue()
    assert "[odd] text" in text
    assert "compose and learn realism 0.75" in text
    assert [task.completed for task in display.tasks] == [4]
