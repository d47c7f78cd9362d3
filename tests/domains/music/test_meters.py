import numpy as np
import pytest

from composer.domains.music.meters import (
    Stretch,
    count_bars,
    fits_grid,
    longest,
    parse_meter,
    quantise,
    stretches,
)
from composer.domains.music.parse import parse
from composer.errors import UsageError

END = b"\x00\xff\x2f\x00"
BAR = 1920


def changing(smf, note, *meters):
    """Four quarters a meter; a meter is (beats, power of two)."""
    events = b"".join(
        b"\x00\xff\x58\x04" + bytes([beats, power, 24, 8]) + 4 * note(0, 480, 60)
        for beats, power in meters
    )
    return parse(smf([events + END]))


def test_meters_are_read_and_refused():
    assert parse_meter(" 6/8 ") == (6, 8)
    for text in ("", "4", "4/5", "0/4", "33/4", "4/4/4", "x/y"):
        with pytest.raises(UsageError, match="not a metre"):
            parse_meter(text)


def test_grid():
    assert fits_grid((4, 4), 4)
    assert fits_grid((7, 8), 2)
    assert not fits_grid((7, 8), 1)
    assert not fits_grid((32, 1), 24)  # a bar of 3,072 steps


def test_no_signature_means_four_quarters(smf, note):
    file = parse(smf([4 * note(0, 480, 60) + END]))
    assert stretches(file) == [Stretch(0, BAR, (4, 4))]


def test_changes_cut_the_file(smf, note):
    file = changing(smf, note, (4, 2), (2, 2), (2, 2), (4, 2), (4, 2))
    assert stretches(file) == [
        Stretch(0, BAR, (4, 4)),
        Stretch(BAR, 3 * BAR, (2, 4)),
        Stretch(3 * BAR, 5 * BAR, (4, 4)),
    ]
    assert longest(file, (4, 4)).start == 3 * BAR
    assert longest(file, (3, 4)) is None
    assert count_bars([file, file]) == {(4, 4): 6, (2, 4): 8}


def test_nonsense_signatures_are_ignored(smf, note):
    file = changing(smf, note, (0, 2), (4, 200), (3, 2))
    assert [stretch.meter for stretch in stretches(file)] == [(4, 4), (3, 4)]


def test_notes_go_to_the_nearest_step():
    notes = np.array([[95, 10, 60], [110, 130, 61], [181, 179, 62], [700, 1, 63], [960, 5, 64]])
    stretch = Stretch(90, 700, (4, 4))
    quantised = quantise(notes, stretch, ticks=480, steps_per_beat=4)
    # Steps are 120 ticks from tick 90; a length is at least one step.
    assert quantised.tolist() == [[0, 1, 60], [0, 1, 61], [1, 1, 62]]


def test_notes_that_touch_still_touch():
    starts = np.cumsum([0, 77, 133, 251, 90, 460])
    notes = np.stack([starts[:-1], np.diff(starts), np.full(5, 60)], axis=1)
    steps = quantise(notes, Stretch(0, 2000, (4, 4)), ticks=480, steps_per_beat=4)
    assert (steps[:-1, 0] + steps[:-1, 1] >= steps[1:, 0]).all()
