"""``composer dataset make``: the tunes that are written down as text, as MIDI files."""

from __future__ import annotations

from pathlib import Path

import click

from composer.cli.progress import note
from composer.errors import DataError, UsageError

SOURCE = Path("datasets/melodies")


@click.command(
    epilog="""\b
Examples:
  composer dataset make melodies datasets/melodies --replace
  composer dataset make melodies midi/ --from my-tunes/""",
)
@click.argument("dataset", type=click.Choice(["melodies"]))
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--from",
    "source",
    type=click.Path(path_type=Path),
    default=SOURCE,
    show_default=True,
    help="Folder with the tunes, one *.txt each, in the form that datasets/README.md describes.",
)
@click.option("--replace", is_flag=True, help="Replace MIDI files that are there and differ.")
def command(dataset: str, directory: Path, *, source: Path, replace: bool) -> None:  # noqa: ARG001
    """Turn tunes in text form into MIDI files in DIRECTORY, and print the path of each.

    Every bar is checked to be as long as its metre says; what is wrong is told with line and bar,
    and then nothing is written.
    """
    from composer.domains.music.midi import write_atomically
    from composer.domains.music.tunes import read_tunes, tune_midi

    if not source.is_dir():
        message = f"{source} is not a folder; say where the tunes are with --from"
        raise DataError(message)
    files = {
        directory / f"{name}.mid": tune_midi(tune) for name, tune in read_tunes(source).items()
    }
    changed = {
        path: data
        for path, data in files.items()
        if not path.is_file() or path.read_bytes() != data
    }
    existing = [path for path in changed if path.exists()]
    if existing and not replace:
        message = (
            f"{existing[0]} and {len(existing) - 1} more are there already and differ; "
            "name another folder, or add --replace"
        )
        raise UsageError(message)
    directory.mkdir(parents=True, exist_ok=True)
    for path, data in changed.items():
        write_atomically(path, data)
    for path in files:
        click.echo(path)
    note(f"{len(files)} tunes, {len(changed)} of the files new or changed")
