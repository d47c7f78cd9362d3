"""The source of the project: agent, generator and discriminators train as one system.

initialise
repeat
the agent plays and learns its value function
the generator makes new content according to that value function
discriminators tell real pieces from composed ones; generator and discriminators update
until convergence: critics and agent take ever smaller steps, and the last of them is kept
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from composer import checkpoint, state
from composer.catalogue import EXPORT
from composer.errors import DivergenceError, ModelError
from composer.gan.guard import Guard, GuardConfig
from composer.measure import measure_fragments, measure_pieces
from composer.model import ModelConfig, save_model
from composer.studio import Studio

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from composer.fragments import FragmentStore

OTHER_VERSION = "{} was made by another version of composer: begin a new run"


@dataclass(frozen=True)
class TrainingConfig:
    """One training run.

    Attributes:
        seed: decides everything.
        warm_up: steps of the fragment GAN before the first round: content to begin with.
        warm_up_check: steps between its held-out measurements.
        rounds: at most so many rounds.
        episodes: pieces that the agent plays in a round.
        explorers: of these, so many with a drawn preference; the others for realism alone, and
            only those are shown to the critics.
        updates: DQN updates in a round.
        gan_steps: fragment GAN steps in a round.
        rehearsed: real pieces whose places are filled with candidates in a round, for the critics.
        picked: candidates kept of each of these places.
        remembered: latest composed (and rehearsed) pieces that the critics are trained on.
        final_rate: share of their learning rates that critics and agent end with, by a cosine: as
            long as one leaps, the other follows, and pieces swing about those of people.
        measure_interval: rounds between held-out measurements.
        measured: pieces composed for one.
        temperatures: tried when composing, as shares of the agent's; the best on held-out pieces
            is kept (a single one is measured only).
        matching: batches of ``episodes`` pieces by which the trained model's moments are matched.
        keep: checkpoints kept.
        model, guard: configurations of the parts.
    """

    seed: int = 0
    warm_up: int = 3000
    warm_up_check: int = 250
    rounds: int = 160
    episodes: int = 48
    explorers: int = 8
    updates: int = 32
    gan_steps: int = 4
    rehearsed: int = 24
    picked: int = 6
    remembered: int = 240
    final_rate: float = 0.1
    measure_interval: int = 10
    measured: int = 96
    temperatures: tuple[float, ...] = (1.4, 1.2, 1.0, 0.85, 0.7, 0.5)
    matching: int = 40
    keep: int = 2
    model: ModelConfig = field(default_factory=ModelConfig)
    guard: GuardConfig = field(default_factory=GuardConfig)


GAN_LOSSES = {"d_loss", "d_gap", "g_loss", "r1", "r2", "misfit", "surprise"}


class Watcher(Protocol):
    """Someone who is told how training goes."""

    def phase(self, name: str, total: int) -> None:
        """A phase of ``total`` steps begins."""

    def step(self, done: int, values: Mapping[str, float]) -> None:
        """``done`` steps of the phase are done; losses and the like."""

    def round(self, metrics: Mapping[str, Any]) -> None:
        """A measurement was made."""

    def note(self, text: str) -> None:
        """Something worth a line happened."""


@dataclass(frozen=True)
class TrainingResult:
    """How a run ended.

    Attributes:
        finished: False when it was asked to stop.
        checkpoint: the last checkpoint.
    """

    finished: bool
    checkpoint: Path


def train(
    store: FragmentStore,
    run: Path,
    config: TrainingConfig,
    *,
    resume: bool,
    watcher: Watcher,
    stop: Callable[[], bool],
) -> TrainingResult:
    """Train a model on the store's training pieces, in the folder ``run``.

    Raises DataError where the pieces are too short, DivergenceError where nothing helps,
    ModelError where ``resume`` finds no usable checkpoint.
    """
    training = Training(store, run, config, watcher)
    if resume:
        training.restore()
        if training.converged and (run / EXPORT).exists():
            watcher.note("this run has been finished before")
            return TrainingResult(finished=True, checkpoint=checkpoint.latest(run))
    training.initialise(stop)
    studio = training.studio
    watcher.phase("compose and learn", config.rounds)
    while not training.converged and not stop():
        values = studio.play()  # the agent composes, by its value function
        values |= studio.learn()  # and learns it from what it has played
        values |= training.sound(studio.create())  # the generator learns; that value guides it
        values |= studio.criticise()  # the critics tell real pieces from composed ones
        training.close_round(values)
    return training.finish(stop)


class Training:
    """The run around the studio: measurements, selection, checkpoints, reports."""

    def __init__(
        self, store: FragmentStore, run: Path, config: TrainingConfig, watcher: Watcher
    ) -> None:
        """Everything at its beginning."""
        self.run, self.config, self.watcher = run, config, watcher
        self.studio = Studio(store, config)
        self.guard = Guard(self.studio.gan, config.guard)

    @property
    def converged(self) -> bool:
        """Whether the rounds are used up: by then critics and agent hardly change any more."""
        return self.studio.rounds >= self.config.rounds

    def initialise(self, stop: Callable[[], bool]) -> None:
        """Warm the fragment GAN up, so that there is content to sequence."""
        studio, config = self.studio, self.config
        if studio.rounds or studio.gan.steps >= config.warm_up:
            return
        self.watcher.phase("learn fragments", config.warm_up)
        while studio.gan.steps < config.warm_up and not stop():
            values = self.sound(studio.gan_step())
            self.watcher.step(studio.gan.steps, values)
            if studio.gan.steps % config.warm_up_check == 0:
                self._measure_fragments()
                if studio.gan.steps < config.warm_up:  # the last is saved when it is the best one
                    self.save()
        if studio.gan.steps >= config.warm_up:
            self._settle_on_best()
            self.save()

    def _settle_on_best(self) -> None:
        """End the warm-up with the best generator that was measured, if any was."""
        gan = self.studio.gan
        if math.isfinite(self.guard.best):
            gan.restore(self.guard.snapshot)
        else:
            self.watcher.note("fragments are hardly varied yet; going on with the last ones")
        gan.steps = self.config.warm_up
        self.guard.snapshot = gan.state()  # rolled back to in a round, it goes on at this step

    def sound(self, values: dict[str, float]) -> dict[str, float]:
        """The losses of the GAN; where they are not finite, it is rolled back before it is used."""
        if not self.guard.healthy(values):
            self.watcher.note("losses were not finite: rolled back, penalties doubled")
        return values

    def close_round(self, values: dict[str, float]) -> None:
        """Count the round, report it, measure and save where it is time."""
        studio, config = self.studio, self.config
        lost = [name for name, value in values.items() if not math.isfinite(value)]
        others = [name for name in lost if name not in GAN_LOSSES]
        if others:
            message = (
                f"{', '.join(others)} became infinite or NaN in round {studio.rounds + 1}: go on "
                "from the last checkpoint with --resume, or train again with another --seed"
            )
            raise DivergenceError(message)
        studio.rounds += 1
        self.watcher.step(studio.rounds, values)
        self._log({"round": studio.rounds, **values, **dict.fromkeys(lost)})  # JSON has no NaN
        self._write_sample()
        if studio.rounds % config.measure_interval == 0:
            self._measure_fragments()
            self._measure_pieces()
            self.save()

    def finish(self, stop: Callable[[], bool]) -> TrainingResult:
        """Save; when converged, adjust the model to people and write it to ``model/``."""
        place = self.save()
        temperature = self._adjust(stop) if self.converged else None
        if temperature is not None:
            model = self.studio.model(temperature)
            model.card = self._card()
            save_model(model, self.run / EXPORT)
        return TrainingResult(temperature is not None, place)

    # ---- measurements -----------------------------------------------------------------------

    def _measure_fragments(self) -> None:
        """Compare the averaged generator with held-out fragments; the guard may roll back."""
        studio = self.studio
        rng = np.random.default_rng((self.config.seed, studio.gan.steps))
        found = measure_fragments(studio.gan, studio.earlier, studio.held_out, rng)
        retries = self.guard.retries
        better = self.guard.measured(found["distance"], found["variety"])
        if self.guard.retries > retries:
            self.watcher.note("the generator diverged: rolled back, penalties doubled")
        self._report({"gan_step": studio.gan.steps, **found, "best_so_far": better})

    def _measure_pieces(self) -> None:
        """Compare composed pieces with held-out ones."""
        studio, config = self.studio, self.config
        rng = np.random.default_rng((config.seed, studio.rounds))
        temperature = config.model.agent.temperature
        made = studio.compose(config.measured, temperature, rng)
        found = measure_pieces(studio.domain, studio.geometry, made, studio.held_out)
        self._report({"round": studio.rounds, **found})

    def _write_sample(self) -> None:
        """One unpicked piece of the round's play, to follow how the agent gets on."""
        studio, folder = self.studio, self.run / "samples"
        folder.mkdir(parents=True, exist_ok=True)
        stem = f"round-{studio.rounds:04d}"
        for left in folder.glob(f"{stem}.*"):  # of a run that was stopped after it, before saving
            left.unlink()
        if studio.sample is not None:
            studio.domain.write(studio.sample, folder / stem, {})

    def _adjust(self, stop: Callable[[], bool]) -> float | None:
        """Match temperature and moments; None if stopped."""
        temperature = self._match_temperature(stop)
        if temperature is None or not self._match_moments(temperature, stop):
            return None
        return temperature

    def _match_temperature(self, stop: Callable[[], bool]) -> float | None:
        """The sampling temperature whose pieces come nearest to held-out ones; None if stopped."""
        studio, config = self.studio, self.config
        self.watcher.phase("match the temperature", len(config.temperatures))
        found: dict[float, float] = {}
        for share in config.temperatures:
            if stop():
                return None
            rng = np.random.default_rng((config.seed, config.rounds))
            temperature = share * config.model.agent.temperature
            made = studio.compose(2 * config.measured, temperature, rng)
            measured = measure_pieces(studio.domain, studio.geometry, made, studio.held_out)
            found[temperature] = measured["distance"]
            self._report({"temperature": temperature, **measured})
            self.watcher.step(len(found), {})
        return min(found, key=lambda temperature: found[temperature])

    def _match_moments(self, temperature: float, stop: Callable[[], bool]) -> bool:
        """Compose on with the networks as they are and match the moments; False if stopped.

        The weights swing about where the means agree, so their own mean is kept (Polyak and
        Juditsky, 1992), later ones counting more.
        """
        studio, config = self.studio, self.config
        self.watcher.phase("match the moments", config.matching)
        weights = studio.critics.realism.moments.weights
        mean = weights.clone()
        rng = np.random.default_rng((config.seed, config.rounds, 1))
        for step in range(1, config.matching + 1):
            if stop():
                return False
            found = studio.matching.update(studio.compose(config.episodes, temperature, rng))
            mean += (weights - mean) * 2 / (step + 1)
            self._log({"matching": step, **found})
            self.watcher.step(step, found)
        weights.copy_(mean)
        return True

    def _report(self, metrics: dict[str, Any]) -> None:
        self.watcher.round(metrics)
        self._log(metrics)

    def _log(self, metrics: Mapping[str, Any]) -> None:
        self.run.mkdir(parents=True, exist_ok=True)
        with (self.run / "metrics.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(metrics) + "\n")

    # ---- checkpoints --------------------------------------------------------------------------

    def save(self) -> Path:
        """Write a checkpoint of everything and make it the latest; returns its folder."""
        studio = self.studio
        steps = studio.gan.steps + studio.rounds
        place = self.run / checkpoint.CHECKPOINTS / f"{steps:06d}"
        tensors = studio.tensors()
        tensors |= state.prefixed(self.guard.snapshot, "guard")
        model = studio.model()
        model.card = self._card()
        counters = {
            "studio": studio.counters(),
            "guard": self.guard.counters(),
            "training": asdict(self.config),
        }
        checkpoint.save(
            place,
            {"model": model.tensors(), "training": tensors},
            {"config": model.document(), "state": counters},
        )
        checkpoint.publish(self.run, place)
        checkpoint.keep(self.run, self.config.keep)
        return place

    def restore(self) -> None:
        """Go on from the latest checkpoint, bit by bit as if never stopped."""
        place = checkpoint.latest(self.run)
        stored = checkpoint.load(place, ["training", "state"])
        tensors, counters = stored.tensors["training"], stored.documents["state"]
        given = json.loads(json.dumps(asdict(self.config)))
        if _names(counters["training"]) != _names(given):
            raise ModelError(OTHER_VERSION.format(place))
        if counters["training"] != given:
            message = f"{place} was trained with another configuration: use the same options"
            raise ModelError(message)
        try:
            self.studio.restore(tensors, counters["studio"])
            self.guard.restore(state.below(tensors, "guard"), counters["guard"])
        except (KeyError, RuntimeError, ValueError) as error:
            raise ModelError(OTHER_VERSION.format(place)) from error

    def _card(self) -> dict[str, Any]:
        """What a model says of itself."""
        studio = self.studio
        return {
            "name": self.run.name,
            "pieces": int(studio.pieces),
            "windows": len(studio.real),
            "seed": self.config.seed,
            "gan_steps": studio.gan.steps,
            "rounds": studio.rounds,
        }


def _names(document: Any) -> Any:
    """The names of a nested configuration, without its values."""
    if not isinstance(document, dict):
        return None
    return {name: _names(value) for name, value in document.items()}
