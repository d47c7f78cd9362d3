"""What a palette costs, and what it gains: pictures of several models in the colours of the real.

    python tests/benchmarks/colours.py --data DIR --model RUN [RUN ...] [--count 48]

compares compositions, drawn as ``composer compose`` draws them, with the pictures of the folder as
they are, not as one of the models sees them: so models in palettes and in RGB can be compared.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from canvases import CROPS, blur
from page import PAGE, machine, over_sets, table, write_section

from composer.composing import ComposeRequest, compose
from composer.domain import domain_class
from composer.domains.art import quantise
from composer.domains.art.crops import CROP, crop_features, crop_figures, cut_crops
from composer.domains.art.metrics import assemble
from composer.domains.art.read import cut_area
from composer.domains.art.render import render
from composer.domains.art.write import choose_palette
from composer.evaluation.samples import cut_windows
from composer.fragments import HELD_OUT, JUDGE, TRAIN, open_store
from composer.model import load_model

if TYPE_CHECKING:
    from composer.domains.art.settings import ArtSettings
    from composer.model import Model

TEXT = """## Colours: palettes or RGB

{pictures} pictures (train: {known}), {count} compositions of each model and seed, seeds {seeds},
novelty 0, a pixel a cell. {machine}.

    python tests/benchmarks/colours.py --data DIR --count {count} --seeds {seeds} --model RUN...

Crops of {crop} pixels of red, green and blue, compared with crops of the training pictures;
features are those of a random convolutional network. **real**: other crops of the training
pictures; **unseen**: of pictures that no model learnt from, which are few and unlike the others;
**blur**: of training pictures after a 3x3 mean; **in N colours**: of these in palettes of their
own, the best that a model with N colours could do. Figures over seeds with 95% intervals by
Student's t. That compositions are no copies is for `composer originality` to say.

{table}
"""
FIGURES = {
    "frechet": "Frechet distance",
    "kernel": "kernel distance x 1,000",
    "recall": "recall",
    "coverage": "coverage",
}
OPAQUE = 255


class Pictures:
    """The real pictures of a folder in RGB, and what others are measured by."""

    def __init__(self, folder: Path, tile: int) -> None:
        """Read as training reads them."""
        self.store = open_store(domain_class("art"), folder, {"colours": "rgb", "tile": tile})
        self.settings: ArtSettings = domain_class("art")(self.store.settings).settings
        self.known, self.unseen = self._cut((TRAIN,)), self._cut((HELD_OUT, JUDGE))

    def _cut(self, splits: tuple[int, ...]) -> np.ndarray:
        """Canvases uint8 ``[n, height, width, 3]``."""
        domain = domain_class("art")(self.store.settings)
        windows = cut_windows(self.store, domain, splits).windows
        return assemble(windows, domain.training_layout)

    def compare(self, pictures: np.ndarray, seed: int) -> dict[str, float]:
        """Figures of pictures uint8 ``[n, height, width, 3]``."""
        rng = np.random.default_rng(seed)
        sides = (cut_crops(each, CROPS, rng) for each in (self.known, pictures))
        theirs, ours = (crop_features(crops.astype(np.float32) / OPAQUE) for crops in sides)
        return crop_figures(ours, theirs)

    def reduced(self, settings: ArtSettings) -> np.ndarray:
        """Training pictures in palettes of their own."""
        return np.stack([in_palette(picture, settings) for picture in self.known])


def in_palette(picture: np.ndarray, settings: ArtSettings) -> np.ndarray:
    """A picture uint8 ``[height, width, 3]`` as a model of these settings sees it, drawn again."""
    height, width = picture.shape[:2]
    alpha = np.full((height, width, 1), OPAQUE, np.uint8)
    pixels = np.concatenate((picture, alpha), axis=2)
    palette = quantise.find_palette(pixels, settings.slots)
    tiles = cut_area(pixels, palette, settings)
    colours = quantise.full_palette(palette, settings.slots).tolist()
    names = ["#" + bytes(colour).hex() for colour in colours]
    layout = (height // settings.tile, width // settings.tile)
    return render(tiles, layout, settings, names, scale=1)


def composed(model: Model, layout: tuple[int, int], count: int, seed: int) -> np.ndarray:
    """Compositions of ``layout`` in their palettes: uint8 ``[count, height, width, 3]``."""
    settings: ArtSettings = model.domain.settings
    size = {"tiles": (layout[1], layout[0])}
    request = ComposeRequest(seed=seed * count, count=count, novelty=0.0, options=size)
    pictures = []
    for piece in compose(model, request):
        palette = choose_palette(piece, settings, {})
        pictures.append(render(piece.fragments, layout, settings, palette, scale=1))
    return np.stack(pictures)


def main(arguments: list[str] | None = None) -> str:
    """Read, compose, compare, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of pictures")
    parser.add_argument("--model", nargs="+", required=True, help="runs trained on it")
    parser.add_argument("--count", type=int, default=48)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], help="composition seeds")
    parser.add_argument("--page", type=Path, default=PAGE)
    args = parser.parse_args(arguments)
    torch.set_num_threads(1)
    models = {name.rsplit("/", 1)[-1]: load_model(name) for name in args.model}
    settings = [model.domain.settings for model in models.values()]
    if len({(own.tile, own.pixels, own.transparent) for own in settings}) > 1:
        parser.error("the models see tiles of different sizes, or transparency: not comparable")
    real = Pictures(args.data, settings[0].tile)
    layout = (real.settings.rows, real.settings.columns)
    sets = {"real": [real.known], "unseen": [real.unseen], "blur": [blur(real.known)]}
    for own in sorted(settings, key=lambda own: own.slots):
        if own.slots:
            sets[f"in {own.slots} colours"] = [real.reduced(own)]
    for name, model in models.items():
        sets[name] = [composed(model, layout, args.count, seed) for seed in args.seeds]
    rows = []
    for name, parts in sets.items():
        each = parts * len(args.seeds) if len(parts) == 1 else parts
        found = [real.compare(part, seed) for part, seed in zip(each, args.seeds, strict=True)]
        rows.append([name, *(over_sets([one[key] for one in found]) for key in FIGURES)])
    text = TEXT.format(
        pictures=len(real.known) + len(real.unseen),
        known=len(real.known),
        count=args.count,
        seeds=" ".join(map(str, args.seeds)),
        machine=machine(),
        crop=CROP,
        table=table(["pictures", *FIGURES.values()], rows),
    ).strip()
    sys.stdout.write(text + "\n")
    write_section("colours", text, args.page)
    return text


if __name__ == "__main__":
    main()
