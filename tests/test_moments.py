import numpy as np
import pytest
import torch
from toy import CLASSES, PLACES, ToyDomain, toy_pieces

from composer.moments import Matching, MomentConfig, Moments
from composer.networks import look
from composer.places import Geometry, Pieces

LAYOUT = (PLACES,)


class CountingDomain(ToyDomain):
    """Counts which value stands first; its traits are how high both are."""

    def counted(self, fragments):
        return np.eye(CLASSES, dtype=np.float32)[fragments[:, 0]]

    def traits(self, fragments):
        return (fragments / CLASSES).astype(np.float32)


def skewed(count, rng, shares, kind=0):
    """Lines whose fragments begin with value v in ``shares[v]`` of all places."""
    fragments = rng.integers(CLASSES, size=(count, PLACES, 2)).astype(np.uint8)
    fragments[..., 0] = rng.choice(CLASSES, p=shares, size=(count, PLACES))
    return Pieces(fragments, np.full((count, PLACES), kind, np.uint8))


def follow(moments, geometry, count, rng, kind=0, candidates=8):
    """Lines of a policy that takes uniform candidates by the moments' ratio alone."""
    shape = (count, PLACES)
    made = Pieces(np.zeros((*shape, 2), np.uint8), np.full(shape, kind, np.uint8))
    for place in range(PLACES):
        offered = rng.integers(CLASSES, size=(count, candidates, 2)).astype(np.uint8)
        seen = geometry.at(made, np.arange(count), np.full(count, place))
        around = map(torch.from_numpy, seen[1:])
        logits = moments(look(moments.domain, *around, torch.from_numpy(offered))).numpy()
        taken = (logits + rng.gumbel(size=logits.shape)).argmax(1)
        made.fragments[:, place] = offered[np.arange(count), taken]
    return made


def firsts(pieces):
    return np.bincount(pieces.fragments[..., 0].ravel(), minlength=CLASSES) / (
        pieces.fragments[..., 0].size
    )


SHARES = np.array([0.4, 0.25, 0.15, 0.1, 0.07, 0.03])


def test_no_kind_is_missed_however_rare(monkeypatch):
    monkeypatch.setattr("composer.moments.ENOUGH", 20 * PLACES)
    rng = np.random.default_rng(0)
    domain = CountingDomain({"kinds": 2})
    common, rare = (skewed(n, rng, SHARES, kind) for n, kind in ((100, 0), (1, 1)))
    real = common.followed_by(rare, 200).followed_by(skewed(100, rng, SHARES), 300)
    moments = Moments(domain)
    Matching(moments, Geometry.of(domain, LAYOUT), real, MomentConfig())
    assert moments.centre.any(dim=1).all()


def test_nothing_is_said_at_first():
    rng = np.random.default_rng(0)
    domain = CountingDomain({"kinds": 2})
    places = Geometry.of(domain, LAYOUT).sample(toy_pieces(9, rng, kinds=2), 4, rng)
    inputs = [torch.from_numpy(array) for array in places[1:]]
    offered = torch.randint(CLASSES, (4, 3, 2)).to(torch.uint8)
    said = Moments(domain)(look(domain, *inputs, offered))
    assert said.shape == (4, 3)
    assert not said.any()


def test_the_ratio_is_linear_in_what_resembles_what_is_counted_and_where_traits_are():
    rng = np.random.default_rng(0)
    domain = CountingDomain({"kinds": 2})
    geometry = Geometry.of(domain, LAYOUT)
    moments = Moments(domain)
    moments.weights.normal_()
    moments.centre.normal_()
    pieces = toy_pieces(9, rng, kinds=2)
    rows, at = np.arange(4), np.array([0, 1, 3, 4])
    places = geometry.at(pieces, rows, at)
    context, present, position = (torch.from_numpy(array) for array in places[1:])
    candidates = torch.randint(CLASSES, (4, 3, 2)).to(torch.uint8)
    found = moments(look(domain, context, present, position, candidates))
    for i in range(4):
        kind = pieces.plans[i, at[i]]
        for j in range(3):
            token = candidates[i, j].numpy()[None]
            related = domain.relations(
                torch.cat((context[i], candidates[i, j : j + 1])).unsqueeze(0), context.shape[1]
            )[0, -1]
            related = related * present[i][:, None]
            where = geometry.positions[at[i]]
            traits = domain.traits(token)[0]
            seen = [*related.flatten().tolist(), *domain.counted(token)[0]]
            seen += [t * p for t in traits for p in where]
            weights, centre = (each[kind].numpy() for each in (moments.weights, moments.centre))
            expected = (np.array(seen) - centre) @ weights
            assert found[i, j].item() == pytest.approx(expected, abs=1e-5)


def test_a_policy_that_heeds_the_moments_comes_to_peoples_means():
    rng = np.random.default_rng(0)
    domain = CountingDomain({})
    geometry = Geometry.of(domain, LAYOUT)
    moments = Moments(domain)
    matching = Matching(moments, geometry, skewed(400, rng, SHARES), MomentConfig(limit=9.0))
    first = matching.update(follow(moments, geometry, 100, rng))
    mean = torch.zeros_like(moments.weights)
    for step in range(1, 81):
        last = matching.update(follow(moments, geometry, 100, rng))
        mean += (moments.weights - mean) * 2 / (step + 1)
    moments.weights.copy_(mean)
    assert last["moment_gap"] < first["moment_gap"] / 3
    reached = firsts(follow(moments, geometry, 3000, rng))
    assert reached == pytest.approx(SHARES, abs=0.03)


def test_each_kind_has_weights_of_its_own():
    rng = np.random.default_rng(0)
    domain = CountingDomain({"kinds": 2})
    geometry = Geometry.of(domain, LAYOUT)
    one, other = skewed(200, rng, SHARES), skewed(200, rng, SHARES[::-1], kind=1)
    moments = Moments(domain)
    both = one.followed_by(other, 400)
    matching = Matching(moments, geometry, both, MomentConfig(pooled=0.0))
    matching.update(follow(moments, geometry, 50, rng, kind=1))
    assert not moments.weights[0].any()
    for _ in range(60):
        for kind in (0, 1):
            matching.update(follow(moments, geometry, 50, rng, kind=kind))
    for kind, shares in enumerate((SHARES, SHARES[::-1])):
        reached = firsts(follow(moments, geometry, 2000, rng, kind=kind))
        assert reached == pytest.approx(shares, abs=0.06)


def test_what_one_kind_lacks_moves_all_by_the_share_that_is_pooled():
    rng = np.random.default_rng(0)
    domain = CountingDomain({"kinds": 2})
    geometry = Geometry.of(domain, LAYOUT)
    one, other = skewed(200, rng, SHARES), skewed(200, rng, SHARES, kind=1)
    moments = Moments(domain)
    config = MomentConfig(pooled=0.25)
    matching = Matching(moments, geometry, one.followed_by(other, 400), config)
    matching.update(follow(moments, geometry, 50, rng, kind=1))
    assert moments.weights[1].abs().max() > 0.01
    assert torch.allclose(moments.weights[0], moments.weights[1] / 4, atol=1e-6)


def test_weights_stay_within_the_limit_and_finite_where_a_moment_never_differs():
    rng = np.random.default_rng(0)
    domain = CountingDomain({})
    geometry = Geometry.of(domain, LAYOUT)
    real = skewed(50, rng, np.array([1.0, 0, 0, 0, 0, 0]))  # all others are never seen
    moments = Moments(domain)
    matching = Matching(moments, geometry, real, MomentConfig(rate=50.0, limit=0.5))
    for _ in range(3):
        found = matching.update(skewed(50, rng, SHARES))
    assert np.isfinite(found["moment_gap"])
    scaled = moments.weights * matching.spread
    assert torch.isfinite(moments.weights).all()
    assert scaled.abs().max() <= 0.5 + 1e-6


def test_nothing_changes_at_rate_zero():
    rng = np.random.default_rng(0)
    domain = CountingDomain({})
    moments = Moments(domain)
    real = skewed(50, rng, SHARES)
    matching = Matching(moments, Geometry.of(domain, LAYOUT), real, MomentConfig(rate=0.0))
    matching.update(toy_pieces(50, rng))
    assert not moments.weights.any()
