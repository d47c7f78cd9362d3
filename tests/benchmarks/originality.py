"""How much of compositions is in the folder that a model learnt from, beside what people borrow.

    python tests/benchmarks/originality.py --data DIR --model RUN [RUN ...] [--count 40]

composes pieces at several settings of the novelty dial, writes them and asks ``composer
originality`` about each file.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from page import PAGE, table, write_section

from composer.cli.originality import RARE
from composer.composing import ComposeRequest, compose
from composer.domains.music.originality import certificate
from composer.model import load_model

if TYPE_CHECKING:
    from composer.model import Model

TEXT = """## Originality

{count} pieces of each model and setting of the novelty dial, seeds from 0, as `composer
originality FILE --data DIR` finds them: the longest passage that some tune of the folder has, too,
in whatever key, and which share of all nine notes in a row are in the folder. In the last column
how many of the pieces copy more than all but 2.5% of the human works do, each of these beside the
others. In brackets the central 95% of pieces.

    python tests/benchmarks/originality.py --data DIR --count {count} --model RUN...

{table}
"""
HEAD = ["", "longest copy in notes, mean", "nine notes in a row, mean", "more than usual"]


def certificates(model: Model, folder: Path, count: int, novelty: float) -> list[dict[str, Any]]:
    """What is found of ``count`` pieces."""
    found = []
    with tempfile.TemporaryDirectory() as place:
        for piece in compose(model, ComposeRequest(seed=0, count=count, novelty=novelty)):
            stem = Path(place) / f"{piece.recipe['seed']}"
            model.domain.write(piece, stem, {})
            found.append(certificate(stem.with_suffix(".mid"), folder, {}))
    return found


def row(name: str, found: list[dict[str, Any]]) -> list[str]:
    """A line of the table."""
    runs = [0 if each["longest_run"] is None else each["longest_run"]["notes"] for each in found]
    copied = [each["copied"] for each in found]
    rare = [
        min(each["human"]["longest_run"]["as_much"], each["human"]["copied"]["as_much"]) < RARE
        for each in found
    ]
    return [name, central(runs, 1), central(copied, 3), f"{sum(rare)} of {len(rare)}"]


def central(values: list[float], digits: int) -> str:
    """The mean and where all but 5% lie."""
    low, high = np.quantile(values, (0.025, 0.975))
    return f"{np.mean(values):.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]"


def people(human: dict[str, Any]) -> list[str]:
    """The line of human works: medians."""
    cells = []
    for name, digits in (("longest_run", 0), ("copied", 3)):
        median, low, high = (f"{human[name][end]:.{digits}f}" for end in ("median", "low", "high"))
        cells.append(f"median {median} [{low}, {high}]")
    return [f"{human['pieces']:,} human works", *cells, ""]


def main(arguments: list[str] | None = None) -> str:
    """Compose, ask, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of MIDI files")
    parser.add_argument("--model", nargs="+", required=True, help="runs or bundled models")
    parser.add_argument("--count", type=int, default=40)
    parser.add_argument("--novelty", type=float, nargs="+", default=[0.0, 0.3])
    parser.add_argument("--page", type=Path, default=PAGE)
    args = parser.parse_args(arguments)
    torch.set_num_threads(1)
    rows: list[list[str]] = []
    for name in args.model:
        model = load_model(name)
        for novelty in args.novelty:
            found = certificates(model, args.data, args.count, novelty)
            if not rows:
                rows.append(people(found[0]["human"]))
            rows.append(row(f"{name.rsplit('/', 1)[-1]}, novelty {novelty:g}", found))
    text = TEXT.format(count=args.count, table=table(HEAD, rows)).strip()
    sys.stdout.write(text + "\n")
    write_section("originality", text, args.page)
    return text


if __name__ == "__main__":
    main()
