import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from composer.domains.art import geometry
from composer.domains.art.domain import ArtDomain
from composer.domains.art.metrics import assemble
from composer.domains.art.networks import LEVELS, Modulated, Prior, whole_codes, window
from composer.domains.art.read import MAX_TILE, MIN_TILE, TILE_STEP, ReadOptions
from composer.errors import UsageError
from composer.gan.losses import gradient_penalty
from composer.places import Geometry, look_up

LATENT, WIDTH = 16 * LEVELS, 16  # 16 codes, whether a tile has 4 parts or 16
MODES = {
    "palette": {"slots": 4, "kinds": ["arcs", "knots"]},
    "transparent": {"slots": 8, "transparent": True, "framed": False},
    "rgb": {"slots": 0},
}
EACH = pytest.mark.parametrize("mode", MODES)


def domain_of(mode, side=8):
    return ArtDomain({"tile": side, **MODES[mode]})


def look(domain, count=5, seed=0):
    """Random tiles as codes, and their surroundings: context, present (all), position."""
    rng = np.random.default_rng(seed)
    tokens = rng.integers(domain.spec.classes, size=(count, 9, *domain.spec.shape))
    codes = look_up(tokens, domain.codes)
    features = Geometry.around(domain, (1, 1), "earlier").features
    position = torch.from_numpy(rng.random((count, features), np.float32))
    return codes[:, 0], (codes[:, 1:], torch.ones(count, 8), position)


def noise(count=5, seed=0):
    return torch.randn(count, LATENT, generator=torch.Generator().manual_seed(seed))


def made(build, *arguments):
    """A network whose weights are the same in every run."""
    torch.manual_seed(0)
    return build(*arguments)


def differ(one, other):
    """Whether most rows differ; a single number may be the same by chance."""
    apart = (one - other).abs().reshape(len(one), -1).amax(1)
    return (apart > 1e-6).sum() > len(one) / 2


# ---- the window ----------------------------------------------------------------------------------


def test_a_window_shows_the_halves_of_the_ring_that_are_next_to_the_tile():
    left, top, top_left, top_right, right, bottom, bottom_left, bottom_right = range(1, 9)
    ring = torch.arange(1.0, 9).view(1, 8, 1, 1, 1).expand(1, 8, 2, 2, 1)
    seen = window(ring, torch.ones(1, 8), torch.full((1, 2, 2, 1), 9.0))
    assert seen.shape == (1, 2, 4, 4)
    assert seen[0, 0].tolist() == [
        [top_left, top, top, top_right],
        [left, 9, 9, right],
        [left, 9, 9, right],
        [bottom_left, bottom, bottom, bottom_right],
    ]
    assert (seen[0, 1] == 1).all()


@pytest.mark.parametrize("side", [4, 8, 12])
def test_a_window_is_cut_out_of_the_canvas(side):
    cells = np.random.default_rng(0).random((9, side, side, 3), np.float32)
    canvas = torch.from_numpy(assemble(cells[None], (3, 3))[0]).permute(2, 0, 1)
    middle = 4
    ring = torch.from_numpy(cells[geometry.ring((3, 3), "complete")[middle]])[None]
    seen = window(ring, torch.ones(1, 8), torch.from_numpy(cells[[middle]]))
    half = side // 2
    cut = slice(side - half, 2 * side + half)
    assert torch.equal(seen[0, :3], canvas[:, cut, cut])


def test_what_is_unknown_is_zero_and_masked():
    ring, present = torch.ones(1, 8, 4, 4, 2), torch.zeros(1, 8)
    present[0, geometry.RING.index((0, 1))] = 1
    seen = window(ring, present)
    expected = torch.zeros(8, 8)
    expected[2:6, 6:] = 1  # on the right of the tile
    for channel in seen[0]:
        assert torch.equal(channel, expected)
    filled = window(ring, present, torch.zeros(1, 4, 4, 2))[0]
    expected[2:6, 2:6] = 1  # the tile is known, though it is zero
    assert torch.equal(filled[2], expected)
    assert torch.equal(filled[:2], seen[0, :2])


# ---- all networks --------------------------------------------------------------------------------


@EACH
@pytest.mark.parametrize("side", [8, 16, 32])
def test_networks_of_a_gan_fit_together_and_pass_gradients(mode, side):
    domain = domain_of(mode, side)
    tiles, around = look(domain, 2)
    latent = noise(2).requires_grad_()
    outputs = made(domain.generator, LATENT, WIDTH)(latent, *around)
    planes = {"palette": 4, "transparent": 9, "rgb": 3}[mode]
    assert outputs.shape == (2, side, side, planes)
    soft = domain.soften(outputs)
    assert soft.shape == tiles.shape
    rated = made(domain.discriminator, WIDTH)(soft, *around)
    assert rated.shape == (2,)
    assert made(domain.encoder, WIDTH)(domain.tokens(outputs)).shape == (2, WIDTH)
    rated.sum().backward()
    assert (latent.grad.abs().sum(1) > 0).all()


@pytest.mark.parametrize("side", [9, 12, 15, 20, 72])
def test_other_sides_than_multiples_of_eight_are_refused(side):
    with pytest.raises(UsageError, match="choose 8, 16, 24"):
        ReadOptions.from_mapping({"tile": side})


@pytest.mark.parametrize("side", range(MIN_TILE, MAX_TILE + 1, TILE_STEP))
def test_every_side_of_a_tile_that_is_offered_fits_the_networks(side):
    domain = domain_of("palette", side)
    tiles, around = look(domain, 1)
    assert domain.features(np.zeros((1, side, side), np.uint8)).ndim == 2
    generator = domain.generator(LATENT, 8)
    outputs = generator(noise(1), *around)
    assert domain.soften(outputs).shape == tiles.shape
    assert generator.reconstruct(tiles, *around)[0].shape == outputs.shape
    assert domain.discriminator(8)(tiles, *around).shape == (1,)
    assert domain.encoder(8)(domain.tokens(outputs)).shape == (1, 8)
    alike = domain.relations(domain.tokens(outputs)[:, None], 1)
    assert alike[0, 0, 0, 0] == pytest.approx(1, abs=1e-4)


NETWORKS = {
    "generator": lambda domain, tiles, around: made(domain.generator, LATENT, WIDTH)(
        noise(len(tiles)), *around
    ),
    "discriminator": lambda domain, tiles, around: made(domain.discriminator, WIDTH)(
        tiles, *around
    ),
    "reconstruction": lambda domain, tiles, around: made(
        domain.generator, LATENT, WIDTH
    ).reconstruct(tiles, *around)[0],
}
ALL = pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)


@ALL
@EACH
def test_a_hidden_neighbour_does_not_matter_and_a_shown_one_does(network, mode):
    domain = domain_of(mode)
    tiles, (context, present, position) = look(domain)
    shown = network(domain, tiles, (context, present, position))
    for column in range(8):
        others, fewer = context.clone(), present.clone()
        others[:, column] = context[:, column].roll(1, 0)
        fewer[:, column] = 0
        one, other = (network(domain, tiles, (seen, fewer, position)) for seen in (context, others))
        assert torch.equal(one, other)
        assert differ(shown, one)
        assert differ(shown, network(domain, tiles, (others, present, position)))


@ALL
def test_position_and_kind_matter(network):
    domain = domain_of("palette")
    tiles, (context, present, position) = look(domain)
    first = network(domain, tiles, (context, present, position))
    for feature in (0, 15, -2, -1):  # edge, half, either kind
        other = position.clone()
        other[:, feature] = 1 - other[:, feature]
        assert differ(first, network(domain, tiles, (context, present, other)))


@pytest.mark.parametrize("name", ["generator", "discriminator"])
def test_rows_of_a_batch_do_not_matter_to_each_other(name):
    domain, network = domain_of("rgb"), NETWORKS[name]
    tiles, around = look(domain)
    everything = network(domain, tiles, around)
    first = network(domain, tiles[:1], tuple(part[:1] for part in around))
    assert torch.allclose(everything[:1], first, atol=1e-5)


@EACH
def test_each_place_has_the_next_rows_of_the_noise(mode):
    domain = domain_of(mode)
    _, around = look(domain, 3)
    generator, latent = made(domain.generator, LATENT, WIDTH), noise(6)
    each = generator(latent, *(part.repeat_interleave(2, 0) for part in around))
    assert torch.allclose(generator(latent, *around), each, atol=1e-5)


# ---- generator and discriminator -----------------------------------------------------------------


def test_the_latent_matters_everywhere_in_a_tile():
    domain = domain_of("palette", 16)
    _, around = look(domain)
    generator = made(domain.generator, LATENT, WIDTH)
    one, other = (generator(noise(seed=seed), *around) for seed in (0, 1))
    assert ((one - other).abs().amax((0, 3)) > 1e-4).all()


@EACH
def test_a_gradient_penalty_teaches_the_discriminator(mode):
    domain = domain_of(mode)
    tiles, around = look(domain)
    discriminator = made(domain.discriminator, WIDTH)
    tiles.requires_grad_()
    penalty = gradient_penalty(discriminator(tiles, *around), tiles)
    assert penalty > 0
    penalty.backward()
    gradients = {name: weight.grad for name, weight in discriminator.named_parameters()}
    for name in ("reader.first.weight", "reader.dense.weight", "judge.weight", "expect.weight"):
        assert gradients[name].isfinite().all()
        assert gradients[name].abs().sum() > 0
    with torch.no_grad():
        for weight, gradient in zip(discriminator.parameters(), gradients.values(), strict=True):
            if gradient is not None:
                weight.sub_(gradient, alpha=1e-3 / penalty.item())
    assert gradient_penalty(discriminator(tiles, *around), tiles) < penalty


def test_a_style_scales_and_shifts_channels():
    block = made(Modulated, 4, 2)
    x = torch.randn(1, 4, 5, 5, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        block.second.weight.zero_()
        block.second.bias.zero_()
    assert torch.equal(block(x, torch.ones(1, 2)), x)  # what it adds to
    with torch.no_grad():
        torch.nn.init.dirac_(block.second.weight)
        block.style.weight.zero_()
        block.style.bias[:4], block.style.bias[4:] = -1, torch.arange(1.0, 5)
    added = block(x, torch.ones(1, 2)) - x
    expected = torch.arange(1.0, 5).view(1, 4, 1, 1).expand_as(x)  # scaled to nothing, shifted
    assert torch.allclose(added, expected, atol=1e-5)


# ---- codes of a tile, and the prior over them ----------------------------------------------------


def prior_of(codes, sharpness=8):
    """A prior that is sure of much, and the surroundings of a tile of two parts that it is told."""
    prior = made(Prior, codes, 3, 5, 8)
    with torch.no_grad():
        prior.heads.mul_(sharpness)
    random = torch.Generator().manual_seed(1)
    return prior, (torch.randn(1, 3, generator=random), torch.randn(1, 5, 2, 1, generator=random))


def times(seen, count):
    return tuple(part.expand(count, *part.shape[1:]) for part in seen)


def test_a_code_is_told_from_those_before_it_only():
    prior, seen = prior_of(4)
    levels = torch.tensor([[0, 3, 2, 0]])
    logits = prior(*seen, levels)
    assert logits.shape == (1, 4, LEVELS)
    for code in range(4):
        other = levels.clone()
        other[:, code] = 1
        same = (prior(*seen, other) - logits).abs().amax((0, 2)) < 1e-6
        assert same.tolist() == [place <= code for place in range(4)]
    assert differ(prior(seen[0] + 1, seen[1], levels), logits)


def test_a_code_is_told_the_surroundings_of_its_own_part():
    prior, (seen, around) = prior_of(6)
    levels = torch.zeros(1, 6, dtype=torch.int64)
    changed = around.clone()
    changed[:, :, 1] += 1
    told = prior(seen, changed, levels) - prior(seen, around, levels)
    assert (told.abs().amax((0, 2)) > 1e-6).tolist() == [False] * 3 + [True] * 3


def test_codes_are_drawn_as_often_as_the_prior_says():
    prior, seen = prior_of(2)
    count = 20_000
    draws = torch.randn(count, 2 * LEVELS, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        drawn = prior.draw(*times(seen, count), draws)
        pairs = torch.cartesian_prod(*[torch.arange(LEVELS)] * 2)
        chances = prior(*times(seen, len(pairs)), pairs).log_softmax(-1)
    assert drawn.shape == (count, 2, LEVELS)
    expected = chances.gather(2, pairs.unsqueeze(2)).sum((1, 2)).exp()
    assert expected.max() > 2 / len(pairs)  # far from even
    first, second = drawn.argmax(-1).T
    found = torch.bincount(LEVELS * first + second, minlength=len(pairs)) / count
    assert found.numpy() == pytest.approx(expected.numpy(), abs=0.015)


def test_without_noise_each_code_is_the_likeliest_after_those_before():
    prior, seen = prior_of(6)
    drawn = prior.draw(*seen, torch.zeros(1, 6 * LEVELS))
    assert torch.allclose(drawn.sum(-1), torch.ones(()))
    levels = drawn.argmax(-1)
    assert torch.equal(prior(*seen, levels).argmax(-1), levels)


def test_a_latent_has_noise_for_as_many_codes_in_each_part():
    for side, parts in ((8, 4), (16, 16), (24, 16), (64, 16)):
        assert whole_codes(1, side) == parts * LEVELS
        assert whole_codes(2 * parts * LEVELS + 1, side) == 2 * parts * LEVELS
    assert ArtDomain({"tile": 16}).latent(100) == 16 * LEVELS


def test_codes_occur_at_all_levels_however_little_tiles_differ():
    domain = domain_of("palette")
    tiles, around = look(domain)
    generator, seen = made(domain.generator, LATENT, WIDTH), []
    generator.prior.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[2]))
    with torch.no_grad():
        generator.reader.code.weight.mul_(1e-3)
        generator.reconstruct(tiles, *around)
    assert set(seen[0].unique().tolist()) == set(range(LEVELS))
    assert (seen[0].float().std(0) > 0).all()


@EACH
def test_reconstruction_teaches_all_of_the_generator(mode):
    domain = domain_of(mode)
    tiles, around = look(domain)
    generator = made(domain.generator, LATENT, WIDTH)
    outputs, surprise = generator.reconstruct(tiles, *around)
    assert outputs.shape == generator(noise(), *around).shape
    assert surprise.shape == (5,)
    assert surprise.detach().numpy() == pytest.approx(np.log(LEVELS), abs=0.3)  # knows nothing yet
    (domain.misfit(outputs, tiles).mean() + surprise.mean()).backward()
    untaught = [
        name for name, weight in generator.named_parameters() if not weight.grad.abs().sum() > 0
    ]
    assert untaught == []


# ---- encoder -------------------------------------------------------------------------------------


@EACH
@settings(max_examples=30)
@given(seed=st.integers(0, 99))
def test_the_encoder_tells_tiles_apart_whatever_type_the_tokens_have(mode, seed):
    domain = domain_of(mode)
    rng = np.random.default_rng(seed)
    tokens = torch.from_numpy(rng.integers(domain.spec.classes, size=(3, *domain.spec.shape)))
    encoder = made(domain.encoder, WIDTH)
    codes = encoder(tokens)
    assert torch.equal(encoder(tokens.to(torch.uint8)), codes)
    assert len(torch.unique(codes, dim=0)) == 3


@settings(max_examples=30)
@given(arrays(np.uint8, (1, 8, 8), elements=st.integers(0, 21)))
def test_the_encoder_sees_squares_of_cells(tokens):
    encoder = made(domain_of("palette").encoder, WIDTH)
    squares = tokens.reshape(1, 4, 2, 4, 2)[:, :, ::-1, :, ::-1]
    turned = np.ascontiguousarray(squares).reshape(1, 8, 8)
    one, other = (encoder(torch.from_numpy(tiles)) for tiles in (tokens, turned))
    assert torch.allclose(one, other, atol=1e-5)


def test_codes_are_not_stored_with_the_weights():
    encoder = domain_of("palette").encoder(WIDTH)
    assert all(name.startswith("layers.") for name in encoder.state_dict())
    assert encoder.codes.shape == (22, 4)
