"""A guard over GAN training: keeps the best state, notices divergence, rolls back."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from composer.errors import DivergenceError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from composer.gan.fragment_gan import FragmentGAN


@dataclass(frozen=True)
class GuardConfig:
    """When to roll back.

    Attributes:
        tolerance: a held-out distance this many times the best one is a strike.
        variety: a share of different fragments below this share of the real one is a strike.
        strikes: so many in a row are a divergence.
        retries: rollbacks before giving up.
        penalty_factor: the gradient penalties grow by this at each rollback.
    """

    tolerance: float = 4.0
    variety: float = 0.3
    strikes: int = 3
    retries: int = 3
    penalty_factor: float = 2.0


class Guard:
    """Watches one ``FragmentGAN``.

    Attributes:
        best: smallest held-out distance so far.
        snapshot: state of the GAN when it was measured.
    """

    def __init__(self, gan: FragmentGAN, config: GuardConfig) -> None:
        """The first state to fall back to is the initial one."""
        self.gan, self.config = gan, config
        self.best = math.inf
        self.strikes = 0
        self.retries = 0
        self.snapshot = gan.state()

    def healthy(self, values: Mapping[str, float]) -> bool:
        """Whether a step's losses are finite; otherwise the GAN was rolled back."""
        if all(math.isfinite(value) for value in values.values()):
            return True
        names = ", ".join(name for name, value in values.items() if not math.isfinite(value))
        self.roll_back(f"{names} not finite")
        return False

    def measured(self, distance: float, variety: float) -> bool:
        """Take note of a measurement; True where the state is the best so far.

        ``distance`` to held-out fragments; ``variety``, the share of different fragments relative
        to the real share. Rolls back after too many strikes.
        """
        if distance < self.best and variety >= self.config.variety:
            self.best, self.strikes, self.snapshot = distance, 0, self.gan.state()
            return True
        late = math.isfinite(self.best) and distance > self.config.tolerance * self.best
        self.strikes = self.strikes + 1 if late or variety < self.config.variety else 0
        if self.strikes >= self.config.strikes and math.isfinite(self.best):
            self.roll_back(f"held-out distance {distance:.3g}, variety {variety:.2f}")
        return False

    def roll_back(self, reason: str) -> None:
        """Return to the best state with stronger penalties; DivergenceError after the last try."""
        if self.retries == self.config.retries:
            message = (
                f"training diverged ({reason}) and {self.retries} retries with stronger penalties "
                "did not help: check the data with 'composer dataset inspect', or try another seed"
            )
            raise DivergenceError(message)
        self.retries += 1
        self.strikes = 0
        self.gan.restore(self.snapshot)
        self.gan.penalty_scale *= self.config.penalty_factor

    def counters(self) -> dict[str, float | int | None]:
        """JSON-ready state, besides the snapshot."""
        best = self.best if math.isfinite(self.best) else None
        return {"best": best, "strikes": self.strikes, "retries": self.retries}

    def restore(self, snapshot: dict[str, Tensor], counters: Mapping[str, float | None]) -> None:
        """Inverse of ``snapshot`` and ``counters``."""
        self.snapshot = snapshot
        self.best = math.inf if counters["best"] is None else float(counters["best"])
        self.strikes, self.retries = int(counters["strikes"] or 0), int(counters["retries"] or 0)
