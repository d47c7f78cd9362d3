import numpy as np
import pytest
import torch
from toy import PLACES, ToyDomain, toy_pieces

from composer.critics import CompositionCritic, CriticConfig, Critics, score
from composer.places import Geometry

CONFIG = CriticConfig(
    count=2, embedding=8, hidden=32, batch=64, learning_rate=3e-3, dropout=0.0, noise=0.0
)


def sources(geometry, rng):
    """Real lines; their places filled at random; shuffled lines in the place of composed ones."""
    real = toy_pieces(300, rng)
    shuffled = rng.permuted(real, axis=1)

    def offered(count):
        places = geometry.sample(real, count, rng)
        return places._replace(fragments=rng.permuted(places.fragments, axis=0))

    return (
        lambda count: geometry.sample(real, count, rng),
        offered,
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
    logits = score(critics.members, *places[1:], candidates)
    assert (logits.argmax(1) == places.fragments[:, 0]).mean() > 0.9
    assert np.abs(logits).max() <= 5


def test_the_ratio_counts_a_fault_of_the_surroundings_not_again():
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    domain = ToyDomain({})
    geometry = Geometry.of(domain, (PLACES,))
    critics = Critics(domain, CONFIG)
    for _ in range(200):
        critics.update(*sources(geometry, rng))
    broken = toy_pieces(200, rng)
    broken[:, 1] = (broken[:, 1] + 3) % 6  # one wrong fragment, then all goes on as before
    parts = [torch.from_numpy(x) for x in geometry.at(broken, np.arange(200), np.full(200, 3))]
    fragments, *around = parts
    with torch.no_grad():
        filled, empty = critics.members[0](*around, fragments.unsqueeze(1))[1:]
    assert filled.mean() < -1  # the place as a whole looks composed,
    assert abs((filled.squeeze(1) - empty).mean()) < -filled.mean() / 2  # but not by this choice


def test_scoring_candidates_together_or_alone_is_the_same():
    rng = np.random.default_rng(1)
    domain = ToyDomain({})
    member = CompositionCritic(domain, CONFIG).eval()
    places = Geometry.of(domain, (PLACES,)).sample(toy_pieces(9, rng), 4, rng)
    candidates = rng.integers(6, size=(4, 3, 2)).astype(np.uint8)
    members = torch.nn.ModuleList([member])
    together = score(members, *places[1:], candidates)
    for i in range(3):
        alone = score(members, *places[1:], candidates[:, i : i + 1])
        assert alone[:, 0] == pytest.approx(together[:, i], abs=1e-5)
