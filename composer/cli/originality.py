"""``composer originality``: how much of one piece is in a folder already, and what is normal."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from composer.cli.domains import SectionedCommand, domain_of, noun, options_for
from composer.cli.options import grid_options
from composer.cli.words import count, printable

if TYPE_CHECKING:
    from collections.abc import Mapping

# modules with ``certificate(path, folder, options)``
CERTIFICATES = {
    "music": "composer.domains.music.originality",
    "art": "composer.domains.art.originality",
}
RARE = 0.025  # of the human pieces: what fewer of them reach is beyond the usual


@click.command(
    cls=SectionedCommand,
    epilog="""\b
Examples:
  composer originality outputs/fiddle-s7.mid --data tunes/
  composer originality outputs/geometry-s3.png --data pictures/
  composer originality song.mid --data tunes/ --json | jq .longest_run""",
)
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--data",
    "folder",
    type=click.Path(path_type=Path),
    required=True,
    metavar="DIR",
    help="What to compare with: the folder that the model was trained on.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of text.")
@grid_options
@click.pass_context
def command(
    ctx: click.Context, /, *, file: Path, folder: Path, as_json: bool, **_given: Any
) -> None:
    """Say how much of a piece is copied from a folder, and how much people copy.

    FILE is a MIDI file or a picture. The longest passage that is also in the folder is shown, where
    it is from, and how much of the piece is there in small parts. Each piece of the folder is
    measured in the same way against the others, without its own variants.
    """
    domain = domain_of(file)
    options = options_for(ctx, domain, f"'{file}' is {noun(domain)}")
    found = import_module(CERTIFICATES[domain]).certificate(file, folder, options)
    report = {"file": str(file), "data": str(folder), "domain": domain, **found}
    if as_json:
        import json

        click.echo(json.dumps(report))
        return
    facts = _music(report) if domain == "music" else _art(report)
    facts.append(("verdict", _verdict(report)))
    width = max(len(name) for name, _ in facts)
    for name, value in facts:
        click.echo(f"{click.style(name.ljust(width), bold=True)}  {value}")


def _music(report: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Name and value of each line about a piece of music."""
    run, human = report["longest_run"], report["human"]
    read = count(report["readable"], "tune") + f" of {count(report['works'], 'work')}"
    if report["rejected"]:
        read += f"; {count(len(report['rejected']), 'file')} cannot be read"
    longest = "no two notes in a row"
    if run is not None:
        line = f", line {run['line']}" if report["lines"] > 1 else ""
        source = f"{printable(run['source'])} bar {run['source_bar']}"
        others = run["found_in"] - 1
        also = f", and in {count(others, 'other tune')}" if others else ""
        longest = f"{count(run['notes'], 'note')}, from bar {run['bar']}{line}: as in {source}"
        longest += f", {_transposed(run['transposition'])}{also}"
    lines = f", {count(report['lines'], 'line')}" if report["lines"] > 1 else ""
    facts = [
        ("piece", f"{printable(report['file'])}: {count(report['notes'], 'note')}{lines}"),
        ("compared with", f"{printable(report['data'])}: {read}"),
        ("longest copy", longest),
        ("nine notes", f"{report['copied']:.0%} of all nine in a row are in the folder"),
    ]
    if human is not None:
        copied = _range(human["copied"], "{:.0%}")
        borrowed = f"longest copy {_range(human['longest_run'], '{:.0f}')} notes; nine notes "
        facts.append(("human tunes", f"{borrowed}{copied}"))
    return facts


def _art(report: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Name and value of each line about a picture."""
    run, near, human = report["longest_run"], report["nearest"], report["human"]
    cells = f"{report['columns']} x {report['rows']} tiles, {report['cells']} not of one colour"
    known = f"{count(report['pictures'], 'picture')} of {count(report['works'], 'work')}"
    longest = "no tile"
    if run is not None:
        longest = f"{count(run['cells'], 'tile')} {run['direction']} from {_from(run)}"
    facts = [
        ("picture", f"{printable(report['file'])}: {cells}"),
        ("compared with", f"{printable(report['data'])}: {known}"),
        ("longest copy", longest),
        ("tiles", f"{report['copied']:.0%} are in the folder, or nearly"),
        ("nearest tile", f"{_from(near)}; distance {near['distance']:.2f} (0 is equal)"),
    ]
    if human is not None:
        copied = _range(human["copied"], "{:.0%}")
        borrowed = f"longest copy {_range(human['longest_run'], '{:.0f}')} tiles; tiles {copied}"
        facts.append(("human pictures", borrowed))
    return facts


def _from(found: Mapping[str, Any]) -> str:
    """Where a tile is and where it comes from."""
    own = f"row {found['row']}, column {found['column']}"
    source = f"row {found['source_row']}, column {found['source_column']}"
    return f"{own}: as in {printable(found['source'])} {source}, {found['symmetry']}"


def _transposed(semitones: int) -> str:
    """7 -> "7 semitones higher"."""
    if not semitones:
        return "in the same key"
    return f"{count(abs(semitones), 'semitone')} {'higher' if semitones > 0 else 'lower'}"


def _range(figure: Mapping[str, float], form: str) -> str:
    """The median and the central 95%."""
    median, low, high = (form.format(figure[name]) for name in ("median", "low", "high"))
    return f"median {median} ({low} to {high})"


def _verdict(report: Mapping[str, Any]) -> str:
    """How the piece stands to the human ones, by the figure in which it copies more."""
    human, same = report["human"], report.get("same_as")
    if same is not None:
        return f"a copy: it is {printable(same)}"
    if human is None:
        return "unknown: what is normal takes at least two works to compare"
    reached = min(human["longest_run"]["as_much"], human["copied"]["as_much"])
    how = f"{reached:.0%} of {human['pieces']:,} human works copy as much or more"
    return f"copied more than usual: {how}" if reached < RARE else f"not unusual: {how}"
