import dataclasses
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from composer.domains.art.settings import ArtSettings
from composer.errors import ModelError

COLOURS = st.integers(0, 0xFFFFFF).map("#{:06x}".format)
SETTINGS = st.builds(
    ArtSettings,
    tile=st.integers(8, 64),
    slots=st.sampled_from([0, 2, 4, 8, 16]),
    transparent=st.booleans(),
    pixels=st.integers(1, 512),
    rows=st.integers(2, 8),
    columns=st.integers(2, 8),
    framed=st.booleans(),
    kinds=st.lists(st.text(max_size=9), min_size=1, max_size=4).map(tuple),
    palettes=st.lists(st.lists(COLOURS, max_size=4).map(tuple), max_size=3).map(tuple),
    palette_kinds=st.lists(st.integers(0, 9), max_size=3).map(tuple),
)


@given(SETTINGS)
def test_settings_survive_json(settings):
    again = ArtSettings.from_json(json.loads(json.dumps(settings.as_json())))
    assert again == settings
    assert hash(again) == hash(settings)  # tuples all the way down
    assert again.as_json() == settings.as_json()


def test_the_json_form_has_every_field_by_its_name():
    settings = ArtSettings(slots=2, kinds=("arcs", "knots"), palettes=(("#000000", "#ffffff"),))
    data = settings.as_json()
    assert list(data) == [field.name for field in dataclasses.fields(ArtSettings)]
    assert data["kinds"] == ["arcs", "knots"]
    assert data["palettes"] == [["#000000", "#ffffff"]]
    assert (data["tile"], data["slots"], data["transparent"]) == (16, 2, False)


def test_what_is_left_out_is_the_default():
    assert ArtSettings.from_json({}) == ArtSettings()
    assert ArtSettings.from_json({"tile": 8}) == ArtSettings(tile=8)


@pytest.mark.parametrize("key", ["colour", "Tile", "layers", "rgb"])
def test_an_unknown_key_is_refused(key):
    with pytest.raises(ModelError, match=f"do not fit this version of composer.*'{key}'"):
        ArtSettings.from_json({**ArtSettings().as_json(), key: 1})


@pytest.mark.parametrize(
    ("slots", "transparent", "layers", "rgb"),
    [(4, False, 4, False), (4, True, 5, False), (16, True, 17, False), (0, False, 0, True)],
)
def test_layers_are_the_slots_and_the_transparent_one(slots, transparent, layers, rgb):
    settings = ArtSettings(slots=slots, transparent=transparent)
    assert settings.layers == layers
    assert settings.rgb == rgb


def test_settings_are_decided_once():
    with pytest.raises(dataclasses.FrozenInstanceError):
        ArtSettings().tile = 8
