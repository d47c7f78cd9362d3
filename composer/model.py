"""A trained model: all that composing needs, and nothing of training."""

from __future__ import annotations

import dataclasses
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar, get_type_hints

import numpy as np
import torch
from torch import Tensor, nn

from composer import checkpoint
from composer.catalogue import find_model
from composer.critics import CriticConfig, Realism
from composer.domain import domain_class
from composer.dqn.agent import AgentConfig, blended_values
from composer.dqn.network import ValueNetwork
from composer.errors import ModelError
from composer.gan.fragment_gan import GanConfig
from composer.moments import MomentConfig
from composer.reward import Reference, typical_distance
from composer.stage import CandidateConfig, World
from composer.state import below

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from composer.domain import Domain
    from composer.stage import Observation

T = TypeVar("T")


@dataclass(frozen=True)
class ModelConfig:
    """The configurations of all parts of a model."""

    gan: GanConfig = field(default_factory=GanConfig)
    critics: CriticConfig = field(default_factory=CriticConfig)
    moments: MomentConfig = field(default_factory=MomentConfig)
    agent: AgentConfig = field(default_factory=AgentConfig)
    candidates: CandidateConfig = field(default_factory=CandidateConfig)


def from_json(cls: type[T], data: Mapping[str, Any]) -> T:
    """A (nested) frozen dataclass from the JSON form of ``dataclasses.asdict``.

    Raises ModelError where a field is unknown: the file is from another version.
    """
    hints = get_type_hints(cls)
    values = {
        name: from_json(hints[name], value) if dataclasses.is_dataclass(hints.get(name)) else value
        for name, value in data.items()
    }
    try:
        return cls(**values)
    except TypeError as error:
        message = (
            f"the model's configuration is of another version of composer ({error}): "
            "train it again with this one"
        )
        raise ModelError(message) from error


@dataclass
class Model:
    """A model that can compose.

    Attributes:
        domain_id, settings: re-create the domain.
        config: configurations of the parts.
        domain: the domain, bound to its settings.
        generator: the averaged generator.
        critics: ``Realism``: composition critics and moments.
        value: the value network.
        known: uint8 ``[n, *shape]``, different fragments of the training pieces: all of them, or a
            sample of a megabyte and a half.
        temperature: of the softmax over Q when composing, matched on held-out pieces.
        card: where the model comes from, JSON-ready.
        hash: sha256 (hex) of the file of weights.
    """

    domain_id: str
    settings: dict[str, Any]
    config: ModelConfig
    domain: Domain
    generator: nn.Module
    critics: nn.Module
    value: ValueNetwork
    known: np.ndarray
    temperature: float
    card: dict[str, Any] = field(default_factory=dict)
    hash: str = ""

    @cached_property
    def reference(self) -> Reference:
        """Features of the known fragments; ``known`` does not change once this is asked for."""
        return Reference(self.domain.features(self.known))

    @cached_property
    def unit(self) -> float:
        """Typical distance between known fragments."""
        return typical_distance(self.reference.features, np.random.default_rng(0))

    def world(self) -> World:
        """The world to compose in."""
        return World(
            domain=self.domain,
            generator=self.generator.eval(),
            latent=self.domain.latent(self.config.gan.latent),
            critics=self.critics.eval(),
            known=self.reference,
            unit=self.unit,
            guide=self._guide,
            candidates=self.config.candidates,
        )

    def _guide(self, observation: Observation) -> np.ndarray:
        """As the agent chooses while it learns: what is matched afterwards is how it composes."""
        return blended_values(self.value, observation) / self.config.agent.temperature

    def tensors(self) -> dict[str, Tensor]:
        """All tensors, networks in half precision: a third decimal is more than they know."""
        parts = {"generator": self.generator, "critics": self.critics, "value": self.value}
        tensors = {
            f"{name}.{key}": tensor.half() if tensor.is_floating_point() else tensor
            for name, part in parts.items()
            for key, tensor in part.state_dict().items()
        }
        tensors["known"] = torch.from_numpy(self.known)
        return tensors

    def document(self) -> dict[str, Any]:
        """What stands in ``config.json``."""
        return {
            "domain": self.domain_id,
            "settings": self.settings,
            "networks": asdict(self.config),
            "temperature": self.temperature,
            "card": self.card,
        }


def build(domain_id: str, settings: dict[str, Any], config: ModelConfig) -> Model:
    """A model with untrained networks."""
    domain = domain_class(domain_id)(settings)
    latent = domain.latent(config.gan.latent)
    return Model(
        domain_id=domain_id,
        settings=settings,
        config=config,
        domain=domain,
        generator=domain.generator(latent, config.gan.generator_width),
        critics=Realism(domain, config.critics),
        value=ValueNetwork(domain, config.agent.network, config.agent.gamma),
        known=np.zeros((0, *domain.spec.shape), np.uint8),
        temperature=config.agent.temperature,
    )


def save_model(model: Model, directory: Path) -> None:
    """Write a model folder: ``model.safetensors``, ``config.json``, ``SHA256SUMS``."""
    checkpoint.save(directory, {"model": model.tensors()}, {"config": model.document()})


def load_model(path: Path | str) -> Model:
    """A bundled model by name, or a model, run or checkpoint folder.

    Raises ModelError where there is none or it cannot be used, naming the file.
    """
    directory = find_model(path)
    stored = checkpoint.load(directory, ["model", "config"])
    document, tensors = stored.documents["config"], stored.tensors["model"]
    try:
        config = from_json(ModelConfig, document["networks"])
        model = build(document["domain"], document["settings"], config)
        parts = {"generator": model.generator, "critics": model.critics, "value": model.value}
        for name, part in parts.items():
            part.load_state_dict(select(tensors, name))
            part.requires_grad_(requires_grad=False)
        model.known = tensors["known"].numpy()
        model.temperature = float(document["temperature"])
        model.card = dict(document.get("card", {}))
    except (KeyError, RuntimeError, ValueError, TypeError) as error:
        message = (
            f"{directory / 'model.safetensors'} was made by another version of composer and does "
            "not fit this one: train the model again"
        )
        raise ModelError(message) from error
    model.hash = stored.sums["model.safetensors"]
    return model


def select(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The tensors below ``prefix.``, without it, in single precision where they are floats."""
    return {
        name: tensor.float() if tensor.is_floating_point() else tensor
        for name, tensor in below(tensors, prefix).items()
    }
