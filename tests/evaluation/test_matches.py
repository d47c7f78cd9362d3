"""The longest common stretches are exactly those that comparing every pair would find."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from composer.evaluation.matches import longest_elsewhere, rank_suffixes


def join(strings):
    """Symbols and ends; the last symbol of each string does not count."""
    symbols = np.array([symbol for string in strings for symbol in string], np.int64)
    ends = np.zeros(len(symbols), bool)
    ends[np.cumsum([len(string) for string in strings], dtype=np.int64) - 1] = True
    return symbols, ends


def common(symbols, ends, first, second):
    """By comparing symbol by symbol."""
    length = 0
    while not ends[first] and not ends[second] and symbols[first] == symbols[second]:
        first, second, length = first + 1, second + 1, length + 1
    return length


STRINGS = st.lists(
    st.tuples(
        st.lists(st.integers(-1, 2), min_size=1, max_size=12), st.integers(0, 3), st.booleans()
    ),
    min_size=1,
    max_size=7,
)


@given(STRINGS)
def test_the_longest_stretch_elsewhere_is_that_of_brute_force(drawn):
    strings, groups, known = zip(*drawn, strict=True)
    symbols, ends = join(strings)
    sizes = [len(string) for string in strings]
    groups, known = np.repeat(groups, sizes), np.repeat(known, sizes)
    suffixes = rank_suffixes(symbols, ends)
    lengths, found = longest_elsewhere(suffixes, groups, known)
    for place, length in enumerate(lengths.tolist()):
        others = np.flatnonzero(known & (groups != groups[place]))
        naive = [common(symbols, ends, place, other) for other in others.tolist()]
        assert length == max(naive, default=0)
        if length:
            assert found[place] in others
            assert common(symbols, ends, place, found[place]) == length


@given(STRINGS)
def test_suffixes_are_in_order_and_know_what_they_share(drawn):
    symbols, ends = join([string for string, _, _ in drawn])
    suffixes = rank_suffixes(symbols, ends)
    places = np.arange(len(symbols))
    assert np.array_equal(np.sort(suffixes.order), places)
    for first in places.tolist():
        others = places[places != first]
        naive = [common(symbols, ends, first, other) for other in others.tolist()]
        assert suffixes.common(first, others).tolist() == naive


def test_a_stretch_ends_with_its_string():
    symbols, ends = join([[1, 2, 3, 4, 0], [1, 2, 0], [3, 4, 0]])
    lengths, found = longest_elsewhere(
        rank_suffixes(symbols, ends), np.array([0] * 5 + [1] * 3 + [2] * 3), np.ones(11, bool)
    )
    assert lengths.tolist() == [2, 1, 2, 1, 0, 2, 1, 0, 2, 1, 0]
    assert found[[0, 2, 5, 8]].tolist() == [5, 8, 0, 2]


def test_a_whole_copy_is_found_whatever_its_length():
    string = np.random.default_rng(0).integers(0, 3, 5000).tolist()
    symbols, ends = join([string, string])
    lengths, found = longest_elsewhere(
        rank_suffixes(symbols, ends), np.repeat([0, 1], 5000), np.ones(10_000, bool)
    )
    assert lengths[:5000].tolist() == list(range(4999, -1, -1))
    assert found[0] == 5000


@pytest.mark.parametrize("known", [False, True])
def test_one_group_shares_nothing_with_itself(known):
    symbols, ends = join([[1, 1, 0], [1, 1, 0]])
    lengths, _ = longest_elsewhere(
        rank_suffixes(symbols, ends), np.zeros(6, np.int64), np.full(6, known)
    )
    assert not lengths.any()


def test_no_strings_at_all():
    nothing = np.zeros(0, np.int64)
    suffixes = rank_suffixes(nothing, nothing.astype(bool))
    lengths, found = longest_elsewhere(suffixes, nothing, nothing.astype(bool))
    assert len(lengths) == len(found) == len(suffixes.order) == 0
