from __future__ import annotations

import numpy as np
import pytest

from composer.domains.art import canvas
from composer.domains.art.descriptors import DESCRIPTORS, describe, view
from composer.domains.art.metrics import assemble, levels_of
from composer.domains.art.seams import seam_ratio
from composer.domains.art.settings import ArtSettings

RGB = ArtSettings(tile=4, slots=0)
SLOTS = ArtSettings(tile=4, slots=2)
LAYOUT = (4, 5)
RNG = np.random.default_rng(0)
NOISE = RNG.integers(256, size=(3, 20, 4, 4, 3)).astype(np.uint8)


def test_every_canvas_has_every_row_in_order():
    tokens = RNG.integers(2, size=(3, 20, 4, 4)).astype(np.uint8)
    for table in (describe(NOISE, LAYOUT, RGB), describe(tokens, LAYOUT, SLOTS)):
        assert list(table) == list(DESCRIPTORS)
        assert all(values.shape == (3,) for values in table.values())
        assert not any(np.isnan(values).any() for values in table.values())


def test_tiles_are_seen_in_their_places():
    seen = view(NOISE, LAYOUT, RGB)
    levels = levels_of(NOISE.reshape(-1, 4, 4, 3), RGB).reshape(3, 4, 5, 4, 4, 3)
    assert seen.pictures == pytest.approx(levels_of(assemble(NOISE, LAYOUT), RGB))
    assert seen.tiles == pytest.approx(levels.mean(axis=(3, 4)), abs=1e-6)
    assert seen.density == pytest.approx(levels.mean(axis=(3, 4, 5)), abs=1e-6)


def test_the_seam_ratio_of_one_canvas_is_that_of_its_set():
    found = describe(NOISE, LAYOUT, RGB)["seam energy ratio"]
    pictures = view(NOISE, LAYOUT, RGB).pictures
    alone = [seam_ratio(picture[None], 4) for picture in pictures]
    assert found == pytest.approx(alone)


def test_a_ramp_by_hand():
    ramp = np.broadcast_to(8 * np.arange(20, dtype=np.uint8)[:, None], (16, 20, 3))
    tiles = ramp.reshape(1, 4, 4, 5, 4, 3).swapaxes(2, 3).reshape(1, 20, 4, 4, 3)
    table = {name: values[0] for name, values in describe(tiles, LAYOUT, RGB).items()}
    # Across: 4 seams of 16 pixels change, 3 of 20 do not; inside: 15 of 16, 12 of 20.
    across, inside = 64 / (64 + 60), 240 / (240 + 240)
    assert table["seam energy ratio"] == pytest.approx(across / inside)
    assert table["mirror error"] == 0  # upside down
    assert table["strength of the gradient"] == pytest.approx(1)


def test_what_a_canvas_cannot_have_is_no_number():
    flat = np.zeros((1, 6, 4, 4, 3), np.uint8)
    table = describe(flat, (2, 3), RGB)
    missing = {name for name, values in table.items() if np.isnan(values).all()}
    assert missing == {"seam energy ratio", "contrast of the frame"}
    seen = view(NOISE, LAYOUT, RGB)
    frames = describe(NOISE, LAYOUT, RGB)["contrast of the frame"]
    assert frames == pytest.approx(canvas.frame_contrasts(seen.tiles))
