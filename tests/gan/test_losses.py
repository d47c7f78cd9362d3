import pytest
import torch

from composer.gan.losses import (
    discriminator_loss,
    generator_loss,
    gradient_penalty,
    likeness,
    straight_through,
)


def test_losses_mirror_each_other():
    real, fake = torch.randn(8), torch.randn(8)
    assert discriminator_loss(real, fake) == pytest.approx(generator_loss(fake, real).item())
    assert discriminator_loss(real, real) == pytest.approx(0.6931, abs=1e-4)


def test_penalty_is_the_squared_slope_of_a_linear_discriminator():
    slope = torch.tensor([3.0, 4.0])
    inputs = torch.randn(5, 2, requires_grad=True)
    assert gradient_penalty(inputs @ slope, inputs) == pytest.approx(25.0)


def test_penalty_can_be_differentiated_again():
    weight = torch.tensor([1.0], requires_grad=True)
    inputs = torch.randn(4, 1, requires_grad=True)
    gradient_penalty((inputs * weight).sum(1), inputs).backward()
    assert weight.grad == pytest.approx(2.0)


def test_straight_through_is_hard_forward_and_soft_backward():
    logits = torch.tensor([[0.1, 2.0, 0.3]], requires_grad=True)
    soft, hard = logits.softmax(-1), torch.tensor([[0.0, 1.0, 0.0]])
    found = straight_through(soft, hard)
    assert found.detach().numpy() == pytest.approx(hard.numpy())
    (gradient,) = torch.autograd.grad(found[0, 0], logits, retain_graph=True)
    (expected,) = torch.autograd.grad(soft[0, 0], logits)
    assert torch.equal(gradient, expected)
    assert (gradient != 0).all()


def test_likeness_by_hand():
    first = torch.tensor([[[0.0, 1.0], [0.0, 0.0]], [[1.0, 1.0], [0.0, 0.0]]])
    second = torch.tensor([[[1.0, 1.0], [0.0, 0.0]], [[0.0, 0.0], [1.0, 0.0]]])
    # mean differences 1/4 and 3/4: the first is half of what is asked for, the second is enough
    assert likeness(first, second, 0.5) == pytest.approx((0.5 + 0.0) / 2)
    assert likeness(first, second, 1.0) == pytest.approx((0.75 + 0.25) / 2)
    assert likeness(first, first, 0.5) == pytest.approx(1.0)


def test_likeness_pulls_only_at_drafts_that_are_too_much_alike():
    first = torch.tensor([[0.1, 0.0], [0.9, 0.9]], requires_grad=True)
    likeness(first, torch.zeros(2, 2), 0.5).backward()
    assert first.grad[0, 0] < 0  # descending moves it further away
    assert (first.grad[1] == 0).all()
