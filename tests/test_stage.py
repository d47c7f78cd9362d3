import numpy as np
import pytest
import torch
from torch import nn
from toy import CLASSES, PLACES, toy_pieces, world_of

from composer import stage as stage_module
from composer.domain import Rule
from composer.environment import CompositionVectorEnv
from composer.places import Pieces
from composer.stage import CandidateConfig, Stage, mix


@pytest.fixture
def world():
    return world_of(1)


@pytest.fixture
def kinds():
    """A world of pieces of two kinds."""
    return world_of(2)


def high(observation):
    """A guide for whom the second token is all."""
    return 1000.0 * observation["candidates"][..., 1]


def test_guided_candidates_are_near_those_of_high_value(world):
    world.candidates = CandidateConfig(fresh=6, guided=3, vary=2, jitter=0.0)
    world.guide = high
    env = CompositionVectorEnv(world, 64)
    observation, _ = env.reset(seed=0)
    for _ in range(PLACES):
        fresh, guided = observation["candidates"][:, :6], observation["candidates"][:, 6:9]
        assert (fresh[..., 1].max(1) > fresh[..., 1].min(1)).any()
        assert np.array_equal(guided[..., 1], np.repeat(fresh[..., 1].max(1)[:, None], 3, axis=1))
        latents = env.stage.offered
        assert (latents[:, 6:9, None] == latents[:, None, :6]).all(3).any(2).all()
        observation, *_ = env.step(np.zeros(64, int))


def test_the_guide_is_asked_in_the_place_of_the_agent(world):
    asked = []
    world.guide = lambda observation: asked.append(observation) or high(observation)
    env = CompositionVectorEnv(world, 8, preference=0.25)
    observation, _ = env.reset(seed=0)
    for place in range(PLACES):
        for name in ("context", "present", "position", "preference", "progress"):
            assert np.array_equal(asked[place][name], observation[name])
        fresh = world.candidates.fresh
        assert np.array_equal(asked[place]["candidates"], observation["candidates"][:, :fresh])
        new = asked[place]["scores"][..., 1], observation["scores"][:, :fresh, 1]
        assert np.array_equal(*new)
        assert asked[place]["action_mask"].all()
        observation, *_ = env.step(np.zeros(8, int))


def test_the_critics_are_asked_of_each_candidate_once(world, monkeypatch):
    told = []
    score = stage_module.critics.score
    monkeypatch.setattr(
        stage_module.critics, "score", lambda *a: told.append(a[2].fragments.shape[1]) or score(*a)
    )
    for guide, guided in ((None, 2), (high, 0), (high, 2)):
        world.guide = guide
        world.candidates = CandidateConfig(fresh=3, guided=guided, vary=2)
        told.clear()
        env = CompositionVectorEnv(world, 4)
        env.reset(seed=0)
        assert sum(told) == env.stage.choices


def test_in_given_pieces_the_guide_is_asked_as_if_they_were_being_played(kinds):
    asked = []
    kinds.guide = lambda observation: asked.append(observation) or high(observation)
    stage = Stage(kinds, (PLACES,), 4)
    stage.begin(np.zeros(4, np.float32), np.random.default_rng(0))
    while not stage.finished:
        stage.choose(np.zeros(4, int))
        stage.observe()
    played, pieces = asked.copy(), stage.pieces.take(np.arange(4))
    asked.clear()
    again_stage = Stage(kinds, (PLACES,), 4)
    again_stage.offer(Pieces(pieces.fragments, pieces.plans), np.random.default_rng(1))
    for before, again in zip(played, asked, strict=True):
        for name in ("context", "present", "position", "preference", "progress"):
            assert before[name] == pytest.approx(again[name])
    assert np.array_equal(again_stage.past, stage.past)  # what is new is new to the same past


def test_offers_for_given_pieces_follow_their_plans_and_surroundings(kinds):
    pieces = toy_pieces(16, np.random.default_rng(0), kinds=2)
    before = pieces.take(np.arange(16))

    class Echo(nn.Module):
        """Repeats what stands before; the first fragment is the number of the kind."""

        def forward(self, latent, context, present, position):
            kind = nn.functional.one_hot(position[:, 2:].argmax(1), CLASSES).float()
            first = kind.unsqueeze(1).expand(-1, 2, -1)
            echo = torch.where(present[:, 0, None, None] > 0, context[:, 0], first)
            return echo.repeat_interleave(len(latent) // len(echo), 0)

    kinds.generator = Echo()
    kinds.candidates = CandidateConfig(fresh=3, guided=2, vary=0)
    offered = Stage(kinds, (PLACES,), 16).offer(pieces, np.random.default_rng(1), picked=3)
    assert offered.shape == (16, PLACES, 3, 2)
    for pick in range(3):
        assert np.array_equal(offered[:, 0, pick, 0], pieces.plans[:, 0])
        assert np.array_equal(offered[:, 1:, pick], pieces.fragments[:, :-1])
    assert np.array_equal(pieces.fragments, before.fragments)
    assert np.array_equal(pieces.plans, before.plans)


def test_guided_candidates_are_drawn_and_jittered(world):
    """Among latents of which one is worth a little more, it is drawn more often, not always."""
    world.candidates = CandidateConfig(fresh=2, guided=200, vary=0, jitter=0.6)
    world.guide = lambda observation: np.tile([0.0, np.log(3)], (len(observation["scores"]), 1))
    env = CompositionVectorEnv(world, 4)
    env.reset(seed=0)
    fresh, guided = env.stage.offered[:, :2], env.stage.offered[:, 2:202]
    away = guided[:, :, None] - np.float32(0.8) * fresh[:, None]  # [4, 200, 2, latent]
    nearest = np.square(away).sum(3).argmin(2)
    noise = np.take_along_axis(away, nearest[:, :, None, None], 2)
    assert noise.std() == pytest.approx(0.6, abs=0.05)
    far = np.square(fresh[:, 0] - fresh[:, 1]).sum(1) > 8  # where it is plain which one it was
    assert far.any()
    assert nearest[far].mean() == pytest.approx(0.75, abs=0.08)


def test_what_a_rule_forbids_guides_nothing(world):
    class Never(Rule):
        """Forbids the fragment that the guide would like best."""

        def permits(self, placed, candidates):
            return candidates[:, 1] < CLASSES - 1

        def mend(self, placed, candidate):
            return np.zeros_like(candidate)

    world.candidates = CandidateConfig(fresh=8, guided=4, vary=0, jitter=0.0)
    world.guide = high
    env = CompositionVectorEnv(world, 32, rule=Never())
    observation, _ = env.reset(seed=0)
    forbidden = []
    for _ in range(PLACES):
        fresh, guided = observation["candidates"][:, :8], observation["candidates"][:, 8:12]
        bad = fresh[..., 1] == CLASSES - 1
        some = bad.any(1) & ~bad.all(1)
        forbidden.append(some.sum())
        best = np.where(bad, 0, fresh[..., 1]).max(1)
        assert (guided[some][..., 1] == best[some][:, None]).all()
        observation, *_ = env.step(np.zeros(32, int))
    assert sum(forbidden) > 0


def test_what_was_mended_is_judged_as_it_stands(world):
    class Only(Rule):
        """Permits one fragment."""

        def permits(self, placed, candidates):
            return (candidates == CLASSES - 1).all(1)

        def mend(self, placed, candidate):
            return np.full_like(candidate, CLASSES - 1)

    world.guide = high
    env = CompositionVectorEnv(world, 32, rule=Only())
    env.reset(seed=0)
    for _ in range(PLACES):
        stage = env.stage
        assert (stage.candidates[~stage.valid[:, 1:].any(1), 0] == CLASSES - 1).all()
        places = stage.geometry.at(stage.pieces, np.arange(32), np.full(32, stage.place))
        anew = stage._judge(places, stage.candidates)
        assert np.array_equal(stage.features, anew.features)
        assert stage.scores == pytest.approx(anew.scores(stage.valid), abs=1e-5)
        env.step(stage.valid.argmax(1))


def test_without_fresh_candidates_nothing_guides(world):
    world.candidates = CandidateConfig(fresh=0, guided=3, vary=0)
    world.guide = high
    env = CompositionVectorEnv(world, 2)
    observation, _ = env.reset(seed=0)
    assert observation["action_mask"][:, :3].all()


def test_mixing_keeps_the_variance_of_the_prior():
    rng = np.random.default_rng(0)
    old, new = rng.standard_normal((2, 20000, 1), dtype=np.float32)
    assert mix(old, new, 0.6).std() == pytest.approx(1.0, abs=0.02)
    assert np.array_equal(mix(old, new, 0.0), old)
