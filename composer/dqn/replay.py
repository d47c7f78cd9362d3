"""Experience replay: a ring of transitions in preallocated arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

if TYPE_CHECKING:
    from collections.abc import Mapping

Observation = dict[str, np.ndarray]
BYTES = 1 << 29  # in all transitions


class ReplayBuffer:
    """The last ``capacity`` transitions (s, a, r, s', terminated), or as many as there is room for.

    Observations keep their dtypes, so that fragments take a byte a token. The reward is the vector
    (realism, novelty): it is blended by a preference drawn anew for each row that is replayed.
    """

    def __init__(self, capacity: int) -> None:
        """Arrays are allocated with the first batch."""
        self.capacity = capacity
        self.arrays: dict[str, np.ndarray] = {}
        self.added = 0

    def __len__(self) -> int:
        """Number of stored transitions."""
        return min(self.added, self.capacity)

    def add(
        self,
        observation: Observation,
        action: np.ndarray,
        reward: np.ndarray,
        following: Observation,
        terminated: np.ndarray,
    ) -> None:
        """Store a batch: observations ``[n, ...]``, action int ``[n]``, reward ``[n, 2]``."""
        rows = {f"now.{name}": array for name, array in observation.items()}
        rows |= {f"next.{name}": array for name, array in following.items()}
        rows |= {"action": action.astype(np.int64), "reward": reward, "terminated": terminated}
        if not self.arrays:
            self._allocate(rows)
        index = (self.added + np.arange(len(action))) % self.capacity
        for name, array in rows.items():
            self.arrays[name][index] = array
        self.added += len(action)

    def _allocate(self, rows: Mapping[str, np.ndarray]) -> None:
        """Make room for as many transitions like the first of ``rows`` as there may be."""
        size = sum(array[:1].nbytes for array in rows.values())
        self.capacity = min(self.capacity, max(BYTES // size, 1))
        for name, array in rows.items():
            self.arrays[name] = np.zeros((self.capacity, *array.shape[1:]), array.dtype)

    def sample(self, count: int, rng: np.random.Generator) -> dict[str, Tensor]:
        """``count`` transitions, uniformly with replacement, as tensors."""
        index = rng.integers(len(self), size=count)
        return {name: torch.from_numpy(array[index]) for name, array in self.arrays.items()}

    def state(self) -> dict[str, Tensor]:
        """All that is stored, as tensors (for a checkpoint)."""
        size = len(self)
        tensors = {name: torch.from_numpy(array[:size]) for name, array in self.arrays.items()}
        return tensors | {"added": torch.tensor(self.added)}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Inverse of ``state``."""
        rows = {name: tensor.numpy() for name, tensor in state.items() if name != "added"}
        if rows:
            self._allocate(rows)
        self.added = int(state["added"])
        for name, array in rows.items():
            self.arrays[name][: len(array)] = array
