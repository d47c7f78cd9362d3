import math
from dataclasses import replace

import numpy as np
import pytest
from toy import PLACES, ToyDomain, toy_store

from composer.evaluation.classifiers import JudgeConfig
from composer.evaluation.columns import (
    AUC,
    NOVELTY,
    PROFILE,
    RUN,
    SEEN,
    UNIQUE,
    VENDI,
    VENDI_FEATURES,
    Cell,
    Ruler,
)
from composer.evaluation.evaluate import gather_people
from composer.evaluation.samples import Sample

QUICK = replace(JudgeConfig(), folds=2, width=4, hidden=8, epochs=3, penalties=(0.1,))


@pytest.fixture(scope="module")
def ruler():
    store = toy_store(120)
    people = gather_people(store, ToyDomain({}).yardstick())
    return Ruler(people=people, yardstick=ToyDomain({}).yardstick(), size=20, judge=QUICK)


def test_intervals_meet_where_they_have_a_point_in_common():
    assert Cell(1, 0, 2).meets(Cell(3, 2, 4)) is True
    assert Cell(1, 0, 1.9).meets(Cell(3, 2, 4)) is False
    assert Cell(3, 2, 4).meets(Cell(1, 0, 1.9)) is False
    assert Cell(1).meets(Cell(3, 2, 4)) is None


def test_the_floor_is_people_against_people(ruler):
    cells = ruler.floor()
    assert cells[AUC].low <= 0.5 <= cells[AUC].high + 0.1
    assert cells[PROFILE].value == 0  # a toy piece never comes back in five places
    assert cells[SEEN].value == 1
    assert cells[RUN].value == PLACES  # there are six pieces in all
    assert cells[NOVELTY].value == 0
    assert 1 < cells[VENDI].value <= 6  # pieces differ in where they start


def test_noise_is_unlike_people_in_every_respect(ruler):
    rng = np.random.default_rng(0)
    sets = [rng.integers(6, size=(30, PLACES, 2), dtype=np.uint8) for _ in range(2)]
    noise, floor = ruler.column([Sample.alone(one) for one in sets]), ruler.floor()
    assert list(noise) == list(floor)
    for row in (AUC, SEEN, RUN, NOVELTY, VENDI, VENDI_FEATURES, UNIQUE):
        assert noise[row].meets(floor[row]) is False, row
    assert noise[AUC].value > 0.9
    assert noise[SEEN].value < 0.4
    assert noise[SEEN].low < noise[SEEN].value < noise[SEEN].high


def test_columns_depend_on_the_pieces_and_the_seed_alone(ruler):
    sets = [np.random.default_rng(0).integers(6, size=(30, PLACES, 2), dtype=np.uint8)]
    first, second = (ruler.column([Sample.alone(one) for one in sets]) for _ in range(2))
    assert repr(first) == repr(second)


def test_copies_are_told_by_their_lack_of_variety(ruler):
    copies = ruler.column([Sample.alone(np.repeat(ruler.people.known.windows[:1], 30, axis=0))])
    assert copies[VENDI].value == pytest.approx(1)
    assert copies[VENDI_FEATURES].value == pytest.approx(1, abs=1e-4)
    assert copies[UNIQUE].value < ruler.floor()[UNIQUE].value
    assert math.isclose(copies[SEEN].value, 1)


def test_sets_of_few_works_are_left_out_in_as_many_groups_each(ruler):
    rng = np.random.default_rng(0)
    windows = rng.integers(6, size=(2, 30, PLACES, 2), dtype=np.uint8)
    none = np.zeros(30, np.int64)
    sets = [Sample(w, np.arange(30) % n, none) for w, n in zip(windows, (30, 4), strict=True)]
    cells = ruler.column(sets)
    assert cells[VENDI].low < cells[VENDI].value < cells[VENDI].high


def test_more_seeds_give_narrower_intervals(ruler):
    rng = np.random.default_rng(0)
    sets = [rng.integers(6, size=(30, PLACES, 2), dtype=np.uint8) for _ in range(8)]
    one, all_ = (
        ruler.column([Sample.alone(one) for one in part])[SEEN] for part in (sets[:1], sets)
    )
    assert all_.high - all_.low < (one.high - one.low) / 2


def test_sets_of_people_share_nothing(ruler):
    many = Ruler(ruler.yardstick, ruler.people, size=20, sets=9, judge=QUICK)
    sets = many._deal(many.people.known)
    assert [len(sample) for sample in sets] == [20] * 4
    assert len(np.unique(np.concatenate([sample.works for sample in sets]))) == 80
    assert len(many._deal(many.people.unseen)) == 1


def test_newness_is_told_piece_by_piece(ruler):
    known = ruler.people.known.windows[:1]
    found = ruler.newness(np.concatenate((known, known[:, ::-1], known - known + [0, 1])))
    assert found[SEEN].tolist() == [1, 1, 0]
    assert found[RUN].tolist() == [PLACES, 1, 0]
    assert found[NOVELTY][:2].tolist() == [0, 0]
    assert found[NOVELTY][2] > 0.5
