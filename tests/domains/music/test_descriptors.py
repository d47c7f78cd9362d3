from __future__ import annotations

import numpy as np
import pytest

from composer.domains.music.descriptors import DESCRIPTORS, describe
from composer.domains.music.settings import MusicSettings

SETTINGS = MusicSettings()
DUET = MusicSettings(lows=(55, 40))
RNG = np.random.default_rng(0)


def random_pieces(bars: int, voices: int = 1) -> np.ndarray:
    return RNG.integers(0, 38, (6, bars, voices, 16)).astype(np.uint8)


def song() -> np.ndarray:
    """Scales up and down in eighths, AABA of four bars each."""
    scale = np.array([7, 9, 11, 12, 14, 16, 18, 19])
    rows = [scale, scale[::-1], scale + 12, scale[::-1] + 12]
    other = [row[[0, 2, 1, 3, 2, 4, 3, 5]] for row in rows]
    lines = np.stack(rows + rows + other + rows)
    bars = np.ones((1, 16, 1, 16), np.uint8)
    bars[0, :, 0, ::2] = lines
    return bars


def test_every_piece_has_every_row_in_order():
    table = describe(random_pieces(20, 2), DUET)
    assert list(table) == list(DESCRIPTORS)
    assert all(values.shape == (6,) and values.dtype == np.float64 for values in table.values())
    assert not any(np.isnan(values).any() for values in table.values())


def test_a_row_is_the_same_whatever_the_other_pieces():
    pieces = random_pieces(8)
    table, alone = describe(pieces, SETTINGS), describe(pieces[2:3], SETTINGS)
    for name, values in table.items():
        assert alone[name][0] == pytest.approx(values[2], nan_ok=True)


def test_what_a_piece_cannot_have_is_no_number():
    table = describe(random_pieces(2), SETTINGS)
    missing = {name for name, values in table.items() if np.isnan(values).all()}
    lags = {f"repeats at lag {lag}" for lag in range(2, 17)}
    assert missing == {"tonal distance of voices", *lags}
    assert table["structure, long range"].tolist() == [0] * 6


def test_a_song_by_hand():
    table = {name: values[0] for name, values in describe(song(), SETTINGS).items()}
    assert table["pitch classes in the piece"] == 7
    assert table["scale consistency"] == 1
    assert table["groove similarity"] == 1
    assert table["notes from an eighth"] == 1
    assert table["repeats at lag 4"] == pytest.approx(4 / 12)
    assert table["repeats at lag 12"] == 1
    # A three times in 16 bars: score (3 - 1) / 3, coverage 8 / 16.
    assert table["structure, middle range"] == pytest.approx(2 * (2 / 3) * 0.5 / (2 / 3 + 0.5))
    assert table["structure, long range"] == 0


def test_noise_measures_unlike_a_song():
    noise, tune = describe(random_pieces(16), SETTINGS), describe(song(), SETTINGS)
    for name in ("scale consistency", "groove similarity", "structure, middle range"):
        assert noise[name].max() < tune[name].min()
    for name in ("pitch classes in the piece", "pitch-class entropy, 4 bars"):
        assert noise[name].min() > tune[name].max()
