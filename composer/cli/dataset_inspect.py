"""``composer dataset inspect``: what is in a folder, what will be used, what not and why."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from composer.cli.domains import SectionedCommand, noun, options_for, recognise
from composer.cli.options import reading_options
from composer.cli.words import count, printable

if TYPE_CHECKING:
    from composer.domain import Corpus

# modules with ``facts``, what people read of a report, and ``FRAGMENTS``, what those are called
REPORTS = {"music": "composer.cli.inspect_music", "art": "composer.cli.inspect_art"}


@click.command(
    cls=SectionedCommand,
    epilog="""\b
Examples:
  composer dataset inspect tunes/
  composer dataset inspect tunes/ --meter 6/8 --voices 1
  composer dataset inspect pictures/ --colours 8
  composer dataset inspect tunes/ --json | jq '.rejected[]'""",
)
@click.argument("directory", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of text.")
@reading_options
@click.pass_context
def command(
    ctx: click.Context, /, *, directory: Path, domain: str | None, as_json: bool, **_given: Any
) -> None:
    """Look at a folder of MIDI files or of pictures as ``composer train`` would see it.

    Nothing is written. Every file, track or part that will not be used is listed with the reason.
    Exit code 3 where there is too little to train on.
    """
    domain = domain or recognise(directory)
    options = options_for(ctx, domain, f"'{directory}' is read as {noun(domain)}")
    from composer.domain import domain_class
    from composer.fragments import UnusableCorpusError, split_works

    split: list[int] = []
    problem = None
    try:
        corpus = domain_class(domain).read(directory, options)
        split = split_works(corpus).tolist()
    except UnusableCorpusError as error:
        corpus, problem = error.corpus, error
    what = import_module(REPORTS[domain])
    known = {"folder": str(directory), "domain": domain, **corpus.summary}
    report = known | _report(corpus, split, what.FRAGMENTS)
    report["problem"] = None if problem is None else str(problem)
    if as_json:
        import json

        click.echo(json.dumps(report))
    else:
        _print(what.facts(report), report["rejected"])
    if problem is not None:
        raise problem


def _report(corpus: Corpus, split: list[int], fragments: str) -> dict[str, Any]:
    """What is known of any corpus, JSON-ready; ``split`` is empty where none is possible."""
    from composer.fragments import SPLITS

    lengths = [len(piece.fragments) for piece in corpus.pieces]
    parts = {name: {"pieces": 0, fragments: 0} for name in SPLITS} if split else {}
    for number, length in zip(split, lengths, strict=bool(split)):
        parts[SPLITS[number]]["pieces"] += 1
        parts[SPLITS[number]][fragments] += length
    return {
        "pieces": len(corpus.pieces),
        "works": len(set(corpus.clusters.tolist())),
        fragments: sum(lengths),
        "split": parts,
        "settings": corpus.settings,
        "rejected": [{"source": r.source, "reason": r.reason} for r in corpus.rejections],
    }


def _print(facts: list[tuple[str, str]], rejected: list[dict[str, str]]) -> None:
    """The report for people: facts in two columns, then what is left out, by reason."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False, markup=False, emoji=False)
    table = Table.grid(padding=(0, 2))
    for name, value in facts:
        table.add_row(Text(name, style="bold"), Text(value))
    console.print(table)
    reasons: dict[str, list[str]] = {}
    for rejection in rejected:
        reasons.setdefault(rejection["reason"], []).append(printable(rejection["source"]))
    if reasons:
        console.print("\nNot used:", style="bold")
    for reason, sources in sorted(reasons.items(), key=lambda item: -len(item[1])):
        amount = count(len(sources), "file or part", "files or parts")
        console.print(f"  {amount}: {printable(reason)}", style="yellow", soft_wrap=True)
        console.print("    " + ", ".join(sources), soft_wrap=True)
