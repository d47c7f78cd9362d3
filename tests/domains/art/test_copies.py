"""Tiles are found under every symmetry, and runs only where the neighbours are neighbours too."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from composer.domains.art.copies import COPIED, Grid, Known, longest_run, look_up, run_start
from composer.domains.art.moves import SYMMETRIES, symmetries
from composer.domains.art.settings import ArtSettings

TILE = 8
SETTINGS = ArtSettings(tile=TILE, slots=4, pixels=TILE)
RGB = ArtSettings(tile=TILE, slots=0, pixels=TILE)


def canvas(seed, rows, columns, settings=SETTINGS):
    """Random tiles: uint8 [rows, columns, *tile]."""
    rng = np.random.default_rng(seed)
    shape = (rows, columns, TILE, TILE) + (() if settings.slots else (3,))
    return rng.integers(0, settings.slots or 256, shape).astype(np.uint8)


def known(*canvases, works=None, settings=SETTINGS):
    flat = [one.reshape(-1, *one.shape[2:]) for one in canvases]
    return Known(
        tiles=np.concatenate(flat),
        starts=np.cumsum([0, *map(len, flat)]),
        layouts=np.array([one.shape[:2] for one in canvases]),
        works=np.arange(len(canvases)) if works is None else np.array(works),
        sources=[f"{number}.png" for number in range(len(canvases))],
        settings=settings,
    )


def grid(tiles, work=-1):
    return Grid(tiles.reshape(-1, *tiles.shape[2:]), tiles.shape[:2], work)


def whole(tiles, symmetry):
    """A whole canvas under a symmetry of the square."""
    rows, columns = tiles.shape[:2]
    picture = tiles.swapaxes(1, 2).reshape(rows * TILE, columns * TILE)
    turned = symmetries(picture, 0)[symmetry]
    rows, columns = turned.shape[0] // TILE, turned.shape[1] // TILE
    return turned.reshape(rows, TILE, columns, TILE).swapaxes(1, 2)


def run_of(picture, there):
    (found,) = look_up([picture], there)
    run = longest_run(found.copies, picture.plain, picture.layout, there)
    return found, run


@pytest.mark.parametrize("settings", [SETTINGS, RGB])
@pytest.mark.parametrize("symmetry", range(SYMMETRIES))
def test_a_tile_is_found_under_every_symmetry(symmetry, settings):
    there = known(canvas(0, 3, 4, settings), canvas(1, 2, 5, settings), settings=settings)
    own = there.tiles[[7, 20]]
    made = symmetries(own, 1)[symmetry]
    (found,) = look_up([Grid(made, (1, 2))], there)
    assert found.distances == pytest.approx(0, abs=1e-3)
    assert (found.nearest % len(there.tiles)).tolist() == [7, 20]
    for tile, key, original in zip(made, found.nearest.tolist(), own, strict=True):
        assert np.array_equal(symmetries(tile, 0)[key // len(there.tiles)], original)
    assert [keys.tolist() for keys in found.copies] == found.nearest[:, None].tolist()


@given(st.integers(0, 2**32), st.integers(1, 4), st.integers(1, 5))
def test_the_nearest_tile_is_that_of_brute_force(seed, pictures, cells):
    there = known(*(canvas((seed, number), 2, 3) for number in range(pictures)))
    picture = grid(canvas((seed, 9), 1, cells), work=0)
    (found,) = look_up([picture], there)
    allowed = there.works[there.owners] != 0
    for tile, distance, keys in zip(picture.tiles, found.distances, found.copies, strict=True):
        apart = np.array(
            [
                [distance_of(turned, other) for other in there.tiles]
                for turned in symmetries(tile, 0)
            ]
        )
        apart[:, ~allowed] = np.inf
        assert distance == pytest.approx(apart.min(), abs=1e-4)
        assert keys.tolist() == np.flatnonzero(apart <= COPIED).tolist()


def distance_of(tile, other):
    """By the definition: how far the covered shares of areas of 2 x 2 cells differ."""
    shares = [
        np.eye(4)[one].reshape(TILE // 2, 2, TILE // 2, 2, 4).mean((1, 3)) for one in (tile, other)
    ]
    return np.sqrt(np.square(shares[0] - shares[1]).sum() / (2 * (TILE // 2) ** 2))


def test_tiles_that_differ_in_everything_are_1_apart():
    dark, light = np.zeros((1, 1, TILE, TILE), np.uint8), np.full((1, 1, TILE, TILE), 3, np.uint8)
    (found,) = look_up([grid(dark)], known(light))
    assert found.distances.tolist() == [1]
    black, white = np.zeros((1, 1, TILE, TILE, 3), np.uint8), np.full((1, 1, TILE, TILE, 3), 255)
    (found,) = look_up([grid(black)], known(white.astype(np.uint8), settings=RGB))
    assert found.distances == pytest.approx(1)


def test_a_few_other_cells_are_still_a_copy_and_many_are_not():
    there = known(canvas(0, 2, 2))
    few, many = there.tiles[1].copy(), there.tiles[1].copy()
    few[0, 0] = (few[0, 0] + 1) % 4
    many[:4, :4] = (many[:4, :4] + 1) % 4
    (found,) = look_up([Grid(np.stack([few, many]), (1, 2))], there)
    assert found.distances[0] < COPIED < found.distances[1]


@pytest.mark.parametrize("symmetry", range(SYMMETRIES))
def test_a_run_is_followed_under_every_symmetry(symmetry):
    there = known(canvas(0, 3, 4), canvas(1, 6, 5))
    part = canvas(1, 6, 5)[1:4, 2:4]  # 3 down, 2 across
    copied = whole(part, symmetry)
    picture = canvas(2, 5, 5)
    picture[1 : 1 + copied.shape[0], 1 : 1 + copied.shape[1]] = copied
    own = grid(picture)
    found, run = run_of(own, there)
    across = copied.shape[1] == 3
    assert (run.cells, run.direction) == (3, "across" if across else "down")
    place, key = run_start(run, found.copies, own.layout, there)
    row, column = divmod(place, 5)
    assert (row, column) == (1, 1)
    turned, tile = divmod(key, len(there.tiles))
    assert there.place(tile)["source"] == "1.png"
    assert np.array_equal(symmetries(own.tiles[place], 0)[turned], there.tiles[tile])


def test_copies_that_lie_otherwise_are_no_run():
    source = canvas(0, 2, 4)
    there = known(source)
    shuffled = source[[0, 1, 0], [0, 3, 2]][None]
    _, run = run_of(grid(shuffled), there)
    assert run.cells == 1
    backwards = source[:1, ::-1]  # the tiles in reverse, but each as it was
    _, run = run_of(grid(backwards), there)
    assert run.cells == 1


def test_a_run_does_not_go_on_over_an_edge():
    source = canvas(0, 2, 3)
    there = known(source)
    line = source.reshape(1, 6, TILE, TILE)
    _, run = run_of(grid(line), there)
    assert run.cells == 3
    _, run = run_of(grid(line.reshape(3, 2, TILE, TILE)), known(line))
    assert run.cells == 2


def test_two_pictures_are_no_run():
    first, second = canvas(0, 1, 2), canvas(1, 1, 2)
    _, run = run_of(grid(np.concatenate([first, second], axis=1)), known(first, second))
    assert run.cells == 2


def test_plain_tiles_lie_in_a_run_but_do_not_count():
    source = canvas(0, 1, 5)
    source[0, 2] = 1
    _, run = run_of(grid(source), known(source))
    assert run.cells == 4
    plain = np.ones((1, 3, TILE, TILE), np.uint8)
    assert run_of(grid(plain), known(plain))[1] is None


def test_the_own_work_does_not_count():
    source = canvas(0, 1, 3)
    there = known(source, source, canvas(1, 1, 3), works=[0, 0, 1])
    (found,) = look_up([there.grid(0, (1, 3))], there)
    assert found.distances.min() > COPIED
    assert set((found.nearest % len(there.tiles)).tolist()) <= {6, 7, 8}
    part = there.grid(2, (4, 2))
    assert (part.layout, part.work, len(part.tiles)) == ((1, 2), 1, 2)
