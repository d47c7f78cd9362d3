from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from composer.evaluation.diversity import cosine_similarities, token_similarities, vendi_score

samples = arrays(np.uint8, st.tuples(st.integers(1, 9), st.just(2), st.just(3))).map(
    lambda tokens: tokens % 3
)


def test_equal_samples_are_one_and_different_ones_all_count():
    assert vendi_score(np.ones((5, 5))) == pytest.approx(1)
    assert vendi_score(np.eye(5)) == pytest.approx(5)


def test_groups_count_by_the_entropy_of_their_sizes():
    kinds = np.array([0, 0, 0, 1])
    same = (kinds[:, None] == kinds).astype(float)
    assert vendi_score(same) == pytest.approx(np.exp(-0.75 * np.log(0.75) - 0.25 * np.log(0.25)))


def test_a_pair_by_hand():
    # Half alike: the eigenvalues of K / 2 are 3/4 and 1/4.
    half = np.array([[1, 0.5], [0.5, 1]])
    assert vendi_score(half) == pytest.approx(2**0.8112781)


def test_similarities_by_hand():
    features = np.array([[3.0, 0], [1, 1], [0, 0]])
    slant = np.sqrt(0.5)
    assert cosine_similarities(features) == pytest.approx(
        np.array([[1, slant, 0], [slant, 1, 0], [0, 0, 1]])
    )
    tokens = np.array([[[1, 2], [3, 4]], [[1, 2], [3, 9]], [[0, 0], [0, 4]]], np.uint8)
    assert token_similarities(tokens).tolist() == [[1, 0.75, 0.25], [0.75, 1, 0], [0.25, 0, 1]]


@given(samples)
def test_the_score_lies_between_one_and_all(tokens: np.ndarray):
    similarities = token_similarities(tokens)
    assert np.linalg.eigvalsh(similarities).min() > -1e-9
    score = vendi_score(similarities)
    assert 1 - 1e-9 <= score <= len(tokens) + 1e-9
    assert vendi_score(similarities[::-1, ::-1]) == pytest.approx(score)


@given(samples)
def test_copies_of_everything_add_nothing(tokens: np.ndarray):
    twice = token_similarities(np.concatenate((tokens, tokens)))
    assert vendi_score(twice) == pytest.approx(vendi_score(token_similarities(tokens)))
