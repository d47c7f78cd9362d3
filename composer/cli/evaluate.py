"""``composer evaluate``: how good compositions are, against people, baselines and copies."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from composer.catalogue import describe_model
from composer.cli.compose import DEFAULT_OUT, model_label
from composer.cli.domains import domain_of, noun, recognise, typed
from composer.cli.naming import free_file, make_folder
from composer.cli.options import FiniteRange
from composer.cli.progress import note, track, watcher
from composer.cli.words import count as counted
from composer.cli.words import printable
from composer.errors import DataError, UsageError

if TYPE_CHECKING:
    from composer.domain import Corpus, Domain
    from composer.evaluation.evaluate import Plan
    from composer.evaluation.report import Report
    from composer.evaluation.samples import Sample
    from composer.model import Model

SHOWN = 10  # compositions in the report
UNITS = {"music": "bars", "art": "tiles"}
POLICIES = (
    "agent samples by the learnt value, resample by the critics without looking ahead; greedy "
    "takes what the critics like best, random any candidate, first the generator's first proposal: "
    "all from the same candidates, some of which are made near what the agent values; "
    "best of K: of whole pieces of first proposals the one that the critics reward most, for as "
    "many calls of the critics."
)
NO_PLOTS = "Without plots: they need matplotlib (pip install 'composer[report]')."


@click.command(
    name="evaluate",
    epilog="""\b
Examples:
  composer evaluate fiddle --data data/fiddle
  composer evaluate runs/x --data tunes --count 50 --seeds 2 --report report.html --json
  composer evaluate fiddle --data data/fiddle --dial
  composer evaluate --files outputs/*.mid --data tunes""",
)
@click.argument("subjects", nargs=-1, required=True, metavar="MODEL|FILE...")
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    metavar="DIR",
    required=True,
    help="Pieces of people: the folder that the model learnt from, or another.",
)
@click.option(
    "--files",
    is_flag=True,
    help="Evaluate files instead of a model: MIDI or pictures, whoever made them.",
)
@click.option(
    "--count",
    type=click.IntRange(10, 10_000),
    metavar="N",
    default=200,
    show_default=True,
    help="Compositions of each seed and policy.",
)
@click.option(
    "--seeds",
    type=click.IntRange(1, 100),
    metavar="N",
    default=5,
    show_default=True,
    help="Seeds of the compositions, from 0.",
)
@click.option(
    "--novelty",
    type=FiniteRange(0, 1),
    metavar="X",
    default=0.3,
    show_default=True,
    help="What the agent prefers, as in 'composer compose'.",
)
@click.option(
    "--dial",
    is_flag=True,
    help="Turn the novelty dial, too: half of --count at each of 0, .1 ... 1, what that does to "
    "realism, novelty and copying.",
)
@click.option(
    "--report",
    "out",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="The page to write; where one is there already, the next free number is added.  "
    "[default: outputs/NAME-report.html]",
)
@click.option("--json", "as_json", is_flag=True, help="Print all figures as one JSON object.")
@click.pass_context
def command(  # noqa: PLR0913 - one parameter an option
    ctx: click.Context,
    /,
    *,
    subjects: tuple[str, ...],
    data: Path,
    files: bool,
    count: int,
    seeds: int,
    novelty: float,
    dial: bool,
    out: Path | None,
    as_json: bool,
) -> None:
    """Say how good the compositions of MODEL are: a report in one HTML file.

    They are compared with pieces of DIR that no training of the model has seen, with training
    pieces, and with what simpler choosers make of the same candidates. Prints the path of the
    report.
    """
    _check_arguments(ctx)
    label = "files" if files else model_label(subjects[0])
    out = out or DEFAULT_OUT / f"{label}-report.html"
    described = None if files else describe_model(subjects[0])
    domain_id = described["domain"] if described else _domain_of(subjects)
    who = f"{label} makes" if described else "the files are"
    _check_folder(data, domain_id, who)
    make_folder(out.parent)
    import torch

    from composer.evaluation.evaluate import Plan

    torch.set_num_threads(1)  # the same sums in the same order on every machine
    plan = Plan(count=count, seeds=seeds, novelty=novelty, dial=dial)
    report = (
        _of_files(subjects, domain_id, data, plan) if files else _of_model(subjects[0], data, plan)
    )
    path = _write(report, out)
    if as_json:
        from composer.evaluation.report import as_json as whole

        click.echo(json.dumps({"report": str(path), **whole(report)}))
        return
    click.echo(path)
    if report.evaluation.dial:
        from composer.evaluation.report import dial_as_text

        click.echo(dial_as_text(report.evaluation.dial))


# ---- what is evaluated ----------------------------------------------------------------------


def _of_model(name: str, data: Path, plan: Plan) -> Report:
    """Compositions of a model."""
    from composer.domain import domain_class
    from composer.evaluation.evaluate import evaluate_model
    from composer.evaluation.report import Report
    from composer.fragments import open_store
    from composer.model import load_model

    model = load_model(name)
    options = model.domain.yardstick().reading()
    store = open_store(domain_class(model.domain_id), data, options)
    with watcher() as display:
        found = evaluate_model(model, store, plan, display)
    label = model_label(name)
    about = {
        "model": f"{label} (SHA-256 {model.hash[:16]})",
        "people": _people(found.facts, data),
        "compositions": f"{plan.count:,} of each policy and seed, "
        f"{counted(plan.seeds, 'seed')} from 0, novelty {plan.novelty:g}",
        "candidates at each place": f"up to {found.facts['candidates']}, drawn alike for all",
        "fragments that the model knows and that are in the training part of the folder": (
            f"{found.facts['known_in_training']:.0%}"
        ),
    }
    pieces = _pictures(model, plan.novelty)
    return Report(found, f"compositions of {label}", about, pieces, (POLICIES,))


def _of_files(names: tuple[str, ...], domain_id: str, data: Path, plan: Plan) -> Report:
    """Pieces from anywhere; what most of the files are decides how the folder is read."""
    from composer.domain import domain_class
    from composer.evaluation.evaluate import evaluate_pieces
    from composer.evaluation.report import Report
    from composer.fragments import open_store

    kind = domain_class(domain_id)
    corpus, links = _read(names, kind)
    store = open_store(kind, data, kind(corpus.settings).yardstick().reading())
    domain = kind(store.settings)
    made, left_out = _cut(corpus, links, domain)
    with watcher() as display:
        found = evaluate_pieces(domain, store, made, plan, display)
    about = {
        "files": f"{len(names):,}, of which {len(left_out)} left out; "
        f"{counted(len(made), 'piece')} of the length or size that is compared",
        "people": _people(found.facts, data),
    }
    notes = tuple(f"Left out: {printable(reason)}." for reason in left_out)
    return Report(found, "files", about, {}, notes)


def _read(names: tuple[str, ...], kind: type[Domain]) -> tuple[Corpus, dict[str, str]]:
    """Read files as a folder is read, so that copies count once.

    Returns:
        The corpus; the file as it was typed by the name that it has there.
    """
    with tempfile.TemporaryDirectory(prefix="composer-") as folder:
        links = {}
        for number, name in enumerate(names):
            link = Path(folder) / f"{number:06d}{Path(name).suffix.lower()}"
            link.symlink_to(Path(name).resolve())
            links[link.name] = name
        try:
            return kind.read(Path(folder), {}), links
        except DataError as error:
            raise _renamed(error, folder, links) from None


def _cut(corpus: Corpus, links: dict[str, str], domain: Domain) -> tuple[Sample, list[str]]:
    """Windows of the files, and why some files have none."""
    import numpy as np

    from composer.evaluation.samples import Sample

    yardstick = domain.yardstick()
    cut = [yardstick.adopt(domain.windows(piece), corpus.settings) for piece in corpus.pieces]
    used = {piece.source for piece, own in zip(corpus.pieces, cut, strict=True) if len(own)}
    reasons = {one.source: one.reason for one in corpus.rejections}
    size = "x".join(map(str, reversed(yardstick.layout)))
    small = f"too short or too small, {size} {UNITS[domain.id]} are compared"
    left_out = [
        f"{name}: {_told(reasons.get(link, small), links)}"
        for link, name in links.items()
        if link not in used
    ]
    if not used:
        message = f"none of {counted(len(links), 'file')} can be used, e.g. {left_out[0]}"
        raise DataError(message)
    windows = np.concatenate([own for own in cut if len(own)])
    works = np.repeat(corpus.clusters, [len(own) for own in cut])
    return Sample(windows, works, np.zeros(len(works), np.int64)), left_out


def _renamed(error: DataError, folder: str, links: dict[str, str]) -> DataError:
    """The same failure, of the files as they were typed."""
    return DataError(_told(str(error).replace(f" below '{folder}'", ""), links))


def _told(text: str, links: dict[str, str]) -> str:
    for link, name in links.items():
        text = text.replace(link, name)
    return text


def _pictures(model: Model, novelty: float) -> dict[str, bytes]:
    """The compositions of the first seeds, as ``composer compose`` would write them."""
    from composer.composing import ComposeRequest, compose

    yardstick = model.domain.yardstick()
    made = compose(model, ComposeRequest(count=SHOWN, novelty=novelty))
    drawn = {
        f"seed {one.recipe['seed']}": yardstick.picture(one)
        for one in track(made, SHOWN, "drawing")
    }
    return {caption: picture for caption, picture in drawn.items() if picture is not None}


# ---- checks and words -------------------------------------------------------------------------


def _check_arguments(ctx: click.Context) -> None:
    """UsageError where there are several models, or files with what only a model can do."""
    number = len(ctx.params["subjects"])
    if number > 1 and not ctx.params["files"]:
        message = f"one model at a time, not {number}: add --files to evaluate files"
        raise UsageError(message)
    foreign = sorted(typed(ctx) & {"count", "seeds", "novelty", "dial"})
    if foreign and ctx.params["files"]:
        message = f"--{foreign[0]} says how a model composes; leave it out with --files"
        raise UsageError(message)


def _domain_of(names: tuple[str, ...]) -> str:
    """The domain whose files all of these are."""
    for name in names:
        if not Path(name).is_file():
            message = f"there is no file '{name}'"
            raise DataError(message)
    first = domain_of(Path(names[0]))
    for name in names:
        if domain_of(Path(name)) != first:
            message = f"'{name}' is not {noun(first)} as '{names[0]}' is"
            raise DataError(message)
    return first


def _check_folder(folder: Path, domain_id: str, who: str) -> None:
    """DataError where a folder holds nothing of the domain."""
    from composer.domain import domain_class
    from composer.files import find_files

    names, rejections = find_files(folder, domain_class(domain_id).extensions)
    if not names and not rejections:
        there = noun(recognise(folder))
        message = f"'{folder}' holds {there}, but {who} {noun(domain_id)}: give another --data"
        raise DataError(message)


def _people(facts: dict[str, Any], data: Path) -> str:
    """What the compositions are compared with."""
    size = " x ".join(str(side) for side in facts["layout"])
    return (
        f"{facts['pieces']['people']:,} windows ({size}) of {facts['works']:,} works below "
        f"{printable(str(data))} that are held out of training; "
        f"{facts['training_pieces']:,} of the others; the judge sees {facts['judged']}, "
        f"figures of sets are of {facts['set']} pieces each"
    )


# ---- the report -------------------------------------------------------------------------------


def _write(report: Report, out: Path) -> Path:
    """Write the page beside its place, then under its name or the next free one."""
    from composer.checkpoint import replace_file
    from composer.evaluation.report import as_html

    try:
        from composer.evaluation.plots import draw_dial, draw_plots

        dial = report.evaluation.dial
        plots, turned = draw_plots(report.evaluation), draw_dial(dial) if dial else {}
    except ImportError:
        note(NO_PLOTS)
        plots, turned = {}, {}
    path = free_file(out)
    try:
        replace_file(path, as_html(report, plots, turned).encode())
    except OSError as error:
        message = f"cannot write {path}: {error.strerror}; choose another with --report"
        raise UsageError(message) from error
    return path
