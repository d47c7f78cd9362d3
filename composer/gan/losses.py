"""Relativistic pairing with zero-centred gradient penalties.

Huang, Gokaslan, Kuleshov, Tompkin: "The GAN is dead; long live the GAN! A modern baseline GAN"
(NeurIPS 2024). The pairing removes mode dropping, both penalties together give local convergence.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def discriminator_loss(real: Tensor, fake: Tensor) -> Tensor:
    """E softplus(-(D(x) - D(G(z)))); logits ``[n]`` -> scalar."""
    return F.softplus(fake - real).mean()


def generator_loss(real: Tensor, fake: Tensor) -> Tensor:
    """E softplus(-(D(G(z)) - D(x))); logits ``[n]`` -> scalar."""
    return F.softplus(real - fake).mean()


def gradient_penalty(logits: Tensor, inputs: Tensor) -> Tensor:
    """E ||grad_x D(x)||^2 over a batch; R1 on real inputs, R2 on generated ones."""
    (gradient,) = torch.autograd.grad(logits.sum(), inputs, create_graph=True)
    return gradient.square().flatten(1).sum(1).mean()


def straight_through(soft: Tensor, hard: Tensor) -> Tensor:
    """``hard`` in the forward pass, the gradient of ``soft`` in the backward pass; same shape.

    Bengio, Leonard, Courville: "Estimating or propagating gradients through stochastic neurons"
    (2013). All randomness comes from the latent; the rounding itself adds none.
    """
    return hard + soft - soft.detach()
