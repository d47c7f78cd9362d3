import io

import numpy as np
import pytest
from PIL import Image

from composer.composition import Composition, Origin
from composer.domains.music.domain import MusicDomain
from composer.domains.music.settings import FIRST_PITCH, HOLD, REST, MusicSettings
from composer.domains.music.yardstick import MusicYardstick
from composer.errors import DataError

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


def test_the_markov_chain_knows_only_what_it_learnt():
    known = tunes()
    baselines = YARDSTICK.baselines(known, 7, np.random.default_rng(0))
    (made,) = baselines.values()
    assert list(baselines) == ["Markov, order 2"]
    assert made.shape == (7, 4, 1, 8)
    bars = {bar.tobytes() for bar in known.reshape(-1, 8)}
    assert all(bar.tobytes() in bars for bar in made.reshape(-1, 8))


def test_a_picture_is_a_small_piano_roll():
    origins = (Origin("fresh"),) * 4
    nothing = np.zeros(4, np.float32)
    made = Composition(tunes()[0], (4,), np.zeros(4, np.uint8), origins, nothing, nothing)
    made.recipe["seed"] = 3
    assert Image.open(io.BytesIO(YARDSTICK.picture(made))).size[0] == 800
