from __future__ import annotations

import numpy as np
import pytest
import torch

from composer.domains.art.crops import crop_features, crop_figures, cut_crops, standardise
from composer.evaluation.fidelity import frechet_distance


def pictures(seed: int, count: int = 40) -> np.ndarray:
    """Black and white blobs."""
    noise = np.random.default_rng(seed).standard_normal((count, 32, 32))
    spectrum = np.exp(-np.square(np.minimum(np.arange(32), 32 - np.arange(32))) / 8)
    smooth = np.fft.ifft2(np.fft.fft2(noise) * np.outer(spectrum, spectrum)).real
    return (smooth > 0).astype(np.float32)[..., None]


def test_crops_are_cut_from_all_pictures():
    marked = np.arange(5 * 6 * 7).reshape(5, 6, 7)
    crops = cut_crops(marked, 10, np.random.default_rng(0), 3)
    assert crops.shape == (10, 3, 3)
    assert np.bincount(crops[:, 0, 0] // 42).tolist() == [2] * 5
    assert (np.diff(crops, axis=2) == 1).all()
    assert (np.diff(crops, axis=1) == 7).all()


def test_a_crop_may_be_the_whole_picture():
    whole = np.arange(16).reshape(1, 4, 4)
    assert np.array_equal(cut_crops(whole, 1, np.random.default_rng(0), 4), whole)


def test_features_are_fixed_and_leave_the_random_state_alone():
    crops = pictures(0, 3)
    torch.manual_seed(5)
    before = torch.get_rng_state()
    first = crop_features(crops)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(6)
    assert np.array_equal(first, crop_features(crops))
    assert not np.array_equal(first, crop_features(crops, seed=1))
    assert np.allclose(first[1:2], crop_features(crops[1:2]), atol=1e-6)


def test_features_tell_texture():
    real, other = crop_features(pictures(0, 200)), crop_features(pictures(1, 200))
    soft = pictures(1, 200)
    soft[:, 1:] = (soft[:, 1:] + soft[:, :-1]) / 2
    _, other, soft = standardise(real, other, crop_features(soft))
    assert frechet_distance(soft, other) > 3 * frechet_distance(standardise(real)[0], other)


def test_standard_features():
    reference = np.array([[0.0, 5], [2, 5]])
    first, second = standardise(reference, np.array([[3.0, 6]]))
    assert first.tolist() == [[-1, 0], [1, 0]]
    assert second == pytest.approx(np.array([[2, 1]]))


def test_figures_of_crops_tell_real_ones_from_soft_ones():
    real, other = crop_features(pictures(0, 200)), crop_features(pictures(1, 200))
    near, far = crop_figures(other, real), crop_figures(real * 0, real)
    assert list(near) == ["frechet", "kernel", "recall", "coverage"]
    assert near["frechet"] < far["frechet"]
    assert near["coverage"] > far["coverage"]
