"""The rules of composing for a batch of pieces: candidates, their scores, the choice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from composer import critics, reward
from composer.composition import Composition, Origin
from composer.gan.fragment_gan import generate
from composer.places import Geometry, Pieces, Places

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import nn

    from composer.domain import Domain, Layout, Rule

Observation = dict[str, np.ndarray]
GENERATED = ("fresh", "guided", "vary")


@dataclass(frozen=True)
class CandidateConfig:
    """How many candidates of each kind are offered, besides the domain's structural moves.

    Attributes:
        fresh: from the prior.
        guided: near the latents of those fresh ones that the agent values most at this place.
        vary: the latent of an earlier place, jittered.
        jitter: share of new noise in guided latents, 0 to 1.
        vary_jitter: share of new noise in varied latents, 0 to 1.
    """

    fresh: int = 8
    guided: int = 4
    vary: int = 2
    jitter: float = 0.4
    vary_jitter: float = 0.4


@dataclass
class World:
    """What a composition is made with.

    Attributes:
        domain: gives geometry, moves and features.
        generator: ``(latent, context, present, position) -> logits``.
        latent: size of its noise vector.
        critics: give realism (``Realism``), in eval mode.
        known: features of training fragments.
        unit: typical distance between real fragments.
        guide: logits ``[n, k]`` by which the agent would choose among the candidates of a batched
            observation: Q / tau, at the tau that it learns with; None while nobody has learnt to.
        candidates: what is offered.
    """

    domain: Domain
    generator: nn.Module
    latent: int
    critics: nn.Module
    known: reward.Reference
    unit: float
    guide: Callable[[Observation], np.ndarray] | None
    candidates: CandidateConfig


class Judged(NamedTuple):
    """What is said of each of some candidates, whatever else is on offer.

    Attributes:
        choice, own: float32 ``[count, k]``, as of ``critics.score``.
        novelty: float32 ``[count, k]``.
        features: float32 ``[count, k, f]``.
    """

    choice: np.ndarray
    own: np.ndarray
    novelty: np.ndarray
    features: np.ndarray

    def scores(self, valid: np.ndarray) -> np.ndarray:
        """Realism and novelty ``[count, k, 2]`` where ``valid`` ones are all that there are."""
        logits = critics.ratio(self.choice, self.own, valid)
        return np.stack((reward.realism(logits), self.novelty), axis=2)


class Stage:
    """A batch of compositions in progress, all at the same place of the same layout.

    Attributes:
        choices: number of candidates K.
        kinds: origin of each candidate.
        placed: uint8 ``[count, places, *shape]``, the pieces so far.
        plans: uint8 ``[count, places]``, the kind that each place shall be.
        memory: float32 ``[count, places, width]``, what is remembered at each place.
        offered: float32 ``[count, K, latent]``, latents of the present candidates.
    """

    def __init__(
        self,
        world: World,
        layout: Layout,
        count: int,
        allowed: np.ndarray | None = None,
        *,
        closed: bool = False,
        rule: Rule | None = None,
    ) -> None:
        """Clear the stage.

        ``allowed`` bool ``[*shape, classes]`` restricts the tokens of every fragment; ``closed``
        lets the end of a piece meet its beginning; ``rule`` is kept by every piece.
        """
        self.world, self.layout, self.count, self.allowed = world, layout, count, allowed
        self.rule = rule
        self.geometry = Geometry.of(world.domain, layout)
        self.around = Geometry.around(world.domain, layout, "closed" if closed else "earlier")
        open_ = Geometry.around(world.domain, layout, "earlier").neighbours
        self.meeting = (self.around.neighbours != open_).any(1)  # places where ends meet
        self.placed = np.zeros((count, self.geometry.places, *world.domain.spec.shape), np.uint8)
        self.plans = np.zeros((count, self.geometry.places), np.uint8)
        self.memory = np.zeros((*self.plans.shape, self.geometry.remembered), np.float32)
        draft = world.candidates
        generated = tuple(kind for kind in GENERATED for _ in range(getattr(draft, kind)))
        blank = self.geometry.at(self.pieces, np.zeros(1, int), np.zeros(1, int))
        moves = world.domain.moves(blank.context, blank.present, np.random.default_rng(0))
        self.kinds = generated + moves.names
        self.choices = len(self.kinds)
        self.place = self.geometry.places

    @property
    def pieces(self) -> Pieces:
        """The pieces so far, with their plans."""
        return Pieces(self.placed, self.plans, self.memory)

    @property
    def finished(self) -> bool:
        """Whether every place is filled."""
        return self.place == self.geometry.places

    def begin(
        self,
        preference: np.ndarray,
        rng: np.random.Generator,
        plans: np.ndarray | None = None,
    ) -> Observation:
        """Clear the stage; first observation.

        ``preference`` float32 ``[count]`` in [0, 1]; ``plans`` uint8 ``[count, places]``, by
        default drawn by the domain.
        """
        self._clear(rng)
        self.preference = np.array(preference, np.float32)
        if plans is None:
            drawn = [self.world.domain.plan(self.layout, {}, rng) for _ in range(self.count)]
            plans = np.stack(drawn)
        self.plans = np.array(np.broadcast_to(plans, self.plans.shape), np.uint8)
        return self.observe()

    def _clear(self, rng: np.random.Generator) -> None:
        shape = (self.count, self.geometry.places)
        self.rng = rng
        self.placed = np.zeros_like(self.placed)
        self.memory = np.zeros_like(self.memory)
        self.latents = np.zeros((*shape, self.world.latent), np.float32)
        self.chosen = np.zeros(shape, np.int64)
        self.origins = np.full(shape, -1)
        self.rewards = np.zeros((*shape, 2), np.float32)
        features = self.world.known.features.shape[1]
        self.past = np.zeros((*shape, features), np.float32)  # of what was placed
        self.place = 0

    def choose(self, actions: np.ndarray) -> np.ndarray:
        """Place candidates ``actions`` int ``[count]``; reward vector float32 ``[count, 2]``.

        Where one is not valid, the first that is takes its place.
        """
        rows, place = np.arange(self.count), self.place
        actions = np.where(self.valid[rows, actions], actions, self.valid.argmax(1))
        self.placed[:, place] = self.candidates[rows, actions]
        self.latents[:, place] = self.offered[rows, actions]
        self.chosen[:, place] = actions
        self.origins[:, place] = self.referred[rows, actions]
        self.rewards[:, place] = self.scores[rows, actions]
        self.past[:, place] = self.features[rows, actions]
        self.geometry.go_on(self.pieces, place)
        self.place += 1
        return self.rewards[:, place].copy()

    def observe(self) -> Observation:
        """Draw and score candidates for the present place; all arrays are fresh."""
        if self.finished:
            return self._last_observation()
        places = self._look(np.full(self.count, self.place))
        known = self._draw(places)
        judged = self._judge(places, self.candidates, known)
        self.scores, self.features = judged.scores(self.valid), judged.features
        return self._observation(places, self.candidates, self.scores, self.valid)

    def _observation(
        self, places: Places, candidates: np.ndarray, scores: np.ndarray, valid: np.ndarray
    ) -> Observation:
        return {
            "context": places.context,
            "present": places.present.astype(np.int8),
            "position": places.position,
            "candidates": candidates.copy(),
            "scores": scores.copy(),
            "action_mask": valid.astype(np.int8),
            "preference": self.preference[:, None].copy(),
            "progress": np.full((self.count, 1), self.place / self.geometry.places, np.float32),
        }

    def offer(self, pieces: Pieces, rng: np.random.Generator, picked: int = 1) -> np.ndarray:
        """Random candidates for each place of given pieces: uint8 ``[count, places, picked, ...]``.

        The agent's guide is asked for realism alone. Earlier places hold what stands in ``pieces``.
        """
        self._clear(rng)
        self.preference = np.zeros(self.count, np.float32)
        if pieces.memory is None:
            pieces = self.geometry.remember(pieces)
        self.placed[:], self.plans[:] = pieces.fragments, pieces.plans
        self.memory[:] = pieces.memory
        flat = self.placed.reshape(-1, *self.placed.shape[2:])
        self.past = self.world.domain.features(flat).reshape(self.past.shape)
        self.latents[:] = rng.standard_normal(self.latents.shape, dtype=np.float32)
        shape = self.placed.shape[2:]
        offered = np.zeros((*self.placed.shape[:2], picked, *shape), np.uint8)
        rows = np.arange(self.count)[:, None]
        for place in range(self.geometry.places):
            self.place = place
            self._draw(self._look(np.full(self.count, place)))
            drawn = rng.random((self.count, picked, self.choices)) * self.valid[:, None]
            offered[:, place] = self.candidates[rows, drawn.argmax(2)]
        return offered

    def composition(self, row: int, recipe: dict[str, Any]) -> Composition:
        """The finished piece of one row."""
        kinds = [self.kinds[action] for action in self.chosen[row]]
        origins = [
            Origin(kind, int(place) if place >= 0 else None)
            for kind, place in zip(kinds, self.origins[row], strict=True)
        ]
        return Composition(
            fragments=self.placed[row].copy(),
            layout=self.layout,
            plan=self.plans[row].copy(),
            origins=tuple(origins),
            realism=self.rewards[row, :, 0].copy(),
            novelty=self.rewards[row, :, 1].copy(),
            recipe=recipe,
        )

    def describe(self, row: int) -> str:
        """One line for each filled place: number, origin, realism, novelty."""
        lines = []
        for place in range(self.place):
            source = self.origins[row, place]
            origin = self.kinds[self.chosen[row, place]] + (f" of {source}" if source >= 0 else "")
            real, new = self.rewards[row, place]
            lines.append(f"{place:4d}  {origin:16s} realism {real:.2f}  novelty {new:.2f}")
        return "\n".join(lines)

    def _look(self, at: np.ndarray) -> Places:
        return self.geometry.at(self.pieces, np.arange(self.count), at)

    def _draw(self, places: Places) -> Judged | None:
        """Candidates ``[count, K, *shape]`` with their latents, validity and earlier place.

        Returns what is said of the first of them, if that was asked to guide the others.
        """
        draft = self.world.candidates
        rows = np.arange(self.count)
        index = self.geometry.neighbours[self.place]
        moves = self.world.domain.moves(places.context, places.present, self.rng)
        here = np.full((self.count, 1), self.place)
        fresh = self._normal(draft.fresh)
        made = self._generate(fresh, here)
        guides = self.world.guide is not None and 0 not in (draft.fresh, draft.guided)
        known = self._judge(places, made) if guides else None
        guided = self._guided(places, fresh, made, known)
        earlier = self.rng.integers(max(self.place, 1), size=(self.count, draft.vary))
        kept = self.latents[rows[:, None], earlier]
        varied = mix(kept, self._normal(draft.vary), draft.vary_jitter)
        drawn = np.concatenate((fresh, guided, varied), axis=1)
        referred = np.full((self.count, draft.fresh + draft.guided), -1)
        moved = index[moves.sources]
        self.referred = np.concatenate((referred, earlier, moved), axis=1)
        self.offered = np.concatenate((drawn, self.latents[rows[:, None], moved]), axis=1)
        later = drawn[:, draft.fresh :]  # varied ones see the place that they vary
        at = np.concatenate((here.repeat(draft.guided, 1), earlier), axis=1) if draft.vary else here
        more = self._generate(later, at)
        self.candidates = np.concatenate((made, more, moves.fragments), axis=1)
        exists = np.ones(drawn.shape[:2], bool)
        meeting = self.meeting[self.place]  # only fresh and guided ones see the other end
        alike = np.take_along_axis(self.plans, earlier, 1) == self.plans[:, [self.place]]
        exists[:, draft.fresh + draft.guided :] = alike & (self.place > 0 and not meeting)
        self.valid = np.concatenate((exists, moves.valid & ~meeting), axis=1)
        if self.allowed is not None:
            cells = np.indices(self.candidates.shape[2:])
            permitted = self.allowed[(*cells, self.candidates)]  # [count, K, *shape]
            self.valid &= permitted.reshape(self.count, self.choices, -1).all(-1)
        mended = self.rule is not None and self._keep_to(self.rule)
        return None if mended else known

    def _keep_to(self, rule: Rule) -> bool:
        """Leave what the rule permits; where that is nothing, candidate 0 is mended: if any was."""
        self.valid &= self._permitted(rule, self.candidates)
        nothing = ~self.valid.any(1)
        for row in np.flatnonzero(nothing):
            placed = self.placed[row, : self.place]
            self.candidates[row, 0] = rule.mend(placed, self.candidates[row, 0])
            self.valid[row, 0] = True
        return bool(nothing.any())

    def _permitted(self, rule: Rule, fragments: np.ndarray) -> np.ndarray:
        """Which of ``[count, k, *shape]`` may come next: bool ``[count, k]``."""
        pairs = zip(self.placed[:, : self.place], fragments, strict=True)
        return np.stack([rule.permits(placed, own) for placed, own in pairs])

    def _generate(self, latents: np.ndarray, at: np.ndarray) -> np.ndarray:
        """Fragments ``[count, k, *shape]`` of latents ``[count, k, latent]``.

        ``at`` int ``[count, k]``: the place that each is made for; ``[count, 1]``: one for all.
        """
        shape = self.world.domain.spec.shape
        if latents.shape[1] == 0:
            return np.zeros((self.count, 0, *shape), np.uint8)
        rows = np.repeat(np.arange(self.count), at.shape[1])
        places = self.around.at(self.pieces, rows, at.reshape(-1))
        flat = latents.reshape(-1, self.world.latent)
        made = generate(self.world.generator, self.world.domain, places, flat, self.allowed)
        made = made.reshape(self.count, -1, *shape)
        return self.world.domain.settle(made, self.placed[:, : self.place])

    def _normal(self, number: int) -> np.ndarray:
        shape = (self.count, number, self.world.latent)
        return self.rng.standard_normal(shape, dtype=np.float32)

    def _guided(
        self, places: Places, fresh: np.ndarray, made: np.ndarray, known: Judged | None
    ) -> np.ndarray:
        """Latents near those of fresh candidates ``made``, drawn as the agent would choose.

        A latent is worth something in its place: what it asks for depends on the surroundings. The
        agent is asked as if the fresh ones were all that is on offer. With nothing ``known`` of
        them, latents are from the prior.
        """
        draft, rows = self.world.candidates, np.arange(self.count)
        noise = self._normal(draft.guided)
        if self.world.guide is None or known is None:
            return noise
        there = np.ones(made.shape[:2], bool)
        if self.rule is not None:
            there = self._permitted(self.rule, made)
            there |= ~there.any(1, keepdims=True)  # where it permits none, any will do
        observation = self._observation(places, made, known.scores(there), there)
        logits = self.world.guide(observation)
        logits = np.where(there, logits, -np.inf)
        gumbel = self.rng.gumbel(size=(*noise.shape[:2], draft.fresh))
        chosen = (logits[:, None] + gumbel).argmax(2)
        return mix(fresh[rows[:, None], chosen], noise, draft.jitter)

    def _judge(self, places: Places, candidates: np.ndarray, known: Judged | None = None) -> Judged:
        """What is said of candidates; of the first ones it may be ``known``.

        New is what neither the training set nor this piece's past has.
        """
        world, domain = self.world, self.world.domain
        more = candidates if known is None else candidates[:, known.choice.shape[1] :]
        choice, own = critics.score(domain, world.critics, places._replace(fragments=more))
        flat = domain.features(more.reshape(-1, *domain.spec.shape))
        to_training = world.known.nearest(flat).reshape(choice.shape)
        to_past = np.full_like(to_training, np.inf)
        features = flat.reshape(*choice.shape, -1)
        if self.place > 0:
            to_past = reward.nearest_each(features, self.past[:, : self.place])
        found = Judged(choice, own, reward.novelty(to_training, to_past, world.unit), features)
        if known is None:
            return found
        return Judged(*(np.concatenate(parts, axis=1) for parts in zip(known, found, strict=True)))

    def _last_observation(self) -> Observation:
        """After the end nothing is left to look at: zeros, every action permitted."""
        neighbours, features = self.geometry.neighbours.shape[1], self.geometry.features
        shape, count = self.world.domain.spec.shape, self.count
        return {
            "context": np.zeros((count, neighbours, *shape), np.uint8),
            "present": np.zeros((count, neighbours), np.int8),
            "position": np.zeros((count, features), np.float32),
            "candidates": np.zeros((count, self.choices, *shape), np.uint8),
            "scores": np.zeros((count, self.choices, 2), np.float32),
            "action_mask": np.ones((count, self.choices), np.int8),
            "preference": self.preference[:, None].copy(),
            "progress": np.ones((count, 1), np.float32),
        }


def mix(latents: np.ndarray, noise: np.ndarray, share: float) -> np.ndarray:
    """Latents with a share of new noise; keeps the variance of the prior."""
    kept = np.float32(np.sqrt(1 - share**2))
    return kept * latents + np.float32(share) * noise
