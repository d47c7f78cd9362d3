import numpy as np
import pytest
import torch
from toy import PLACES, ToyDomain, toy_pieces

from composer.networks import PlaceEncoder, look
from composer.places import Geometry

DOMAIN = ToyDomain({"kinds": 2})


@pytest.fixture
def encoder():
    return PlaceEncoder(DOMAIN, 8)


@pytest.fixture
def seen():
    """The second place of five pieces, of whose two neighbours one is there; four candidates."""
    pieces = toy_pieces(5, np.random.default_rng(0), kinds=2)
    places = Geometry.of(DOMAIN, (PLACES,)).at(pieces, np.arange(5), np.ones(5, int))
    around = [torch.from_numpy(array) for array in places[1:]]
    return look(DOMAIN, *around, torch.randint(6, (5, 4, 2), dtype=torch.uint8))


def test_state_and_candidates_are_as_wide_as_they_say(encoder, seen):
    state, candidates = encoder(seen)
    assert state.shape == (5, encoder.state_width)
    assert candidates.shape == (5, 4, encoder.candidate_width)


def test_what_is_not_there_does_not_matter(encoder, seen):
    context, *around, _ = seen
    assert seen.present.tolist() == [[True, False]] * 5
    other = context.clone()
    other[:, 1] = 5
    for a, b in zip(encoder(seen), encoder(look(DOMAIN, other, *around)), strict=True):
        assert torch.equal(a, b)
    other[:, 0] = (other[:, 0] + 1) % 6
    assert not torch.equal(encoder(seen)[0], encoder(look(DOMAIN, other, *around))[0])


def test_the_state_knows_nothing_of_the_candidates(encoder, seen):
    *around, offered, _ = seen
    state, candidates = encoder(seen)
    back, turned = encoder(look(DOMAIN, *around, offered.flip(1)))
    assert torch.equal(state, back)
    assert turned.detach().numpy() == pytest.approx(candidates.flip(1).detach().numpy(), abs=1e-6)
