"""``composer dataset make``: the embedded data: tunes from text, pictures from a seed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from composer.cli.naming import make_folder
from composer.cli.options import SEED, check_extent, check_palette
from composer.cli.progress import note, track
from composer.cli.words import count as counted
from composer.errors import DataError, UsageError

if TYPE_CHECKING:
    from click import Context

SOURCE = Path("datasets/melodies")
MIN_SIDE, MAX_SIDE = 32, 4096
MAX_PIXELS = 1_000_000_000  # of all pictures; they are held as PNG until the last one is drawn
SLOTS = 4
OWN = {"melodies": ("source",), "geometry": ("count", "size", "palette", "seed")}


@click.command(
    epilog="""\b
Examples:
  composer dataset make melodies datasets/melodies --replace
  composer dataset make melodies midi/ --from my-tunes/
  composer dataset make geometry pictures/ --count 240
  composer dataset make geometry pictures/ --size 512x512 --palette lagoon --seed 7""",
)
@click.argument("dataset", type=click.Choice(tuple(OWN)))
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--from",
    "source",
    type=click.Path(path_type=Path),
    default=SOURCE,
    show_default=True,
    help="melodies: folder with the tunes, one *.txt each, in the form that datasets/README.md "
    "describes.",
)
@click.option(
    "--count",
    type=click.IntRange(min=1),
    metavar="N",
    default=60,
    show_default=True,
    help="geometry: how many pictures in all, spread evenly over the kinds.",
)
@click.option(
    "--size",
    callback=check_extent,
    metavar="WxH",
    default="256x256",
    show_default=True,
    help=f"geometry: width and height in pixels, {MIN_SIDE} to {MAX_SIDE}; a tile has 32.",
)
@click.option(
    "--palette",
    callback=check_palette,
    metavar="NAME|COLOURS",
    help="geometry: a palette by name, or four hex colours with commas between.  "
    "[default: one for each picture]",
)
@click.option("--seed", type=SEED, default=0, show_default=True, help="geometry: draws the same.")
@click.option("--replace", is_flag=True, help="Replace files that are there and differ.")
@click.pass_context
def command(
    context: Context, /, dataset: str, directory: Path, *, replace: bool, **options: Any
) -> None:
    """Write one of the program's own data sets into DIRECTORY, and print the path of each file.

    melodies turns tunes in text form into MIDI files. Every bar is checked to be as long as its
    metre says; what is wrong is told with line and bar, and then nothing is written.

    geometry draws pictures of twelve kinds from a seed: PNG, a sub-folder for each kind.
    """
    _refuse_others(context, dataset)
    drawn = _melodies(**options) if dataset == "melodies" else _geometry(**options)
    files = {directory / name: data for name, data in drawn.items()}
    changed = _write(files, replace=replace)
    for path in files:
        click.echo(path)
    what = counted(len(files), "tune" if dataset == "melodies" else "picture")
    note(f"{what}, {changed} of the files new or changed")


def _refuse_others(context: Context, dataset: str) -> None:
    """Options of the other data set mean nothing here."""
    for parameter in context.command.params:
        name = parameter.name or ""
        given = context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE
        owner = next((other for other, own in OWN.items() if name in own), dataset)
        if given and owner != dataset:
            message = f"{parameter.opts[0]} is for {owner} alone; leave it out with {dataset}"
            raise UsageError(message)


def _melodies(*, source: Path, **_others: Any) -> dict[str, bytes]:
    from composer.domains.music.tunes import read_tunes, tune_midi

    if not source.is_dir():
        message = f"{source} is not a folder; say where the tunes are with --from"
        raise DataError(message)
    return {f"{name}.mid": tune_midi(tune) for name, tune in read_tunes(source).items()}


def _geometry(
    *, count: int, size: tuple[int, int], palette: str | None, seed: int, **_others: Any
) -> dict[str, bytes]:
    from composer.domains.art.families.make import make_pictures, png
    from composer.domains.art.palettes import fit_palette, parse_palette

    width, height = size
    if min(size) < MIN_SIDE or max(size) > MAX_SIDE:
        message = f"--size is {width}x{height}, but sides are {MIN_SIDE} to {MAX_SIDE} pixels long"
        raise UsageError(message)
    if count * width * height > MAX_PIXELS:
        message = (
            f"{count} pictures of {width}x{height} would be more than {MAX_PIXELS:,} pixels; "
            "choose a smaller --count or --size"
        )
        raise UsageError(message)
    colours = fit_palette(parse_palette(palette), SLOTS) if palette else None
    pictures = track(make_pictures(count, size, colours, seed), count, "drawing")
    return {f"{name}.png": png(pixels) for name, pixels in pictures}


def _write(files: dict[Path, bytes], *, replace: bool) -> int:
    """Write what is missing or differs, and say how many files those were."""
    from composer.checkpoint import replace_file

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
    for path, data in changed.items():
        make_folder(path.parent)
        replace_file(path, data)
    return len(changed)
