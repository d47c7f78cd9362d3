"""How critics and the value network look at candidates for a place."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from composer.domain import Domain


class PlaceEncoder(nn.Module):
    """State and candidates as vectors.

    The state is the neighbours (embedded), how they resemble each other, and the position. A
    candidate is its embedding and how it resembles each neighbour.
    """

    def __init__(self, domain: Domain, width: int) -> None:
        """``width`` of a fragment's embedding."""
        super().__init__()
        self.domain = domain
        self.encoder = domain.encoder(width)
        geometry = domain.neighbours((1,) * len(domain.training_layout))
        count = geometry.shape[1]
        position = domain.positions((1,) * len(domain.training_layout)).shape[1]
        blank = torch.zeros(1, 1, *domain.spec.shape, dtype=torch.uint8)
        relations = domain.relations(blank, blank).shape[-1]
        self.state_width = count * (width + 1) + count * count * relations + position
        self.candidate_width = width + count * relations

    def state(self, context: Tensor, present: Tensor, position: Tensor) -> Tensor:
        """Context int ``[n, neighbours, *shape]`` -> ``[n, state_width]``."""
        count, neighbours = present.shape
        shown = present.float()
        embedded = self.encoder(context.flatten(0, 1))
        embedded = embedded.view(count, neighbours, -1) * shown.unsqueeze(-1)
        pairs = (shown.unsqueeze(1) * shown.unsqueeze(2)).unsqueeze(-1)
        relations = self.domain.relations(context, context) * pairs
        return torch.cat((embedded.flatten(1), shown, relations.flatten(1), position), dim=1)

    def candidates(
        self,
        candidates: Tensor,
        context: Tensor,
        present: Tensor,
        fragments: Tensor | None = None,
    ) -> Tensor:
        """Candidates int ``[n, k, *shape]`` -> ``[n, k, candidate_width]``.

        ``fragments``, one-hot ``[n, k, *shape, classes]``, stands for the candidates where a
        gradient with respect to them is wanted.
        """
        count, choices = candidates.shape[:2]
        shown = candidates if fragments is None else fragments
        embedded = self.encoder(shown.flatten(0, 1)).view(count, choices, -1)
        relations = self.domain.relations(candidates, context)
        relations = relations * present.float()[:, None, :, None]
        return torch.cat((embedded, relations.flatten(2)), dim=2)
