import time

import numpy as np
import pytest
from PIL import Image

from composer.composition import Origin
from composer.domains.music.roll import COLOURS, PAPER, draw_roll
from composer.domains.music.settings import MusicSettings

SETTINGS = MusicSettings()


def _roll(
    bars: int, origins: list[Origin] | None = None, settings: MusicSettings = SETTINGS
) -> Image.Image:
    steps = bars * settings.steps
    voices = [
        np.array([(step, 2, low + step % 23) for step in range(0, steps, 2)])
        for low in settings.lows
    ]
    origins = origins or [Origin("fresh")] * bars
    return draw_roll(voices, origins, settings, title="A piece", caption="C major")


def _colours(image: Image.Image) -> set[tuple[int, ...]]:
    return {colour for _, colour in image.getcolors(1 << 18)}


def test_every_origin_has_its_own_colour():
    assert len(set(COLOURS.values())) == len(COLOURS)


@pytest.mark.parametrize("kind", COLOURS)
def test_a_bar_has_the_colour_of_its_origin(kind: str):
    image = _roll(4, [Origin("fresh")] * 3 + [Origin(kind, None)])
    assert COLOURS[kind] in _colours(image)
    for other in set(COLOURS) - {kind, "fresh"}:
        assert COLOURS[other] not in _colours(image)


def test_an_unknown_origin_is_drawn_too():
    assert _roll(4, [Origin("mirror", 0)] * 4).width == 1600


def test_the_source_of_a_bar_shows():
    fresh = [Origin("fresh")] * 4
    images = [_roll(5, [*fresh, Origin("repeat", place)]).tobytes() for place in range(4)]
    assert len(set(images)) == 4


@pytest.mark.parametrize("bars", [1, 4, 7, 8, 9, 33, 97, 512])
def test_size_is_bounded(bars: int):
    image = _roll(bars)
    lines = -(-bars // (16 if bars > 96 else 8))
    assert image.mode == "RGB"
    assert image.width == 1600
    assert 200 * lines < image.height < 250 + 280 * lines


def test_four_voices_of_wide_range_and_512_bars_stay_within_a_few_seconds():
    settings = MusicSettings(lows=(72, 60, 48, 30), meter=(4, 4))
    start = time.perf_counter()
    image = _roll(512, settings=settings)
    assert time.perf_counter() - start < 10
    assert image.height < 16_000


def test_silence_and_extreme_pitches_are_drawn():
    origins = [Origin("fresh")] * 2
    empty = np.empty((0, 3), dtype=np.int64)
    draw_roll([empty], origins, SETTINGS, title="", caption="")
    extremes = np.array([(0, 1, 0), (1, 31, 127)])
    image = draw_roll([extremes], origins, SETTINGS, title="", caption="")
    assert image.height < 1100


def test_long_words_stay_on_the_page():
    notes = [np.array([(0, 4, 60)])]
    image = draw_roll(
        notes, [Origin("fresh")], SETTINGS, title="long " * 100, caption="word " * 200
    )
    right = np.asarray(image)[:120, -40:]
    assert (right == PAPER).all()


def test_a_note_goes_on_over_the_end_of_a_line():
    held = [np.array([(0, 9 * SETTINGS.steps, 60)])]
    short = [np.array([(0, 8 * SETTINGS.steps, 60)])]
    origins = [Origin("fresh")] * 9
    images = [draw_roll(notes, origins, SETTINGS, title="", caption="") for notes in (held, short)]
    difference = np.abs(np.subtract(*(np.asarray(image).astype(int) for image in images))).sum(2)
    rows = np.flatnonzero(difference.any(axis=1))
    assert rows.min() > images[0].height // 2
