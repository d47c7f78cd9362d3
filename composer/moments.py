"""A linear discriminator of what can be counted, so that it comes as often as in real pieces.

The critics judge one place at a time. What each fragment has a little too much of, they are not
sure of, and a piece has it many times. Here means are compared over all places: how fragments
resemble their neighbours (``Domain.relations``), what is in them (``Domain.counted``), and where in
a piece there is much or little (``Domain.traits``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from composer.networks import View, look
from composer.places import Geometry, Pieces

if TYPE_CHECKING:
    from composer.domain import Domain

CHUNK = 4096  # places looked at at once
ENOUGH = 60_000  # real places that means and correlations are taken from
SPREAD = 1e-3  # least standard deviation that counts: what people never do may be ruled out


@dataclass(frozen=True)
class MomentConfig:
    """How the agent's moments are drawn to those of people.

    Attributes:
        rate: share of a difference that a round mends, if the agent followed at once.
        pooled: share of a step that all kinds take together: what each of many kinds lacks is known
            from few pieces, what all of them lack from all.
        ridge: added to the moments' correlations, so that what differs by chance alone is left.
        limit: largest change of the log ratio by a standard deviation of one moment.
    """

    rate: float = 0.1
    pooled: float = 0.5
    ridge: float = 0.1
    limit: float = 1.0


class Moments(nn.Module):
    """A log ratio that is linear in the moments of a candidate in its place; 0 at first.

    Attributes:
        weights: float ``[kinds, moments]``, of a plan's kind.
        centre: float ``[kinds, moments]``, people's means.
    """

    weights: Tensor
    centre: Tensor

    def __init__(self, domain: Domain) -> None:
        """Nothing is known yet."""
        super().__init__()
        self.domain = domain
        geometry = Geometry.of(domain, (1,) * len(domain.training_layout))
        blank = np.zeros((1, *domain.spec.shape), np.uint8)
        token = torch.from_numpy(blank).unsqueeze(1)
        related = geometry.neighbours.shape[1] * domain.relations(token, 1).shape[-1]
        self.planned = geometry.positions.shape[1]  # columns of a position before the kind
        width = related + domain.counted(blank).shape[1]
        width += domain.traits(blank).shape[1] * self.planned
        self.register_buffer("weights", torch.zeros(domain.kinds, width))
        self.register_buffer("centre", torch.zeros(domain.kinds, width))

    def forward(self, view: View) -> Tensor:
        """-> float32 ``[n, k]``."""
        if not self.weights.any():  # as in models that never learnt any
            return torch.zeros(view.candidates.shape[:2])
        seen = self.of(view)
        kinds = self.kinds_of(view.position)
        weights, centre = self.weights[kinds], self.centre[kinds]
        return torch.einsum("nkm,nm->nk", seen, weights) - (weights * centre).sum(1, keepdim=True)

    def of(self, view: View) -> Tensor:
        """The moments of candidates: float32 ``[n, k, moments]``."""
        flat = view.candidates.flatten(0, 1).to(torch.uint8).numpy()
        shape = view.candidates.shape[:2]
        counted = torch.from_numpy(self.domain.counted(flat)).view(*shape, -1)
        traits = torch.from_numpy(self.domain.traits(flat)).view(*shape, -1)
        where = view.position[:, : self.planned]
        there = torch.einsum("nkt,np->nktp", traits, where).flatten(2)
        return torch.cat((view.offered, counted, there), dim=2)

    def kinds_of(self, position: Tensor) -> Tensor:
        """The planned kinds, int64 ``[n]``."""
        if self.domain.kinds == 1:
            return torch.zeros(len(position), dtype=torch.int64)
        return position[:, self.planned : self.planned + self.domain.kinds].argmax(1)


class Matching:
    """Dual ascent of maximum entropy: the weights add up what the agent's means lack.

    Feature expectations are matched (Abbeel and Ng, ICML 2004) as in maximum entropy (Jaynes, 1957;
    Ziebart et al., AAAI 2008): of all policies with people's means, the one nearest to that of the
    critics. A classifier would not do. Against an agent that heeds it, it finds nothing, and
    forgets what holds the agent where it is.
    """

    def __init__(
        self, moments: Moments, geometry: Geometry, real: Pieces, config: MomentConfig
    ) -> None:
        """``real`` tells what is aimed at, and how moments go together."""
        self.moments, self.geometry, self.config = moments, geometry, config
        pieces = min(len(real), max(ENOUGH // geometry.places, 1))
        _, firsts = np.unique(real.plans[:, 0], return_index=True)  # no kind is to be missed
        rows = np.union1d(np.arange(pieces) * len(real) // pieces, firsts)
        seen, kinds = self._look(real.take(rows))
        centre = moments.centre.double().clone()
        for kind in kinds.unique():
            centre[kind] = seen[kinds == kind].mean(0)
        moments.centre.copy_(centre)
        residue = seen - centre[kinds]
        variance = residue.square().mean(0) + SPREAD**2
        self.spread = variance.sqrt()
        covariance = residue.T @ residue / len(residue)
        self.inverse = torch.linalg.inv(covariance + torch.diag(config.ridge * variance))

    def update(self, composed: Pieces) -> dict[str, float]:
        """Compare with the latest pieces; weights go a step. Kinds weigh as they are composed."""
        seen, kinds = self._look(composed)
        gaps = torch.zeros_like(self.moments.centre, dtype=torch.float64)
        found = torch.zeros(len(gaps), dtype=torch.float64)
        for kind in kinds.unique():
            rows = kinds == kind
            found[kind] = rows.double().mean()
            gaps[kind] = found[kind] * (self.moments.centre[kind] - seen[rows].mean(0))
        step = torch.lerp(gaps, gaps.sum(0).expand_as(gaps), self.config.pooled) @ self.inverse
        bound = self.config.limit / self.spread
        weights = self.moments.weights + self.config.rate * step
        self.moments.weights.copy_(weights.clamp(-bound, bound))
        size = (gaps / self.spread).square().mean(1) / found.clamp_min(1e-9)
        return {"moment_gap": float(size.sum().sqrt())}

    def _look(self, pieces: Pieces) -> tuple[Tensor, Tensor]:
        """Moments of all places, float64 ``[n, moments]``, and the kinds planned there ``[n]``."""
        rows = np.repeat(np.arange(len(pieces)), self.geometry.places)
        at = np.tile(np.arange(self.geometry.places), len(pieces))
        found = []
        for part in np.array_split(np.arange(len(rows)), max(len(rows) // CHUNK, 1)):
            places = self.geometry.at(pieces, rows[part], at[part])
            fragments, context, present, position = map(torch.from_numpy, places)
            offered = fragments.unsqueeze(1)
            view = look(self.moments.domain, context, present, position, offered)
            found.append(self.moments.of(view).squeeze(1))
        kinds = pieces.plans[rows, at] if self.moments.domain.kinds > 1 else np.zeros(len(rows))
        return torch.cat(found).double(), torch.from_numpy(kinds.astype(np.int64))
