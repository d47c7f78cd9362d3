import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from composer.composition import Composition, Origin
from composer.domains.art import yardstick as module
from composer.domains.art.domain import ArtDomain
from composer.domains.art.settings import ArtSettings
from composer.errors import DataError
from composer.evaluation.samples import Sample

SETTINGS = ArtSettings(tile=8, slots=4, rows=4, columns=4, kinds=("arcs", "knots"))
YARDSTICK = ArtDomain(SETTINGS.as_json()).yardstick()


def canvases(count=12, seed=0):
    return np.random.default_rng(seed).integers(0, 4, (count, 16, 8, 8)).astype(np.uint8)


def test_the_folder_is_read_in_the_models_form():
    assert YARDSTICK.reading() == {"colours": "4", "tile": 8}
    rgb = ArtDomain(replace(SETTINGS, slots=0).as_json()).yardstick()
    assert rgb.reading()["colours"] == "rgb"


@pytest.mark.parametrize("change", [{"tile": 16}, {"slots": 8}, {"transparent": True}])
def test_another_form_is_refused(change):
    with pytest.raises(DataError, match="other tiles, colours or transparency"):
        YARDSTICK.adopt(canvases(), replace(SETTINGS, **change).as_json())
    other = replace(SETTINGS, kinds=("all",), rows=2)
    assert np.array_equal(YARDSTICK.adopt(canvases(), other.as_json()), canvases())


def test_kinds_go_by_their_names():
    theirs = replace(SETTINGS, kinds=("knots", "waves", "arcs")).as_json()
    assert YARDSTICK.kinds(np.array([0, 1, 2, 0]), theirs).tolist() == [1, -1, 0, 1]
    single = ArtDomain(replace(SETTINGS, kinds=("all",)).as_json()).yardstick()
    assert single.kinds(np.array([0, 1, 2]), theirs).tolist() == [0, 0, 0]


def test_rows_are_descriptors_and_repeats():
    rows = YARDSTICK.describe(canvases())
    assert {"seam energy ratio", "mirror error", "repeats at lag 1"} <= rows.keys()
    assert YARDSTICK.statistics(canvases()).shape[0] == 12
    small = ArtDomain(replace(SETTINGS, rows=2).as_json()).yardstick()
    assert small.statistics(canvases()[:, :8]).shape == (12, 0)


def test_figures_of_a_set_are_of_its_rows(monkeypatch):
    monkeypatch.setattr(module, "CROPS", 120)
    real = canvases()
    figures = YARDSTICK.contrast(np.concatenate((real, real * 0)), real, 0)
    good, bad = (figures(rows) for rows in (np.arange(12), np.arange(12, 24)))
    assert list(good) == list(bad)
    assert good["crops: Frechet distance"] < bad["crops: Frechet distance"]
    assert good["crops: coverage"] > bad["crops: coverage"]
    assert good["distance of fragments: total"] < bad["distance of fragments: total"]


def test_baselines_set_real_pieces_of_a_kind_anew():
    windows = canvases()
    windows[6:] += 4  # other tokens in the second kind
    known = Sample.alone(windows, np.repeat([0, 1], 6))
    made = YARDSTICK.baselines(known, np.array([1, 0, 1]), np.random.default_rng(0))
    assert list(made) == ["border matching", "quilting"]
    for pieces in made.values():
        assert pieces.shape == (3, 16, 8, 8)
        assert ((pieces >= 4).all(axis=(1, 2, 3)) == [True, False, True]).all()


def test_a_picture_is_drawn():
    origins, nothing = (Origin("fresh"),) * 16, np.zeros(16, np.float32)
    made = Composition(canvases()[0], (4, 4), np.zeros(16, np.uint8), origins, nothing, nothing)
    assert Image.open(io.BytesIO(YARDSTICK.picture(made))).size == (64, 64)
