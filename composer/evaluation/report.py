"""An evaluation for people: one page of HTML that needs neither network nor script."""

from __future__ import annotations

import base64
import math
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, Any

from composer.evaluation.columns import AUC, NOVELTY, RUN, Cell
from composer.evaluation.dial import REALISM
from composer.evaluation.evaluate import PEOPLE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from composer.evaluation.dial import Dial
    from composer.evaluation.evaluate import Evaluation

FORMAT = 1  # of the JSON form; raise it whenever a field changes its meaning
DIGITS = 6
CLASSES = {True: "alike", False: "unlike", None: "open"}
STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #26282f; background: #fcfbf8; margin: 2em auto;
  max-width: 90em; padding: 0 1.5em; }
h1, h2 { line-height: 1.2; } .headline { font-size: 1.25em; max-width: 50em; }
.scroll { overflow-x: auto; } p { max-width: 56em; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: 13px; }
th, td { padding: .2em .7em; text-align: right; border-bottom: 1px solid #e3e0da; }
th:first-child { text-align: left; font-weight: normal; } thead th { border-bottom-width: 2px; }
td small { color: #62646c; white-space: nowrap; display: block; }
.alike { background: #d9efe4; } .unlike { background: #f8dccb; }
.subject { font-weight: bold; }
figure { margin: 1em 0; } figure img { max-width: 100%; } figcaption { color: #62646c; }
.pieces { display: flex; flex-wrap: wrap; gap: 1em; } .pieces img { max-width: 100%; }
"""


@dataclass(frozen=True)
class Report:
    """An evaluation with all that its page shows.

    Attributes:
        evaluation: what was found.
        title: what is evaluated, in a word or a few.
        about: what was compared, how; (what, value) for a list.
        pieces: PNGs of compositions, by caption.
        notes: what else must be known, a sentence each.
    """

    evaluation: Evaluation
    title: str
    about: Mapping[str, str] = field(default_factory=dict)
    pieces: Mapping[str, bytes] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def headline(report: Report) -> str:
    """The outcome in a few sentences."""
    found = report.evaluation
    told, floor = (found.columns[name][AUC] for name in (found.subject, PEOPLE))
    like, all_ = found.tally(found.subject)
    text = (
        f"A judge tells the {report.title} from people's pieces with an AUC of {interval(told)}; "
        f".5 would mean that it cannot, and people's from other people's it tells with "
        f"{interval(floor)}. {like} of {all_} other measures are like people's."
    )
    name, best = found.best_baseline()
    if name:
        text += f" The best baseline, {name}, has an AUC of {interval(best)}"
        text += f", and {found.tally(name)[0]} measures like people's."
    return text


def as_json(report: Report) -> dict[str, Any]:
    """The same as data: see docs/cli.md; null where there is no figure."""
    found = report.evaluation
    return {
        "format": FORMAT,
        "title": report.title,
        "headline": headline(report),
        "subject": found.subject,
        "about": dict(report.about),
        "facts": found.facts,
        "columns": {
            column: {
                row: {**_plain(cell), "like_people": found.alike(column, row)}
                for row, cell in cells.items()
            }
            for column, cells in found.columns.items()
        },
        "repeat_profiles": dict(found.profiles),
        "dial": found.dial and _dial_as_json(found.dial),
        "notes": list(report.notes),
    }


def dial_in_words(dial: Dial) -> str:
    """What the dial does, in two sentences."""
    return (
        f"The setting and the {NOVELTY} have a rank correlation of {interval(dial.rank)}; 1 would "
        f"mean that every step up makes them newer. Together, realism and novelty reach a "
        f"hypervolume of {interval(dial.volume)}: the area below their front, 1 at most."
    )


def dial_as_text(dial: Dial) -> str:
    """The table of the dial for a terminal, and what it says."""
    table = [["dial", *dial.rows], *_dial_rows(dial, lambda cell: interval(cell, brackets=False))]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines = ["  ".join(map(str.rjust, row, widths)) for row in table]
    return "\n".join([*lines, dial_in_words(dial)])


def as_html(
    report: Report, plots: Mapping[str, bytes], dial_plots: Mapping[str, bytes] | None = None
) -> str:
    """The page.

    Args:
        report: what it shows.
        plots: SVG by caption.
        dial_plots: the same, of the novelty dial.
    """
    dial = report.evaluation.dial
    title = escape(f"Evaluation: {report.title}")
    facts = "".join(
        f"<li>{escape(what)}: {escape(value)}</li>" for what, value in report.about.items()
    )
    notes = "".join(f"<p>{escape(note)}</p>" for note in report.notes)
    return "\n".join(
        [
            "<!DOCTYPE html>",
            f'<html lang="en"><head><meta charset="utf-8"><title>{title}</title>',
            f"<style>{STYLE}</style></head><body>",
            f"<h1>{title}</h1>",
            f'<p class="headline">{escape(headline(report))}</p>',
            f"<ul>{facts}</ul>{notes}",
            "<h2>Figures</h2>",
            EXPLANATION,
            _table(report.evaluation),
            *(["<h2>Plots</h2>"] if plots else []),
            *(_figure(caption, data, "image/svg+xml") for caption, data in plots.items()),
            *(_dial_section(dial, dial_plots or {}) if dial else []),
            *(["<h2>Pieces</h2>", UNPICKED, '<div class="pieces">'] if report.pieces else []),
            *(_figure(caption, data, "image/png") for caption, data in report.pieces.items()),
            *(["</div>"] if report.pieces else []),
            "</body></html>\n",
        ]
    )


EXPLANATION = """<p>In brackets and small: 95% intervals; of what single pieces measure by the
bootstrap over pieces (of people over works), of what only a set has by leaving out a tenth at a
time. <span class="alike">Like people</span>: the interval meets that of people.
<span class="unlike">Unlike people ≠</span>: it does not. <b>people</b>: comparisons are of training
pieces in the place of compositions, the floor; all else is of the pieces that no network was
trained on. Of fewer pieces intervals are wider, and more looks alike.</p>"""
UNPICKED = "<p>Unpicked: the first seeds.</p>"
DIAL = f"""<p>The agent composes the same {{count:,}} seeds and plans at each setting, so that only
the dial differs. <b>{REALISM}</b>: 2 (1 - AUC), so 1 where a judge cannot tell them from people's
pieces, 0 where it always can; a new judge learns at each setting. <b>{NOVELTY}</b>: how far they
are from all fragments of the training part of the folder, 1 being as far as two of those are
from one another. As it is rewarded, what is in the piece already counts as known, too, and known is
what the model keeps. <b>{RUN}</b>: in fragments, of a piece.</p>"""


def interval(cell: Cell, *, brackets: bool = True) -> str:
    """A figure with its interval in words; a dash where there is none."""
    if math.isnan(cell.value):
        return "-"
    if math.isnan(cell.low) or not brackets:
        return f"{cell.value:.3f}"
    return f"{cell.value:.3f} [{cell.low:.3f}, {cell.high:.3f}]"


def _table(found: Evaluation) -> str:
    """Rows of figures, coloured by whether they are like people's."""
    tallies = {name: found.tally(name) for name in found.columns if name != PEOPLE}
    counts = [f"{like} of {all_}" for like, all_ in tallies.values()]
    rows = [
        _row("measures like people's", "td", [("", ""), *((text, "") for text in counts)]),
        *(_row(row, "td", list(_cells(found, row))) for row in found.rows),
    ]
    heads = [(escape(name), _emphasis(found, name)) for name in found.columns]
    head = _row("", "th", heads)
    return (
        f'<div class="scroll"><table><thead>{head}</thead>\n<tbody>'
        + "\n".join(rows)
        + "</tbody></table></div>"
    )


def _cells(found: Evaluation, row: str) -> Iterable[tuple[str, str]]:
    """Content and class of each cell of a row."""
    for name, cells in found.columns.items():
        cell = cells[row]
        alike = None if name == PEOPLE else found.alike(name, row)
        text = _content(cell, " ≠" if alike is False else "")
        yield text, f"{CLASSES[alike]} {_emphasis(found, name)}".strip()


def _dial_section(dial: Dial, plots: Mapping[str, bytes]) -> list[str]:
    """Heading, table and plots of the dial."""
    head = _row("dial", "th", [(escape(name), "") for name in dial.rows])
    rows = [
        _row(name, "td", [(cell, "") for cell in cells])
        for name, *cells in _dial_rows(dial, _content)
    ]
    return [
        "<h2>The novelty dial</h2>",
        f"<p>{escape(dial_in_words(dial))}</p>",
        DIAL.format(count=dial.count),
        f'<div class="scroll"><table><thead>{head}</thead>\n<tbody>',
        *rows,
        "</tbody></table></div>",
        *(_figure(caption, data, "image/svg+xml") for caption, data in plots.items()),
    ]


def _dial_rows(dial: Dial, show: Callable[[Cell], str]) -> list[list[str]]:
    """A line for people and one for each setting: its name, then its figures."""
    people = [show(dial.people.get(name, Cell(math.nan))) for name in dial.rows]
    settings = [
        [f"{setting:g}", *(show(row[number]) for row in dial.rows.values())]
        for number, setting in enumerate(dial.settings)
    ]
    return [[PEOPLE, *people], *settings]


def _dial_as_json(dial: Dial) -> dict[str, Any]:
    return {
        "count": dial.count,
        "settings": list(dial.settings),
        "rows": {name: [_plain(cell) for cell in row] for name, row in dial.rows.items()},
        "people": {name: _plain(cell) for name, cell in dial.people.items()},
        "rank_correlation": _plain(dial.rank),
        "hypervolume": _plain(dial.volume),
    }


def _emphasis(found: Evaluation, column: str) -> str:
    return "subject" if column == found.subject else ""


def _row(name: str, tag: str, cells: list[tuple[str, str]]) -> str:
    """A row of the table; the contents are HTML already, the name is not."""
    inner = "".join(f'<{tag} class="{kind}">{text}</{tag}>' for text, kind in cells)
    return f"<tr><th>{escape(name)}</th>{inner}</tr>"


def _figure(caption: str, data: bytes, kind: str) -> str:
    """A picture inside the page."""
    content = base64.b64encode(data).decode()
    text = escape(caption)
    return (
        f'<figure><img alt="{text}" src="data:{kind};base64,{content}">'
        f"<figcaption>{text}</figcaption></figure>"
    )


def _content(cell: Cell, mark: str = "") -> str:
    """A figure with a mark, its interval small below it."""
    text = interval(cell, brackets=False) + mark
    if not math.isnan(cell.low):
        text += f"<small>[{cell.low:.3f}, {cell.high:.3f}]</small>"
    return text


def _plain(cell: Cell) -> dict[str, float | None]:
    ends = {"value": cell.value, "low": cell.low, "high": cell.high}
    return {name: _number(value) for name, value in ends.items()}


def _number(value: float) -> float | None:
    return None if math.isnan(value) else round(value, DIGITS)
