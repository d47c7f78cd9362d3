"""Kinds come from folders, else from looks."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from composer.domains.art.kinds import MAX_KINDS, cluster_kinds, folder_kinds, look


def test_sub_folders_are_kinds():
    kinds, members = folder_kinds(["b/x.png", "a/y.png", "b/deep/z.png"])
    assert kinds == ("a", "b")
    assert members.tolist() == [1, 0, 1]


def test_pictures_outside_the_sub_folders():
    kinds, members = folder_kinds(["a/y.png", "b/x.png", "z.png"])
    assert kinds == ("a", "b", "other")
    assert members.tolist() == [0, 1, 2]


def test_one_folder_is_no_kind():
    assert folder_kinds(["a/x.png", "a/y.png"]) is None
    assert folder_kinds(["a/x.png", "y.png"]) is None
    assert folder_kinds(["x.png"]) is None
    assert folder_kinds([]) is None


def test_at_most_32_kinds():
    names = [f"kind{kind:02d}/{place}.png" for kind in range(40) for place in range(1 + kind % 3)]
    kinds, members = folder_kinds([*names, "top.png"])
    assert len(kinds) == MAX_KINDS
    assert "other" in kinds
    counts = np.bincount(members, minlength=MAX_KINDS)
    assert counts.min() >= 1
    assert counts.sum() == len(names) + 1
    exactly = [f"kind{kind:02d}/x.png" for kind in range(MAX_KINDS)]
    assert "other" not in folder_kinds(exactly)[0]


def looks(seed=0):
    rng = np.random.default_rng(seed)
    dark = [look(rng.integers(0, 60, (32, 32, 3), np.uint8)) for _ in range(12)]
    light = [
        look(np.full((32, 32, 3), 230, np.uint8) + rng.integers(0, 3, 3, np.uint8))
        for _ in range(7)
    ]
    return [*dark, *light]


def test_clusters_are_found_where_they_are_clear():
    kinds, members = cluster_kinds(looks())
    assert kinds == ("kind1", "kind2")
    assert members.tolist() == [0] * 12 + [1] * 7  # the largest first
    again = cluster_kinds(looks())[1]
    np.testing.assert_array_equal(members, again)


def test_no_clusters_where_they_are_not():
    rng = np.random.default_rng(0)
    same = [look(rng.integers(0, 256, (32, 32, 3), np.uint8)) for _ in range(30)]
    kinds, members = cluster_kinds(same)
    assert kinds == ("all",)
    assert not members.any()
    assert cluster_kinds([])[0] == ("all",)
    assert cluster_kinds(looks()[:2])[0] == ("all",)


@given(
    hnp.arrays(
        np.float32, st.tuples(st.integers(1, 40), st.just(3)), elements=st.floats(0, 1, width=32)
    )
)
def test_any_points_give_kinds_of_the_right_form(points):
    kinds, members = cluster_kinds(list(points))
    assert members.shape == (len(points),)
    assert set(members.tolist()) == set(range(len(kinds)))
    counts = np.bincount(members)
    assert (np.diff(counts) <= 0).all()


def test_looks_of_any_size():
    for shape in ((1, 1), (1, 9), (2, 3), (50, 31)):
        row = look(np.full((*shape, 3), 255, np.uint8))
        assert row.shape == (14,)
        assert row.dtype == np.float32
        assert row[7] == 1
        assert row.sum() == 1
