import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from composer.domains.music.domain import MusicDomain
from composer.domains.music.networks import BarViews
from composer.domains.music.settings import FIRST_PITCH, HOLD, OCTAVE
from composer.domains.music.views import (
    LEAPS,
    beneath,
    chord_index,
    chords,
    folds,
    leap_index,
    leaps,
    sounding,
    sounding_index,
)
from composer.places import look_up

DOMAIN = MusicDomain({"lows": [60, 48, 41], "pitches": 14})
BARS = arrays(np.uint8, (2, 3, 16), elements=st.integers(0, 15))


def bar(*voices):
    """Tokens of three voices from what happens in them; held to the end."""
    tokens = torch.full((1, 3, 16), HOLD, dtype=torch.uint8)
    for voice, line in enumerate(voices):
        tokens[0, voice, : len(line)] = torch.tensor(line, dtype=torch.uint8)
    return tokens


def test_sounding_holds_a_note_until_a_rest_or_another():
    pitches = sounding(look_up(bar([2, 1, 1, 0, 1, 5]), DOMAIN.codes))[0, 0]
    assert pitches.sum(1).tolist() == [1, 1, 1, 0, 0] + [1] * 11
    assert pitches.argmax(1).tolist() == [0, 0, 0, 0, 0] + [3] * 11


def test_leaps_go_from_each_note_to_the_next_over_holds_and_rests():
    found = leap_index(bar([5, 1, 0, 9, 1, 9, 2, 1], [1, 1, 1, 1, 13]).long())[0]
    below = (found[0, [3, 5, 6]] - OCTAVE).tolist()
    assert below == [-4, 0, 7]  # how far the note lies below the one before
    assert (found >= 0).sum() == 3


def test_leaps_beyond_an_octave_are_none():
    found = leap_index(bar([2, 15, 3, 2]).long())[0, 0]
    assert found[:4].tolist() == [-1, -1, 2 * OCTAVE, OCTAVE + 1]
    shown = leaps(look_up(bar([2, 15]), DOMAIN.codes))
    assert shown.shape == (1, 3, 16, LEAPS)
    assert shown.sum() == 0


def test_chords_are_how_far_each_voice_is_below_those_above():
    tokens = bar([2 + 4], [2, 1, 0], [2 + 7, 1, 1, 1, 0])  # E, C, C: lows are C, C and F
    found = chord_index(sounding_index(tokens.long()), DOMAIN.settings.lows)[0]
    assert found[0].max() == -1  # nobody is above the highest
    assert found[1, :3].tolist() == [[4, -1], [4, -1], [-1, -1]]
    assert found[2, :5].tolist() == [[4, 12], [4, 12], [4, -1], [4, -1], [-1, -1]]


@given(BARS)
def test_indices_of_tokens_are_where_one_hot_views_have_their_ones(tokens):
    bars, lows = torch.from_numpy(tokens), DOMAIN.settings.lows
    shown = look_up(bars, DOMAIN.codes)
    lines = sounding(shown)
    fold = folds(lows, DOMAIN.settings.pitches)
    stands = chords(lines, fold).unflatten(3, (len(lows) - 1, OCTAVE))
    place = chord_index(sounding_index(bars.long()), lows)
    for one_hot, index in (
        (lines, sounding_index(bars.long())),
        (leaps(shown), leap_index(bars.long())),
        (stands, torch.where(place >= 0, place % OCTAVE, -1)),
    ):
        assert torch.equal(one_hot.sum(-1), (index >= 0).float())
        assert torch.equal(one_hot.argmax(-1)[index >= 0], index[index >= 0])


@given(BARS, st.booleans(), st.sampled_from([1, 3]))
def test_tokens_and_one_hot_bars_look_the_same(tokens, intervals, voices):
    domain = MusicDomain({"lows": list(DOMAIN.settings.lows[:voices]), "pitches": 14})
    torch.manual_seed(0)
    views = BarViews(domain.settings, 3, intervals=intervals)
    bars = torch.from_numpy(tokens)[:, :voices]
    assert torch.allclose(views(bars), views(look_up(bars, domain.codes)), atol=1e-5)


def test_what_lies_beneath_a_line():
    line = torch.zeros(14)
    line[5] = 1
    below = beneath(line)
    assert below.shape == (LEAPS, 14)
    assert below[OCTAVE - 2, 7] == 1  # two semitones above it
    assert below[OCTAVE + 5, 0] == 1  # five below
    assert below.sum() == 14
    assert pytest.approx(below.sum(0).numpy()) == np.ones(14)


def test_a_soft_bar_passes_gradients_to_each_view():
    soft = torch.rand(2, 3, 16, FIRST_PITCH + 14).softmax(-1).requires_grad_()
    views = BarViews(DOMAIN.settings, 3, intervals=True)
    views(soft).square().sum().backward()
    assert (soft.grad.abs().sum((0, 2, 3)) > 0).all()
    assert all(part.grad.abs().sum() > 0 for part in views.parameters())
