import numpy as np
import pytest

from composer.domains.music.keys import estimate_key, find_key, shift_between

MAJOR = np.array([4, 0, 2, 0, 3, 2, 0, 4, 0, 2, 0, 1], float)  # a usual melody in C major
MINOR = np.array([4, 0, 2, 3, 0, 2, 0, 4, 1, 0, 1, 1], float)  # one in C minor
NONE = np.zeros((0, 3), np.int64)


@pytest.mark.parametrize("tonic", range(12))
def test_estimates_every_key(tonic):
    assert estimate_key(np.roll(MAJOR, tonic)) == (tonic, False)
    assert estimate_key(np.roll(MINOR, tonic)) == ((tonic + 3) % 12, True)


def test_nearest_shift():
    shifts = [shift_between(tonic, 0) for tonic in range(12)]
    assert shifts == [0, -1, -2, -3, -4, -5, -6, 5, 4, 3, 2, 1]


@pytest.mark.parametrize(("sharps", "tonic"), [(0, 0), (1, 7), (2, 2), (-1, 5), (-3, 3), (7, 1)])
def test_signature_gives_the_scale_in_both_modes(sharps, tonic):
    for minor in (0, 1):
        key = find_key(np.roll(MAJOR, tonic), np.array([[0, sharps, minor]]), 0, 100)
        assert (key.tonic, key.minor, key.origin) == (tonic, bool(minor), "signature")


def test_the_signature_that_covers_most_wins():
    signatures = np.array([[0, 0, 0], [100, 1, 0], [400, 0, 0]])
    weights = np.ones(12)
    weights[[0, 2, 4, 7, 9, 11]] = 9
    assert find_key(weights, signatures, 0, 500).tonic == 7
    assert find_key(weights, signatures, 390, 500).tonic == 0
    assert find_key(weights, signatures, 0, 150).tonic == 0


def test_late_first_signature_counts_from_the_beginning():
    assert find_key(np.roll(MAJOR, 7), np.array([[50, 1, 0]]), 0, 40).tonic == 7


@pytest.mark.parametrize("signatures", [NONE, np.array([[0, 0, 0], [0, 3, 0]])])
def test_estimated_without_a_clear_signature(signatures):
    key = find_key(np.roll(MAJOR, 2), signatures, 0, 100)
    assert (key.tonic, key.origin) == (2, "estimated")


def test_a_signature_that_does_not_fit_is_overruled():
    key = find_key(np.roll(MAJOR, 4), np.array([[0, 0, 0]]), 0, 100)
    assert (key.tonic, key.minor, key.origin) == (4, False, "overruled")
