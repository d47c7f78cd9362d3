import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from composer.domains.music.ngram import TokenNGram
from composer.domains.music.settings import FIRST_PITCH, HOLD, REST

STEPS = 4


def pieces_of(*lines):
    """Pieces of one voice, two bars of four steps each."""
    return np.array(lines, np.uint8).reshape(len(lines), 2, 1, STEPS)


def written(pieces):
    return pieces.reshape(len(pieces), -1)


def drawn(model, count=400, seed=0):
    return written(model.compose(count, 2, np.random.default_rng(seed)))


def test_a_tune_of_one_bar_is_written_again():
    tune = [5, HOLD, 7, 9] * 2
    made = drawn(TokenNGram(pieces_of(tune), np.array([0])))
    assert (made == tune).all()


def test_what_all_works_have_is_written_again():
    tune = [5, 5, 6, 5, 7, HOLD, 5, REST]
    made = drawn(TokenNGram(pieces_of(*[tune] * 5), np.arange(5)))
    assert (made == tune).all()


def test_the_same_seed_gives_the_same_pieces():
    lines = np.random.default_rng(1).integers(0, 8, (20, 2 * STEPS))
    model = TokenNGram(pieces_of(*lines), np.arange(20))
    assert np.array_equal(drawn(model), drawn(model))
    assert not np.array_equal(drawn(model), drawn(model, seed=1))


def test_the_longest_context_decides_what_a_short_one_cannot():
    lines = [[5, 7, 7, 2, 5, 7, 7, 2], [6, 7, 7, 3, 6, 7, 7, 3]] * 20
    made = drawn(TokenNGram(pieces_of(*lines), np.arange(40)))
    assert (made[:, 3] == np.where(made[:, 0] == 5, 2, 3)).all()
    shorter = drawn(TokenNGram(pieces_of(*lines), np.arange(40), order=2))
    assert 0.4 < np.mean(shorter[:, 3] == np.where(shorter[:, 0] == 5, 2, 3)) < 0.6


def test_an_unseen_context_backs_off_to_a_shorter_one_and_bars_are_new():
    # Of each context of two tokens half the works go on one way: first and second half are
    # independent but for the token before.
    lines = [[a, 7, 8, b, a, 7, 8, b] for a in (2, 3) for b in (4, 5, 6)]
    known = {tuple(line) for line in lines}
    made = drawn(TokenNGram(pieces_of(*lines), np.arange(6)))
    assert (made[:, [1, 2]] == [7, 8]).all()
    assert set(made[:, 0].tolist()) == {2, 3}
    assert any(tuple(line) not in known for line in made.tolist())


def test_a_tune_that_repeats_itself_is_one_witness():
    often, seldom = [5, 7] * 4, [5, 8] * 4
    works = np.repeat([0, 1], [30, 1])  # thirty windows of one work, one of another
    alike = drawn(TokenNGram(pieces_of(*[often] * 30, seldom), works), 4000)
    assert abs(np.mean(alike[:, 1] == 8) - 0.5) < 0.05
    apart = drawn(TokenNGram(pieces_of(*[often] * 30, seldom), np.arange(31)), 4000)
    assert np.mean(apart[:, 1] == 8) < 0.1


def test_discounts_by_hand():
    # Order 1, place 1 after 2: followers 5 (two works), 6 and 7 (one each). Over the whole level
    # n1 = 6 and n2 = 1, so the discount is 6 / 8: it leaves 5 with 1.25 of 4, 6 and 7 with .25.
    lines = [[2, 5], [2, 5], [2, 6], [2, 7]]
    pieces = np.array(lines, np.uint8).reshape(4, 1, 1, 2)
    model = TokenNGram(pieces, np.arange(4), order=1)
    top = model._levels[1]
    assert top.followers.tolist() == [2, 2, 2, 2, 5, 5, 6, 7]
    # n1 = 2 (6 and 7), n2 = 1 (5), and 2 has four witnesses.
    discount = 2 / (2 + 2 * 1)
    expected = [1 - discount / 4] * 4 + [1 - discount / 2] * 2 + [1 - discount] * 2
    assert top.trust == pytest.approx(expected)
    # In the shorter context each follows one longer one: all three alike.
    made = written(model.compose(8000, 1, np.random.default_rng(0)))
    backed = discount * 3 / 4  # what is taken from the three followers of four
    shares = [(2 - discount) / 4 + backed / 3, (1 - discount) / 4 + backed / 3]
    assert np.mean(made[:, 1] == 5) == pytest.approx(shares[0], abs=0.02)
    assert np.mean(made[:, 1] == 6) == pytest.approx(shares[1], abs=0.02)


@given(st.integers(0, 2**32 - 1), st.integers(1, 4))
def test_no_voice_leaves_its_range_and_no_rest_is_held(seed, voices):
    rng = np.random.default_rng(seed)
    known = rng.integers(0, 4, (6, 2, voices, STEPS))
    own = FIRST_PITCH + 2 + 3 * np.arange(voices)[:, None]  # each voice has its own pitch
    known = np.where(known == FIRST_PITCH, own, np.minimum(known, HOLD)).astype(np.uint8)
    made = TokenNGram(known, np.arange(6), order=5).compose(9, 3, rng)
    assert made.shape == (9, 3, voices, STEPS)
    for voice in range(voices):
        assert set(np.unique(made[:, :, voice])) <= {REST, HOLD, int(own[voice, 0])}
        line = made[:, :, voice].reshape(9, -1)
        before = np.pad(line, ((0, 0), (1, 0)), constant_values=REST)[:, :-1]
        assert not ((line == HOLD) & (before == REST)).any()


def test_voices_are_heard_together():
    # The lower voice moves as the upper one does at the same step.
    upper = np.random.default_rng(0).integers(2, 6, (60, 2, STEPS))
    known = np.stack((upper, upper + 10), axis=2).astype(np.uint8)
    made = TokenNGram(known, np.arange(60)).compose(50, 2, np.random.default_rng(0))
    assert np.mean(made[:, :, 1] == made[:, :, 0] + 10) > 0.9
