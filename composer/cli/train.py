"""``composer train``: a folder becomes a model."""

from __future__ import annotations

import json
import signal
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import click

from composer import __version__, checkpoint
from composer.catalogue import EXPORT
from composer.cli.domains import (
    SectionedCommand,
    noun,
    option_names,
    options_for,
    recognise,
    typed,
)
from composer.cli.naming import RUNS, new_run_folder
from composer.cli.options import SEED, reading_options
from composer.cli.progress import note, watcher
from composer.errors import DataError, ModelError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import FrameType

    from composer.fragments import FragmentStore
    from composer.training import TrainingConfig

PRESETS = ("debug", "quick", "standard")
PRECISIONS = ("float32", "bfloat16")
RUN_FILE = "run.json"
OWN = ("preset", "seed", "precision", "threads", "domain")  # settings that no domain has a say in


@dataclass(frozen=True)
class Settings:
    """What decides the outcome of a run; kept in it, so that ``--resume`` goes on the same way.

    Attributes:
        preset: a name in ``PRESETS``.
        seed: of every random number.
        precision: in which the GAN multiplies, a name in ``PRECISIONS``.
        threads: of the processor; with another number sums go in another order.
        domain: id of the domain.
        options: what the domain is told when it reads the folder, as typed or by default.
    """

    preset: str
    seed: int
    precision: str
    threads: int
    domain: str
    options: dict[str, Any]

    def as_json(self) -> dict[str, Any]:
        """All of them side by side; ``from_json`` is the inverse."""
        return {name: getattr(self, name) for name in OWN} | self.options

    @classmethod
    def from_json(cls, data: Mapping[str, Any], command: click.Command) -> Settings:
        """The settings of a record.

        KeyError where they are not those that ``command`` has for the domain.
        """
        own = {name: data[name] for name in OWN}
        options = {name: value for name, value in data.items() if name not in OWN}
        if options.keys() != option_names(command, own["domain"]):
            raise KeyError(own["domain"])
        return cls(**own, options=options)


class StopRequest:
    """True once SIGINT or SIGTERM came, so that training finishes its step and saves.

    A second signal ends the program at once. Used as a context manager, it leaves the handlers
    as they were.
    """

    def __init__(self) -> None:
        """Nothing is asked for yet."""
        self.signal: int | None = None
        self._before: dict[int, Any] = {}

    def __call__(self) -> bool:
        """Whether to stop."""
        return self.signal is not None

    def __enter__(self) -> Self:
        """Take the two signals over."""
        for number in (signal.SIGINT, signal.SIGTERM):
            self._before[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, *_: object) -> None:
        """Give the signals back."""
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        if self.signal is not None:
            raise SystemExit(128 + number)
        self.signal = number
        note("stopping after this step, then saving; once more stops at once")


@click.command(
    name="train",
    cls=SectionedCommand,
    epilog="""\b
Examples:
  composer train tunes/ --out runs/x --meter 4/4 --voices 1
  composer train pictures/ --out runs/y --preset quick --colours 8
  composer train pictures/ --out runs/y --resume""",
)
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="RUN",
    help="Folder of the run; where there is one already, the next free number is added.  "
    "[default: runs/ and the name of DIR]",
)
@click.option(
    "--preset",
    type=click.Choice(PRESETS),
    default="standard",
    show_default=True,
    help="How long and how large: a minute or two, half an hour, or an hour on two cores.",
)
@click.option(
    "--seed",
    type=SEED,
    metavar="N",
    default=0,
    show_default=True,
    help="The same seed, files and options train the same model.",
)
@click.option("--resume", is_flag=True, help="Go on with the run at --out where it was stopped.")
@click.option(
    "--precision",
    type=click.Choice(PRECISIONS),
    default=PRECISIONS[0],
    show_default=True,
    help="What the GAN multiplies in; bfloat16 is faster, on a processor that has it.",
)
@click.option(
    "--threads",
    type=click.IntRange(1, 64),
    metavar="N",
    default=1,
    show_default=True,
    help="Processor threads; more than one is seldom faster for networks this small.",
)
@click.option("--dry-run", is_flag=True, help="Read the folder, print what would be done, stop.")
@reading_options
@click.pass_context
def command(
    ctx: click.Context,
    /,
    *,
    folder: Path,
    out: Path | None,
    resume: bool,
    dry_run: bool,
    **_given: Any,
) -> None:
    """Train a model on the MIDI files or the pictures below DIR.

    Prints the path of the finished model. Ctrl-C finishes the step, saves and stops;
    --resume goes on exactly there.
    """
    out = out or RUNS / folder.resolve().name
    record = _read_record(out, ctx.command) if resume else None
    settings = _new_settings(ctx, folder) if record is None else _continued(ctx, out, record)
    _check_precision(settings.precision)
    store = _open_store(folder, settings)
    if record is not None and record["data"] != store.key:
        message = (
            f"the files in '{folder}' are not those that {out} was trained on: "
            "bring them back, or start a new run without --resume"
        )
        raise DataError(message)
    config = _configure(settings)
    if dry_run:
        click.echo(json.dumps(_plan(store, settings, config), indent=2))
        return
    run = out if resume else _start_run(out, settings, store)
    _train(store, run, config, resume=resume)


def _configure(settings: Settings) -> TrainingConfig:
    """The preset of the domain, with the seed of the run; torch is told its threads."""
    import torch

    from composer.domain import domain_class

    torch.set_num_threads(settings.threads)
    preset = domain_class(settings.domain).presets()[settings.preset]
    gan = replace(preset.model.gan, bfloat16=settings.precision == "bfloat16")
    return replace(preset, seed=settings.seed, model=replace(preset.model, gan=gan))


def _check_precision(precision: str) -> None:
    """UsageError where the processor only imitates bfloat16, a hundred times slower."""
    if precision == PRECISIONS[0]:
        return
    import torch

    able: dict[str, bool] = getattr(torch.cpu, "get_capabilities", dict)()  # since torch 2.11
    if not (able.get("amx_bf16") or able.get("avx512_bf16")):
        message = "this processor does not compute in bfloat16: leave out --precision"
        raise UsageError(message)


def _train(store: FragmentStore, run: Path, config: TrainingConfig, *, resume: bool) -> None:
    """Train until done or told to stop, then say where the model is."""
    from composer.training import train

    with StopRequest() as stop, watcher() as display:
        result = train(store, run, config, resume=resume, watcher=display, stop=stop)
    if stop.signal is not None and not result.finished:
        note(f"saved to {result.checkpoint}; the same command with --out {run} --resume goes on")
        raise click.exceptions.Exit(128 + stop.signal)
    click.echo(run / EXPORT)
    note(f"composer compose --model {run}")


def _new_settings(ctx: click.Context, folder: Path) -> Settings:
    """The settings that were typed, for the domain that was named or that the folder is of."""
    domain = ctx.params["domain"] or recognise(folder)
    options = options_for(ctx, domain, f"'{folder}' is read as {noun(domain)}")
    own = {name: ctx.params[name] for name in OWN} | {"domain": domain}
    return Settings(**own, options=options)


def _read_record(run: Path, command: click.Command) -> dict[str, Any]:
    """What an existing run was started with: ``settings`` and ``data``, the key of its files."""
    checkpoint.latest(run)  # says what is missing where there is nothing to go on with
    path = run / RUN_FILE
    try:
        record = json.loads(path.read_bytes())
        settings = Settings.from_json(record["settings"], command)
        return {"settings": settings, "data": str(record["data"])}
    except (OSError, ValueError, TypeError, KeyError) as error:
        message = f"{path} is missing, damaged or of another version, so {run} cannot be resumed"
        raise ModelError(message) from error


def _continued(ctx: click.Context, run: Path, record: Mapping[str, Any]) -> Settings:
    """The settings of the run; UsageError where one that was typed differs."""
    settings: Settings = record["settings"]
    options_for(ctx, settings.domain, f"{run} learns from {noun(settings.domain)}")
    differing = [
        f"--{name.replace('_', '-')} {'by default' if value is None else value}"
        for name, value in settings.as_json().items()
        if name in typed(ctx) and ctx.params[name] != value
    ]
    if differing:
        message = (
            f"{run} was started with {', '.join(differing)}: "
            "leave that out, or start a new run without --resume"
        )
        raise UsageError(message)
    return settings


def _start_run(out: Path, settings: Settings, store: FragmentStore) -> Path:
    """Make the folder of a new run, with a record of what it was started with."""
    run = new_run_folder(out)
    if run != out:
        note(f"{out} exists and stays as it is; this run is {run}")
    record = {"composer": __version__, "data": store.key, "settings": settings.as_json()}
    checkpoint.replace_file(run / RUN_FILE, f"{json.dumps(record, indent=1)}\n".encode())
    return run


def _open_store(folder: Path, settings: Settings) -> FragmentStore:
    from composer.domain import domain_class
    from composer.fragments import open_store

    return open_store(domain_class(settings.domain), folder, settings.options)


def _plan(store: FragmentStore, settings: Settings, config: TrainingConfig) -> dict[str, Any]:
    """What ``--dry-run`` prints."""
    from composer.fragments import SPLITS

    return {
        "pieces": {name: len(store.pieces(split)) for split, name in enumerate(SPLITS)},
        "fragments": {name: len(store.select(split)) for split, name in enumerate(SPLITS)},
        "domain": {"id": store.domain_id, **store.settings},
        "settings": settings.as_json(),
        "training": asdict(config),
    }
