import numpy as np
import pytest
from toy import ToyDomain, toy_pieces

from composer.errors import DataError
from composer.evaluation.samples import Sample
from composer.evaluation.yardstick import FRAGMENTS, mean_of, some_fragments

YARDSTICK = ToyDomain({"kinds": 2}).yardstick()


def test_any_domain_has_repeats_and_distances():
    pieces = toy_pieces(12, np.random.default_rng(0)).fragments
    rows = YARDSTICK.describe(pieces)
    assert list(rows) == [f"repeats at lag {lag}" for lag in (1, 2, 3, 4)]
    figures = YARDSTICK.contrast(pieces, pieces, 0)
    assert figures(np.arange(12)) == {
        "distance of fragments: tokens": 0,
        "distance of fragments: total": 0,
    }
    assert figures(np.arange(1))["distance of fragments: total"] > 0
    assert YARDSTICK.statistics(pieces).shape == (12, 0)
    known, kinds = Sample.alone(pieces), np.zeros(3, int)
    assert YARDSTICK.baselines(known, kinds, np.random.default_rng(0)) == {}
    assert YARDSTICK.reading() == {}


def test_kinds_that_the_domain_has_not_are_told():
    assert YARDSTICK.kinds(np.array([0, 1, 2]), {}).tolist() == [0, 1, -1]


def test_fragments_of_another_form_are_refused():
    class Wide(ToyDomain):
        def __init__(self, settings):
            super().__init__(settings)
            if settings.get("wide"):
                self.spec = type(self.spec)((3,), 6)

    yardstick = Wide({}).yardstick()
    pieces = np.zeros((1, 5, 2), np.uint8)
    assert yardstick.adopt(pieces, {}) is pieces
    with pytest.raises(DataError, match="another form"):
        yardstick.adopt(pieces, {"wide": True})


def test_values_that_are_missing_do_not_count():
    above, below = mean_of(np.array([1.0, np.nan, 3.0]))
    assert above.sum() / below.sum() == 2


def test_as_many_fragments_of_each_piece_stand_for_all():
    pieces = np.arange(300 * 20).reshape(300, 20, 1)
    some = some_fragments(pieces, np.random.default_rng(0))
    assert some.shape == (300, FRAGMENTS // 300, 1)
    assert (some // 20 == np.arange(300)[:, None, None]).all()
    assert len(np.unique(some)) == some.size
    assert some_fragments(pieces[:3], np.random.default_rng(0)).shape == (3, 20, 1)
