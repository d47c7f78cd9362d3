"""How critics and the value network look at candidates for a place."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor, nn

from composer.places import Geometry

if TYPE_CHECKING:
    from composer.domain import Domain


class View(NamedTuple):
    """Places with candidates for them, as critics, moments and value network see them.

    Attributes:
        context: int ``[n, neighbours, *shape]``.
        present: ``[n, neighbours]``, which of them there are.
        position: float32 ``[n, features]``.
        candidates: int ``[n, k, *shape]``.
        related: float32 ``[n, neighbours + k, neighbours, relations]``: how neighbours and
            candidates resemble the neighbours that are there.
    """

    context: Tensor
    present: Tensor
    position: Tensor
    candidates: Tensor
    related: Tensor

    @property
    def everything(self) -> Tensor:
        """Neighbours, then candidates."""
        return torch.cat((self.context, self.candidates), dim=1)

    @property
    def offered(self) -> Tensor:
        """How candidates resemble each neighbour, float32 ``[n, k, neighbours * relations]``."""
        return self.related[:, self.context.shape[1] :].flatten(2)


def look(
    domain: Domain, context: Tensor, present: Tensor, position: Tensor, candidates: Tensor
) -> View:
    """The view of these, with how they are related."""
    related = domain.relations(torch.cat((context, candidates), dim=1), context.shape[1])
    related = related * present.float()[:, None, :, None]
    return View(context, present, position, candidates, related)


class PlaceEncoder(nn.Module):
    """State and candidates as vectors.

    The state is the neighbours (embedded), how they resemble each other, and, in the last columns,
    the position. A candidate is its embedding and how it resembles each neighbour.
    """

    def __init__(self, domain: Domain, width: int) -> None:
        """``width`` of a fragment's embedding."""
        super().__init__()
        self.encoder = domain.encoder(width)
        geometry = Geometry.of(domain, (1,) * len(domain.training_layout))
        count, self.position = geometry.neighbours.shape[1], geometry.features
        blank = torch.zeros(1, 1, *domain.spec.shape, dtype=torch.uint8)
        relations = domain.relations(blank, 1).shape[-1]
        self.pairs = torch.tril_indices(count, count, -1).tolist()  # each pair of neighbours once
        pairs = count * (count - 1) // 2
        self.state_width = count * (width + 1) + pairs * relations + self.position
        self.candidate_width = width + count * relations

    def forward(self, view: View) -> tuple[Tensor, Tensor]:
        """State ``[n, state_width]`` and candidates ``[n, k, candidate_width]``."""
        neighbours = view.present.shape[1]
        shown, everything = view.present.float(), view.everything
        first, second = self.pairs
        among = view.related[:, first, second] * shown[:, first, None]  # [n, pairs, relations]
        embedded = self.encoder(everything.flatten(0, 1)).view(*everything.shape[:2], -1)
        before, offered = embedded.tensor_split((neighbours,), dim=1)
        before = before * shown.unsqueeze(-1)
        state = torch.cat((before.flatten(1), shown, among.flatten(1), view.position), dim=1)
        return state, torch.cat((offered, view.offered), dim=2)
