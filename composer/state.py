"""Networks and optimisers as one flat dictionary of tensors, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor
    from torch.nn import Module
    from torch.optim import Optimizer


def collect(
    modules: Mapping[str, Module], optimizers: Mapping[str, Optimizer]
) -> dict[str, Tensor]:
    """Copies of all tensors, named ``<module>.<key>`` and ``<optimizer>.<index>.<slot>``."""
    state: dict[str, Tensor] = {}
    for name, module in modules.items():
        state |= {f"{name}.{key}": value.clone() for key, value in module.state_dict().items()}
    for name, optimizer in optimizers.items():
        for index, slots in optimizer.state_dict()["state"].items():
            state |= {f"{name}.{index}.{slot}": value.clone() for slot, value in slots.items()}
    return state


def restore(
    modules: Mapping[str, Module],
    optimizers: Mapping[str, Optimizer],
    tensors: Mapping[str, Tensor],
) -> None:
    """Inverse of ``collect``; the optimisers' settings stay as they were constructed."""
    for name, module in modules.items():
        module.load_state_dict(below(tensors, name))
    for name, optimizer in optimizers.items():
        slots: dict[int, dict[str, Tensor]] = {}
        for key, tensor in below(tensors, name).items():
            index, slot = key.split(".")
            slots.setdefault(int(index), {})[slot] = tensor.clone()
        groups = optimizer.state_dict()["param_groups"]
        optimizer.load_state_dict({"state": slots, "param_groups": groups})


def below(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The tensors whose names start with ``prefix.``, without it."""
    start = prefix + "."
    return {name[len(start) :]: t for name, t in tensors.items() if name.startswith(start)}


def prefixed(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """Inverse of ``below``."""
    return {f"{prefix}.{name}": tensor for name, tensor in tensors.items()}
