import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from composer.domains.music.domain import LAGS
from composer.domains.music.moves import (
    MAJOR,
    REPEATED,
    SEQUENCED,
    propose,
    relations,
    transpose_in_scale,
)
from composer.domains.music.settings import FIRST_PITCH, MusicSettings

SETTINGS = MusicSettings(lows=(48,), pitches=36)
SCALE = [i for i in range(36) if i % 12 in MAJOR]


def bar(*pitches):
    tokens = np.ones(16, np.uint8)
    tokens[: len(pitches)] = [p - 48 + FIRST_PITCH for p in pitches]
    return tokens[None]


def test_a_sequence_moves_along_the_scale():
    moved = transpose_in_scale(bar(60, 64, 65, 71)[None], np.array([1]), SETTINGS)
    assert np.array_equal(moved[0], bar(62, 65, 67, 72))
    back = transpose_in_scale(moved, np.array([-1]), SETTINGS)
    assert np.array_equal(back[0], bar(60, 64, 65, 71))


@given(st.lists(st.sampled_from(SCALE), min_size=1, max_size=16), st.integers(-3, 3))
def test_diatonic_notes_stay_in_the_scale_and_rhythm_stays(pitches, steps):
    original = bar(*(48 + p for p in pitches))
    moved = transpose_in_scale(original[None], np.array([steps]), SETTINGS)[0]
    onset = original >= FIRST_PITCH
    assert np.array_equal(moved >= FIRST_PITCH, onset)
    assert np.array_equal(moved[~onset], original[~onset])
    assert np.isin((moved[onset] - FIRST_PITCH) % 12, MAJOR).all()
    assert ((moved[onset] - FIRST_PITCH) < SETTINGS.pitches).all()


def test_chromatic_notes_keep_their_distance_to_the_scale():
    moved = transpose_in_scale(bar(61)[None], np.array([1]), SETTINGS)  # C sharp, one step up
    assert np.array_equal(moved[0], bar(63))


def test_moves_name_their_source_and_exist_where_it_does():
    rng = np.random.default_rng(0)
    context = rng.integers(0, 38, size=(5, len(LAGS), 1, 16)).astype(np.uint8)
    present = np.zeros((5, len(LAGS)), bool)
    present[:, :2] = True  # only the bars 1 and 2 before
    moves = propose(context, present, rng, SETTINGS)
    assert moves.names == ("repeat",) * len(REPEATED) + ("sequence",) * len(SEQUENCED)
    assert [LAGS[column] for column in moves.sources[0]] == [1, 2, 4, 8, 16, 1, 2, 4]
    assert moves.valid[0].tolist() == [True, True, False, False, False, True, True, False]
    assert np.array_equal(moves.fragments[:, 0], context[:, 0])
    different = (moves.fragments[:, 5] != context[:, 0]).any((1, 2))
    assert different.any()


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        (bar(60, 64, 65, 71), (1.0, 1, 1, 1)),
        (bar(62, 65, 67, 72), (12 / 16, 0, 1, 1)),
        (bar(60, 71, 60, 71), (14 / 16, 0, 1, 0)),
        (bar(60, 64, 65), (15 / 16, 0, 0, 0)),
    ],
    ids=["itself", "a sequence of it", "its rhythm only", "neither"],
)
def test_relations_say_what_is_alike(other, expected):
    first, second = (torch.from_numpy(x[None, None]) for x in (bar(60, 64, 65, 71), other))
    assert relations(first, second)[0, 0, 0, :4].tolist() == pytest.approx(expected)


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        (bar(71, 62), (-2 / 12, 2 / 12, 1, 0)),
        (bar(48, 53), (7 / 12, 7 / 12, 0, 0)),
        (bar(64, 60), (0, 0, 0, 1)),
        (bar(60, 83), (-1, 1, 0, 0)),
        (bar(), (0, 0, 0, 0)),
    ],
    ids=["a step down", "a leap up", "no leap", "more than an octave", "no note"],
)
def test_relations_say_how_the_melody_would_go_on(other, expected):
    first, second = (torch.from_numpy(x[None, None]) for x in (bar(60, 71), other))
    assert relations(first, second)[0, 0, 0, 4:].tolist() == pytest.approx(expected)


def test_leaps_are_a_mean_over_the_voices():
    later = np.concatenate((bar(60, 62), bar()))
    earlier = np.concatenate((bar(50, 48), bar(60)))
    first, second = (torch.from_numpy(x[None, None]) for x in (later, earlier))
    assert relations(first, second)[0, 0, 0, 4:].tolist() == pytest.approx([0.5, 0.5, 0, 0])
