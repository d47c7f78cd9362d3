"""Networks that read and write tiles: generator, discriminator and encoder.

Generator and discriminator look at a window twice as wide as a tile: the tile in the middle and
the halves of the eight around it that are next to it, each with a mask where it is known. What is
judged is the window, so that seams are learnt away.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from composer.domains.art.moves import smooth
from composer.gan.losses import straight_through
from composer.places import look_up

if TYPE_CHECKING:
    import numpy as np

SLOPE = 0.2
PATCH = 4  # the generator works on patches of 4 x 4 cells
PARTS = 4  # codes are read in, at most so many parts of a tile's side
LEVELS = 4  # of a code
TINY = 1e-6


def window(context: Tensor, present: Tensor, tile: Tensor | None = None) -> Tensor:
    """Assemble windows ``[n, channels + 1, 2 side, 2 side]``; the last channel is the mask.

    ``context`` ``[n, 8, side, side, channels]`` in the order of ``geometry.RING``, ``present``
    ``[n, 8]``; ``tile`` ``[n, side, side, channels]`` fills the middle, unknown without.
    """
    known = present[:, :, None, None, None].expand(*context.shape[:-1], 1)
    planes = torch.cat((context * known, known), dim=-1).permute(0, 1, 4, 2, 3)
    left, top, top_left, top_right, right, bottom, bottom_left, bottom_right = planes.unbind(1)
    if tile is None:
        middle = torch.zeros_like(left)
    else:
        middle = torch.cat((tile, torch.ones_like(tile[..., :1])), dim=-1).permute(0, 3, 1, 2)
    half = context.shape[2] // 2
    rest = context.shape[2] - half
    rows = (
        (top_left[..., rest:, rest:], top[..., rest:, :], top_right[..., rest:, :half]),
        (left[..., rest:], middle, right[..., :half]),
        (bottom_left[..., :half, rest:], bottom[..., :half, :], bottom_right[..., :half, :half]),
    )
    return torch.cat([torch.cat(row, dim=3) for row in rows], dim=2)


def label(position: int, width: int) -> nn.Linear:
    """Position and kind as a vector of unit scale, lest they drown in the noise beside them."""
    layer = nn.Linear(position, width)
    nn.init.normal_(layer.weight, std=0.35)
    return layer


class TileEncoder(nn.Module):
    """A tile as a vector ``[n, width]``, smoothed: a critic that sees every cell saturates."""

    codes: Tensor

    def __init__(self, codes: np.ndarray, side: int, planes: int, width: int) -> None:
        """``planes`` numbers a cell; ``side`` cells."""
        super().__init__()
        self.register_buffer("codes", torch.from_numpy(codes.copy()), persistent=False)
        self.planes = planes
        self.layers = nn.Sequential(
            nn.Linear((side // 2) ** 2 * planes, 2 * width),
            nn.LeakyReLU(SLOPE),
            nn.Linear(2 * width, width),
        )

    def forward(self, tiles: Tensor) -> Tensor:
        """Tokens int ``[n, side, side, ...]``."""
        return self.layers(smooth(look_up(tiles, self.codes).flatten(3)).flatten(1))


class Modulated(nn.Module):
    """Residual block of two 3 x 3 convolutions whose channels a style scales and shifts."""

    def __init__(self, width: int, style: int) -> None:
        """The last convolution starts small, so that depth is harmless."""
        super().__init__()
        self.style = nn.Linear(style, 2 * width)
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)
        with torch.no_grad():
            self.second.weight.mul_(0.1)

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        """``[n, width, h, w]``, style ``[n, style]`` -> as ``x``."""
        scale, shift = self.style(style)[:, :, None, None].chunk(2, dim=1)
        hidden = self.first(F.leaky_relu(x, SLOPE)) * (1 + scale) + shift
        return x + self.second(F.leaky_relu(hidden, SLOPE))


class WindowEncoder(nn.Module):
    """What both readers of windows begin with: two strided convolutions."""

    def __init__(self, planes: int, position: int, width: int) -> None:
        """``planes`` numbers a cell; ``width`` channels out."""
        super().__init__()
        half = width // 2
        self.first = nn.Conv2d(planes + 1, half, 4, stride=2, padding=1)
        self.label = label(position, half)
        self.second = nn.Conv2d(half, width, 3, stride=2, padding=1)

    def encode(self, tiles: Tensor, context: Tensor, present: Tensor, position: Tensor) -> Tensor:
        """Codes ``[n, side, side, ..., channels]`` -> ``[n, width, side / 2, side / 2]``."""
        x = self.first(window(context.flatten(4), present, tiles.flatten(3)))
        x = x + self.label(position)[:, :, None, None]
        return F.leaky_relu(self.second(F.leaky_relu(x, SLOPE)), SLOPE)


class WindowReader(WindowEncoder):
    """(tile, surroundings, position) -> the window as a vector ``[n, 2 width]``."""

    def __init__(self, side: int, planes: int, position: int, width: int) -> None:
        """One more strided convolution, then dense."""
        super().__init__(planes, position, width)
        more = width + width // 2
        self.third = nn.Conv2d(width, more, 3, stride=2, padding=1)
        self.dense = nn.Linear(more * (side // 4) ** 2, 2 * width)

    def forward(self, tiles: Tensor, context: Tensor, present: Tensor, position: Tensor) -> Tensor:
        """Codes ``[n, side, side, ..., channels]`` -> ``[n, 2 width]``."""
        x = self.third(self.encode(tiles, context, present, position))
        return F.leaky_relu(self.dense(F.leaky_relu(x, SLOPE).flatten(1)), SLOPE)


def parts_of(side: int) -> int:
    """In how many parts of a tile's side codes are read."""
    return min(PARTS, side // PATCH)


def whole_codes(latent: int, side: int) -> int:
    """The size of a latent that gives each part of a tile as many codes: at least one."""
    all_parts = LEVELS * parts_of(side) ** 2  # each level is drawn by a number
    return max(latent // all_parts, 1) * all_parts


class PartReader(WindowEncoder):
    """(tile, surroundings, position) -> a few numbers for each part of the tile."""

    def __init__(self, side: int, planes: int, position: int, width: int, codes: int) -> None:
        """``codes`` numbers a part."""
        super().__init__(planes, position, width)
        self.parts = parts_of(side)
        self.outside = side // PATCH // 2 - 1  # rings of patches that no patch of the tile sees
        self.third = nn.Conv2d(width, width, 3)
        self.code = nn.Conv2d(width, codes, 1)

    def forward(self, tiles: Tensor, context: Tensor, present: Tensor, position: Tensor) -> Tensor:
        """Codes ``[n, side, side, ..., channels]`` -> ``[n, codes, parts, parts]``."""
        x = self.encode(tiles, context, present, position)
        inside = slice(self.outside, x.shape[2] - self.outside)
        x = self.third(x[:, :, inside, inside])
        return self.code(F.adaptive_avg_pool2d(F.leaky_relu(x, SLOPE), self.parts))


class Prior(nn.Module):
    """Which codes a place asks for, one after the other: NADE (Larochelle, Murray; AISTATS 2011).

    A code has ``LEVELS`` levels. Each is drawn given the surroundings, those of its own part above
    all, and the codes before it, so that they fit together however many ways there are to go on.
    """

    def __init__(self, codes: int, seen: int, near: int, hidden: int) -> None:
        """``seen``, ``near``: numbers that tell the surroundings of the tile and of a part."""
        super().__init__()
        self.begin = nn.Linear(seen, hidden)
        self.near = nn.Linear(near, hidden)
        self.deep = nn.Linear(hidden, hidden)
        self.added = nn.Parameter(torch.randn(codes, LEVELS, hidden) / codes**0.5)
        self.heads = nn.Parameter(torch.randn(codes, hidden, LEVELS) / hidden)
        self.bias = nn.Parameter(torch.zeros(codes, LEVELS))
        with torch.no_grad():
            self.deep.weight.mul_(0.1)

    def forward(self, seen: Tensor, around: Tensor, levels: Tensor) -> Tensor:
        """Logits ``[n, codes, LEVELS]`` of each code given those before; levels int as drawn.

        ``seen`` ``[n, seen]``, ``around`` ``[n, near, parts, parts]``.
        """
        added = self.added[torch.arange(levels.shape[1]), levels]
        before = added.cumsum(1) - added
        hidden = self._think(self._begin(seen, around) + before)
        return torch.einsum("nch,chl->ncl", hidden, self.heads) + self.bias

    def draw(self, seen: Tensor, around: Tensor, noise: Tensor) -> Tensor:
        """Draw codes: one-hot ``[n, codes, LEVELS]``, the gradient that of the softmax.

        ``noise`` normal ``[n, codes * LEVELS]``, made to Gumbel noise (Jang et al., ICLR 2017).
        """
        uniform = torch.special.ndtr(noise).clamp(TINY, 1 - TINY)
        gumbel = -(-uniform.log()).log().view(-1, *self.bias.shape)
        begun = self._begin(seen, around)
        before, drawn = torch.zeros_like(begun[:, 0]), []
        parts = (begun.unbind(1), (gumbel + self.bias).unbind(1), self.heads, self.added)
        for told, offset, head, added in zip(*parts, strict=True):
            logits = torch.addmm(offset, self._think(told + before), head)
            hard = F.one_hot(logits.argmax(1), LEVELS).to(logits.dtype)
            learning = logits.requires_grad  # else the soft part has nobody to go back to
            drawn.append(straight_through(logits.softmax(1), hard) if learning else hard)
            before = before + drawn[-1] @ added
        return torch.stack(drawn, dim=1)

    def _begin(self, seen: Tensor, around: Tensor) -> Tensor:
        """What each code's place says before any code is drawn: ``[n, codes, hidden]``."""
        near = self.near(F.leaky_relu(around, SLOPE).flatten(2).transpose(1, 2))  # part after part
        near = near.repeat_interleave(len(self.bias) // near.shape[1], dim=1)
        return self.begin(seen).unsqueeze(1) + near

    def _think(self, hidden: Tensor) -> Tensor:
        hidden = F.leaky_relu(hidden, SLOPE)
        return F.leaky_relu(hidden + self.deep(hidden), SLOPE)


class TileGenerator(nn.Module):
    """(noise, surroundings, position) -> a tile.

    A tile is painted from a few codes in each of its parts, and these are drawn by a prior that
    has learnt which ones real tiles have in such surroundings: whichever are drawn, the tile is a
    whole one. Codes are quantised to few levels each (FSQ: Mentzer et al., ICLR 2024).
    """

    levels: Tensor

    def __init__(self, side: int, planes: int, position: int, latent: int, width: int) -> None:
        """``planes`` numbers a cell; ``side`` a multiple of 8; ``latent`` as of ``whole_codes``."""
        super().__init__()
        across, half, fine = side // PATCH, width // 2, width // 4
        self.parts = parts_of(side)
        area = self.parts**2
        codes = latent // LEVELS  # as many in each part
        self.register_buffer("levels", torch.linspace(-1, 1, LEVELS), persistent=False)
        self.patches = nn.Conv2d((planes + 1) * PATCH**2, width, 1)
        self.inwards = nn.ModuleList(nn.Conv2d(width, width, 3) for _ in range(side // 8))
        self.summary = nn.Linear(width * across**2, 2 * width)
        self.wanted = label(position, 2 * width)
        self.prior = Prior(codes, 2 * width, width, 2 * width)
        self.reader = PartReader(side, planes, position, width, codes // area)
        self.planned = nn.Conv2d(codes // area, width, 1)
        self.told = nn.Linear(codes, width)
        self.label = label(position, width)
        self.style = nn.Linear(width, width)
        self.blocks = nn.ModuleList(Modulated(width, width) for _ in range(2))
        self.halve = nn.Conv2d(width, half * 4, 1)
        self.middle = Modulated(half, width)
        self.refine = nn.Conv2d(half, fine * 4, 1)
        self.detail = Modulated(fine, width)
        self.paint = nn.Conv2d(fine, planes, 3, padding=1)

    def forward(self, latent: Tensor, context: Tensor, present: Tensor, position: Tensor) -> Tensor:
        """Latent ``[n, latent]`` -> outputs ``[n, side, side, planes]``."""
        seen = self._look(context, present)
        known, each = (*self._sum_up(seen, position), seen, position), len(latent) // len(seen)
        whole, around, seen, position = (part.repeat_interleave(each, 0) for part in known)
        drawn = self.prior.draw(whole, around, latent)
        return self._paint(drawn @ self.levels, seen, position)

    def reconstruct(
        self, tiles: Tensor, context: Tensor, present: Tensor, position: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Real tiles (codes) by way of their codes, and how surprising these are here.

        Outputs as of ``forward``, and the mean cross-entropy of a tile's codes, nats ``[n]``.
        """
        seen = self._look(context, present)
        read = self.reader(tiles, context, present, position)
        over = (0, 2, 3)  # all parts, so that all levels occur: no code can fall silent
        spread = read.std(over, correction=0, keepdim=True) + TINY
        bounded = ((read - read.mean(over, keepdim=True)) / spread).tanh()
        bounded = bounded.flatten(2).transpose(1, 2).flatten(1)  # part after part
        levels = ((bounded.detach() + 1) * ((LEVELS - 1) / 2)).round().long()
        outputs = self._paint(straight_through(bounded, self.levels[levels]), seen, position)
        logits = self.prior(*self._sum_up(seen, position), levels)
        surprise = F.cross_entropy(logits.transpose(1, 2), levels, reduction="none")
        return outputs, surprise.mean(1)

    def _look(self, context: Tensor, present: Tensor) -> Tensor:
        """Surroundings as patches of the tile: ``[n, width, side / 4, side / 4]``."""
        x = self.patches(F.pixel_unshuffle(window(context.flatten(4), present), PATCH))
        for narrow in self.inwards:  # each takes one ring of patches off
            x = narrow(F.leaky_relu(x, SLOPE))
        return x

    def _sum_up(self, seen: Tensor, position: Tensor) -> tuple[Tensor, Tensor]:
        """All that is known of the place, ``[n, 2 width]``, and of each part of it."""
        summary = self.summary(F.leaky_relu(seen, SLOPE).flatten(1))
        around = F.adaptive_avg_pool2d(seen, self.parts)
        return F.leaky_relu(summary + self.wanted(position), SLOPE), around

    def _paint(self, codes: Tensor, seen: Tensor, position: Tensor) -> Tensor:
        """Codes ``[n, codes]``, -1 to 1, in their surroundings -> outputs."""
        style = F.leaky_relu(self.told(codes) + self.label(position), SLOPE)
        style = F.leaky_relu(self.style(style), SLOPE)
        plan = codes.view(len(codes), self.parts, self.parts, -1).permute(0, 3, 1, 2)
        x = seen + F.interpolate(self.planned(plan), seen.shape[2:])
        for block in self.blocks:
            x = block(x, style)
        x = F.pixel_shuffle(self.halve(F.leaky_relu(x, SLOPE)), 2)
        x = self.middle(x, style)
        x = F.pixel_shuffle(self.refine(F.leaky_relu(x, SLOPE)), 2)  # cells
        x = self.detail(x, style)
        return self.paint(F.leaky_relu(x, SLOPE)).permute(0, 2, 3, 1)


class TileDiscriminator(nn.Module):
    """(tile, surroundings, position) -> realism of the window; no normalisation (R3GAN, 2024)."""

    def __init__(self, side: int, planes: int, position: int, width: int) -> None:
        """A ``WindowReader`` whose reading is compared with what the position asks for."""
        super().__init__()
        self.reader = WindowReader(side, planes, position, width)
        self.judge = nn.Linear(2 * width, 1)
        self.expect = label(position, 2 * width)

    def forward(self, tiles: Tensor, context: Tensor, present: Tensor, position: Tensor) -> Tensor:
        """Codes ``[n, side, side, ..., channels]`` -> ``[n]``."""
        seen = self.reader(tiles, context, present, position)
        fitting = (self.expect(position) * seen).mean(1)  # Miyato, Koyama (ICLR 2018)
        return self.judge(seen).squeeze(1) + fitting
