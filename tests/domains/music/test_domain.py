import numpy as np
import pytest
import torch

from composer.domain import Piece, domain_class, domain_ids
from composer.domains.music.domain import LAGS, MusicDomain
from composer.domains.music.settings import MusicSettings
from composer.errors import ModelError, UsageError

DOMAIN = MusicDomain({"lows": [48], "pitches": 36})


def test_is_found_by_its_id():
    assert "music" in domain_ids()
    assert domain_class("music") is MusicDomain
    with pytest.raises(ModelError, match="unknown domain 'sculpture'"):
        domain_class("sculpture")


def test_settings_survive_json_and_refuse_what_they_do_not_know():
    settings = MusicSettings(meter=(6, 8), lows=(60, 40), instruments=(40, 42))
    assert MusicSettings.from_json(settings.as_json()) == settings
    assert settings.steps == 12
    with pytest.raises(ModelError, match="do not fit"):
        MusicSettings.from_json({"colour": "blue"})


def test_neighbours_are_the_bars_at_fixed_lags_before():
    neighbours = DOMAIN.neighbours((20,))
    assert neighbours.shape == (20, len(LAGS))
    assert (neighbours[0] == -1).all()
    assert neighbours[17].tolist() == [17 - lag for lag in LAGS]
    assert (neighbours < np.arange(20)[:, None]).all()


def test_traits_are_shares_of_onsets_and_rests_and_whether_the_melody_comes_home():
    domain = MusicDomain({"meter": [1, 4], "lows": [60, 48], "tonic": 0})
    rest, hold, c, d = 0, 1, 2, 4
    bars = [
        [[d, hold, c, hold], [c, hold, hold, hold]],
        [[c, hold, d, rest], [c, c, c, c]],
        [[hold] * 4, [c, rest, rest, hold]],
        [[d, hold, hold, c + 12], [d, d, d, d]],
    ]
    traits = domain.traits(np.array(bars, np.uint8))
    assert traits.dtype == np.float32
    assert traits.tolist() == [[3 / 8, 0, 1], [6 / 8, 1 / 8, 0], [1 / 8, 2 / 8, 0], [6 / 8, 0, 1]]


@pytest.mark.parametrize("scope", ["earlier", "closed", "complete"])
def test_the_generator_sees_the_bars_at_the_first_lags_before(scope):
    seen = DOMAIN.surroundings((10,), scope)
    assert seen[3].tolist() == [2, 1, -1, -1]
    assert seen[9].tolist() == [8, 7, 5, 1]
    assert np.array_equal(seen, DOMAIN.neighbours((10,))[:, : seen.shape[1]])


def test_bars_are_of_one_kind_and_never_closed():
    assert DOMAIN.kinds == 1
    assert DOMAIN.plan((5,), {"bars": 5}, np.random.default_rng(0)).tolist() == [0] * 5
    assert not DOMAIN.closed({"bars": 5})


def test_tokens_are_seen_one_hot():
    assert np.array_equal(DOMAIN.codes, np.eye(38))
    assert DOMAIN.codes.dtype == np.float32


def test_relations_are_those_to_the_first_bars():
    bars = torch.randint(38, (2, 5, 1, 16), dtype=torch.uint8)
    found = DOMAIN.relations(bars, 3)
    assert found.shape[:3] == (2, 5, 3)
    itself = found[:, range(3), range(3), :4]
    assert (itself == 1).all()  # a bar is like itself in every way
    assert torch.equal(found, DOMAIN.relations(bars, 5)[:, :, :3])


def test_presets_are_offered_from_small_to_large():
    presets = DOMAIN.presets()
    assert list(presets) == ["debug", "quick", "standard"]
    assert presets["debug"].warm_up < presets["quick"].warm_up < presets["standard"].warm_up
    for preset in presets.values():
        assert preset.model.gan.steps == preset.warm_up
        assert preset.model.gan.own == 0  # bars see what the agent chose, not what was generated


@pytest.mark.parametrize("bars", [1, 2, 16, 37, 512])
def test_positions_lie_in_the_unit_interval_and_mark_both_ends(bars):
    positions = DOMAIN.positions((bars,))
    assert positions.dtype == np.float32
    assert positions.min() >= 0
    assert positions.max() <= 1
    assert positions[0, 0] == 1
    assert positions[-1, 1] == 1
    assert positions[:, :2].sum() == 2


def test_layouts_within_bounds_only():
    assert DOMAIN.layout({}) == (16,)
    assert DOMAIN.layout({"bars": 512}) == (512,)
    for bars in (-1, 513):
        with pytest.raises(UsageError, match="from 1 to 512"):
            DOMAIN.layout({"bars": bars})


def test_windows_are_aligned_to_the_end():
    fragments = np.arange(37 * 16, dtype=np.int64).reshape(37, 1, 16)
    windows = DOMAIN.windows(Piece(fragments, (37,), "x"))
    assert windows.shape == (2, 16, 1, 16)
    assert windows[0, 0, 0, 0] == 5 * 16
    assert windows[-1, -1, -1, -1] == fragments[-1, -1, -1]
    assert DOMAIN.windows(Piece(fragments[:7], (7,), "x")).shape == (0, 16, 1, 16)


def test_features_see_pitch_where_it_sounds():
    bars = np.zeros((3, 1, 16), np.uint8)
    bars[:2, 0, 0], bars[:2, 0, 1:8] = 20, 1
    bars[1, 0, 4] = 20  # the same pitch, struck again
    features = DOMAIN.features(bars)
    assert features.dtype == np.float32
    assert features.shape == (3, 48)
    sounds = features.reshape(3, 3, 16)[:, 1]
    assert sounds.sum(1).tolist() == [8, 8, 0]
    near, far = (np.linalg.norm(features[0] - features[i]) for i in (1, 2))
    assert near == pytest.approx(1)
    assert far > near


def test_a_key_permits_only_its_scale_and_none_permits_all():
    assert DOMAIN.allowed({"key": None}) is None
    allowed = DOMAIN.allowed({"key": "C major"})
    assert allowed.shape == (1, 16, 38)
    assert allowed[..., :2].all()
    assert allowed[0, 0, 2:].sum() == 21
