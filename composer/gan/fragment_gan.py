"""The fragment GAN: a generator and a discriminator of single fragments in their context."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np
import torch
from torch import Tensor, nn

from composer import state
from composer.gan.losses import (
    discriminator_loss,
    generator_loss,
    gradient_penalty,
    straight_through,
)
from composer.places import Places, look_up

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from composer.domain import Domain


@dataclass(frozen=True)
class GanConfig:
    """Fragment GAN.

    Attributes:
        latent: size of the noise vector, where the domain leaves it open.
        generator_width, discriminator_width: hidden units.
        batch: places a step.
        learning_rate, final_learning_rate: Adam's, decayed by a cosine over ``steps``.
        beta2, final_beta2: Adam's second moment, decayed likewise.
        gamma, final_gamma: weight of the gradient penalties; the one knob of the method.
        penalty_interval: penalties every so many steps.
        context_dropout: share of the surroundings that is hidden from both networks.
        studied: real places a step whose fragments the generator also learns to make again, and
            what to make them from in their surroundings; 0 for none. With it no latent is ignored
            and no sort of fragment forgotten (after Larsen et al.: "Autoencoding beyond pixels
            using a learned similarity metric", ICML 2016).
        reconstruction: weight of the loss of that.
        own: share of a batch for which the generator goes on with its own pieces.
        rounding: whether the discriminator sees whole tokens (straight-through), or what the
            generator gives: the better choice where tokens are steps of something continuous.
        bfloat16: whether training multiplies in bfloat16, which is faster where a chip has it.
        ema: decay of the generator's moving average.
        steps: length of the schedules.
    """

    latent: int = 64
    generator_width: int = 384
    discriminator_width: int = 384
    batch: int = 128
    learning_rate: float = 4e-4
    final_learning_rate: float = 4e-5
    beta2: float = 0.9
    final_beta2: float = 0.99
    gamma: float = 2.0
    final_gamma: float = 1.0
    penalty_interval: int = 2
    context_dropout: float = 0.5
    studied: int = 0
    reconstruction: float = 20.0
    own: float = 0.0
    rounding: bool = True
    bfloat16: bool = False
    ema: float = 0.998
    steps: int = 3000


Reconstruct = Callable[..., tuple[Tensor, Tensor]]


def cosine(start: float, end: float, progress: float) -> float:
    """From ``start`` to ``end`` as ``progress`` goes from 0 to 1."""
    weight = 0.5 * (1 + np.cos(np.pi * min(max(progress, 0.0), 1.0)))
    return float(end + (start - end) * weight)


class Context:
    """The conditioning of a batch as tensors: codes of the surroundings, presence, position."""

    def __init__(self, places: Places, codes: np.ndarray) -> None:
        """``codes`` float32 ``[classes, channels]``."""
        self.present = torch.from_numpy(places.present.astype(np.float32))
        self.context = look_up(places.context, codes)
        self.position = torch.from_numpy(places.position)

    def __iter__(self) -> Iterator[Tensor]:
        """Unpack as ``context, present, position``."""
        return iter((self.context, self.present, self.position))


class FragmentGAN:
    """Both networks, their optimisers and the generator's moving average."""

    def __init__(self, domain: Domain, config: GanConfig) -> None:
        """Networks are initialised from torch's global random state."""
        self.domain = domain
        self.config = config
        self.codes = domain.codes
        self.latent = domain.latent(config.latent)
        self.generator = domain.generator(self.latent, config.generator_width)
        self.discriminator = domain.discriminator(config.discriminator_width)
        self.average = copy.deepcopy(self.generator).requires_grad_(requires_grad=False)
        betas = (0.0, config.beta2)
        self.generator_optimizer = torch.optim.Adam(
            self.generator.parameters(), lr=config.learning_rate, betas=betas, fused=True
        )
        self.discriminator_optimizer = torch.optim.Adam(
            self.discriminator.parameters(), lr=config.learning_rate, betas=betas, fused=True
        )
        self.steps = 0
        self.penalty_scale = 1.0  # raised by the guard after a divergence

    def step(
        self,
        real: Places,
        seen: Places,
        studied: Places,
        rng: np.random.Generator,
    ) -> tuple[dict[str, float], np.ndarray]:
        """One discriminator and one generator update.

        ``real``: real fragments in their surroundings; ``seen``: the surroundings for which the
        generator makes its own, row by row those it is compared with: the same, or those in a piece
        that it makes by itself; ``studied``: real fragments in their surroundings that it makes
        again. Returns losses and logits as floats, and what the generator made, uint8.
        """
        self._schedule()
        around = Context(real, self.codes)
        inside = around if seen is real else Context(seen, self.codes)
        fragments = look_up(real.fragments, self.codes)
        size = (2, len(fragments), self.latent)
        noise = torch.from_numpy(rng.standard_normal(size, dtype=np.float32))
        with torch.autocast("cpu", torch.bfloat16, enabled=self.config.bfloat16):
            values = self._update_discriminator(fragments, around, inside, noise[0])
            self.generator_optimizer.zero_grad(set_to_none=True)
            if self.config.studied:
                values |= self._reconstruct(studied)
            found, made = self._update_generator(fragments, around, inside, noise[1])
        self._update_average()
        self.steps += 1
        return values | found, made

    def _judge(self, fragments: Tensor, around: Context) -> Tensor:
        """The discriminator's logits ``[n]``."""
        return self.discriminator(fragments, *around).float()

    def _draft(self, noise: Tensor, inside: Context) -> tuple[Tensor, Tensor]:
        """Fragments as codes, differentiable, and as tokens."""
        outputs = self.generator(noise, *inside).float()
        soft, tokens = self.domain.soften(outputs), self.domain.tokens(outputs)
        if not self.config.rounding:
            return soft, tokens
        return straight_through(soft, look_up(tokens, self.codes)), tokens

    def _schedule(self) -> None:
        progress = self.steps / self.config.steps
        rate = cosine(self.config.learning_rate, self.config.final_learning_rate, progress)
        beta2 = cosine(self.config.beta2, self.config.final_beta2, progress)
        for optimizer in (self.generator_optimizer, self.discriminator_optimizer):
            for group in optimizer.param_groups:
                group["lr"] = rate
                group["betas"] = (0.0, beta2)

    @property
    def gamma(self) -> float:
        """The present weight of the gradient penalties."""
        progress = self.steps / self.config.steps
        return self.penalty_scale * cosine(self.config.gamma, self.config.final_gamma, progress)

    def _update_discriminator(
        self, real: Tensor, around: Context, inside: Context, noise: Tensor
    ) -> dict[str, float]:
        with torch.no_grad():
            fake, _ = self._draft(noise, inside)
        penalise = self.steps % self.config.penalty_interval == 0
        real, fake = real.requires_grad_(penalise), fake.requires_grad_(penalise)
        real_logits = self._judge(real, around)
        fake_logits = self._judge(fake, inside)
        loss = discriminator_loss(real_logits, fake_logits)
        values = {"d_loss": loss.item(), "d_gap": (real_logits - fake_logits).mean().item()}
        if penalise:
            r1 = gradient_penalty(real_logits, real)
            r2 = gradient_penalty(fake_logits, fake)
            weight = self.gamma / 2 * self.config.penalty_interval
            loss = loss + weight * (r1 + r2)
            values |= {"r1": r1.item(), "r2": r2.item()}
        self.discriminator_optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.discriminator_optimizer.step()
        return values

    def _update_generator(
        self,
        real: Tensor,
        around: Context,
        inside: Context,
        noise: Tensor,
    ) -> tuple[dict[str, float], np.ndarray]:
        self.discriminator.requires_grad_(requires_grad=False)
        fake, tokens = self._draft(noise, inside)
        with torch.no_grad():
            real_logits = self._judge(real, around)
        loss = generator_loss(real_logits, self._judge(fake, inside))
        loss.backward()
        self.generator_optimizer.step()
        self.discriminator.requires_grad_(requires_grad=True)
        return {"g_loss": loss.item()}, tokens.to(torch.uint8).numpy()

    def _reconstruct(self, studied: Places) -> dict[str, float]:
        """Add the gradient of what making the fragments again is short of, in nats."""
        reconstruct = cast("Reconstruct", self.generator.reconstruct)
        fragments = look_up(studied.fragments, self.codes)
        outputs, surprise = reconstruct(fragments, *Context(studied, self.codes))
        misfit = self.domain.misfit(outputs.float(), fragments).mean()
        surprise = surprise.float().mean()
        (self.config.reconstruction * (misfit + surprise)).backward()
        return {"misfit": misfit.item(), "surprise": surprise.item()}

    @torch.no_grad()
    def _update_average(self) -> None:
        decay = min(self.config.ema, (1 + self.steps) / (10 + self.steps))
        torch._foreach_lerp_(  # one fused pass over all parameters
            list(self.average.parameters()), list(self.generator.parameters()), 1 - decay
        )

    def state(self) -> dict[str, Tensor]:
        """Copies of all tensors of networks, average and optimisers, and the step count."""
        return state.collect(self._modules(), self._optimizers()) | {
            "steps": torch.tensor(self.steps)
        }

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Inverse of ``state``."""
        state.restore(self._modules(), self._optimizers(), tensors)
        self.steps = int(tensors["steps"])

    def _modules(self) -> dict[str, nn.Module]:
        return {
            "generator": self.generator,
            "average": self.average,
            "discriminator": self.discriminator,
        }

    def _optimizers(self) -> dict[str, torch.optim.Optimizer]:
        return {
            "generator_optimizer": self.generator_optimizer,
            "discriminator_optimizer": self.discriminator_optimizer,
        }

    @torch.no_grad()
    def generate(self, places: Places, latents: np.ndarray) -> np.ndarray:
        """Fragments by the averaged generator; latents float32 ``[n, latent]`` -> uint8."""
        return generate(self.average, self.domain, places, latents)


@torch.no_grad()
def generate(
    generator: nn.Module,
    domain: Domain,
    places: Places,
    latents: np.ndarray,
    allowed: np.ndarray | None = None,
) -> np.ndarray:
    """Fragments uint8 ``[n, *shape]`` for places.

    ``allowed`` bool ``[*shape, classes]``, for generators that can be told: permitted tokens.
    """
    told = () if allowed is None else (torch.from_numpy(allowed),)
    outputs = generator(torch.from_numpy(latents), *Context(places, domain.codes), *told)
    return domain.tokens(outputs).to(torch.uint8).numpy()
