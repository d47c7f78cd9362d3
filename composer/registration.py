"""Registers the environments with Gymnasium (loaded by it through an entry point)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from composer.environment import CompositionEnv, CompositionVectorEnv

MODELS = {"Composer/Music-v0": "fiddle"}


def register() -> None:
    """Make ``gymnasium.make("composer:Composer/Music-v0")`` work."""
    import gymnasium

    for env_id, model in MODELS.items():
        if env_id not in gymnasium.registry:
            gymnasium.register(
                id=env_id,
                entry_point="composer.registration:make",
                vector_entry_point="composer.registration:make_batched",
                kwargs={"model": model},
            )


def make(model: str, **settings: Any) -> CompositionEnv:
    """A ``CompositionEnv`` in the world of a bundled model or a model folder."""
    from composer.environment import CompositionEnv
    from composer.model import load_model

    return CompositionEnv(load_model(model).world(), **settings)


def make_batched(model: str, num_envs: int = 1, **settings: Any) -> CompositionVectorEnv:
    """The batched twin; runs the networks once a step for all compositions."""
    from composer.environment import CompositionVectorEnv
    from composer.model import load_model

    return CompositionVectorEnv(load_model(model).world(), num_envs, **settings)
