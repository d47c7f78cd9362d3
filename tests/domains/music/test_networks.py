import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from composer.domains.music.domain import GENERATOR_LAGS, MusicDomain
from composer.domains.music.settings import FIRST_PITCH, HOLD, OCTAVE
from composer.places import Geometry, Pieces, look_up

SETTINGS = {"lows": [60, 48], "pitches": 12}


@pytest.fixture
def domain():
    return MusicDomain(SETTINGS)


def test_generator_and_discriminator_fit_together_and_pass_gradients(domain):
    rng = np.random.default_rng(0)
    fragments = rng.integers(domain.spec.classes, size=(3, 16, 2, 16)).astype(np.uint8)
    pieces = Pieces(fragments, np.zeros((3, 16), np.uint8))
    places = Geometry.around(domain, (16,), "earlier").sample(pieces, 5, rng)
    context = look_up(places.context, domain.codes)
    present = torch.from_numpy(places.present.astype(np.float32))
    position = torch.from_numpy(places.position)
    generator = domain.generator(domain.latent(8), 32)
    outputs = generator(torch.randn(5, 2 * 16), context, present, position)
    assert outputs.shape == (5, 2, 16, 14)
    rated = domain.discriminator(32)(domain.soften(outputs), context, present, position)
    assert rated.shape == (5,)
    rated.sum().backward()
    assert all(part.grad.abs().sum() > 0 for part in generator.parameters())


def test_a_hidden_neighbour_does_not_matter(domain):
    network = domain.generator(domain.latent(8), 32)
    latent, position = torch.randn(1, 2 * 16), torch.zeros(1, domain.positions((1,)).shape[1])
    contexts = look_up(torch.randint(14, (2, 1, GENERATOR_LAGS, 2, 16)), domain.codes)
    hidden = torch.zeros(1, GENERATOR_LAGS)
    first, second = (network(latent, context, hidden, position) for context in contexts)
    assert torch.equal(first, second)


def surroundings(domain, count):
    """Random bars before ``count`` places, of which every second has none."""
    bars = torch.randint(14, (count, GENERATOR_LAGS, *domain.spec.shape))
    context = look_up(bars, domain.codes)
    present = (torch.arange(count) % 2).float().unsqueeze(1).expand(count, GENERATOR_LAGS)
    return context, present, torch.rand(count, domain.positions((1,)).shape[1])


def test_each_place_has_the_next_rows_of_the_noise(domain):
    torch.manual_seed(0)
    generator, around = domain.generator(domain.latent(0), 16), surroundings(domain, 3)
    latent = torch.randn(6, domain.latent(0))
    each = generator(latent, *(part.repeat_interleave(2, 0) for part in around))
    assert torch.allclose(generator(latent, *around), each, atol=1e-5)


@pytest.mark.parametrize("voices", [1, 2])
def test_what_the_generator_draws_is_as_likely_as_it_says(voices):
    """With random weights: frequency of whole bars against the product of their probabilities."""
    small = {"pitches": 1, "meter": (1, 4), "steps_per_beat": 3}
    domain = MusicDomain({"lows": [60] * voices, **small})
    torch.manual_seed(voices)
    generator = domain.generator(domain.latent(0), 16)
    with torch.no_grad():
        for part in (generator.head, generator.bias, generator.sounds, generator.before):
            part.normal_(std=0.5)
    size, drawn, position = domain.spec.size, 20_000, domain.positions((1,)).shape[1]
    context = torch.zeros(drawn, GENERATOR_LAGS, voices, 3, 3)
    context[:, 0, :, -1, FIRST_PITCH] = 1  # a note sounds as the bar begins
    around = (context, torch.ones(drawn, GENERATOR_LAGS), torch.zeros(drawn, position))
    with torch.no_grad():
        bars = domain.tokens(generator(torch.randn(drawn, size), *around))
        outputs, surprise = generator.reconstruct(look_up(bars, domain.codes), *around)
    assert not surprise.any()
    likely = -domain.misfit(outputs, look_up(bars, domain.codes)).sum((1, 2))
    _, kinds, counts = np.unique(
        bars.flatten(1).numpy(), axis=0, return_inverse=True, return_counts=True
    )
    assert len(counts) > 9**voices  # of 27 ** voices
    expected = drawn * likely.exp().numpy()
    common = expected > 50
    assert common.any()
    np.testing.assert_allclose(counts[kinds][common], expected[common], rtol=0.6)
    shares = np.bincount(kinds, expected) / counts / drawn  # of each kind, as it says
    np.testing.assert_allclose(0.5 * np.abs(counts / drawn - shares).sum(), 0, atol=0.06)


def test_the_same_noise_draws_the_same_bar_and_near_noise_like_ones(domain):
    generator = domain.generator(domain.latent(0), 32)
    around, noise = surroundings(domain, 8), torch.randn(8, 32)
    first, again, near, other = (
        domain.tokens(generator(latent, *around))
        for latent in (noise, noise, noise + 0.01, torch.randn(8, 32))
    )
    assert torch.equal(first, again)
    assert (first == near).float().mean() > 0.8 > 2 * (first == other).float().mean()


@pytest.mark.parametrize("lows", [[60], [60, 48], [67, 60, 55, 48]], ids=len)
def test_what_is_forbidden_is_not_drawn_and_what_follows_knows(lows):
    """The rest is drawn as if the distribution had never held what is forbidden."""
    domain = MusicDomain({"lows": lows, "pitches": 12})
    generator = domain.generator(domain.latent(0), 32)
    rate_by_intervals(generator)
    allowed = torch.rand(*domain.spec.shape, domain.spec.classes) < 0.5
    allowed[..., :FIRST_PITCH] = True
    around, noise = surroundings(domain, 64), torch.randn(64, 16 * len(lows))
    noise[0] = 9.0  # the uppermost end of the distribution
    with torch.no_grad():
        free, bars = (domain.tokens(generator(noise, *around, *told)) for told in ((), (allowed,)))
        outputs, _ = generator.reconstruct(look_up(bars, domain.codes), *around)
        logits = outputs.masked_fill(~allowed, -torch.inf).log_softmax(-1)
    permitted = allowed.expand(64, *allowed.shape).gather(3, bars.unsqueeze(3))
    assert permitted.all()
    assert not torch.equal(free, bars)
    shares = logits.exp()
    until = shares.cumsum(-1).gather(3, bars.unsqueeze(3)).squeeze(3)
    share = shares.gather(3, bars.unsqueeze(3)).squeeze(3)
    levels = torch.special.ndtr(noise).unflatten(1, (16, len(lows))).transpose(1, 2)
    assert (levels < until + 1e-4).all()
    assert (levels > until - share - 1e-4).all()


@pytest.mark.parametrize(("struck", "heard"), [(0, True), (1, True), (2, False), (3, False)])
def test_only_the_bars_just_before_sound_on(domain, struck, heard):
    """A note that every bar after its own holds, struck at one of the lags 1, 2, 4 and 8."""
    generator = domain.generator(domain.latent(0), 32)
    bars = torch.full((1, GENERATOR_LAGS, 2, 16), HOLD)
    bars[:, struck, :, -1] = FIRST_PITCH
    sounds = generator._before(look_up(bars, domain.codes), torch.ones(1, GENERATOR_LAGS))
    assert sounds.any().item() == heard


def rate_by_intervals(generator):
    """As if it had learnt which leaps and chords are likely."""
    with torch.no_grad():
        generator.leap.normal_()
        generator.chord.normal_()


def test_a_pitch_is_rated_by_the_leap_to_it_and_the_voices_above():
    domain = MusicDomain({"lows": [60, 53], "pitches": 12})
    generator = domain.generator(domain.latent(0), 8)
    found, silence = torch.ones(1, 8), torch.zeros(1, 12)
    lines = [silence.clone(), silence.clone()]
    lines[0][0, 4], lines[1][0, 7] = 1, 1  # E above C
    with torch.no_grad():
        plain = generator._rate(found, 1, lines)
        generator.leap[:, OCTAVE - 2] = 1  # two semitones above what sounds
        stepping = generator._rate(found, 1, lines) - plain
        generator.leap.zero_()
        generator.chord[0, :, 4] = 1  # a third, or a tenth, below the voice above
        below = generator._rate(found, 1, lines) - plain
        highest = generator._rate(found, 0, lines) - generator._rate(found, 0, [lines[0], silence])
    assert stepping.nonzero().tolist() == [[0, FIRST_PITCH + 9]]
    assert below.nonzero().tolist() == [[0, FIRST_PITCH + 7]]  # C
    assert not highest.any()  # does not hear the lower one


def test_the_draw_ignores_what_comes_later(domain):
    """Outputs of a step depend on the noise up to it only."""
    generator = domain.generator(domain.latent(0), 32)
    around, noise = surroundings(domain, 4), torch.randn(4, 32)
    changed = noise.clone()
    changed[:, 2 * 9 :] = torch.randn(4, 32 - 2 * 9)  # from step 9 on
    first, second = generator(noise, *around), generator(changed, *around)
    assert torch.equal(first[:, :, :9], second[:, :, :9])
    assert not torch.equal(first[:, :, 9:], second[:, :, 9:])


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
