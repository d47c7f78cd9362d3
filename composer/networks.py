"""How critics and the value network look at candidates for a place."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from composer.places import Geometry

if TYPE_CHECKING:
    from composer.domain import Domain


def relate(domain: Domain, context: Tensor, present: Tensor, candidates: Tensor) -> Tensor:
    """How neighbours and candidates resemble the neighbours that are there.

    Tensors as of ``PlaceEncoder`` -> float32 ``[n, neighbours + k, neighbours, relations]``.
    """
    related = domain.relations(torch.cat((context, candidates), dim=1), context.shape[1])
    return related * present.float()[:, None, :, None]


class PlaceEncoder(nn.Module):
    """State and candidates as vectors.

    The state is the neighbours (embedded), how they resemble each other, and, in the last columns,
    the position. A candidate is its embedding and how it resembles each neighbour.
    """

    def __init__(self, domain: Domain, width: int) -> None:
        """``width`` of a fragment's embedding."""
        super().__init__()
        self.domain = domain
        self.encoder = domain.encoder(width)
        geometry = Geometry.of(domain, (1,) * len(domain.training_layout))
        count, self.position = geometry.neighbours.shape[1], geometry.features
        blank = torch.zeros(1, 1, *domain.spec.shape, dtype=torch.uint8)
        relations = domain.relations(blank, 1).shape[-1]
        self.pairs = torch.tril_indices(count, count, -1).tolist()  # each pair of neighbours once
        pairs = count * (count - 1) // 2
        self.state_width = count * (width + 1) + pairs * relations + self.position
        self.candidate_width = width + count * relations

    def forward(
        self,
        context: Tensor,
        present: Tensor,
        position: Tensor,
        candidates: Tensor,
        related: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Context int ``[n, neighbours, *shape]``, candidates int ``[n, k, *shape]``.

        ``related`` is what ``relate`` gives, where that is known already.
        -> ``[n, state_width]``, ``[n, k, candidate_width]``.
        """
        count, neighbours = present.shape
        shown = present.float()
        everything = torch.cat((context, candidates), dim=1)
        if related is None:
            related = relate(self.domain, context, present, candidates)
        first, second = self.pairs
        among = related[:, first, second] * shown[:, first, None]  # [n, pairs, relations]
        embedded = self.encoder(everything.flatten(0, 1)).view(count, related.shape[1], -1)
        before, offered = embedded[:, :neighbours], embedded[:, neighbours:]
        before = before * shown.unsqueeze(-1)
        state = torch.cat((before.flatten(1), shown, among.flatten(1), position), dim=1)
        return state, torch.cat((offered, related[:, neighbours:].flatten(2)), dim=2)
