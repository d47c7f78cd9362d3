import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from composer.works import number_works


@pytest.mark.parametrize(
    ("count", "pairs", "expected"),
    [
        (0, [], []),
        (3, [], [0, 1, 2]),
        (5, [(4, 2), (2, 1)], [0, 1, 1, 2, 1]),
        (4, [(3, 3), (3, 0), (0, 3)], [0, 1, 2, 0]),
    ],
)
def test_chains_share_a_number(count, pairs, expected):
    links = np.array(pairs, np.int64).reshape(-1, 2).T
    assert number_works(count, links).tolist() == expected


@given(st.integers(1, 12), st.data())
def test_works_are_as_small_as_the_links_allow(count, data):
    piece = st.integers(0, count - 1)
    pairs = data.draw(st.lists(st.tuples(piece, piece), max_size=15))
    found = number_works(count, np.array(pairs, np.int64).reshape(-1, 2).T)
    groups = [{number} for number in range(count)]
    for left, right in pairs:
        both = groups[left] | groups[right]
        for member in both:
            groups[member] = both
    assert [found.tolist().index(number) for number in found] == [min(each) for each in groups]
