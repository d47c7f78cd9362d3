"""``composer dataset inspect``: what is in a folder, what will be used, what not and why."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from composer.domain import Corpus

_KEYS = {
    "signature": "by the signature",
    "estimated": "estimated",
    "overruled": "estimated against a signature that does not fit",
}


@click.command(
    epilog="""\b
Examples:
  composer dataset inspect tunes/
  composer dataset inspect tunes/ --meter 6/8 --voices 1
  composer dataset inspect tunes/ --json | jq '.rejected[]'""",
)
@click.argument("directory", type=click.Path(path_type=Path))
@click.option("--meter", metavar="N/N", help="Keep this metre (default: the most common one).")
@click.option(
    "--voices",
    default="auto",
    show_default=True,
    metavar="1-4|auto",
    help="Monophonic voices of a piece; auto takes what most files hold.",
)
@click.option(
    "--steps-per-beat",
    type=int,
    default=4,
    show_default=True,
    help="Time grid: steps in a quarter note.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of text.")
def command(
    directory: Path, *, meter: str | None, voices: str, steps_per_beat: int, as_json: bool
) -> None:
    """Look at a folder of MIDI files as ``composer train`` would see it.

    Nothing is written. Every file, track or part that will not be used is listed with the reason.
    Exit code 3 where there is too little to train on.
    """
    from composer.domains.music.read import read_folder
    from composer.fragments import UnusableCorpusError, split_works

    options = {"meter": meter, "voices": voices, "steps_per_beat": steps_per_beat}
    split: list[int] = []
    problem = None
    try:
        corpus = read_folder(directory, options)
        split = split_works(corpus).tolist()
    except UnusableCorpusError as error:
        corpus, problem = error.corpus, error
    report = _report(directory, corpus, split, None if problem is None else str(problem))
    if as_json:
        import json

        click.echo(json.dumps(report))
    else:
        _print(report)
    if problem is not None:
        raise problem


def _report(
    directory: Path, corpus: Corpus, split: list[int], problem: str | None
) -> dict[str, Any]:
    """Everything that is known of the folder, JSON-ready; ``split`` is empty where none is."""
    from composer.fragments import SPLITS

    bars = [len(piece.fragments) for piece in corpus.pieces]
    parts = {name: {"pieces": 0, "bars": 0} for name in SPLITS} if split else {}
    for number, length in zip(split, bars, strict=bool(split)):
        parts[SPLITS[number]]["pieces"] += 1
        parts[SPLITS[number]]["bars"] += length
    return {
        "folder": str(directory),
        **corpus.summary,
        "pieces": len(corpus.pieces),
        "works": len(set(corpus.clusters.tolist())),
        "bars": sum(bars),
        "split": parts,
        "settings": corpus.settings,
        "rejected": [{"source": r.source, "reason": r.reason} for r in corpus.rejections],
        "problem": problem,
    }


def _print(report: dict[str, Any]) -> None:
    """The report for people: facts in two columns, then what is left out, by reason."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False, markup=False, emoji=False)
    table = Table.grid(padding=(0, 2))
    for name, value in _facts(report):
        table.add_row(Text(name, style="bold"), Text(value))
    console.print(table)
    reasons: dict[str, list[str]] = {}
    for rejection in report["rejected"]:
        reasons.setdefault(rejection["reason"], []).append(_printable(rejection["source"]))
    if reasons:
        console.print("\nNot used:", style="bold")
    for reason, sources in sorted(reasons.items(), key=lambda item: -len(item[1])):
        amount = _count(len(sources), "file or part", "files or parts")
        console.print(f"  {amount}: {_printable(reason)}", style="yellow", soft_wrap=True)
        console.print("    " + ", ".join(sources), soft_wrap=True)


def _facts(report: dict[str, Any]) -> list[tuple[str, str]]:
    """Name and value of each line of the first part."""
    metres = [f"{name} {_count(bars, 'bar')}" for name, bars in report["bars_by_meter"].items()]
    facts = [
        ("folder", _printable(report["folder"])),
        ("MIDI files", f"{report['files']:,}, readable {report['readable']:,}"),
        ("metres", ", ".join(metres) or "none"),
    ]
    if not report["pieces"]:
        return facts
    settings, low_notes = report["settings"], report["settings"]["lows"]
    span = settings["pitches"] - 1
    ranges = ", ".join(f"{_pitch(low)} to {_pitch(low + span)}" for low in low_notes)
    keys = ", ".join(f"{_KEYS[origin]} {count:,}" for origin, count in report["keys"].items())
    used = [
        _count(report["pieces"], "piece") + " of " + _count(report["works"], "work"),
        _count(report["bars"], "bar"),
    ]
    facts += [
        ("used", ", ".join(used)),
        ("metre", "{}/{}, {} steps a beat".format(*settings["meter"], settings["steps_per_beat"])),
        ("voices", f"{len(low_notes)}: {ranges}"),
        ("keys", f"{keys}; {report['minor']:,} in minor; all moved to C major or A minor"),
        ("tempo", f"{settings['tempo']:g} quarter notes a minute"),
        ("folded", f"{_count(report['folded_notes'], 'note')} moved by octaves into the range"),
    ]
    for name, part in report["split"].items():
        facts.append((name, f"{_count(part['pieces'], 'piece')}, {_count(part['bars'], 'bar')}"))
    return facts


def _count(number: int, what: str, many: str | None = None) -> str:
    return f"{number:,} {what if number == 1 else many or what + 's'}"


def _pitch(number: int) -> str:
    """MIDI 60 -> C4."""
    names = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
    return f"{names[number % 12]}{number // 12 - 1}"


def _printable(text: str) -> str:
    """Escape what a terminal cannot show or would obey: bytes that are no UTF-8, control signs."""
    return "".join(
        sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text
    )
