"""``composer dataset fetch``: a corpus of the music21 package as a folder of MIDI files."""

from __future__ import annotations

from pathlib import Path

import click

from composer.cli.progress import note, track

SHOWN_REJECTIONS = 10
NAMES = ("fiddle", "chorale")


@click.command(
    epilog="""\b
Examples:
  composer dataset fetch fiddle data/fiddle
  composer dataset fetch fiddle data/fiddle --common-time
  composer dataset fetch chorale data/chorale
  composer train data/chorale --voices 4 --out runs/chorale""",
)
@click.argument("corpus", type=click.Choice(NAMES))
@click.argument("directory", type=click.Path(path_type=Path))
@click.option(
    "--common-time",
    is_flag=True,
    help="Write 2/4 and 2/2 as 4/4 too (2/4 in doubled note values), so that one model learns "
    "from all dances in two.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of text.")
def command(corpus: str, directory: Path, *, common_time: bool, as_json: bool) -> None:
    """Export a CORPUS that comes with the music21 package into DIRECTORY, one MIDI file a piece.

    fiddle is about 1,000 tunes of Ryan's Mammoth Collection (Boston 1883), one voice; chorale is
    about 360 four-part chorales by Johann Sebastian Bach. Where they come from, and under what
    terms, stands in datasets/README.md.

    Needs no network, but the package: pip install music21. It takes two to five minutes. A piece
    that cannot be converted is reported and left out.
    """
    import json

    from composer.domains.music.corpora import COLLECTIONS, export

    done = export(COLLECTIONS[corpus], directory, common_time=common_time, watch=track)
    meters = dict(done.meters.most_common())
    if as_json:
        rejected = [{"source": r.source, "reason": r.reason} for r in done.rejections]
        summary = {
            "directory": str(directory),
            "pieces": sum(meters.values()),
            "meters": meters,
            "rejected": rejected,
            "repeats_not_expanded": done.unexpanded,
        }
        click.echo(json.dumps(summary))
        return
    for rejection in done.rejections[:SHOWN_REJECTIONS]:
        note(f"left out {rejection.source}: {rejection.reason}")
    if len(done.rejections) > SHOWN_REJECTIONS:
        note(f"... and {len(done.rejections) - SHOWN_REJECTIONS} more; --json names them all")
    counts = ", ".join(f"{meter}: {count}" for meter, count in meters.items())
    click.echo(f"{directory}: {sum(meters.values())} pieces ({counts})")
    note(
        f"{len(done.rejections)} left out; "
        f"{len(done.unexpanded)} with repeats that could not be followed, written once"
    )
