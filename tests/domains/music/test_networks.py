import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from composer.domains.music.domain import MusicDomain
from composer.domains.music.networks import sounding
from composer.places import Geometry, Pieces, look_up

SETTINGS = {"lows": [60, 48], "pitches": 12}


@pytest.fixture
def domain():
    return MusicDomain(SETTINGS)


def test_sounding_holds_a_note_until_a_rest_or_another(domain):
    bar = torch.zeros(1, 2, 16, dtype=torch.uint8)
    bar[0, 0, :6] = torch.tensor([2, 1, 1, 0, 1, 5])
    bar[0, 0, 6:] = 1
    pitches = sounding(look_up(bar, domain.codes))[0, 0]
    assert pitches.sum(1).tolist() == [1, 1, 1, 0, 0] + [1] * 11
    assert pitches.argmax(1).tolist() == [0, 0, 0, 0, 0] + [3] * 11


def test_generator_and_discriminator_fit_together_and_pass_gradients(domain):
    rng = np.random.default_rng(0)
    fragments = rng.integers(domain.spec.classes, size=(3, 16, 2, 16)).astype(np.uint8)
    pieces = Pieces(fragments, np.zeros((3, 16), np.uint8))
    places = Geometry.around(domain, (16,), "earlier").sample(pieces, 5, rng)
    context = look_up(places.context, domain.codes)
    present = torch.from_numpy(places.present.astype(np.float32))
    position = torch.from_numpy(places.position)
    latent = torch.randn(5, 8, requires_grad=True)
    logits = domain.generator(8, 32)(latent, context, present, position)
    assert logits.shape == (5, 2, 16, 14)
    rated = domain.discriminator(32)(logits.softmax(-1), context, present, position)
    assert rated.shape == (5,)
    rated.sum().backward()
    assert latent.grad.abs().sum() > 0


def test_a_hidden_neighbour_does_not_matter(domain):
    network = domain.generator(8, 32)
    latent, position = torch.randn(1, 8), torch.zeros(1, domain.positions((1,)).shape[1])
    contexts = look_up(torch.randint(14, (2, 1, 2, 2, 16)), domain.codes)
    hidden = torch.zeros(1, 2)
    first, second = (network(latent, context, hidden, position) for context in contexts)
    assert torch.equal(first, second)


@given(arrays(np.uint8, (4, 2, 16), elements=st.integers(0, 13)))
def test_looking_tokens_up_equals_multiplying_them(tokens):
    domain = MusicDomain(SETTINGS)
    bars = torch.from_numpy(tokens)
    encoder = domain.encoder(16)
    looked_up, multiplied = encoder(bars), encoder(look_up(bars, domain.codes))
    assert looked_up.detach().numpy() == pytest.approx(multiplied.detach().numpy(), abs=1e-5)


def test_encoder_tells_bars_apart(domain):
    bars = torch.randint(14, (4, 2, 16))
    codes = domain.encoder(16)(look_up(bars, domain.codes))
    assert codes.shape == (4, 16)
    assert len(torch.unique(codes, dim=0)) == 4
