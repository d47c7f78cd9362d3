"""``composer dataset inspect``: what is in a folder, what will be used, what not and why."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    import numpy as np
    from rich.console import Console

    from composer.domain import Corpus


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
    split = problem = None
    try:
        corpus = read_folder(directory, options)
        split = split_works(corpus)
    except UnusableCorpusError as error:
        corpus, problem = error.corpus, error
    report = _report(directory, corpus, split, None if problem is None else str(problem))
    if as_json:
        import json

        click.echo(json.dumps(report))
    else:
        from rich.console import Console

        _print(report, Console(soft_wrap=True, highlight=False))
    if problem is not None:
        raise problem


def _report(
    directory: Path, corpus: Corpus, split: np.ndarray | None, problem: str | None
) -> dict[str, Any]:
    """Everything that is known of the folder, JSON-ready."""
    from composer.fragments import SPLITS

    bars = [len(piece.fragments) for piece in corpus.pieces]
    parts = {}
    for number, name in enumerate(SPLITS if split is not None else ()):
        chosen = [
            length for length, part in zip(bars, split.tolist(), strict=True) if part == number
        ]
        parts[name] = {"pieces": len(chosen), "bars": sum(chosen)}
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


def _print(report: dict[str, Any], console: Console) -> None:
    """The report for people: a table of facts, then what is left out, by reason."""
    from rich.table import Table

    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(style="bold")
    for name, value in _facts(report):
        table.add_row(name, value)
    console.print(table, markup=False)
    reasons: dict[str, list[str]] = {}
    for rejection in report["rejected"]:
        reasons.setdefault(rejection["reason"], []).append(_printable(rejection["source"]))
    if reasons:
        console.print("\nNot used:", style="bold")
    for reason, sources in sorted(reasons.items(), key=lambda item: -len(item[1])):
        console.print(f"  {len(sources):,} × {_printable(reason)}", style="yellow", markup=False)
        console.print("    " + ", ".join(sources), markup=False)


def _facts(report: dict[str, Any]) -> list[tuple[str, str]]:
    """Name and value of each line of the table."""
    facts = [
        ("folder", _printable(report["folder"])),
        ("MIDI files", f"{report['files']:,}, readable {report['readable']:,}"),
        ("metres", _list(report["bars_by_meter"], "bars")),
    ]
    if not report["pieces"]:
        return facts
    settings = report["settings"]
    names = [
        f"{_pitch(low)} to {_pitch(low + settings['pitches'] - 1)}" for low in settings["lows"]
    ]
    keys = _list(report["keys"], "")
    facts += [
        (
            "used",
            f"{report['pieces']:,} pieces of {report['works']:,} works, {report['bars']:,} bars",
        ),
        (
            "metre",
            "{}/{}".format(*settings["meter"]) + f", {settings['steps_per_beat']} steps a beat",
        ),
        ("voices", f"{len(names)}: {', '.join(names)}"),
        ("keys", f"{keys}; {report['minor']:,} in minor; all moved to C major / A minor"),
        ("tempo", f"{settings['tempo']:g} quarter notes a minute"),
    ]
    if report["folded_notes"]:
        facts.append(
            ("folded", f"{report['folded_notes']:,} notes moved by octaves into the range")
        )
    facts += [
        (name, f"{part['pieces']:,} pieces, {part['bars']:,} bars")
        for name, part in report["split"].items()
    ]
    return facts


def _list(counts: dict[str, int], unit: str) -> str:
    parts = [f"{name} {count:,} {unit}".rstrip() for name, count in counts.items()]
    return ", ".join(parts) or "none"


def _pitch(number: int) -> str:
    """MIDI 60 -> C4."""
    names = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
    return f"{names[number % 12]}{number // 12 - 1}"


def _printable(text: str) -> str:
    """Escape what a terminal cannot show or would obey: bytes that are no UTF-8, control signs."""
    return "".join(
        sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text
    )
