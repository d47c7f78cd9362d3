"""``composer train``: a folder becomes a model."""

from __future__ import annotations

import json
import signal
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import click

from composer import __version__, checkpoint
from composer.cli.naming import RUNS, new_run_folder
from composer.cli.options import SEED, check_meter
from composer.cli.progress import note, watcher
from composer.errors import DataError, ModelError, UsageError

if TYPE_CHECKING:
    from types import FrameType

    from composer.fragments import FragmentStore
    from composer.training import TrainingConfig

DOMAIN = "music"
PRESETS = ("debug", "quick", "standard")
RUN_FILE = "run.json"


@dataclass(frozen=True)
class Settings:
    """What decides the outcome of a run; kept in it, so that ``--resume`` goes on the same way.

    Attributes:
        preset: a name in ``PRESETS``.
        meter: beats and unit, ``"4/4"``; None for the most common one in the folder.
        voices: 1 to 4, or ``"auto"``.
        steps_per_beat: grid steps in a quarter note.
        seed: of every random number.
    """

    preset: str
    meter: str | None
    voices: str
    steps_per_beat: int
    seed: int

    @property
    def options(self) -> dict[str, Any]:
        """What the domain is told when it reads the folder."""
        voices = self.voices if self.voices == "auto" else int(self.voices)
        return {"meter": self.meter, "voices": voices, "steps_per_beat": self.steps_per_beat}


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


@click.command(name="train")
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
    help="How long and how large: a minute, 15 minutes, or up to an hour on two cores.",
)
@click.option(
    "--meter",
    callback=check_meter,
    metavar="N/M",
    help="Use the pieces in this metre, as in 4/4 or 6/8.  [default: the most common one]",
)
@click.option(
    "--voices",
    type=click.Choice(["auto", "1", "2", "3", "4"]),
    default="auto",
    show_default=True,
    help="Melodic lines in a piece.",
)
@click.option(
    "--steps-per-beat",
    type=click.IntRange(1, 24),
    metavar="N",
    default=4,
    show_default=True,
    help="Grid steps in a quarter note: 4 is sixteenths, 12 has triplets too.",
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
    "--threads",
    type=click.IntRange(1, 64),
    metavar="N",
    default=1,
    show_default=True,
    help="Processor threads; more than one is seldom faster for networks this small.",
)
@click.option("--dry-run", is_flag=True, help="Read the folder, print what would be done, stop.")
@click.pass_context
def command(
    ctx: click.Context,
    /,
    *,
    folder: Path,
    out: Path | None,
    resume: bool,
    threads: int,
    dry_run: bool,
    **given: Any,
) -> None:
    """Train a model on the MIDI files below DIR.

    Prints the path of the finished model. Ctrl-C finishes the step, saves and stops;
    --resume goes on exactly there.
    """
    out = out or RUNS / folder.resolve().name
    settings = Settings(**given)
    record: dict[str, Any] = {}
    if resume:
        record = _read_record(out)
        settings = _continued(out, record, settings, _asked_for(ctx))
    store = _open_store(folder, settings)
    if resume and record["data"] != store.key:
        message = (
            f"the files in '{folder}' are not those that {out} was trained on: "
            "bring them back, or start a new run without --resume"
        )
        raise DataError(message)
    import torch

    from composer.training import PRESETS as CONFIGS

    torch.set_num_threads(threads)
    config = replace(CONFIGS[settings.preset], seed=settings.seed)
    if dry_run:
        click.echo(json.dumps(_plan(store, settings, config), indent=2))
        return
    run = out if resume else _start_run(out, settings, store)
    _train(store, run, config, resume=resume)


def _train(store: FragmentStore, run: Path, config: TrainingConfig, *, resume: bool) -> None:
    """Train until done or told to stop, then say where the model is."""
    from composer.model import EXPORT
    from composer.training import train

    with StopRequest() as stop, watcher() as display:
        result = train(store, run, config, resume=resume, watcher=display, stop=stop)
    if stop.signal is not None and not result.finished:
        note(f"saved to {result.checkpoint}; the same command with --out {run} --resume goes on")
        raise click.exceptions.Exit(128 + stop.signal)
    click.echo(run / EXPORT)
    note(f"composer compose --model {run}")


def _asked_for(ctx: click.Context) -> set[str]:
    """The options that were typed, not left at their default."""
    typed = click.core.ParameterSource.COMMANDLINE
    return {name for name in ctx.params if ctx.get_parameter_source(name) is typed}


def _read_record(run: Path) -> dict[str, Any]:
    """What an existing run was started with."""
    checkpoint.latest(run)  # says what is missing where there is nothing to go on with
    path = run / RUN_FILE
    try:
        record = json.loads(path.read_bytes())
        Settings(**record["settings"])
        str(record["data"])
    except (OSError, ValueError, TypeError, KeyError) as error:
        message = f"{path} is missing or damaged, so {run} cannot be resumed"
        raise ModelError(message) from error
    return dict(record)


def _continued(run: Path, record: dict[str, Any], given: Settings, typed: set[str]) -> Settings:
    """The settings of the run; UsageError where one that was typed differs."""
    settings = Settings(**record["settings"])
    differing = [
        f"--{field.name.replace('_', '-')} {getattr(settings, field.name)}"
        for field in fields(Settings)
        if field.name in typed and getattr(given, field.name) != getattr(settings, field.name)
    ]
    if differing:
        message = (
            f"{run} was started with {' '.join(differing)}: "
            "leave that out, or start a new run without --resume"
        )
        raise UsageError(message)
    return settings


def _start_run(out: Path, settings: Settings, store: FragmentStore) -> Path:
    """Make the folder of a new run, with a record of what it was started with."""
    run = new_run_folder(out)
    if run != out:
        note(f"{out} exists and stays as it is; this run is {run}")
    record = {"composer": __version__, "data": store.key, "settings": asdict(settings)}
    checkpoint.replace_file(run / RUN_FILE, f"{json.dumps(record, indent=1)}\n".encode())
    return run


def _open_store(folder: Path, settings: Settings) -> FragmentStore:
    from composer.domain import domain_class
    from composer.fragments import open_store

    return open_store(domain_class(DOMAIN), folder, settings.options)


def _plan(store: FragmentStore, settings: Settings, config: TrainingConfig) -> dict[str, Any]:
    """What ``--dry-run`` prints."""
    from composer.fragments import SPLITS

    return {
        "pieces": {name: len(store.pieces(split)) for split, name in enumerate(SPLITS)},
        "fragments": {name: len(store.select(split)) for split, name in enumerate(SPLITS)},
        "domain": {"id": store.domain_id, **store.settings},
        "settings": asdict(settings),
        "training": asdict(config),
    }
