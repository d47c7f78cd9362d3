import io

import numpy as np
import pytest
from PIL import Image

from composer.composition import Composition, Origin
from composer.domains.music.domain import MusicDomain
from composer.domains.music.settings import FIRST_PITCH, HOLD, REST, MusicSettings
from composer.domains.music.yardstick import MusicYardstick
from composer.errors import DataError
from composer.evaluation.samples import Sample

SETTINGS = MusicSettings(meter=(2, 4), bars=4, lows=(60,), pitches=24)
YARDSTICK = MusicDomain(SETTINGS.as_json()).yardstick()


def tunes(count=20, seed=0):
    rng = np.random.default_rng(seed)
    return rng.integers(0, SETTINGS.classes, (count, 4, 1, 8)).astype(np.uint8)


def test_the_domain_gives_its_own():
    assert isinstance(YARDSTICK, MusicYardstick)
    assert YARDSTICK.reading() == {"meter": "2/4", "voices": 1, "steps_per_beat": 4}


def test_adopted_bars_sound_as_they_did_up_to_octaves():
    theirs = MusicSettings(meter=(2, 4), lows=(50,), pitches=48)
    pitches = np.array([50, 59, 60, 71, 83, 84, 97])
    bars = np.concatenate(([REST, HOLD], pitches - 50 + FIRST_PITCH))[None, None].astype(np.uint8)
    own = YARDSTICK.adopt(bars, theirs.as_json())[0, 0].astype(int)
    assert own[:2].tolist() == [REST, HOLD]
    assert (own[2:] - FIRST_PITCH + 60).tolist() == [62, 71, 60, 71, 83, 72, 73]
    assert own.max() < SETTINGS.classes


def test_own_settings_change_nothing():
    assert np.array_equal(YARDSTICK.adopt(tunes(), SETTINGS.as_json()), tunes())


@pytest.mark.parametrize("change", [{"meter": (3, 4)}, {"lows": (60, 40)}, {"steps_per_beat": 2}])
def test_another_form_is_refused(change):
    theirs = MusicSettings(**({"meter": (2, 4)} | change)).as_json()
    with pytest.raises(DataError, match="another metre, grid or number of voices"):
        YARDSTICK.adopt(tunes(), theirs)


def test_rows_are_descriptors_and_rl_tuners_ratios():
    rows = YARDSTICK.describe(tunes())
    assert sum(name.startswith("RL Tuner: ") for name in rows) == 11
    assert {"groove similarity", "repeats at lag 1"} <= rows.keys()
    for above, below in rows.values():
        assert above.shape == below.shape == (20,)
        assert np.isfinite(above).all()


def test_sets_are_compared_by_how_far_each_measure_varies():
    real, same, narrow = tunes(60), tunes(60, seed=1), tunes(1, seed=2).repeat(60, axis=0)
    all_ = np.arange(60)
    near, far = (YARDSTICK.contrast(made, real, 0)(all_) for made in (same, narrow))
    for name in ("groove similarity", "pitch-class entropy, 1 bar", "tonal distance of bars"):
        assert near[f"overlapped area: {name}"] > 0.85
        assert near[f"divergence of distances: {name}"] < 0.2
        assert far[f"overlapped area: {name}"] < near[f"overlapped area: {name}"]
    assert np.isnan(near["overlapped area: tonal distance of voices"])  # there is one voice
    assert not any("repeats" in name for name in near)
    assert np.isnan(
        YARDSTICK.contrast(same, real, 0)(all_[:2])["overlapped area: groove similarity"]
    )


def test_the_chain_of_bars_knows_only_what_it_learnt_that_of_tokens_writes_new_bars():
    known = Sample.alone(tunes())
    made = YARDSTICK.baselines(known, np.zeros(7, int), np.random.default_rng(0))
    assert list(made) == ["Markov, order 2", "n-gram, order 12"]
    bars = {bar.tobytes() for bar in known.windows.reshape(-1, 8)}
    seen = [[bar.tobytes() in bars for bar in part.reshape(-1, 8)] for part in made.values()]
    assert {part.shape for part in made.values()} == {(7, 4, 1, 8)}
    assert all(seen[0])
    assert not all(seen[1])


def test_a_picture_is_a_small_piano_roll():
    origins = (Origin("fresh"),) * 4
    nothing = np.zeros(4, np.float32)
    made = Composition(tunes()[0], (4,), np.zeros(4, np.uint8), origins, nothing, nothing)
    made.recipe["seed"] = 3
    assert Image.open(io.BytesIO(YARDSTICK.picture(made))).size[0] == 800
