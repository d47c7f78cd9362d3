"""How good the pictures of trained models are: against real ones and other choosers.

    python tests/benchmarks/art.py --data DIR --model RUN [RUN ...] --seeds 0 1 2 3 4

prints tables, writes them to ``docs/benchmarks.md`` and all figures to ``--json FILE``.

The real pictures are those that no network was trained on (the held-out and the judge's part of the
split), cut like the canvases that the agent practises on. Every set of canvases, real or composed,
holds as many of each kind.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from canvases import BLUR, COPIES, REAL, Benchmark, Canvases, Score, compose_canvases
from page import PAGE, interval, machine, over_sets, table, write_section
from speed import compare, seconds

from composer.composing import POLICIES
from composer.domain import domain_class
from composer.domains.art.crops import CROP
from composer.evaluation.bootstrap import ratio_interval
from composer.evaluation.classifiers import JudgeConfig
from composer.evaluation.parallel import at_once
from composer.fragments import open_store
from composer.model import load_model

if TYPE_CHECKING:
    from composer.model import Model

FIGURES = {  # name -> (what the table says, goal)
    "frechet": ("Frechet distance of crops", "<= 2 x real"),
    "kernel": ("kernel distance of crops x 1,000", "< blur"),
    "recall": ("recall of crops", ">= .80"),
    "coverage": ("coverage of crops", ">= .60"),
    "auc form": ("AUC of the judge of form", ""),
    "auc": ("AUC of the stronger judge", ""),
    "auc network": ("- of the network", ""),
}
MEASURES = {  # of form -> (what the table says, kinds that have it)
    "mirror": ("mirror error", ("mirror", "carpet", "medallion")),
    "rotation": ("rotation error", ("rotation", "medallion")),
    "frame": ("contrast of the frame", ("carpet",)),
    "centre": ("strength of the centre", ("medallion",)),
    "gradient": ("strength of the gradient", ("gradient",)),
    "purity": ("purity of regions", ("regions",)),
}
Columns = dict[str, list[Score]]


def run(
    benchmark: Benchmark, models: list[Model], seeds: list[int], novelty: float
) -> tuple[Columns, dict[str, list[dict[str, float]]], list[float]]:
    """Score real canvases and every chooser.

    Returns:
        The scores of each column; the figures of the baselines of crops; shares of contexts in
        which two latents give different tiles, one for each model and seed.
    """
    columns: Columns = {REAL: [], **{policy: [] for policy in POLICIES}}
    baselines: dict[str, list[dict[str, float]]] = {BLUR: [], COPIES: []}
    different = []
    for seed in seeds:
        known = benchmark.floor(np.random.default_rng(seed))
        columns[REAL].append(benchmark.score(known, seed, related=True))
        for name, figures in benchmark.baselines(seed).items():
            baselines[name].append(figures)
    kinds = benchmark.real.kinds
    for model in models:
        names = [(policy, seed) for policy in POLICIES for seed in seeds]
        jobs = [partial(compose_canvases, model, p, kinds, s, novelty) for p, s in names]
        made_at_once = at_once(jobs, lambda _: None)
        for (policy, seed), (tiles, share) in zip(names, made_at_once, strict=True):
            made = Canvases(tiles, kinds, np.arange(len(kinds)))
            columns[policy].append(benchmark.score(made, seed))
            if policy == "first":
                different.append(share)
    return columns, baselines, different


# ---- tables -----------------------------------------------------------------------------------


def figure_cell(figures: list[dict[str, float]], part: str, name: str) -> str:
    """One figure over sets; of the judge of form with its own interval, over canvases."""
    found = {key.removeprefix(f"{part}: "): [set_[key] for set_ in figures] for key in figures[0]}
    if f"{name} low" in found:
        low, middle, high = (np.mean(found[f"{name}{end}"]) for end in (" low", "", " high"))
        return interval(low, middle, high)
    return over_sets(found.get(name, []), 1 if name in {"frechet", "kernel"} else 2)


def picture_cell(scores: list[Score], kind: int, above: str, below: str | None = None) -> str:
    """Mean (or ratio of sums) of a measure over all canvases of a kind, with its interval."""
    values = {
        name: np.concatenate([score.pictures[name][score.kinds == kind] for score in scores])
        for name in (above, below)
        if name is not None
    }
    works = [score.works[score.kinds == kind] for score in scores if score.works is not None]
    top = values[above]
    bottom = np.ones(len(top)) if below is None else values[below]
    if not bottom.any():
        return "-"
    low, high = ratio_interval(top, bottom, np.concatenate(works) if works else None)
    return interval(low, float(top.sum() / bottom.sum()), high)


def report(
    benchmark: Benchmark,
    columns: Columns,
    baselines: dict[str, list[dict[str, float]]],
    different: list[float],
) -> str:
    """The tables in Markdown."""
    sets = {name: [score.figures for score in scores] for name, scores in columns.items()}
    sets |= baselines
    figures = [
        [f"{part}: {text}", goal, *(figure_cell(found, part, name) for found in sets.values())]
        for part in benchmark.parts
        for name, (text, goal) in FIGURES.items()
    ]
    kinds = list(enumerate(benchmark.settings.kinds))
    seams = [
        [name, *(picture_cell(scores, kind, "across", "inside") for scores in columns.values())]
        for kind, name in kinds
    ]
    forms = [
        [f"{name}: {text}", *(picture_cell(scores, kind, measure) for scores in columns.values())]
        for measure, (text, having) in MEASURES.items()
        for kind, name in kinds
        if name in having
    ]
    parts = [
        table(["figure", "reach", *sets], figures),
        f"Tiles of two latents in one context differ in {over_sets(different)} (reach: .90).",
        "Seam energy ratio of each kind (reach: within .05 + 20% of the real one):",
        table(["kind", *columns], seams),
    ]
    if forms:
        parts += ["Form, where a kind has one:", table(["kind", *columns], forms)]
    return "\n\n".join(parts)


def picture_time(model: str) -> list[float]:
    """Seconds of ``composer compose`` for 1024x1024 pixels, and of importing torch alone."""
    with tempfile.TemporaryDirectory() as folder:
        size = ("--size", "1024x1024", "--seed", "0", "--out", folder)
        compose = ("-m", "composer", "compose", "--model", model, *size)
        return compare(lambda: seconds(*compose), lambda: seconds("-c", "import torch"))


NOTES = """## Art

{models} on {pieces} pictures (train, held-out, judge: {split}), canvases of {rows}x{columns} tiles,
at most {count} of each kind for each column and seed, seeds {seeds}, novelty {novelty:g}.
{machine}.

    python tests/benchmarks/art.py --data DIR --model RUN... --count {count} --seeds {seeds}

Numbers in brackets are 95% intervals: of the judge of form, of seams and of form over canvases
(bootstrap), of all else over models and seeds (Student's t). **real**: training pictures in the
place of compositions (the floor). **agent** samples by the learnt value, **resample** by the
critics without look-ahead, **greedy** takes their favourite, **random** any candidate, **first**
the generator's first proposal (unselected). **blur**: real pictures after a 3x3 mean; **100
crops**: a hundred real crops, many times. Crops of {size} cells lie anywhere, so they see seams;
their features are those of a random convolutional network. AUC: .5 where a classifier that never
rewarded cannot tell compositions from held-out pictures. The judge of form sees statistics of the
whole canvas only (symmetry, frame, gradient, repeats, slots) in outline, relative to real canvases
of that kind; the stronger judge is the better one of a network that sees each tile in its
surroundings and of a linear one on all statistics.

A picture of 1024x1024 pixels from a cold start: {cold:.2f} s, `import torch` alone {alone:.2f} s
(reach: <= 2 x that + 2 s).
"""


def introduction(benchmark: Benchmark, args: argparse.Namespace) -> str:
    """What was measured, on what and how."""
    store, number = benchmark.store, len(args.model)
    rows, columns = benchmark.domain.training_layout
    cold, alone = picture_time(args.model[0])
    return NOTES.format(
        models="One trained model" if number == 1 else f"{number} trained models",
        pieces=len(store.split),
        split=" / ".join(str(count) for count in np.bincount(store.split, minlength=3)),
        rows=rows,
        columns=columns,
        count=benchmark.count,
        seeds=" ".join(str(seed) for seed in args.seeds),
        novelty=args.novelty,
        machine=machine(),
        size=CROP,
        cold=cold,
        alone=alone,
    )


def plain(columns: Columns) -> dict[str, Any]:
    """All figures, JSON-ready."""
    return {
        name: [
            {
                "figures": score.figures,
                "kinds": score.kinds.tolist(),
                "pictures": {key: values.tolist() for key, values in score.pictures.items()},
            }
            for score in scores
        ]
        for name, scores in columns.items()
    }


def main(arguments: list[str] | None = None) -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of pictures")
    parser.add_argument(
        "--model", nargs="+", required=True, help="runs, one for each training seed"
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], help="of the compositions")
    parser.add_argument("--count", type=int, default=16, help="canvases of each kind in a set")
    parser.add_argument("--novelty", type=float, default=0.0)
    parser.add_argument("--colours", help="as in training")
    parser.add_argument("--tile", type=int, help="as in training")
    parser.add_argument("--page", type=Path, default=PAGE)
    parser.add_argument("--json", type=Path, help="where all figures go")
    args = parser.parse_args(arguments)
    torch.set_num_threads(1)
    models = [load_model(path) for path in args.model]
    options = {"colours": args.colours, "tile": args.tile}
    store = open_store(domain_class(models[0].domain_id), args.data, options)
    if any(model.settings != store.settings for model in models):
        parser.error("a model was trained on tiles of another form than this data is read in")
    benchmark = Benchmark(store, JudgeConfig(), args.count)
    columns, baselines, different = run(benchmark, models, args.seeds, args.novelty)
    text = introduction(benchmark, args)
    text += "\n" + report(benchmark, columns, baselines, different)
    sys.stdout.write(text + "\n")
    write_section("art", text, args.page)
    if args.json:
        found = {"columns": plain(columns), "baselines": baselines, "different": different}
        args.json.write_text(json.dumps(found, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
