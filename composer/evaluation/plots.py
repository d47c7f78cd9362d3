"""Plots of an evaluation, as SVG that needs no fonts; with matplotlib, an optional extra."""

from __future__ import annotations

import io
import math
from typing import TYPE_CHECKING, Any

from composer.evaluation.columns import AUC, NOVELTY
from composer.evaluation.dial import REALISM
from composer.evaluation.evaluate import PEOPLE
from composer.evaluation.form import LAGS

if TYPE_CHECKING:
    from collections.abc import Callable

    from matplotlib.axes import Axes

    from composer.evaluation.columns import Cell
    from composer.evaluation.dial import Dial
    from composer.evaluation.evaluate import Evaluation

WIDTH, BAR = 9.0, 0.4  # inches: of a plot, and of a line of it
# Okabe and Ito (2008), distinct for the colour-blind
ALIKE, UNLIKE, GREY = "#009e73", "#d55e00", "#8a8c94"
LINES = ("#26282f", "#0072b2", "#e69f00", "#cc79a7", "#56b4e9", "#f0e442", "#8a8c94")

ABOVE: dict[str, Any] = {
    "loc": "lower center",
    "bbox_to_anchor": (0.5, 1),
    "ncols": 2,
    "frameon": False,
}


def draw_plots(found: Evaluation) -> dict[str, bytes]:
    """All plots: caption -> SVG, the same bytes for the same evaluation.

    Raises ImportError where matplotlib is not installed.
    """
    rows = [row for row in found.rows if _shift(found, row) is not None]
    columns = len(found.columns)
    return {
        "How well a judge tells each column from people (AUC; .5: not at all)": _plot(
            lambda axes: _judged(axes, found), height=BAR * columns + 1
        ),
        "Share of places equal to the place so many before": _plot(
            lambda axes: _profiles(axes, found)
        ),
        f"How far {found.subject} is from people, row by row, in half widths of people's interval "
        "(from -1 to 1: within it)": _plot(
            lambda axes: _shifts(axes, found, rows), height=BAR / 2 * len(rows) + 1
        ),
    }


def draw_dial(dial: Dial) -> dict[str, bytes]:
    """The plot of the dial, as ``draw_plots``."""
    caption = "What the dial does to realism and novelty, and what it offers of both at once"
    return {caption: _plot(lambda axes: _turned(axes, dial), lambda axes: _front(axes, dial))}


def _plot(*draws: Callable[[Axes], None], height: float = 4.0) -> bytes:
    """Plots side by side as SVG, with nothing in it that names a time or a place."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context({"svg.hashsalt": "composer", "font.size": 10}):
        figure = Figure(figsize=(WIDTH, height), layout="constrained")
        for number, draw in enumerate(draws, start=1):
            axes = figure.add_subplot(1, len(draws), number)
            axes.spines[["top", "right"]].set_visible(False)
            draw(axes)
        buffer = io.BytesIO()
        nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        figure.savefig(buffer, format="svg", metadata=nothing)
    return buffer.getvalue()


def _judged(axes: Axes, found: Evaluation) -> None:
    """The headline of each column."""
    for place, (name, cells) in enumerate(found.columns.items()):
        cell, alike = cells[AUC], name == PEOPLE or found.alike(name, AUC)
        axes.plot([cell.low, cell.high], [place, place], color=ALIKE if alike else UNLIKE, lw=3)
        axes.plot([cell.value], [place], "o", color=ALIKE if alike else UNLIKE)
    axes.axvline(0.5, color=GREY, lw=1)
    axes.set_yticks(range(len(found.columns)), list(found.columns))
    axes.invert_yaxis()


def _profiles(axes: Axes, found: Evaluation) -> None:
    """What comes back, and how far away."""
    for number, (name, profile) in enumerate(found.profiles.items()):
        bold = name in {PEOPLE, found.subject}
        colour = LINES[number % len(LINES)]
        style = "-" if number < len(LINES) else "--"  # there are more columns than colours
        width = 2.5 if bold else 1
        axes.plot(LAGS, profile, style, color=colour, lw=width, marker="o", ms=3, label=name)
    axes.set_xticks(LAGS)
    axes.set_xlabel("places before")
    axes.set_ylim(bottom=0)
    axes.legend(frameon=False)


def _shifts(axes: Axes, found: Evaluation, rows: list[str]) -> None:
    """Each row of what is evaluated beside people's."""
    for place, row in enumerate(rows):
        colour = ALIKE if found.alike(found.subject, row) else UNLIKE
        low, middle, high = _shift(found, row) or (math.nan,) * 3
        axes.plot([low, high], [place, place], color=colour, lw=2)
        axes.plot([middle], [place], "o", color=colour, ms=4)
    axes.axvspan(-1, 1, color=GREY, alpha=0.2, lw=0)
    axes.set_xscale("symlog", linthresh=2)
    axes.xaxis.set_major_formatter("{x:g}")
    axes.set_yticks(range(len(rows)), rows)
    axes.set_ylim(len(rows) - 0.5, -0.5)


def _turned(axes: Axes, dial: Dial) -> None:
    """Realism and novelty at each setting; dashed, those of people."""
    for name, colour in ((REALISM, LINES[1]), (NOVELTY, LINES[2])):
        low, value, high = _lines(dial.rows[name])
        axes.fill_between(dial.settings, low, high, color=colour, alpha=0.2, lw=0)
        axes.plot(dial.settings, value, color=colour, lw=2, marker="o", ms=4, label=name)
        axes.axhline(dial.people[name].value, color=colour, lw=1, ls="--")
    axes.plot([], [], color=GREY, lw=1, ls="--", label=PEOPLE)
    axes.set_xlabel("dial")
    axes.set_ylim(-0.02, 1.02)
    axes.legend(**ABOVE)


def _front(axes: Axes, dial: Dial) -> None:
    """Realism against novelty; the area that the hypervolume counts is shaded."""
    (left, x, right), (low, y, high) = (_lines(dial.rows[name]) for name in (REALISM, NOVELTY))
    for across, up in zip(x, y, strict=True):
        axes.fill_between([0, across], 0, up, color="#e3e0da", lw=0)
    axes.hlines(y, left, right, color=GREY, lw=1, alpha=0.4)
    axes.vlines(x, low, high, color=GREY, lw=1, alpha=0.4)
    axes.plot(x, y, color=LINES[0], lw=1, marker="o", ms=4, label="the dial")
    for number in (0, len(x) - 1):
        place = (x[number], y[number])
        axes.annotate(f"{dial.settings[number]:g}", place, (6, 4), textcoords="offset points")
    people = (dial.people[name].value for name in (REALISM, NOVELTY))
    axes.plot(*([end] for end in people), "*", color=ALIKE, ms=12, label=PEOPLE)
    axes.set_xlabel(REALISM)
    axes.set_ylabel(NOVELTY)
    axes.set_xlim(0, 1.05)
    axes.set_ylim(0, 1.02)
    axes.legend(**ABOVE)


def _lines(row: tuple[Cell, ...]) -> tuple[list[float], list[float], list[float]]:
    """Lower ends, figures and upper ends."""
    return [cell.low for cell in row], [cell.value for cell in row], [cell.high for cell in row]


def _shift(found: Evaluation, row: str) -> tuple[float, float, float] | None:
    """A row's figure and interval, in half widths of people's interval from its middle."""
    cell, people = found.columns[found.subject][row], found.columns[PEOPLE][row]
    half = (people.high - people.low) / 2
    if cell.meets(people) is None or not half > 0:
        return None
    middle = (people.high + people.low) / 2
    low, value, high = ((end - middle) / half for end in (cell.low, cell.value, cell.high))
    return low, value, high
