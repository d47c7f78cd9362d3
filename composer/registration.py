"""Registers the environments with Gymnasium when both packages are imported, in any order.

Gymnasium takes longer to import than ``composer --help`` may take, so the package does not import
it: it registers at once where Gymnasium is there already, and right after its import otherwise.
"""

from __future__ import annotations

import sys
from importlib.abc import MetaPathFinder
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

    from composer.environment import CompositionEnv, CompositionVectorEnv

MODELS = {"Composer/Music-v0": "fiddle", "Composer/Art-v0": "geometry"}


def register_on_import() -> None:
    """Register now, or as soon as Gymnasium has been imported."""
    if "gymnasium" in sys.modules:
        register()
    else:
        sys.meta_path.insert(0, _AfterGymnasium())


class _AfterGymnasium(MetaPathFinder):
    """Lets the ordinary import of Gymnasium happen, then registers; once.

    Whoever only asks where Gymnasium is found has not imported it yet.
    """

    asking = False

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        del path, target
        if fullname != "gymnasium" or self.asking:
            return None
        self.asking = True
        try:
            spec = find_spec(fullname)
        finally:
            self.asking = False
        if spec is not None and spec.loader is not None:
            execute = spec.loader.exec_module

            def execute_and_register(module: ModuleType) -> None:
                execute(module)
                if self in sys.meta_path:
                    sys.meta_path.remove(self)
                    register()

            spec.loader.exec_module = execute_and_register  # type: ignore[method-assign]
        return spec


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
