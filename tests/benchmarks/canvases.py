"""Sets of canvases, real and composed, and what is measured of each set."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from composer.domain import domain_class
from composer.domains.art import canvas
from composer.domains.art.crops import CROP, crop_features, crop_figures, cut_crops, standardise
from composer.domains.art.families.forms import KINDS
from composer.domains.art.families.motifs import FAMILIES
from composer.domains.art.metrics import assemble, canvas_statistics, levels_of, lightness
from composer.domains.art.seams import seam_energies
from composer.evaluation import judge
from composer.evaluation.samples import compose_windows, cut_windows
from composer.fragments import HELD_OUT, JUDGE, TRAIN

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from composer.domains.art.domain import ArtDomain
    from composer.evaluation.classifiers import JudgeConfig
    from composer.fragments import FragmentStore
    from composer.model import Model
    from composer.stage import Observation

FORMS = [kind for kind in KINDS if kind not in FAMILIES]
CROPS = 2000  # of each set
MEMORISED = 100  # crops, to show what copying measures
KNOWN = 400  # tiles of each kind that tell the kind of others
EXTREME = 5.0  # statistics further from the mean count as this many spreads
LEAST_SPREAD = 1e-2  # of a statistic, so that one that never varies does not outweigh all
SMALLEST = 4  # tiles in a canvas's side
REAL, BLUR, COPIES = "real", "blur", "100 crops"


@dataclass(frozen=True)
class Canvases:
    """Canvases of the training layout, real or composed.

    Attributes:
        tiles: uint8 ``[n, rows * columns, *tile]``.
        kinds: int64 ``[n]``, the kind that each is or was to be.
        works: int64 ``[n]``, the picture that each is part of.
    """

    tiles: np.ndarray
    kinds: np.ndarray
    works: np.ndarray

    def take(self, rows: np.ndarray) -> Canvases:
        """Some of them."""
        return Canvases(self.tiles[rows], self.kinds[rows], self.works[rows])

    def of_each(self, counts: Mapping[int, int], rng: np.random.Generator) -> Canvases:
        """At most so many of each kind, drawn without replacement."""
        order = rng.permutation(len(self.kinds))
        rows = [order[self.kinds[order] == kind][:count] for kind, count in counts.items()]
        return self.take(np.sort(np.concatenate(rows)))

    def counts(self) -> dict[int, int]:
        """How many there are of each kind."""
        return Counter(self.kinds.tolist())


@dataclass(frozen=True)
class Score:
    """What one set of canvases measures: ``figures`` of the set, ``pictures`` of each canvas.

    ``kinds`` and ``works`` as in ``Canvases``; None where no two are of one work.
    """

    figures: dict[str, float]
    pictures: dict[str, np.ndarray]
    kinds: np.ndarray
    works: np.ndarray | None


def real_canvases(store: FragmentStore, domain: ArtDomain, splits: tuple[int, ...]) -> Canvases:
    """All windows of some parts of the split."""
    found = cut_windows(store, domain, splits)
    return Canvases(found.windows, found.kinds, found.works)


def compose_canvases(
    model: Model,
    policy: str,
    kinds: np.ndarray,
    seed: int,
    novelty: float,
    step: Callable[[object], None] = lambda _: None,
) -> tuple[np.ndarray, float]:
    """One canvas of each of ``kinds`` ``[n]``: uint8 ``[n, places, *tile]``; a ``step`` a place.

    And the share of places at which the first two fresh candidates, two latents in one context,
    differ in more than 2% of their cells.
    """
    different = []

    def watch(observation: Observation) -> None:
        first, second = observation["candidates"].swapaxes(0, 1)[:2]
        different.append(canvas.differing_share(first, second))
        step(observation)

    made = compose_windows(model, policy, kinds, seed, novelty, watch)
    return made, float(np.mean(different))


class Benchmark:
    """Scores sets of canvases against the real ones of one folder."""

    def __init__(self, store: FragmentStore, config: JudgeConfig, count: int) -> None:
        """Compare ``count`` canvases of each kind, or as many as there are real ones.

        ValueError for canvases that are too small to have a form.
        """
        self.store, self.config, self.count = store, config, count
        self.domain: ArtDomain = domain_class(store.domain_id)(store.settings)
        self.settings = self.domain.settings
        if min(self.domain.training_layout) < SMALLEST:
            rows, columns = self.domain.training_layout
            message = f"canvases of {columns}x{rows} tiles have no form to measure: 4x4 or more"
            raise ValueError(message)
        self.known = real_canvases(store, self.domain, (TRAIN,))
        unseen, known = real_canvases(store, self.domain, (HELD_OUT, JUDGE)), self.known.counts()
        most = {kind: min(count, known[kind], n) for kind, n in unseen.counts().items()}
        self.real = unseen.of_each(most, np.random.default_rng(0))
        self.parts = self._parts()
        self.norms = self._norms()
        self.tiles, self.tile_kinds = self._known_tiles()

    def _parts(self) -> dict[str, np.ndarray]:
        """The kinds that are judged together: textures and forms, or all."""
        names = np.array(self.settings.kinds)
        parts = {"textures": np.isin(names, list(FAMILIES)), "forms": np.isin(names, FORMS)}
        there = {name: np.flatnonzero(part) for name, part in parts.items() if part.any()}
        return there or {"all": np.arange(len(names))}

    def _norms(self) -> dict[int, tuple[np.ndarray, np.ndarray]]:
        """Mean and spread of the statistics of each kind's training canvases."""
        found, norms = self._raw(self.known.tiles), {}
        for kind in np.unique(self.known.kinds).tolist():
            own = found[self.known.kinds == kind]
            norms[kind] = own.mean(axis=0), own.std(axis=0) + LEAST_SPREAD
        return norms

    def _known_tiles(self) -> tuple[np.ndarray, np.ndarray]:
        """Features of training tiles, and their kinds, to tell the kind of others by."""
        rng, features, kinds = np.random.default_rng(0), [], []
        for kind in self.parts.get("textures", next(iter(self.parts.values()))).tolist():
            tiles = self.known.tiles[self.known.kinds == kind]
            tiles = tiles.reshape(-1, *self.domain.spec.shape)
            features.append(self._see(tiles[rng.permutation(len(tiles))[:KNOWN]]))
            kinds.append(np.full(len(features[-1]), kind))
        return np.concatenate(features), np.concatenate(kinds)

    def _see(self, tiles: np.ndarray) -> np.ndarray:
        return crop_features(levels_of(tiles, self.settings))

    def _raw(self, tiles: np.ndarray) -> np.ndarray:
        return canvas_statistics(tiles, self.domain.training_layout, self.settings)

    def pictures(self, made: Canvases) -> np.ndarray:
        """Canvases as pictures: float32 ``[n, height, width, channels]``."""
        cells = assemble(made.tiles, self.domain.training_layout)
        return levels_of(cells, self.settings)

    def statistics(self, made: Canvases) -> np.ndarray:
        """Statistics of canvases in spreads from the mean of their kind, and without sign.

        So kinds are judged together, though only some of them shall be symmetric, or framed.
        """
        found = self._raw(made.tiles)
        norms = [self.norms[kind] for kind in made.kinds.tolist()]
        mean, spread = (np.stack(part) for part in zip(*norms, strict=True))
        away = ((found - mean) / spread).clip(-EXTREME, EXTREME)
        return np.concatenate((away, np.abs(away)), axis=1)

    def score(self, made: Canvases, seed: int, *, related: bool = False) -> Score:
        """All figures of one set; ``related`` where its works are numbered as the real ones are."""
        figures = {}
        for name, kinds in self.parts.items():
            real, ours = (some.take(np.isin(some.kinds, kinds)) for some in (self.real, made))
            found = self.compare_crops(self.pictures(ours), real, seed)
            found |= self.judge_canvases(ours, real, seed, related=related)
            figures |= {f"{name}: {figure}": value for figure, value in found.items()}
        works = made.works if related else None
        return Score(figures, self.measure(made), made.kinds, works)

    def compare_crops(self, pictures: np.ndarray, real: Canvases, seed: int) -> dict[str, float]:
        """Distances of random crops from those of real canvases, and what they reach of them."""
        rng = np.random.default_rng(seed)
        size = min(CROP, *pictures.shape[1:3])
        crops = cut_crops(self.pictures(real), CROPS, rng, size)
        made = cut_crops(pictures, CROPS, rng, size)
        return crop_figures(crop_features(made), crop_features(crops))

    def floor(self, rng: np.random.Generator) -> Canvases:
        """Training canvases in the place of compositions, as many of each kind as real ones."""
        return self.known.of_each(self.real.counts(), rng)

    def baselines(self, seed: int) -> dict[str, dict[str, float]]:
        """Crop figures of what nobody wants: blurred real pictures, and few crops many times."""
        rng, found = np.random.default_rng(seed), {BLUR: {}, COPIES: {}}
        known = self.floor(rng)
        for name, kinds in self.parts.items():
            real, ours = (some.take(np.isin(some.kinds, kinds)) for some in (self.real, known))
            pictures = self.pictures(ours)
            crops = cut_crops(pictures, MEMORISED, rng, min(CROP, *pictures.shape[1:3]))
            sides = {BLUR: blur(pictures), COPIES: crops[rng.integers(MEMORISED, size=CROPS)]}
            for column, made in sides.items():
                figures = self.compare_crops(made, real, seed)
                found[column] |= {f"{name}: {figure}": value for figure, value in figures.items()}
        return found

    def judge_canvases(
        self, made: Canvases, real: Canvases, seed: int, *, related: bool
    ) -> dict[str, float]:
        """What two judges make of the canvases: one of form alone, one that sees all."""
        sides = self.statistics(real), self.statistics(made)
        statistics = np.concatenate(sides)
        works = np.concatenate((real.works, made.works)) if related else real.works
        form = judge.judge_statistics(*sides, groups=works, seed=seed, config=self.config)
        both = judge.judge_auc(
            real.tiles,
            made.tiles,
            self.domain,
            layout=self.domain.training_layout,
            groups=works,
            statistics=lambda _: statistics,
            seed=seed,
            config=self.config,
        )
        return {
            "auc form": form.auc,
            "auc form low": form.interval[0],
            "auc form high": form.interval[1],
            "auc": both.auc,
            "auc network": both.network_auc,
        }

    def measure(self, made: Canvases) -> dict[str, np.ndarray]:
        """Seams and form of each canvas: name -> ``[n]``."""
        pictures, layout = self.pictures(made), self.domain.training_layout
        across, inside = seam_energies(pictures, self.settings.tile)
        flat = made.tiles.reshape(-1, *self.domain.spec.shape)
        known, seen = standardise(self.tiles, self._see(flat))
        kinds = canvas.nearest_kinds(seen, known, self.tile_kinds)
        levels = levels_of(flat, self.settings).mean(axis=(1, 2))
        density = lightness(levels, self.settings).reshape(-1, *layout)
        return {
            "across": across,
            "inside": inside,
            "mirror": canvas.mirror_errors(pictures),
            "rotation": canvas.rotation_errors(pictures),
            "frame": canvas.frame_contrasts(seen.reshape(-1, *layout, seen.shape[1])),
            "centre": canvas.centre_strengths(density),
            "gradient": canvas.gradient_strengths(density),
            "purity": canvas.region_purities(kinds.reshape(-1, *layout)),
        }


def blur(pictures: np.ndarray) -> np.ndarray:
    """Mean of the 3x3 cells around each: float ``[n, height, width, channels]``."""
    height, width = pictures.shape[1:3]
    padded = np.pad(pictures, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="edge")
    steps = [(down, right) for down in range(3) for right in range(3)]
    shifted = [padded[:, down : down + height, right : right + width] for down, right in steps]
    return np.mean(shifted, axis=0, dtype=np.float32)
