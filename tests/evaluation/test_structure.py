from __future__ import annotations

from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from composer.evaluation.structure import PENALTY, fitness_scape, structure_indicator


def alike(*forms: str) -> np.ndarray:
    """Places with the same letter are the same, others have nothing in common."""
    letters = np.array([list(form) for form in forms])
    return (letters[:, :, None] == letters[:, None]).astype(float)


def harmonic(score: float, coverage: float) -> float:
    return 2 * score * coverage / (score + coverage)


def indicator(form: str, shortest: int, longest: int | None = None) -> float:
    return float(structure_indicator(alike(form), shortest, longest)[0])


@pytest.mark.parametrize(("form", "length"), [("AB" * 2, 2), ("A" * 5, 1), ("ABCD" * 4, 4)])
def test_equal_parts_explain_all_but_the_first(form: str, length: int):
    parts = len(form) // length
    assert fitness_scape(alike(form), length)[0, length - 1, 0] == pytest.approx(1 - 1 / parts)


def test_fitness_by_hand():
    scape = fitness_scape(alike("ABAB"), 2)[0]
    # One place: earns 2 of which 1 is its own; covers one more of four.
    assert scape[0] == pytest.approx(np.full(4, harmonic(1 / 2, 1 / 4)))
    # BA comes once only, and does not fit at the end.
    assert scape[1] == pytest.approx([1 / 2, 0, 1 / 2, 0])
    # A song form: three times AB in eight places.
    assert indicator("ABABCDAB", 2, 2) == pytest.approx(harmonic(4 / 6, 4 / 8))


def test_what_is_alike_earns_its_likeness_and_what_is_not_costs():
    similarities = alike("ABCDABCX")
    # A link that is missing: 4 + 3 - 2 is 5 in 8 places.
    assert fitness_scape(similarities, 4)[0, 3, 0] == pytest.approx(harmonic(1 / 8, 4 / 8))
    similarities[0, 3, 7] = similarities[0, 7, 3] = 0.8
    assert fitness_scape(similarities, 4)[0, 3, 0] == pytest.approx(harmonic(3.8 / 8, 4 / 8))
    assert fitness_scape(similarities, 4, 0.9)[0, 3, 0] == pytest.approx(harmonic(1 / 8, 4 / 8))


def test_ranges_tell_at_what_scale_a_piece_repeats():
    motif, halves = "ABABCDCDEFEFGHGH", "ABCDEFGHABCDEFGH"
    assert indicator(motif, 2, 2) > 0
    assert indicator(motif, 4, 8) == 0
    assert indicator(halves, 8) == pytest.approx(1 / 2)
    assert indicator("ABCDEFGHIJKLMNOP", 1) == 0


def test_longer_than_half_of_the_piece_is_nothing():
    assert indicator("AAAA", 3) == 0
    assert indicator("AAAA", 9, 12) == 0
    assert indicator("A", 1) == 0


def test_pieces_do_not_depend_on_each_other():
    both = structure_indicator(alike("ABABABAB", "ABCDABCD"), 2)
    assert both == pytest.approx([indicator("ABABABAB", 2), indicator("ABCDABCD", 2)])


@given(
    arrays(np.float64, (6, 6), elements=st.sampled_from([0.0, 0.7, 0.8, 0.9, 1.0])),
    st.integers(1, 3),
)
def test_no_other_choice_of_stretches_earns_more(similarities: np.ndarray, length: int):
    similarities = np.maximum(similarities, similarities.T)
    np.fill_diagonal(similarities, 1)
    links = np.where(similarities >= 0.75, similarities, PENALTY)
    found = fitness_scape(similarities[None], length)[0, length - 1]
    starts = range(6 - length + 1)
    families = [f for k in range(1, 7) for f in combinations(starts, k)]
    apart = [f for f in families if all(b - a >= length for a, b in pairwise(f))]
    for start in starts:
        own = links[start : start + length]
        totals = [sum(own[:, t : t + length].trace() for t in f) for f in apart]
        best = [f for f, total in zip(apart, totals, strict=True) if total > max(totals) - 1e-9]
        expected = [
            harmonic((max(totals) - length) / length / len(f), (len(f) - 1) * length / 6)
            if max(totals) > length + 1e-9
            else 0
            for f in best
        ]
        assert min(abs(found[start] - value) for value in expected) < 1e-9
        assert 0 <= found[start] < 1
