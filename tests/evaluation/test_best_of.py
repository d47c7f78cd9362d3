import numpy as np
import pytest
import torch
from toy import PLACES

from composer.evaluation import best_of
from composer.evaluation.best_of import compose_best, draw_pieces
from composer.evaluation.samples import compose_windows


@pytest.fixture
def model(toy_model):
    torch.manual_seed(0)
    made = toy_model(2)
    with torch.no_grad():
        made.generator.layers[-1].weight.mul_(4)  # so that it proposes this and that
    return made


def test_pieces_depend_on_seed_and_kind_alone(model):
    kinds = np.array([0, 1, 1])
    seen = []
    first = compose_best(model, 4, kinds, 1, 0.3, seen.append)
    assert first.shape == (3, PLACES, 2)
    assert first.dtype == np.uint8
    assert seen == list(range(PLACES))
    assert np.array_equal(first, compose_best(model, 4, kinds, 1, 0.3))
    assert not np.array_equal(first, compose_best(model, 4, kinds, 2, 0.3))
    assert compose_best(model, 4, kinds[:0], 1, 0.3).shape == (0, PLACES, 2)


@pytest.mark.parametrize("novelty", [0.0, 0.4, 1.0])
def test_the_best_of_its_rivals_is_kept(model, monkeypatch, novelty):
    drawn = []

    def remember(*arguments):
        drawn.append(draw_pieces(*arguments))
        return drawn[-1]

    monkeypatch.setattr(best_of, "draw_pieces", remember)
    monkeypatch.setattr(best_of, "BATCH", 2)
    made = compose_best(model, 5, np.array([0, 1, 0]), 0, novelty)
    assert [len(pieces) for pieces, _ in drawn] == [10, 5]
    joined = (np.concatenate(parts) for parts in zip(*drawn, strict=True))
    pieces, rewards = (part.reshape(3, 5, PLACES, 2) for part in joined)
    worth = ((1 - novelty) * rewards[..., 0] + novelty * rewards[..., 1]).mean(axis=2)
    for kept, rivals, own in zip(made, pieces, worth, strict=True):
        alike = (rivals == kept).all(axis=(1, 2))
        assert own[alike].max() == pytest.approx(own.max())
    assert worth.std(axis=1).min() > 0


def test_rivals_are_what_the_policy_first_composes(model):
    kinds = np.zeros(400, np.int64)
    ours, _ = draw_pieces(model.world(), kinds, np.random.default_rng(0))
    theirs = compose_windows(model, "first", kinds, 0, 0.0)
    shares = [np.eye(6)[made].mean(axis=0) for made in (ours, theirs)]  # of tokens at each place
    assert np.abs(shares[0] - shares[1]).max() < 0.1
    assert len(np.unique(ours, axis=0)) > 10


def test_rivals_settle_as_compositions_do(model, monkeypatch):
    def settle(fragments, placed):
        return placed[:, -1:] if placed.shape[1] else fragments

    monkeypatch.setattr(type(model.domain), "settle", staticmethod(settle))
    pieces, _ = draw_pieces(model.world(), np.zeros(9, np.int64), np.random.default_rng(0))
    assert (pieces == pieces[:, :1]).all()


def test_what_was_there_before_is_not_new(model):
    world = model.world()
    pieces, rewards = draw_pieces(world, np.zeros(40, np.int64), np.random.default_rng(0))
    assert ((rewards >= 0) & (rewards <= 1)).all()
    again = (pieces[:, 1:] == pieces[:, :-1]).all(axis=2)
    assert again.any()
    assert rewards[:, 1:, 1][again].max() < 1e-3
    known = world.domain.features(pieces[:, 0])
    away = world.known.nearest(known) / world.unit
    assert rewards[:, 0, 1] == pytest.approx(away.clip(max=1))
