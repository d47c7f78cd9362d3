"""``composer compose``: a trained model writes new pieces."""

from __future__ import annotations

import json
import secrets
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from composer.cli.naming import free_stem, make_folder
from composer.cli.options import SEED, FiniteRange, check_instrument, check_key
from composer.cli.progress import note, track

if TYPE_CHECKING:
    from composer.composition import Composition
    from composer.model import Model

POLICIES = ("agent", "resample", "greedy", "random", "first")
DEFAULT_MODEL = "fiddle"
DEFAULT_OUT = Path("outputs")
SEED_BITS = 32


@click.command(name="compose")
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
    help="Pieces to write.",
)
@click.option(
    "--bars",
    type=click.IntRange(1, 512),
    metavar="N",
    default=16,
    show_default=True,
    help="Bars in a piece.",
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
    help="What the agent prefers: 0 as the model's music goes, 1 unlike anything known.",
)
@click.option(
    "--key",
    callback=check_key,
    metavar="KEY",
    help="'A minor', 'F#', 'D dorian', ...: no note outside of its scale.  [default: the model's]",
)
@click.option(
    "--tempo",
    type=FiniteRange(20, 300),
    metavar="BPM",
    help="Quarter notes a minute, 20 to 300.  [default: the model's]",
)
@click.option(
    "--instrument",
    callback=check_instrument,
    metavar="NAME|NUMBER",
    help="General MIDI name or number (0-127); one for all voices, or one each with commas "
    "between.  [default: the model's]",
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
def command(  # noqa: PLR0913 - one parameter an option
    *,
    model: str,
    count: int,
    bars: int,
    seed: int | None,
    novelty: float,
    key: str | None,
    tempo: float | None,
    instrument: str | None,
    temperature: float,
    policy: str,
    out: Path,
    as_json: bool,
) -> None:
    """Write new pieces: a MIDI file and a picture of it for each.

    Prints the path of each file. The recipe that makes the piece again is inside both files.
    """
    make_folder(out)
    if seed is None:
        seed = secrets.randbits(SEED_BITS)
        note(f"seed {seed} (--seed {seed} writes the same again)")
    import torch

    from composer.composing import ComposeRequest, compose
    from composer.model import load_model

    torch.set_num_threads(1)  # the same sums in the same order on every machine
    options = {"bars": bars, "key": key, "tempo": tempo, "instrument": instrument}
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
