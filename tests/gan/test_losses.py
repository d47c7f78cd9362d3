import pytest
import torch

from composer.gan.losses import (
    discriminator_loss,
    generator_loss,
    gradient_penalty,
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
