"""Features of small crops by a fixed random convolutional network: no weights to fetch.

Random filters with a nonlinearity and pooling already tell textures apart (Ustyuzhaninov et al.,
ICLR 2017), so two sets of pictures can be compared without a network that was trained on others.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from composer.evaluation import fidelity

CROP = 16  # pixels in a crop's side
WIDTHS = (32, 64, 64)
BATCH = 512
SLOPE = 0.2
SMALLEST = 1e-6  # a spread below this is rounding


def cut_crops(
    pictures: np.ndarray, count: int, rng: np.random.Generator, size: int = CROP
) -> np.ndarray:
    """Cut crops at random places of random pictures.

    Args:
        pictures: ``[n, height, width, ...]``, no side smaller than ``size``.
        count: number of crops; each picture gives as many as the others, or one more.
        rng: the source of randomness.
        size: pixels in a crop's side.

    Returns:
        ``[count, size, size, ...]`` of the same dtype.
    """
    return cut_at(pictures, place_crops(pictures.shape, count, rng, size), size)


def place_crops(
    shape: tuple[int, ...], count: int, rng: np.random.Generator, size: int = CROP
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Where crops of pictures of a shape ``[n, height, width, ...]`` lie.

    Returns:
        Number of the picture, upper and left edge of each crop: int64 ``[count]`` each.
    """
    number, height, width = shape[:3]
    owners = rng.permutation(number)[np.arange(count) % number]
    top = rng.integers(height - size + 1, size=count)
    left = rng.integers(width - size + 1, size=count)
    return owners, top, left


def cut_at(
    pictures: np.ndarray, places: tuple[np.ndarray, np.ndarray, np.ndarray], size: int = CROP
) -> np.ndarray:
    """Cut the crops that ``place_crops`` has placed."""
    owners, top, left = (part[:, None, None] for part in places)
    steps = np.arange(size)
    return pictures[owners, top + steps[:, None], left + steps]


def crop_features(crops: np.ndarray, seed: int = 0) -> np.ndarray:
    """Describe crops: mean and spread over the crop of every channel of each layer.

    Args:
        crops: float32 ``[n, height, width, channels]``, 0 to 1.
        seed: decides the filters; compare only features of one seed and one number of channels.

    Returns:
        float32 ``[n, features]``.
    """
    network = _filters(crops.shape[-1], seed)
    with torch.no_grad():
        parts = [_describe(network, part) for part in torch.split(torch.from_numpy(crops), BATCH)]
    return torch.cat(parts).numpy()


def standardise(reference: np.ndarray, *others: np.ndarray) -> tuple[np.ndarray, ...]:
    """Give every feature mean 0 and spread 1 in the reference; the others in the same units.

    All float ``[n, features]``; features that do not vary in the reference are only centred.
    """
    mean, spread = reference.mean(axis=0), reference.std(axis=0)
    scale = np.where(spread > SMALLEST, spread, 1)
    return tuple((features - mean) / scale for features in (reference, *others))


def crop_figures(made: np.ndarray, real: np.ndarray) -> dict[str, float]:
    """Distances and reach of crops by their features.

    Args:
        made: float ``[n, features]`` as from ``crop_features``.
        real: float ``[m, features]``, of the crops that are to be met.

    Returns:
        ``frechet``, ``kernel`` (times 1,000), ``recall`` and ``coverage`` as in ``fidelity``, in
        units of the spread of the real features.
    """
    theirs, ours = standardise(real, made)
    return {
        "frechet": fidelity.frechet_distance(ours, theirs),
        "kernel": 1000 * fidelity.kernel_distance(ours, theirs),
        "recall": fidelity.recall(ours, theirs),
        "coverage": fidelity.coverage(ours, theirs),
    }


def _filters(channels: int, seed: int) -> nn.ModuleList:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        layers = nn.ModuleList()
        for width in WIDTHS:
            layer = nn.Conv2d(channels, width, 3, padding=1, padding_mode="replicate")
            nn.init.kaiming_normal_(layer.weight, SLOPE)
            with torch.no_grad():  # filters without a mean: contours, not brightness
                layer.weight -= layer.weight.mean(dim=(1, 2, 3), keepdim=True)
            layers.append(layer)
            channels = width
    return layers


def _describe(layers: nn.ModuleList, crops: torch.Tensor) -> torch.Tensor:
    """``[n, height, width, channels]`` -> ``[n, features]``."""
    seen = crops.movedim(-1, 1)
    columns = [seen.mean(dim=(2, 3)), seen.std(dim=(2, 3))]
    for layer in layers:
        seen = nn.functional.leaky_relu(layer(seen), SLOPE)
        columns += [seen.mean(dim=(2, 3)), seen.std(dim=(2, 3))]
        seen = nn.functional.avg_pool2d(seen, 2)
    return torch.cat(columns, dim=1)
