"""Composing as a Markov decision process: place after place, choose one of K candidates.

``CompositionEnv`` and its batched twin ``CompositionVectorEnv`` dress a ``Stage`` for Gymnasium.
Nothing here knows of an agent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode
from gymnasium.vector.utils import batch_space

from composer import reward
from composer.stage import Observation, Stage, World

if TYPE_CHECKING:
    from composer.domain import Layout, Rule


def observation_space(stage: Stage) -> spaces.Space[Any]:
    """The space of one composition's observations; see ``CompositionEnv``."""
    spec, choices = stage.world.domain.spec, stage.choices
    neighbours, features = stage.geometry.neighbours.shape[1], stage.geometry.features
    tokens = spec.classes - 1
    return spaces.Dict(
        {
            "context": spaces.Box(0, tokens, (neighbours, *spec.shape), np.uint8),
            "present": spaces.MultiBinary(neighbours),
            "position": spaces.Box(0, 1, (features,), np.float32),
            "candidates": spaces.Box(0, tokens, (choices, *spec.shape), np.uint8),
            "scores": spaces.Box(0, 1, (choices, 2), np.float32),
            "action_mask": spaces.MultiBinary(choices),
            "preference": spaces.Box(0, 1, (1,), np.float32),
            "progress": spaces.Box(0, 1, (1,), np.float32),
        }
    )


class CompositionEnv(gymnasium.Env[Observation, np.int64]):
    """Compose one piece by choosing among fragments that a generator proposes.

    ## Description
    A piece has a fixed number of places (bars, tiles), filled in order. For each place the
    environment offers K candidates: fresh ones from the generator, more of them near those that its
    guide values most, variations of earlier fragments, and structural moves of the domain such as
    repeats.

    ## Action space
    ``Discrete(K)``: the candidate to place. Candidates that do not exist at this place are masked
    (``observation["action_mask"]``, ``info["action_mask"]``, int8); choosing one of them places the
    first that is not masked instead: candidate 0, which always exists, unless a rule forbids it.

    ## Observation space
    ``Dict``:

    - ``context`` uint8 ``(N, *fragment)``: fragments of the neighbouring places, 0 where none;
    - ``present`` int8 ``(N,)``: which neighbours exist;
    - ``position`` float32 ``(P,)`` in [0, 1]: where in the piece the place lies, which kind it
      shall be, and what the piece has been like so far (``composer.memory``);
    - ``candidates`` uint8 ``(K, *fragment)``;
    - ``scores`` float32 ``(K, 2)`` in [0, 1]: realism and novelty of each candidate here;
    - ``action_mask`` int8 ``(K,)``;
    - ``preference`` float32 ``(1,)``: the weight w of novelty in the reward;
    - ``progress`` float32 ``(1,)``: share of the places that are filled.

    ## Starting state
    An empty piece. The preference is drawn uniformly from [0, 1] unless it is given to the
    constructor or as ``reset(options={"preference": w})``, and so is the plan, the kind of each
    place (``options={"plan": kinds}``, uint8 ``(places,)``).

    ## Rewards
    ``(1 - w) realism + w novelty`` of the chosen candidate, in [0, 1]; the two components are
    ``info["vector_reward"]``.

    ## Episode end
    Terminated when the last place is filled; never truncated.

    ## Version history
    - v0: first version.
    """

    metadata = {"render_modes": ["ansi"]}  # noqa: RUF012  # Gymnasium's own form

    def __init__(
        self,
        world: World,
        layout: Layout | None = None,
        preference: float | None = None,
        *,
        allowed: np.ndarray | None = None,
        closed: bool = False,
        rule: Rule | None = None,
        render_mode: str | None = None,
    ) -> None:
        """``layout`` defaults to the domain's training layout; the others as in ``Stage``."""
        layout = layout or world.domain.training_layout
        self.stage = Stage(world, layout, 1, allowed, closed=closed, rule=rule)
        self.preference = preference
        self.render_mode = render_mode
        self.action_space: spaces.Discrete = spaces.Discrete(self.stage.choices)
        self.observation_space = observation_space(self.stage)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Begin a new piece."""
        super().reset(seed=seed)
        preference = (options or {}).get("preference", self.preference)
        if preference is None:
            preference = self.np_random.random()
        plan = (options or {}).get("plan")
        batch = self.stage.begin(np.array([preference], np.float32), self.np_random, plan)
        return self._single(batch), {"action_mask": batch["action_mask"][0].copy()}

    def step(self, action: np.int64) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Place a candidate."""
        if self.stage.finished:
            message = "the piece is finished: call reset()"
            raise gymnasium.error.ResetNeeded(message)
        vector = self.stage.choose(np.array([action]))
        batch = self.stage.observe()
        scalar = float(reward.blend(vector, self.stage.preference)[0])
        info = {"vector_reward": vector[0], "action_mask": batch["action_mask"][0].copy()}
        return self._single(batch), scalar, self.stage.finished, False, info

    def render(self) -> str | None:
        """One line a place: number, origin, realism, novelty."""
        if self.render_mode != "ansi":
            return None
        return self.stage.describe(0)

    @staticmethod
    def _single(batch: Observation) -> Observation:
        return {name: array[0] for name, array in batch.items()}


class CompositionVectorEnv(gymnasium.vector.VectorEnv[Observation, np.ndarray, np.ndarray]):
    """Many compositions at once; generator and critics run once a step for all of them.

    Spaces, rewards and infos are those of ``CompositionEnv``, batched. All compositions have the
    same length, so they end together; the step after the end begins new ones (next-step
    autoreset), with zero reward.
    """

    metadata = {"autoreset_mode": AutoresetMode.NEXT_STEP}  # noqa: RUF012

    def __init__(
        self,
        world: World,
        num_envs: int,
        layout: Layout | None = None,
        preference: float | None = None,
        *,
        allowed: np.ndarray | None = None,
        closed: bool = False,
        rule: Rule | None = None,
    ) -> None:
        """Arguments as for ``CompositionEnv``."""
        layout = layout or world.domain.training_layout
        self.stage = Stage(world, layout, num_envs, allowed, closed=closed, rule=rule)
        self.num_envs = num_envs
        self.preference = preference
        self.single_action_space = spaces.Discrete(self.stage.choices)
        self.single_observation_space = observation_space(self.stage)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self.observation_space = batch_space(self.single_observation_space, num_envs)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Begin new pieces; preference and plan of ``options`` for all, or one each."""
        super().reset(seed=seed)
        given = (options or {}).get("preference", self.preference)
        if given is None:
            given = self.np_random.random(self.num_envs)
        preference = np.broadcast_to(np.asarray(given, np.float32), (self.num_envs,))
        plans = (options or {}).get("plan")
        batch = self.stage.begin(preference, self.np_random, plans)
        return batch, self._info(batch)

    def step(
        self, actions: np.ndarray
    ) -> tuple[Observation, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """Place one candidate in each piece."""
        never = np.zeros(self.num_envs, bool)
        if self.stage.finished:
            batch, info = self.reset()
            return batch, np.zeros(self.num_envs, np.float32), never, never.copy(), info
        vector = self.stage.choose(np.asarray(actions))
        batch = self.stage.observe()
        info = self._info(batch)
        info |= {"vector_reward": vector, "_vector_reward": ~never}
        ended = np.full(self.num_envs, self.stage.finished)
        return batch, reward.blend(vector, self.stage.preference), ended, never, info

    def _info(self, batch: Observation) -> dict[str, Any]:
        everyone = np.ones(self.num_envs, bool)
        return {"action_mask": batch["action_mask"].copy(), "_action_mask": everyone}
