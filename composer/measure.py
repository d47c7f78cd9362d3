"""Held-out measures that training is guided by: cheap, without weights, for any domain."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from composer.domain import Domain
    from composer.gan.fragment_gan import FragmentGAN
    from composer.places import Geometry

FRAGMENTS = 2000
PIECE_WEIGHT = 5.0  # brings the divergences of fragments to the scale of the profile's distance


def measure_fragments(
    gan: FragmentGAN, geometry: Geometry, held_out: np.ndarray, rng: np.random.Generator
) -> dict[str, float]:
    """The averaged generator in held-out places against held-out fragments.

    ``held_out`` uint8 ``[pieces, places, *shape]``. Returns the domain's distances, ``distance``
    (their total) and ``variety``: the share of different fragments, relative to the real one.
    """
    places = geometry.sample(held_out, FRAGMENTS, rng)
    noise = rng.standard_normal((FRAGMENTS, gan.config.latent), dtype=np.float32)
    made = gan.generate(places, noise)
    found = gan.domain.compare(made, held_out.reshape(-1, *made.shape[1:]))
    distance = found.pop("total")
    variety = len(np.unique(made, axis=0)) / len(np.unique(places.fragments, axis=0))
    return {**found, "distance": distance, "variety": variety}


def measure_pieces(
    domain: Domain, geometry: Geometry, made: np.ndarray, held_out: np.ndarray
) -> dict[str, float]:
    """Composed pieces against held-out ones: repeats (form) and fragments (content).

    ``made``, ``held_out`` uint8 ``[pieces, places, *shape]``. ``form`` is the L1 distance of the
    repeat profiles; ``content`` the sum of the domain's divergences.
    """
    form = float(np.abs(profile(geometry, made) - profile(geometry, held_out)).sum())
    shape = domain.spec.shape
    found = domain.compare(made.reshape(-1, *shape), held_out.reshape(-1, *shape))
    content = float(sum(value for name, value in found.items() if name != "total"))
    return {"form": form, "content": content, "distance": form + PIECE_WEIGHT * content}


def profile(geometry: Geometry, pieces: np.ndarray) -> np.ndarray:
    """Share of places equal to each of their neighbours, where there is one: ``[neighbours]``."""
    present = geometry.neighbours >= 0  # [places, neighbours]
    others = pieces[:, np.maximum(geometry.neighbours, 0)]  # [pieces, places, neighbours, *shape]
    same = (others == pieces[:, :, None]).reshape(*others.shape[:3], -1).all(-1)
    counted = np.maximum(present.sum(0) * len(pieces), 1)
    return (same & present).sum((0, 1)) / counted
