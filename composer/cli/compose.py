"""``composer compose``: a trained model makes new pieces of music or new pictures."""

from __future__ import annotations

import json
import secrets
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from composer.catalogue import describe_model
from composer.cli.domains import SectionedCommand, noun, options_for
from composer.cli.naming import free_stem, make_folder
from composer.cli.options import (
    SEED,
    FiniteRange,
    art_option,
    check_extent,
    check_instrument,
    check_key,
    check_palette,
    music_option,
)
from composer.cli.progress import note, track

if TYPE_CHECKING:
    from composer.composition import Composition
    from composer.model import Model

POLICIES = ("agent", "resample", "greedy", "random", "first")
DEFAULT_MODEL = "fiddle"
DEFAULT_OUT = Path("outputs")
SEED_BITS = 32
UNTEMPERED = ("greedy", "random", "first")  # policies that do not look at the temperature


@click.command(
    name="compose",
    cls=SectionedCommand,
    epilog="""\b
Examples:
  composer compose
  composer compose --model runs/x --bars 32 --key "A minor" --tempo 96
  composer compose --max-copy 8 --data data/fiddle
  composer compose --model geometry --count 6 --seed 3
  composer compose --model geometry --size 1024x768 --palette "#0b1d3a,#e63946,#a8dadc,#f1faee"
  composer compose --model geometry --tiles 8x8 --tileable --policy random""",
)
@click.option(
    "--model",
    default=DEFAULT_MODEL,
    show_default=True,
    metavar="NAME|PATH",
    help="A bundled model ('composer models' lists them), a run or a checkpoint.",
)
@click.option(
    "--count",
    type=click.IntRange(1, 10_000),
    metavar="N",
    default=1,
    show_default=True,
    help="Pieces or pictures to make.",
)
@click.option(
    "--seed",
    type=SEED,
    metavar="N",
    help="The same seed and options write the same files; with --count, the next piece has the "
    "next seed.  [default: a new one, which is printed]",
)
@click.option(
    "--novelty",
    type=FiniteRange(0, 1),
    metavar="X",
    default=0.1,
    show_default=True,
    help="What the agent prefers: 0 as what the model learnt from, 1 unlike anything known.",
)
@click.option(
    "--temperature",
    type=FiniteRange(0, 10, min_open=True),
    metavar="X",
    default=1,
    show_default=True,
    help="How freely the agent chooses: below 1 it keeps closer to what it likes best.",
)
@click.option(
    "--policy",
    type=click.Choice(POLICIES),
    default="agent",
    show_default=True,
    help="Who chooses among the same candidates: the trained agent, or something simpler.",
)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    default=DEFAULT_OUT,
    show_default=True,
    help="Folder for the files; those already there are never overwritten.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a piece.")
@music_option(
    "--bars",
    type=click.IntRange(1, 512),
    metavar="N",
    default=16,
    show_default=True,
    help="Bars in a piece.",
)
@music_option(
    "--key",
    callback=check_key,
    metavar="KEY",
    help="'A minor', 'F#', 'D dorian', ...: no note outside of its scale.  [default: the model's]",
)
@music_option(
    "--tempo",
    type=FiniteRange(20, 300),
    metavar="BPM",
    help="Quarter notes a minute, 20 to 300.  [default: the model's]",
)
@music_option(
    "--instrument",
    callback=check_instrument,
    metavar="NAME|NUMBER",
    help="General MIDI name or number (0-127); one for all voices, or one each with commas "
    "between.  [default: the model's]",
)
@music_option(
    "--max-copy",
    type=click.IntRange(4, 10_000),
    metavar="N",
    help="No passage of more than N notes is in the folder of --data, in any key.",
)
@music_option(
    "--data",
    type=click.Path(),
    metavar="DIR",
    help="With --max-copy: the folder of MIDI files that is not to be copied.",
)
@art_option(
    "--size",
    callback=check_extent,
    metavar="WxH",
    help="Width and height in pixels, margin and frame included; the last tiles are cut there. "
    "Much smaller than the default shows no form: use --scale too.  "
    "[default: as large as the model practised]",
)
@art_option(
    "--tiles",
    callback=check_extent,
    metavar="CxR",
    help="Columns and rows of tiles, instead of a size in pixels.",
)
@art_option(
    "--scale",
    type=click.IntRange(1, 128),
    metavar="N",
    help="Pixels in the side of a cell, of which a tile has 16x16 or so.  "
    "[default: 4, of a model without palettes 2]",
)
@art_option(
    "--palette",
    callback=check_palette,
    metavar="NAME|COLOURS",
    help="A palette's name, or hex colours with commas between.  [default: one that was learnt]",
)
@art_option("--tileable", is_flag=True, help="Wrap seamlessly: edges that meet fit each other.")
@art_option(
    "--layout",
    metavar="NAME|FILE",
    help="Where which kind goes: disc, diagonal, checker, stripes, or the path of a picture, the "
    "darkest colour for the first kind.",
)
@art_option(
    "--kind",
    metavar="NAME[,NAME]",
    help="A kind of picture ('composer models' lists a model's), or several for a layout.  "
    "[default: drawn]",
)
@art_option(
    "--margin",
    type=click.IntRange(0, 4096),
    metavar="N",
    default=0,
    show_default=True,
    help="Pixels of the lightest colour around the picture and its frame.",
)
@art_option(
    "--frame",
    type=click.IntRange(0, 4096),
    metavar="N",
    default=0,
    show_default=True,
    help="Pixels of the darkest colour around the picture.",
)
@art_option("--explain", is_flag=True, help="Write a map too: where each tile comes from.")
@click.pass_context
def command(  # noqa: PLR0913 - one parameter an option
    ctx: click.Context,
    /,
    *,
    model: str,
    count: int,
    seed: int | None,
    novelty: float,
    temperature: float,
    policy: str,
    out: Path,
    as_json: bool,
    **_own: Any,
) -> None:
    """Make new pieces: of music a MIDI file and a picture of it, of pictures a PNG.

    Prints the path of each file. The recipe that makes the piece again is inside all of them.
    """
    options = _checked_options(ctx, model)
    given = ctx.get_parameter_source("temperature") is click.core.ParameterSource.COMMANDLINE
    if given and policy in UNTEMPERED:
        note(f"--temperature makes no difference to --policy {policy}")
    make_folder(out)
    if seed is None:
        seed = secrets.randbits(SEED_BITS)
        note(f"seed {seed} (--seed {seed} writes the same again)")
    import torch

    from composer.composing import ComposeRequest, compose
    from composer.model import load_model

    torch.set_num_threads(1)  # the same sums in the same order on every machine
    request = ComposeRequest(
        count=count,
        seed=seed,
        novelty=novelty,
        policy=policy,
        temperature=temperature,
        options=options,
    )
    loaded = load_model(model)
    for composition in track(compose(loaded, request), count, "composing"):
        stem = free_stem(out, f"{model_label(model)}-s{composition.recipe['seed']}")
        paths = loaded.domain.write(composition, stem, options)
        if as_json:
            click.echo(json.dumps(_report(composition, paths, loaded, options)))
        else:
            for path in paths:
                click.echo(path)


def _checked_options(ctx: click.Context, model: str) -> dict[str, Any]:
    """The options of the model's domain, refused before anything is loaded where they must be."""
    described = describe_model(model)
    options = options_for(
        ctx, described["domain"], f"{model_label(model)} makes {noun(described['domain'])}"
    )
    from composer.domain import domain_class

    domain_class(described["domain"])(described["settings"]).check(options)
    return options


def model_label(model: str) -> str:
    """A short name for file names; parts of a run carry the name of the run."""
    path = Path(model).resolve()
    if path.parent.name == "checkpoints":
        return f"{path.parent.parent.name}-{path.name}"
    return path.parent.name if path.name == "model" else path.name


def _report(
    composition: Composition, paths: list[Path], model: Model, options: dict[str, Any]
) -> dict[str, Any]:
    """What ``--json`` prints of a piece."""
    return {
        "paths": [str(path) for path in paths],
        "model": model.hash,
        "seed": composition.recipe["seed"],
        **options,
        "realism": round(float(composition.realism.mean()), 4),
        "novelty": round(float(composition.novelty.mean()), 4),
        "origins": dict(Counter(origin.kind for origin in composition.origins)),
        "recipe": composition.recipe,
    }
