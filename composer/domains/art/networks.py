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
from composer.places import look_up

if TYPE_CHECKING:
    import numpy as np

SLOPE = 0.2
PATCH = 4  # the generator works on patches of 4 x 4 cells


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
        """Codes float ``[n, side, side, ..., channels]`` or tokens int ``[n, side, side, ...]``."""
        seen = tiles if tiles.is_floating_point() else look_up(tiles, self.codes)
        return self.layers(smooth(seen.flatten(3)).flatten(1))


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


class TileGenerator(nn.Module):
    """(noise, surroundings, position) -> a tile, worked out on patches and then on cells."""

    def __init__(self, side: int, planes: int, position: int, latent: int, width: int) -> None:
        """``planes`` numbers a cell, ``side`` cells (a multiple of 4)."""
        super().__init__()
        self.side, self.planes = side, planes
        self.fine = width // 4
        self.noise = nn.Linear(latent, width)
        self.label = label(position, width)
        self.patches = nn.Conv2d((planes + 1) * PATCH**2, width, 1)
        self.seed = nn.Linear(width, width * (side // PATCH) ** 2)
        self.inwards = nn.ModuleList(nn.Conv2d(width, width, 3) for _ in range(side // 8))
        self.blocks = nn.ModuleList(Modulated(width, width) for _ in range(2))
        self.spread = nn.Conv2d(width, self.fine * PATCH**2, 1)
        self.detail = nn.Conv2d(self.fine, self.fine, 3, padding=1)
        self.paint = nn.Conv2d(self.fine, planes, 3, padding=1)

    def forward(self, latent: Tensor, context: Tensor, present: Tensor, position: Tensor) -> Tensor:
        """Latent ``[n, latent]`` -> outputs ``[n, side, side, planes]``."""
        style = F.leaky_relu(self.noise(latent) + self.label(position), SLOPE)
        seen = F.pixel_unshuffle(window(context.flatten(4), present), PATCH)
        x = self.patches(seen)  # [n, width, side / 2, side / 2] patches
        for narrow in self.inwards:  # each takes one ring of patches off
            x = narrow(F.leaky_relu(x, SLOPE))
        x = x + self.seed(style).view_as(x)
        for block in self.blocks:
            x = block(x, style)
        x = F.pixel_shuffle(self.spread(F.leaky_relu(x, SLOPE)), PATCH)  # cells
        x = x + self.detail(F.leaky_relu(x, SLOPE))
        return self.paint(F.leaky_relu(x, SLOPE)).permute(0, 2, 3, 1)


class WindowReader(nn.Module):
    """(tile, surroundings, position) -> the window as a vector ``[n, 2 width]``."""

    def __init__(self, side: int, planes: int, position: int, width: int) -> None:
        """Three strided convolutions, then dense."""
        super().__init__()
        half, more = width // 2, width + width // 2
        self.first = nn.Conv2d(planes + 1, half, 4, stride=2, padding=1)
        self.label = label(position, half)
        self.second = nn.Conv2d(half, width, 3, stride=2, padding=1)
        self.third = nn.Conv2d(width, more, 3, stride=2, padding=1)
        self.dense = nn.Linear(more * (side // 4) ** 2, 2 * width)

    def forward(self, tiles: Tensor, context: Tensor, present: Tensor, position: Tensor) -> Tensor:
        """Codes ``[n, side, side, ..., channels]`` -> ``[n, 2 width]``."""
        x = self.first(window(context.flatten(4), present, tiles.flatten(3)))
        x = x + self.label(position)[:, :, None, None]
        x = self.second(F.leaky_relu(x, SLOPE))
        x = self.third(F.leaky_relu(x, SLOPE))
        return F.leaky_relu(self.dense(F.leaky_relu(x, SLOPE).flatten(1)), SLOPE)


class TileInference(nn.Module):
    """(tile, surroundings, position) -> mean and log variance of its latents."""

    def __init__(self, side: int, planes: int, position: int, latent: int, width: int) -> None:
        """A ``WindowReader`` with one more layer, which starts near the prior."""
        super().__init__()
        self.reader = WindowReader(side, planes, position, width)
        self.latents = nn.Linear(2 * width, 2 * latent)
        with torch.no_grad():
            self.latents.weight.mul_(0.1)

    def forward(self, tiles: Tensor, context: Tensor, present: Tensor, position: Tensor) -> Tensor:
        """Codes ``[n, side, side, ..., channels]`` -> ``[n, 2 latent]``."""
        return self.latents(self.reader(tiles, context, present, position))


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
