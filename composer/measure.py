"""Held-out measures that training is guided by: cheap, without weights, for any domain."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from composer.domain import Domain
    from composer.gan.fragment_gan import FragmentGAN
    from composer.places import Geometry, Pieces

FRAGMENTS = 2000
PIECE_WEIGHT = 5.0  # brings the divergences of fragments to the scale of the profile's distance


def measure_fragments(
    gan: FragmentGAN, geometry: Geometry, held_out: Pieces, rng: np.random.Generator
) -> dict[str, float]:
    """The averaged generator in held-out places against held-out fragments.

    ``geometry`` as the generator sees it. Returns the domain's distances, ``distance`` (their
    total) and ``variety``: the share of different fragments, relative to the real one.
    """
    places = geometry.sample(held_out, FRAGMENTS, rng)
    noise = rng.standard_normal((FRAGMENTS, gan.latent), dtype=np.float32)
    made = gan.generate(places, noise)
    found = gan.domain.compare(made, some(held_out, gan.domain))
    distance = found.pop("total")
    variety = len(np.unique(made, axis=0)) / len(np.unique(places.fragments, axis=0))
    return {**found, "distance": distance, "variety": variety}


def measure_pieces(
    domain: Domain, geometry: Geometry, made: Pieces, held_out: Pieces
) -> dict[str, float]:
    """Composed pieces against held-out ones: repeats (form) and fragments (content).

    ``form`` is the L1 distance of the repeat profiles, the mean over the kinds of pieces (by the
    plan's first place) that both hold; ``content`` the sum of the domain's divergences.
    """
    kinds = np.intersect1d(made.plans[:, 0], held_out.plans[:, 0])
    profiles = [
        [profile(domain, geometry, pieces.fragments[pieces.plans[:, 0] == kind]) for kind in kinds]
        for pieces in (made, held_out)
    ]
    form = float(np.abs(np.subtract(profiles[0], profiles[1])).sum((1, 2)).mean())
    found = domain.compare(some(made, domain), some(held_out, domain))
    content = float(sum(value for name, value in found.items() if name != "total"))
    return {"form": form, "content": content, "distance": form + PIECE_WEIGHT * content}


def some(pieces: Pieces, domain: Domain) -> np.ndarray:
    """Fragments of pieces, evenly chosen where they are many: at most twice ``FRAGMENTS``."""
    fragments = pieces.fragments.reshape(-1, *domain.spec.shape)
    return fragments[:: max(len(fragments) // FRAGMENTS, 1)]


def profile(domain: Domain, geometry: Geometry, pieces: np.ndarray) -> np.ndarray:
    """Share of places in which each of their neighbours comes back, where there is one.

    ``pieces`` uint8 ``[n, places, *shape]`` -> float64 ``[neighbours, ways]``, in the ways that
    ``Domain.returns`` knows.
    """
    columns = []
    for column in geometry.neighbours.T:
        (places,) = np.nonzero(column >= 0)
        back = domain.returns(pieces[:, places], pieces[:, column[places]])  # [n, places, ways]
        columns.append(back.sum((0, 1)) / max(len(places) * len(pieces), 1))
    return np.stack(columns)
