"""What a domain gets for nothing."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from toy import CLASSES, ToyDomain

from composer.domain import Domain

DOMAIN = ToyDomain({})


def test_pieces_are_of_one_kind_and_open():
    rng = np.random.default_rng(0)
    plan = Domain.plan(DOMAIN, (3, 4), {"kind": "any"}, rng)
    assert plan.dtype == np.uint8
    assert plan.tolist() == [0] * 12
    assert not Domain.closed(DOMAIN, {"closed": True})
    assert rng.bit_generator.state == np.random.default_rng(0).bit_generator.state


@given(st.integers(0, 2**32), st.sampled_from([0.0, 0.3, 1.0]))
def test_as_much_is_hidden_as_was_asked_for(seed, share):
    present = np.ones((500, 8), bool)
    hidden = DOMAIN.hide(present, share, np.random.default_rng(seed))
    assert hidden.dtype == bool
    assert hidden.shape == present.shape
    assert hidden.mean() == pytest.approx(share, abs=0.05)
    assert present.all()


def test_outputs_mean_their_likeliest_tokens():
    outputs = torch.randn(7, 2, CLASSES)
    soft = DOMAIN.soften(outputs)
    assert soft.sum(-1).numpy() == pytest.approx(1.0)
    assert torch.equal(soft.argmax(-1), DOMAIN.tokens(outputs))


def test_the_misfit_is_the_cross_entropy():
    outputs, tokens = torch.randn(7, 2, CLASSES), torch.randint(CLASSES, (7, 2))
    found = DOMAIN.misfit(outputs, torch.from_numpy(DOMAIN.codes)[tokens])
    expected = torch.nn.functional.cross_entropy(outputs.mT, tokens, reduction="none")
    assert found.numpy() == pytest.approx(expected.numpy(), abs=1e-5)
