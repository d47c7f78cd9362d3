import warnings

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium.utils.env_checker import check_env
from torch import nn
from toy import CLASSES, PLACES, world_of

from composer.domain import Rule
from composer.environment import CompositionEnv, CompositionVectorEnv
from composer.stage import GENERATED, Stage


@pytest.fixture
def world():
    return world_of(1)


@pytest.fixture
def kinds():
    """A world of pieces of two kinds."""
    return world_of(2)


@pytest.mark.parametrize("count", [1, 2])
def test_passes_gymnasiums_checker(count):
    check_env(CompositionEnv(world_of(count)), skip_render_check=True)


def test_passes_stable_baselines3s_checker(world):
    checker = pytest.importorskip("stable_baselines3.common.env_checker")
    with warnings.catch_warnings():
        # it advises about image-like and unsigned observations, which are meant here
        warnings.simplefilter("ignore", UserWarning)
        checker.check_env(CompositionEnv(world))


def run(env, seed, policy):
    observation, info = env.reset(seed=seed)
    rng = np.random.default_rng(5)
    rows, total, ended = [observation], 0.0, False
    while not ended:
        observation, reward, ended, cut, info = env.step(policy(observation, info, rng))
        assert not cut
        assert env.observation_space.contains(observation)
        rows.append(observation)
        total += reward
    return rows, total


def masked(observation, info, rng):
    assert np.array_equal(observation["action_mask"], info["action_mask"])
    assert info["action_mask"].dtype == np.int8
    return rng.choice(np.flatnonzero(info["action_mask"]))


def test_an_episode_fills_every_place_and_a_seed_repeats_it(world):
    env = CompositionEnv(world)
    first, total = run(env, 3, masked)
    piece = env.stage.composition(0, {})
    again, same = run(CompositionEnv(world), 3, masked)
    other, _ = run(env, 4, masked)
    assert len(first) == PLACES + 1
    assert total == same
    assert all(np.array_equal(a[k], b[k]) for a, b in zip(first, again, strict=True) for k in a)
    assert any(not np.array_equal(first[0][k], other[0][k]) for k in first[0])
    assert piece.fragments.shape == (PLACES, 2)
    assert len(piece.origins) == PLACES
    with pytest.raises(gymnasium.error.ResetNeeded):
        env.step(0)


def test_reward_is_the_blend_of_the_vector_and_the_scores_shown_before(world):
    env = CompositionEnv(world)
    observation, _ = env.reset(seed=0, options={"preference": 0.25})
    _, reward, _, _, info = env.step(1)
    assert info["vector_reward"] == pytest.approx(observation["scores"][1])
    assert reward == pytest.approx(
        0.75 * info["vector_reward"][0] + 0.25 * info["vector_reward"][1]
    )


def test_a_masked_action_places_the_first_candidate(world):
    env = CompositionEnv(world)
    observation, info = env.reset(seed=0)
    repeat = len(info["action_mask"]) - 1
    assert info["action_mask"][repeat] == 0  # nothing to repeat yet
    env.step(repeat)
    assert np.array_equal(env.stage.placed[0, 0], observation["candidates"][0])
    assert env.stage.composition(0, {}).origins[0].kind == "fresh"


def test_repeats_and_their_sources_are_what_they_say(world):
    env = CompositionEnv(world)
    env.reset(seed=0)
    env.step(0)
    for _ in range(PLACES - 1):
        env.step(env.action_space.n - 1)
    piece = env.stage.composition(0, {})
    assert (piece.fragments == piece.fragments[0]).all()
    assert [(o.kind, o.place) for o in piece.origins[1:]] == [
        ("repeat", place) for place in range(PLACES - 1)
    ]
    assert (piece.novelty[1:] == 0).all()  # a copy of one's own past is not new


def test_observations_are_fresh_arrays(world):
    env = CompositionEnv(world)
    observation, _ = env.reset(seed=0)
    kept = {name: array.copy() for name, array in observation.items()}
    env.step(0)
    env.step(0)
    assert all(np.array_equal(kept[name], observation[name]) for name in kept)


def test_vector_twin_plays_many_and_begins_again_at_the_next_step(world):
    env = CompositionVectorEnv(world, 6)
    observation, _ = env.reset(seed=1)
    assert env.observation_space.contains(observation)
    for _ in range(PLACES):
        observation, reward, ended, cut, info = env.step(np.zeros(6, int))
        assert env.observation_space.contains(observation)
        assert info["vector_reward"].shape == (6, 2)
    assert ended.all()
    assert not cut.any()
    observation, reward, ended, _, _ = env.step(np.zeros(6, int))
    assert (reward == 0).all()
    assert not ended.any()
    assert (observation["progress"] == 0).all()


def test_one_row_of_the_twin_equals_the_single_environment(world):
    single, twin = CompositionEnv(world), CompositionVectorEnv(world, 1)
    a, _ = single.reset(seed=9, options={"preference": 0.5})
    b, _ = twin.reset(seed=9, options={"preference": 0.5})
    for _ in range(PLACES):
        assert all(np.array_equal(a[name], b[name][0]) for name in a)
        a, x, *_ = single.step(2)
        b, y, *_ = twin.step(np.array([2]))
        assert x == pytest.approx(y[0])


def test_allowed_tokens_bind_every_candidate_but_the_masked(world):
    allowed = np.zeros((2, 6), bool)
    allowed[:, [1, 4]] = True
    stage = Stage(world, (PLACES,), 16, allowed)
    observation = stage.begin(np.zeros(16, np.float32), np.random.default_rng(0))
    while not stage.finished:
        shown = observation["candidates"][observation["action_mask"].astype(bool)]
        assert np.isin(shown, [1, 4]).all()
        stage.choose(np.zeros(16, int))
        observation = stage.observe()
    assert np.isin(stage.placed, [1, 4]).all()


def test_what_is_generated_settles_by_what_was_placed_and_moves_stay(world, monkeypatch):
    def again(made, placed):
        return np.repeat(placed[:, -1:], made.shape[1], 1) if placed.shape[1] else made

    def second(stage):
        stage.begin(np.zeros(16, np.float32), np.random.default_rng(0))
        stage.choose(np.zeros(16, int))
        stage.observe()
        return stage

    plain = second(Stage(world, (PLACES,), 16))
    monkeypatch.setattr(world.domain, "settle", again)
    stage = second(Stage(world, (PLACES,), 16))
    before = stage.placed[:, [0]]
    drawn = sum(kind in GENERATED for kind in stage.kinds)
    assert (stage.candidates[:, :drawn] == before).all()
    assert not (plain.candidates[:, :drawn] == before).all()
    assert np.array_equal(stage.candidates[:, drawn:], plain.candidates[:, drawn:])


class Rising(Rule):
    """The first token grows from place to place; where that cannot be, it is the highest."""

    def permits(self, earlier, candidates):
        return candidates[:, 0] > earlier[-1:, 0].max(initial=0)

    def mend(self, earlier, fragment):
        return np.array([CLASSES - 1, fragment[1]], np.uint8)


def test_a_rule_masks_and_the_first_that_is_permitted_stands_in(world):
    env = CompositionVectorEnv(world, 32, rule=Rising())
    observation, _ = env.reset(seed=0)
    rows = np.arange(32)
    skipped, mended = 0, 0
    for place in range(PLACES):
        firsts, mask = observation["candidates"][:, :, 0], observation["action_mask"].astype(bool)
        before = env.stage.placed[:, place - 1, 0] if place else np.zeros(32, np.uint8)
        assert mask.any(1).all()
        risen = firsts > before[:, None]
        stuck = ~(mask & risen).any(1)  # nothing was permitted: candidate 0 was mended
        assert (risen | ~mask)[~stuck].all()
        assert (firsts[stuck, 0] == CLASSES - 1).all()
        assert (mask[stuck].sum(1) == 1).all()
        assert mask[stuck, 0].all()
        skipped, mended = skipped + int((~mask[:, 0]).sum()), mended + int(stuck.sum())
        observation, *_ = env.step((~mask).argmax(1))  # masked ones, where there are any
        assert np.array_equal(env.stage.placed[:, place, 0], firsts[rows, mask.argmax(1)])
    assert skipped
    assert mended


def test_a_rule_that_forbids_nothing_changes_nothing(world):
    class Free(Rule):
        def permits(self, earlier, candidates):
            return np.ones(len(candidates), bool)

        def mend(self, earlier, fragment):
            pytest.fail("there was nothing to mend")

    bound, _ = run(CompositionEnv(world, rule=Free()), 3, masked)
    free, _ = run(CompositionEnv(world), 3, masked)
    assert all(np.array_equal(a[k], b[k]) for a, b in zip(bound, free, strict=True) for k in a)


PLAN = np.array([1, 0, 0, 1, 1], np.uint8)


def planned(observation):
    """Which kind the position says that the place shall be."""
    return observation["position"][..., 2:].argmax(-1)


def test_a_piece_follows_the_plan_that_is_given(kinds):
    env = CompositionEnv(kinds)
    observation, _ = env.reset(seed=0, options={"plan": PLAN})
    for kind in PLAN:
        assert planned(observation) == kind
        assert env.observation_space.contains(observation)
        observation, *_ = env.step(0)
    assert np.array_equal(env.stage.composition(0, {}).plan, PLAN)


def test_where_kinds_meet_only_fragments_of_the_same_kind_are_seen_and_taken_up(kinds):
    env = CompositionVectorEnv(kinds, 32)
    observation, _ = env.reset(seed=0, options={"plan": PLAN})
    names = np.array(env.stage.kinds)
    seen = []
    for place in range(PLACES):
        alike = [bool(place >= lag and PLAN[place - lag] == PLAN[place]) for lag in (1, 2)]
        assert (observation["present"] == alike).all()
        assert not observation["context"][:, ~np.array(alike)].any()
        offered = observation["action_mask"].astype(bool)
        assert offered[:, np.isin(names, ("fresh", "guided"))].all()
        varied = env.stage.referred[:, names == "vary"]
        same = (PLAN[varied] == PLAN[place]) & (place > 0)
        assert np.array_equal(offered[:, names == "vary"], same)
        seen.append(offered[:, names == "repeat"].any())
        observation, *_ = env.step(np.zeros(32, int))
    assert seen == [False, False, True, False, True]


def test_without_a_plan_the_domain_draws_one_and_the_seed_repeats_it(kinds):
    env = CompositionEnv(kinds)
    plans = []
    for seed in range(12):
        env.reset(seed=seed)
        plans.append(env.stage.plans[0].tolist())
    assert sorted({tuple(plan) for plan in plans}) == [(0,) * PLACES, (1,) * PLACES]
    env.reset(seed=3)
    assert env.stage.plans[0].tolist() == plans[3]


def test_the_twin_takes_one_plan_for_all_or_one_each(kinds):
    env = CompositionVectorEnv(kinds, 3)
    env.reset(seed=0, options={"plan": PLAN})
    assert np.array_equal(env.stage.plans, np.tile(PLAN, (3, 1)))
    each = np.stack((PLAN, 1 - PLAN, PLAN[::-1]))
    observation, _ = env.reset(seed=0, options={"plan": each})
    for place in range(PLACES):
        assert np.array_equal(planned(observation), each[:, place])
        observation, *_ = env.step(np.zeros(3, int))
    assert [env.stage.composition(row, {}).plan.tolist() for row in range(3)] == each.tolist()
    observation, *_ = env.step(np.zeros(3, int))  # begins anew, with plans drawn anew
    assert (np.ptp(env.stage.plans, axis=1) == 0).all()
    assert np.array_equal(planned(observation), env.stage.plans[:, 0])


def test_the_twin_draws_a_plan_for_each_piece(kinds):
    env = CompositionVectorEnv(kinds, 32)
    env.reset(seed=0)
    assert set(env.stage.plans[:, 0].tolist()) == {0, 1}


def test_pieces_that_were_taken_stay_when_others_begin(kinds):
    env = CompositionVectorEnv(kinds, 2)
    env.reset(seed=0, options={"plan": PLAN})
    for _ in range(PLACES):
        env.step(np.zeros(2, int))
    pieces = env.stage.pieces
    kept = pieces.take(np.arange(2))
    env.reset(seed=1, options={"plan": 1 - PLAN})
    env.step(np.zeros(2, int))
    assert np.array_equal(pieces.fragments, kept.fragments)
    assert np.array_equal(pieces.plans, kept.plans)


def test_the_end_of_a_closed_piece_sees_its_beginning(world):
    class Spy(nn.Module):
        """Shows what the generator was shown."""

        def __init__(self):
            super().__init__()
            self.seen = []

        def forward(self, latent, context, present, position):
            self.seen.append((context, present))
            return torch.zeros(len(latent), 2, CLASSES)

    for closed in (False, True):
        world.generator = Spy()
        env = CompositionEnv(world, closed=closed)
        masks = [env.reset(seed=0)[1]["action_mask"].astype(bool)]
        masks += [env.step(0)[4]["action_mask"].astype(bool) for _ in range(PLACES)]
        assert len(world.generator.seen) == 2 * PLACES  # fresh ones; guided and varied ones
        for call, (context, present) in enumerate(world.generator.seen):
            place = call // 2
            last = closed and place == PLACES - 1
            here = present[:2]  # those that vary see the place they vary
            assert (here == torch.tensor([float(place > 0), float(last)])).all()
            if last:
                first = torch.from_numpy(env.stage.placed[0, 0]).long()
                assert (context[0, 1].argmax(-1) == first).all()
        # where ends meet, only what was made for both may be chosen
        made_here = world.candidates.fresh + world.candidates.guided
        assert masks[1][:made_here].all()
        assert masks[1][made_here:].any()
        assert masks[PLACES - 1][:made_here].all()
        assert masks[PLACES - 1][made_here:].any() == (not closed)
        # what agent and critics see does not depend on it
        assert np.array_equal(env.stage.geometry.neighbours, world.domain.neighbours((PLACES,)))


def test_render_shows_a_line_a_place(world):
    env = CompositionEnv(world, render_mode="ansi")
    env.reset(seed=0)
    env.step(0)
    assert env.render().startswith("   0  fresh")
