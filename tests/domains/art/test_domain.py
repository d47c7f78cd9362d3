import math

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium.utils.env_checker import check_env
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from composer.critics import CriticConfig
from composer.domain import Piece, domain_class, domain_ids
from composer.domains.art import geometry
from composer.domains.art.codes import cover, coverage_codes, encode
from composer.domains.art.domain import ArtDomain
from composer.domains.art.metrics import assemble
from composer.domains.art.networks import LEVELS
from composer.domains.art.settings import ArtSettings
from composer.dqn.agent import AgentConfig
from composer.dqn.network import ValueConfig
from composer.environment import CompositionEnv
from composer.errors import UsageError
from composer.gan.fragment_gan import GanConfig
from composer.model import ModelConfig, build
from composer.places import Geometry, look_up
from composer.stage import GENERATED

SMALL = {"tile": 8, "rows": 4, "columns": 4}
SETTINGS = {
    "palette": SMALL,
    "transparent": {**SMALL, "slots": 8, "transparent": True, "kinds": ["arcs", "knots"]},
    "rgb": {**SMALL, "slots": 0, "framed": False},
}
DOMAINS = {name: ArtDomain(settings) for name, settings in SETTINGS.items()}
PALETTE, TRANSPARENT, RGB = DOMAINS.values()
EACH = pytest.mark.parametrize("domain", DOMAINS.values(), ids=DOMAINS)


def random_tiles(domain, *count, seed=0):
    rng = np.random.default_rng(seed)
    return rng.integers(domain.spec.classes, size=(*count, *domain.spec.shape)).astype(np.uint8)


def test_is_found_by_its_id():
    assert "art" in domain_ids()
    assert domain_class("art") is ArtDomain


def test_presets_are_offered_from_small_to_large():
    presets = PALETTE.presets()
    assert list(presets) == ["debug", "quick", "standard"]
    assert presets["debug"].warm_up < presets["quick"].warm_up < presets["standard"].warm_up
    for preset in presets.values():
        assert preset.model.gan.steps == preset.warm_up


# ---- what a token looks like ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "shape", "classes", "channels"),
    [
        ({}, (16, 16), 22, 4),
        ({"tile": 8, "slots": 16, "transparent": True}, (8, 8), 153, 17),
        ({"tile": 24, "slots": 0}, (24, 24, 3), 256, 1),
    ],
    ids=["palette", "many slots and transparency", "rgb"],
)
def test_a_fragment_is_a_square_of_cells(settings, shape, classes, channels):
    domain = ArtDomain(settings)
    assert domain.spec.shape == shape
    assert domain.spec.classes == classes
    assert domain.codes.shape == (classes, channels)
    assert domain.codes.dtype == np.float32


@EACH
def test_outputs_become_mixtures_of_codes(domain):
    planes = 3 if domain is RGB else domain.settings.layers
    outputs = 5 * torch.randn(6, 8, 8, planes, generator=torch.Generator().manual_seed(0))
    soft = domain.soften(outputs)
    assert soft.shape == (6, *domain.spec.shape, domain.codes.shape[1])
    assert soft.min() >= domain.codes.min()
    assert soft.max() <= domain.codes.max()
    if domain is not RGB:
        assert torch.allclose(soft.sum(-1), torch.ones(()))


@EACH
@settings(max_examples=40)
@given(seed=st.integers(0, 999))
def test_tokens_are_the_codes_nearest_to_what_was_softened(domain, seed):
    planes = 3 if domain is RGB else domain.settings.layers
    noise = torch.Generator().manual_seed(seed)
    outputs = 2 * torch.randn(1, 8, 8, planes, generator=noise)
    distances = (domain.soften(outputs).unsqueeze(-2) - torch.from_numpy(domain.codes)).norm(dim=-1)
    tokens = domain.tokens(outputs)
    assert tokens.dtype == torch.int64
    assert tokens.shape == (1, *domain.spec.shape)
    chosen = distances.gather(-1, tokens.unsqueeze(-1)).squeeze(-1)
    assert torch.allclose(chosen, distances.min(-1).values, atol=1e-5)


@given(arrays(np.uint8, (2, 8, 8, 3)))
def test_levels_survive_the_way_through_outputs(tokens):
    levels = look_up(tokens, RGB.codes).double()
    outputs = levels.clamp(-0.9999, 0.9999).atanh().squeeze(-1)
    assert np.array_equal(RGB.tokens(outputs).numpy(), tokens)
    assert RGB.soften(outputs).numpy() == pytest.approx(levels.numpy(), abs=2e-4)
    assert RGB.tokens(torch.tensor([-99.0, 99.0])).tolist() == [0, 255]


@given(st.sampled_from([PALETTE, TRANSPARENT]), st.integers(0, 999))
def test_coverages_survive_the_way_through_outputs(domain, seed):
    tokens = random_tiles(domain, 2, seed=seed)
    coverage = cover(tokens, domain.settings.layers)
    outputs = torch.from_numpy(np.log(coverage.clip(min=1e-6)))
    assert np.array_equal(domain.tokens(outputs).numpy(), tokens)
    assert np.array_equal(encode(domain.soften(outputs).numpy()), tokens)


def test_what_was_to_be_made_misfits_least():
    everything = torch.zeros(1, 8, 8, 4)
    codes = look_up(random_tiles(PALETTE, 1), PALETTE.codes)
    assert PALETTE.misfit(everything, codes).numpy() == pytest.approx(math.log(4), abs=1e-5)
    sure = torch.zeros(1, 8, 8, 4)
    sure[..., 2] = 50
    pure = look_up(np.full((1, 8, 8), 2), PALETTE.codes)
    assert PALETTE.misfit(sure, pure).max() < 1e-5
    assert PALETTE.misfit(sure, pure.roll(1, -1)).min() == pytest.approx(50)
    black = look_up(np.zeros((1, 8, 8, 3), np.uint8), RGB.codes)
    assert (
        RGB.misfit(torch.zeros(1, 8, 8, 3), black).tolist() == torch.full((1, 8, 8, 3), 5).tolist()
    )


# ---- geometry of a picture -----------------------------------------------------------------------


def test_neighbours_and_surroundings_are_those_of_the_canvas():
    assert np.array_equal(PALETTE.neighbours((3, 4)), geometry.neighbours((3, 4)))
    for scope in ("earlier", "closed", "complete"):
        assert np.array_equal(RGB.surroundings((3, 4), scope), geometry.ring((3, 4), scope))


def test_where_a_tile_lies_matters_on_whole_canvases_only():
    framed, cut = (ArtDomain({"framed": framed}).positions((3, 5)) for framed in (True, False))
    assert np.array_equal(framed, geometry.positions((3, 5)))
    assert framed.any()
    assert not cut.any()
    assert cut.shape == framed.shape
    assert cut.dtype == framed.dtype == np.float32


@given(st.tuples(st.integers(1, 9), st.integers(1, 9)), st.integers(1, 4), st.integers(1, 4))
def test_windows_cover_a_canvas_and_end_at_its_edges(layout, rows, columns):
    domain = ArtDomain({"tile": 8, "rows": rows, "columns": columns})
    numbers = np.arange(layout[0] * layout[1])
    fragments = np.broadcast_to(numbers[:, None, None], (len(numbers), 8, 8)).astype(np.uint8)
    windows = domain.windows(Piece(fragments, layout, "x"))
    assert windows.dtype == np.uint8
    assert windows.shape[1:] == (rows * columns, 8, 8)
    if rows > layout[0] or columns > layout[1]:
        assert len(windows) == 0
        return
    down, across = -(-layout[0] // rows), -(-layout[1] // columns)
    assert len(windows) == down * across
    grids = windows[:, :, 0, 0].reshape(-1, rows, columns).astype(int)
    assert np.unique(grids).tolist() == numbers.tolist()
    first = grids[:, :1, :1]
    inside = first + np.arange(rows)[:, None] * layout[1] + np.arange(columns)
    assert np.array_equal(grids, inside)
    assert (first % layout[1] + columns <= layout[1]).all()
    assert grids[-1, -1, -1] == numbers[-1]


def test_windows_of_a_larger_canvas():
    domain = ArtDomain({"tile": 8, "slots": 0, "rows": 2, "columns": 3})
    tiles = random_tiles(domain, 3 * 4)
    windows = domain.windows(Piece(tiles, (3, 4), "x"))
    grid = tiles.reshape(3, 4, 8, 8, 3)
    expected = [grid[:2, :3], grid[:2, 1:], grid[1:, :3], grid[1:, 1:]]
    assert np.array_equal(windows, np.stack(expected).reshape(4, 6, 8, 8, 3))


@pytest.mark.parametrize("share", [0, 0.3, 1])
def test_some_lose_anything_and_the_others_what_comes_later(share):
    present = np.random.default_rng(1).random((4000, 8)) < 0.5
    hidden = PALETTE.hide(present, share, np.random.default_rng(0))
    assert hidden.shape == present.shape
    assert hidden.dtype == bool
    later = (hidden == [False] * 4 + [True] * 4).all(1)
    assert later.mean() == pytest.approx(1 - share, abs=0.05)
    others = hidden[~later]
    if share:
        assert others.mean(0) == pytest.approx(np.full(8, 0.5), abs=0.06)
        counts = np.bincount(others.sum(1), minlength=9) / len(others)
        assert counts.min() > 0.05  # few, or all, are as likely as half of them
    again = PALETTE.hide(present, share, np.random.default_rng(0))
    assert np.array_equal(hidden, again)


# ---- options of compose --------------------------------------------------------------------------


def test_layouts_are_rows_by_columns():
    assert PALETTE.training_layout == (4, 4)
    assert PALETTE.layout({}) == (4, 4)
    assert PALETTE.layout({"tiles": (3, 2)}) == (2, 3)
    assert PALETTE.layout({"size": (33, 64), "scale": 2}) == (4, 3)
    assert ArtDomain({"rows": 2, "columns": 7}).layout({}) == (4, 7)


def test_a_picture_is_of_the_kind_that_is_asked_for_or_of_any():
    rng = np.random.default_rng(0)
    assert TRANSPARENT.kinds == 2
    plan = TRANSPARENT.plan((2, 3), {"kind": "knots"}, rng)
    assert plan.tolist() == [1] * 6
    assert plan.dtype == np.uint8
    drawn = {tuple(TRANSPARENT.plan((1, 2), {}, rng)) for _ in range(30)}
    assert drawn == {(0, 0), (1, 1)}
    stripes = TRANSPARENT.plan((1, 4), {"kind": "knots,arcs", "layout": "stripes"}, rng)
    assert stripes.tolist() == [1, 0, 1, 0]
    assert PALETTE.kinds == 1
    assert PALETTE.plan((2, 2), {}, rng).tolist() == [0] * 4


def test_closed_is_what_is_to_be_tileable():
    assert PALETTE.closed({"tileable": True})
    for options in ({}, {"tileable": None}, {"tileable": False}):
        assert PALETTE.closed(options) is False


@pytest.mark.parametrize(
    ("domain", "options", "message"),
    [
        (PALETTE, {"palette": "#000,#fff"}, "has 2 colours, but 4 are needed"),
        (TRANSPARENT, {"palette": "lagoon"}, "has 4 colours, but 8 are needed"),
        (RGB, {"palette": "lagoon"}, "takes no palette"),
        (PALETTE, {"palette": "nonsense"}, "not known"),
        (TRANSPARENT, {"kind": "clouds"}, "unknown kind 'clouds'"),
        (PALETTE, {"tiles": (0, 4)}, "cannot be composed"),
        (PALETTE, {"tiles": (2, 2), "tileable": True, "margin": 3}, "no margin or frame"),
    ],
)
def test_what_cannot_be_met_is_refused(domain, options, message):
    with pytest.raises(UsageError, match=message):
        domain.check(options)


def test_what_can_be_met_is_not_refused_and_permits_every_token():
    PALETTE.check({"palette": "lagoon", "tiles": (2, 2), "tileable": True})
    TRANSPARENT.check({"palette": "#000,#111,#222,#333,#444,#555,#666,#777", "kind": "arcs"})
    RGB.check({"size": (64, 64), "palette": None})
    assert PALETTE.allowed({"palette": "lagoon"}) is None


# ---- likeness ------------------------------------------------------------------------------------


def test_traits_are_shares_of_slots_or_of_colours():
    tiles = np.zeros((2, 8, 8), np.uint8)
    tiles[1, :2], tiles[1, 2:4, :4] = 3, coverage_codes(4)[:, 1].tolist().index(0.5)
    traits = PALETTE.traits(tiles)
    assert traits.dtype == np.float32
    assert traits[0].tolist() == [1, 0, 0, 0]
    assert traits[1] == pytest.approx([0.6875, 0.0625, 0, 0.25])
    colours = np.broadcast_to(np.array([0, 51, 255], np.uint8), (1, 8, 8, 3))
    assert RGB.traits(colours) == pytest.approx(np.array([[0, 0.2, 1]]))


def test_distance_of_features_grows_with_the_cells_that_differ():
    tiles = np.zeros((4, 8, 8), np.uint8)
    tiles[1, :2], tiles[2, :4], tiles[3] = 1, 1, 1
    features = PALETTE.features(tiles)
    assert features.dtype == np.float32
    assert features.shape == (4, 4 * 4 * 4)
    distances = np.linalg.norm(features - features[0], axis=1)
    assert distances / distances[3] == pytest.approx([0, 0.5, math.sqrt(0.5), 1])
    white = RGB.features(np.stack((np.zeros((8, 8, 3)), np.full((8, 8, 3), 255))).astype(np.uint8))
    assert white.shape == (2, 4 * 4 * 3)
    assert white.tolist() == [[-1] * 48, [1] * 48]


@EACH
def test_features_do_not_see_where_in_a_square_of_cells_something_lies(domain):
    tiles = random_tiles(domain, 3)
    moved = tiles.copy()
    moved[:, 2:4, 4:6] = tiles[:, 2:4, 4:6][:, ::-1, ::-1]
    assert not np.array_equal(moved, tiles)
    assert domain.features(moved) == pytest.approx(domain.features(tiles), abs=1e-6)


@EACH
def test_relations_and_returns_know_the_symmetries_of_tiles(domain):
    tile = random_tiles(domain, 1)[0]
    batch = np.stack((tile, tile[:, ::-1], np.rot90(tile, -1)))
    found = domain.relations(torch.from_numpy(batch)[None], 1)[0, :, 0]
    assert found.shape == (3, 13)
    assert (found[:, :8] > 0.99).nonzero().tolist() == [[0, 0], [1, 1], [2, 5]]
    assert np.argwhere(domain.returns(batch, tile[None])).tolist() == [[0, 0], [1, 1], [2, 5]]


def test_a_set_of_tiles_is_at_no_distance_from_itself():
    tiles = random_tiles(PALETTE, 20)
    assert PALETTE.compare(tiles, tiles)["total"] == pytest.approx(0, abs=1e-3)
    assert PALETTE.compare(tiles, np.zeros_like(tiles))["total"] > 1


# ---- play ----------------------------------------------------------------------------------------


@EACH
def test_moves_are_made_from_the_neighbours(domain):
    count = domain.neighbours((1, 1)).shape[1]
    context = random_tiles(domain, 5, count)
    present = np.random.default_rng(1).random((5, count)) < 0.5
    moves = domain.moves(context, present, np.random.default_rng(0))
    assert moves.fragments.shape == (5, len(moves.names), *domain.spec.shape)
    assert moves.valid.shape == moves.sources.shape == (5, len(moves.names))
    assert moves.sources.max() < count
    cells = tuple(range(2, moves.fragments.ndim))
    source = np.take_along_axis(context, np.expand_dims(moves.sources, cells), axis=1)
    assert np.array_equal(
        np.sort(moves.fragments.reshape(5, 9, -1)), np.sort(source.reshape(5, 9, -1))
    )


@pytest.fixture(scope="module", params=DOMAINS)
def world(request):
    """What an untrained model composes with."""
    config = ModelConfig(
        gan=GanConfig(latent=2 * LEVELS, generator_width=8, discriminator_width=8),
        critics=CriticConfig(embedding=8, hidden=16),
        agent=AgentConfig(network=ValueConfig(embedding=8, hidden=16)),
    )
    torch.manual_seed(0)
    settings = ArtSettings.from_json(SETTINGS[request.param]).as_json()
    model = build("art", {**settings, "rows": 2, "columns": 2}, config)
    model.known = random_tiles(model.domain, 40)
    return model.world()


@pytest.mark.parametrize("closed", [False, True])
def test_passes_gymnasiums_checker(world, closed):
    check_env(CompositionEnv(world, closed=closed), skip_render_check=True)


def test_an_agent_that_only_mirrors_composes_a_mirrored_canvas(world):
    env = CompositionEnv(world, layout=(2, 4))
    across = env.stage.kinds.index("counterpart")
    drawn = sum(kind in GENERATED for kind in env.stage.kinds)
    assert env.action_space.n == drawn + 9
    observation, info = env.reset(seed=0)
    assert observation["context"].shape == (11, *world.domain.spec.shape)
    assert observation["position"].shape == (Geometry.of(world.domain, (2, 4)).features,)
    ended = False
    while not ended:
        action = across if info["action_mask"][across] else 0
        observation, _, ended, _, info = env.step(action)
        assert env.observation_space.contains(observation)
    piece = env.stage.composition(0, {})
    canvas = assemble(piece.fragments[None], piece.layout)[0]
    assert np.array_equal(canvas, canvas[:, ::-1])
    origins = [(origin.kind, origin.place) for origin in piece.origins]
    row = [("fresh", None), ("fresh", None)]
    assert origins[:4] == [*row, ("counterpart", 1), ("counterpart", 0)]
    assert origins[4:] == [*row, ("counterpart", 5), ("counterpart", 4)]
    with pytest.raises(gymnasium.error.ResetNeeded):
        env.step(0)
