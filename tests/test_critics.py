import numpy as np
import pytest
import torch
from toy import PLACES, ToyDomain, toy_pieces

from composer.critics import (
    LOUD,
    CompositionCritics,
    CriticConfig,
    Critics,
    Realism,
    ratio,
    score,
    view_of,
)
from composer.dqn.agent import sample_softmax
from composer.networks import look
from composer.places import Geometry, Pieces
from composer.reward import LOGIT_LIMIT, realism

CONFIG = CriticConfig(embedding=8, hidden=32, batch=64, learning_rate=3e-3, dropout=0.0)


def alone(places):
    """What stands at the places as their only candidates."""
    return places._replace(fragments=places.fragments[:, None])


def sources(geometry, rng):
    """Real places and other fragments for them; real lines; shuffled ones as if composed."""
    real = toy_pieces(300, rng)
    shuffled = Pieces(rng.permuted(real.fragments, axis=1), real.plans)

    def choices(count):
        places = geometry.sample(real, count, rng)
        others = (places.fragments[:, None] + rng.integers(1, 6, (count, 3, 1))) % 6
        choices = np.concatenate((places.fragments[:, None], others), axis=1)
        return places._replace(fragments=choices.astype(np.uint8))

    return (
        choices,
        lambda count: geometry.sample(real, count, rng),
        lambda count: geometry.sample(shuffled, count, rng),
    )


def test_learns_what_people_choose_and_what_gives_composed_pieces_away():
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    domain = ToyDomain({})
    geometry = Geometry.of(domain, (PLACES,))
    critics = Critics(domain, CONFIG)
    for _ in range(150):
        values = critics.update(*sources(geometry, rng))
    assert values["critic_accuracy"] > 0.75
    # a candidate in its place: the one that continues the line scores highest
    places = geometry.at(toy_pieces(50, rng), np.arange(50), np.full(50, 3))
    candidates = np.arange(6, dtype=np.uint8)[None, :, None].repeat(50, 0).repeat(2, 2)
    offered = places._replace(fragments=candidates)
    said = score(domain, critics.realism, offered)
    logits = ratio(*said, np.ones((50, 6), bool))
    assert (logits.argmax(1) == places.fragments[:, 0]).mean() > 0.9
    assert np.abs(logits).max() <= LOGIT_LIMIT


def test_the_ratio_counts_a_fault_of_the_surroundings_not_again():
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    domain = ToyDomain({})
    geometry = Geometry.of(domain, (PLACES,))
    critics = Critics(domain, CONFIG)
    for _ in range(400):
        critics.update(*sources(geometry, rng))
    broken = toy_pieces(200, rng)
    # one wrong fragment, then all goes on as before
    broken.fragments[:, 1] = (broken.fragments[:, 1] + 3) % 6
    places = geometry.at(broken, np.arange(200), np.full(200, 3))
    with torch.no_grad():
        _, filled, empty = critics.realism.critics(view_of(domain, alone(places)))
    assert filled.mean() < -1  # the place as a whole looks composed,
    assert (filled.squeeze(1) - empty).mean() > filled.mean() / 2  # but not by this choice


def test_a_critic_may_be_sure_where_no_offer_is_right():
    critics = Critics(ToyDomain({}), CONFIG)
    wrong = torch.full((5, 6), -12.0)
    right = torch.full((5, 1), np.log(7.0))
    assert critics._choosing(torch.cat((right, wrong), dim=1)) < 1e-3
    unsure = torch.zeros(5, 7)
    assert critics._choosing(unsure) == pytest.approx(np.log(7))
    assert critics._choosing(unsure + 1) == pytest.approx(np.log(7) + CONFIG.anchor)


def test_what_tells_the_place_starts_loud():
    torch.manual_seed(0)
    critics = CompositionCritics(ToyDomain({}), CriticConfig())
    geometry = Geometry.of(ToyDomain({}), (PLACES,))
    places = geometry.sample(toy_pieces(9, np.random.default_rng(0)), 9, np.random.default_rng(1))
    view = view_of(ToyDomain({}), alone(places))
    state, _ = critics.places(view)
    told = critics.places.position
    assert torch.equal(state[:, -told:], view.position)
    weight = critics.from_state[0].weight
    assert weight[:, -told:].std().item() == pytest.approx(LOUD, rel=0.1)
    assert weight[:, :-told].std() < LOUD / 2  # the smaller, the more there is to be heard


def test_how_often_a_state_is_among_the_offers_says_nothing():
    """Of choices that are all the same, none is better: whatever the surroundings."""
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    domain = ToyDomain({})
    geometry = Geometry.of(domain, (PLACES,))
    critics = Critics(domain, CONFIG)
    _, real, composed = sources(geometry, rng)
    few = toy_pieces(3, rng)

    def choices(count):
        places = geometry.sample(few, count, rng)
        return places._replace(fragments=np.repeat(places.fragments[:, None], 4, axis=1))

    for _ in range(100):
        critics.update(choices, real, composed)
    for pieces in (few, toy_pieces(50, rng)):  # the mean ratio of what is on offer stays at 1
        places = geometry.sample(pieces, 100, rng)
        with torch.no_grad():
            choice = critics.realism.critics(view_of(domain, alone(places)))[0]
        assert choice.abs().mean() < 0.6


class Said(torch.nn.Module):
    """Critics that say what they are told to."""

    def __init__(self, choice, filled=None, empty=None):
        super().__init__()
        blank = torch.zeros_like(choice)
        self.said = (
            choice,
            blank if filled is None else filled,
            blank[:, 0] if empty is None else empty,
        )

    def forward(self, *inputs):
        return self.said


def judges(critics):
    made = Realism(ToyDomain({}), CONFIG).eval()
    made.critics = critics
    return made


class Silent(torch.nn.Module):
    """Moments that say nothing."""

    def forward(self, *inputs):
        return torch.zeros(())


def told(critics, valid):
    """What those who look at nothing say."""
    made = judges(critics)
    made.moments = Silent()
    choice, own = made(None)
    found = ratio(choice.numpy(), own.numpy(), None if valid is None else valid.numpy())
    return torch.from_numpy(found)


@pytest.fixture
def masked():
    """Moderate logits of choice, and which candidates exist: at least one in each row."""
    rng = np.random.default_rng(3)
    valid = rng.random((40, 7)) < 0.6
    valid[:, 0] = True
    return torch.from_numpy(rng.normal(1, 0.7, (40, 7))).float(), torch.from_numpy(valid)


def log_mean_exp(values, valid):
    return values.masked_fill(~valid, -torch.inf).logsumexp(1) - valid.sum(1).log()


def test_the_ratio_of_choice_is_one_on_average_over_the_candidates(masked):
    choice, valid = masked
    empty = torch.linspace(-1, 1, 40)
    filled = empty.unsqueeze(1).expand(-1, 7)
    found = told(Said(choice, filled, empty), valid)
    assert found.abs().max() < LOGIT_LIMIT  # nothing is clipped
    assert log_mean_exp(found, valid).numpy() == pytest.approx(0, abs=1e-5)
    assert log_mean_exp(choice, valid).abs().max() > 0.5


def test_what_fills_a_place_is_not_normalised(masked):
    choice, valid = masked
    filled, empty = torch.full((40, 7), 1.5), torch.full((40,), 0.25)
    found = told(Said(choice, filled, empty), valid)
    assert log_mean_exp(found, valid).numpy() == pytest.approx(1.25, abs=1e-4)


def test_candidates_that_do_not_exist_do_not_matter(masked):
    choice, valid = masked
    others = torch.where(valid, choice, torch.tensor(40.0))
    one, other = (told(Said(said), valid) for said in (choice, others))
    assert torch.equal(one[valid], other[valid])
    assert torch.isfinite(other).all()


def test_the_immediate_policy_does_not_depend_on_the_normalisation(masked):
    choice, valid = masked
    before = told(Said(choice), None)
    after = told(Said(choice), valid)
    policies = [
        x.masked_fill(~valid, -torch.inf).softmax(1).numpy() for x in (choice, before, after)
    ]
    assert policies[1] == pytest.approx(policies[0])
    assert policies[2] == pytest.approx(policies[0], abs=1e-6)
    # realism is the ratio on a scale of its own, and so the choice by it is the same too
    tau = 1 / (2 * LOGIT_LIMIT)
    drawn = [
        sample_softmax(realism(x.numpy()), valid.numpy(), tau, np.random.default_rng(0))
        for x in (before, after)
    ]
    assert np.array_equal(*drawn)


def test_the_ratio_is_clipped(masked):
    choice, valid = masked
    found = told(Said(choice * 100), valid)
    assert found[valid].abs().max() == LOGIT_LIMIT


def test_without_a_mask_the_ratios_are_as_they_were_learnt(masked):
    choice, _ = masked
    assert torch.equal(told(Said(choice), None), choice.clamp(-5, 5))


def test_scoring_candidates_together_or_alone_is_the_same():
    rng = np.random.default_rng(1)
    domain = ToyDomain({})
    critics = judges(CompositionCritics(domain, CONFIG)).eval()
    places = Geometry.of(domain, (PLACES,)).sample(toy_pieces(9, rng), 4, rng)
    inputs = [torch.from_numpy(array) for array in places[1:]]
    candidates = torch.randint(6, (4, 3, 2)).to(torch.uint8)
    with torch.no_grad():
        together = critics(look(domain, *inputs, candidates))
        for i in range(3):
            one = critics(look(domain, *inputs, candidates[:, i : i + 1]))
            for alone_, all_ in zip(one, together, strict=True):
                assert alone_[:, 0].numpy() == pytest.approx(all_[:, i].numpy(), abs=1e-5)


def test_arrays_are_scored_like_tensors():
    rng = np.random.default_rng(1)
    domain = ToyDomain({"kinds": 2})
    critics = Realism(domain, CONFIG).eval()
    places = Geometry.of(domain, (PLACES,)).sample(toy_pieces(9, rng, kinds=2), 4, rng)
    candidates = rng.integers(6, size=(4, 3, 2)).astype(np.uint8)
    offered = places._replace(fragments=candidates)
    found = score(domain, critics, offered)
    expected = critics(view_of(domain, offered))
    for array, tensor in zip(found, expected, strict=True):
        assert array.dtype == np.float32
        assert np.array_equal(array, tensor.detach().numpy())
