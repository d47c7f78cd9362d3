"""What a domain (music, art, ...) must give to the core.

The core (GAN, environment, reward, DQN, training, checkpoint) knows only this interface: integer
fragments on a layout of places. A domain is found by its id among the entry points of the group
``composer.domains``; the core never imports one.

Vocabulary: a *piece* is a line or grid of *places* (its layout); each place holds one *fragment*
(a bar of music, a tile of a picture), an integer array of ``spec.shape`` with values in
``[0, spec.classes)``. Places are filled in order 0, 1, 2, ...; the *neighbours* of a place are
earlier places at fixed relations to it (the bar before, the bar four before, the tile to the left).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from composer.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import torch
    from torch import nn

    from composer.composition import Composition
    from composer.evaluation.yardstick import Yardstick
    from composer.training import TrainingConfig

ENTRY_POINT_GROUP = "composer.domains"
Layout = tuple[int, ...]
Scope = Literal["earlier", "closed", "complete"]


@dataclass(frozen=True)
class FragmentSpec:
    """Shape and alphabet of a fragment.

    Attributes:
        shape: shape of one fragment, e.g. ``(voices, steps)`` or ``(height, width)``.
        classes: number of token values, at most 256, so that fragments are stored as uint8.
    """

    shape: tuple[int, ...]
    classes: int

    @property
    def size(self) -> int:
        """Number of tokens in a fragment."""
        return int(np.prod(self.shape))


@dataclass(frozen=True)
class Piece:
    """One piece as read: its fragments in order of their places.

    Attributes:
        fragments: uint8 ``[places, *spec.shape]``.
        layout: ``(bars,)`` for music, ``(rows, columns)`` for art; its product is ``places``.
        source: the file it came from, relative to the folder that was read.
        kind: what kind of piece it is, below ``Domain.kinds``.
    """

    fragments: np.ndarray
    layout: Layout
    source: str
    kind: int = 0


@dataclass(frozen=True)
class Rejection:
    """A file, or a part of one, that is not used, and why (one short sentence)."""

    source: str
    reason: str


@dataclass(frozen=True)
class Corpus:
    """All that a domain read from a folder.

    Attributes:
        pieces: the usable pieces, sorted by source.
        clusters: int64 ``[len(pieces)]``; pieces with the same number are the same work
            (another rendering, key or crop) and must stay on one side of any split.
        settings: the domain settings with everything automatic decided (JSON-ready); they
            re-create the domain.
        rejections: what is not used and why.
        summary: counts for people and ``--json`` (JSON-ready).
    """

    pieces: list[Piece]
    clusters: np.ndarray
    settings: dict[str, Any]
    rejections: list[Rejection] = field(default_factory=list)
    summary: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Moves:
    """Structural candidates: what is already there, used again.

    Attributes:
        fragments: uint8 ``[batch, moves, *shape]``.
        valid: bool ``[batch, moves]``; False where the move does not exist at this place.
        sources: int64 ``[batch, moves]``; the column of ``neighbours`` it was made from.
        names: origin of each move, ``"repeat"``, ``"sequence"``, ``"mirror"``, ...
    """

    fragments: np.ndarray
    valid: np.ndarray
    sources: np.ndarray
    names: tuple[str, ...]


class Rule(ABC):
    """What a piece has to keep to from place to place, whoever chooses.

    A fragment counts as permitted by what stands in the earlier places alone, so that a piece of
    permitted fragments keeps the rule.
    """

    @abstractmethod
    def permits(self, earlier: np.ndarray, candidates: np.ndarray) -> np.ndarray:
        """Which candidates may come next: bool ``[n]``.

        ``earlier`` uint8 ``[places, *shape]``, the piece so far; ``candidates`` uint8
        ``[n, *shape]``.
        """

    @abstractmethod
    def mend(self, earlier: np.ndarray, fragment: np.ndarray) -> np.ndarray:
        """A fragment changed so that it is permitted, as little as may be: uint8 ``[*shape]``.

        ``earlier`` as in ``permits``. The tokens are the fragment's own, or such as ``allowed``
        never forbids.
        """


class Domain(ABC):
    """A domain bound to its settings. Cheap to construct; heavy imports happen inside methods."""

    id: ClassVar[str]
    extensions: ClassVar[frozenset[str]]
    # Options of ``compose`` that mean something on this machine only: no recipe holds them.
    local: ClassVar[frozenset[str]] = frozenset()
    spec: FragmentSpec

    @abstractmethod
    def __init__(self, settings: Mapping[str, Any]) -> None:
        """Bind to settings as they stand in ``Corpus.settings``; unknown keys are an error."""

    # ---- data -----------------------------------------------------------------------------

    @classmethod
    @abstractmethod
    def read(cls, folder: Path, options: Mapping[str, Any]) -> Corpus:
        """Read every usable file below ``folder``; never raises for a single bad file.

        ``options`` come from the command line (music: ``meter``, ``voices``, ``steps_per_beat``).
        Raises DataError where nothing usable is left.
        """

    @classmethod
    @abstractmethod
    def presets(cls) -> Mapping[str, TrainingConfig]:
        """What ``train --preset`` offers: ``debug``, ``quick``, ``standard``."""

    # ---- what a token looks like ----------------------------------------------------------------

    @property
    def codes(self) -> np.ndarray:
        """What networks see of each token: float32 ``[classes, channels]``; here one-hot."""
        return np.eye(self.spec.classes, dtype=np.float32)

    def soften(self, outputs: torch.Tensor) -> torch.Tensor:
        """The generator's outputs as mixtures of codes, differentiable; here the softmax."""
        return outputs.softmax(-1)

    def tokens(self, outputs: torch.Tensor) -> torch.Tensor:
        """The tokens that the generator's outputs mean: int64 ``[n, *shape]``; here the argmax."""
        return outputs.argmax(-1)

    # ---- geometry of a piece ----------------------------------------------------------------

    @property
    def kinds(self) -> int:
        """Kinds of pieces; a piece's plan says which of them each of its places shall be."""
        return 1

    def plan(
        self, layout: Layout, options: Mapping[str, Any], rng: np.random.Generator
    ) -> np.ndarray:
        """The kind of each place, by the options of ``compose``: uint8 ``[places]``."""
        del options, rng
        return np.zeros(int(np.prod(layout)), np.uint8)

    @abstractmethod
    def neighbours(self, layout: Layout) -> np.ndarray:
        """int64 ``[places, neighbours]``: earlier places, -1 where there is none.

        Critics, agent and structural moves look at them.
        """

    @abstractmethod
    def surroundings(self, layout: Layout, scope: Scope) -> np.ndarray:
        """int64 ``[places, surroundings]``: what the generator sees, -1 where there is none.

        ``scope``: ``"earlier"`` places only; ``"closed"``, the same in a piece whose end meets its
        beginning; ``"complete"``, later places too, as a real piece has them.
        """

    def hide(self, present: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
        """What a training step hides of the surroundings, so that fewer will do.

        ``present`` bool ``[n, surroundings]``, in the scope ``"complete"``; the same comes back.
        """
        return rng.random(present.shape) < share

    def closed(self, options: Mapping[str, Any]) -> bool:
        """Whether the options of ``compose`` ask for a piece whose end meets its beginning."""
        del options
        return False

    @abstractmethod
    def positions(self, layout: Layout) -> np.ndarray:
        """float32 ``[places, features]`` in [0, 1]: where in the piece a place lies."""

    @abstractmethod
    def layout(self, options: Mapping[str, Any]) -> Layout:
        """The layout that the options of ``compose`` ask for (music: ``bars``, 1 to 512)."""

    @property
    @abstractmethod
    def training_layout(self) -> Layout:
        """The layout of the compositions that the agent plays while training."""

    @abstractmethod
    def windows(self, piece: Piece) -> np.ndarray:
        """uint8 ``[n, places, *shape]``: parts of a piece that have the training layout."""

    # ---- networks ----------------------------------------------------------------------------

    def latent(self, size: int) -> int:
        """Size of the generator's noise vector where ``GanConfig.latent`` is ``size``."""
        return size

    @abstractmethod
    def generator(self, latent: int, width: int) -> nn.Module:
        """``(noise, context codes, present, position) -> outputs [n, *shape, channels]``.

        ``latent`` as given by the method of this name; the noise is normal ``[n, latent]``. Of
        ``m`` places each has the next ``n / m`` rows of it.
        Where it also learns to make real fragments again (``GanConfig.studied``), it has a method
        ``reconstruct``: ``(fragment codes, context codes, present, position) -> outputs, surprise
        [n]``; the surprise in nats, of what the fragment is made from in these surroundings.
        """

    @abstractmethod
    def discriminator(self, width: int) -> nn.Module:
        """``(fragment codes, context codes, present, position) -> realism logit [n]``."""

    def misfit(self, outputs: torch.Tensor, codes: torch.Tensor) -> torch.Tensor:
        """How far the generator's outputs are from codes, per token: ``[n, *shape]``.

        Here the cross-entropy, in nats.
        """
        return -(codes * outputs.log_softmax(-1)).sum(-1)

    @abstractmethod
    def encoder(self, width: int) -> nn.Module:
        """Tokens int ``[n, *shape]`` to embeddings ``[n, width]``."""

    @abstractmethod
    def relations(self, fragments: torch.Tensor, first: int) -> torch.Tensor:
        """How each fragment resembles, or goes on from, each of the ``first`` ones.

        ``fragments`` int ``[batch, n, *shape]`` -> float32 ``[batch, n, first, relations]`` in
        [-1, 1].
        """

    # ---- play ---------------------------------------------------------------------------------

    @abstractmethod
    def moves(self, context: np.ndarray, present: np.ndarray, rng: np.random.Generator) -> Moves:
        """Structural candidates made from the context.

        ``context`` uint8 ``[batch, neighbours, *shape]``, ``present`` bool ``[batch, neighbours]``.
        """

    def settle(self, fragments: np.ndarray, placed: np.ndarray) -> np.ndarray:
        """Generated fragments as they are offered, given what the piece has so far; here: as made.

        Both uint8: ``[n, k, *shape]`` and ``[n, placed, *shape]``.
        """
        del placed
        return fragments

    def returns(self, fragments: np.ndarray, others: np.ndarray) -> np.ndarray:
        """In which ways each fragment comes back as the other: bool ``[..., ways]``; here: equal.

        Both uint8 ``[..., *shape]``.
        """
        same = fragments == others
        axes = tuple(range(same.ndim - len(self.spec.shape), same.ndim))
        return same.all(axis=axes)[..., None]

    def traits(self, fragments: np.ndarray) -> np.ndarray:
        """What of a fragment counts for the balance of the piece, each 0 to 1; here nothing.

        uint8 ``[n, *shape]`` -> float32 ``[n, traits]``.
        """
        return np.zeros((len(fragments), 0), np.float32)

    def counted(self, fragments: np.ndarray) -> np.ndarray:
        """What shall come as often as in real pieces, each 0 to about 1; here the traits.

        uint8 ``[n, *shape]`` -> float32 ``[n, counted]``.
        """
        return self.traits(fragments)

    @abstractmethod
    def features(self, fragments: np.ndarray) -> np.ndarray:
        """float32 ``[n, features]``; Euclidean distance between rows is perceived distance."""

    @abstractmethod
    def compare(self, made: np.ndarray, real: np.ndarray) -> dict[str, float]:
        """Distances between two sets of fragments (uint8), smaller is better; ``"total"`` ranks."""

    def yardstick(self) -> Yardstick:
        """What ``composer evaluate`` measures of pieces; here what any domain has."""
        from composer.evaluation.yardstick import Yardstick

        return Yardstick(self)

    # ---- output -------------------------------------------------------------------------------

    @abstractmethod
    def allowed(self, options: Mapping[str, Any]) -> np.ndarray | None:
        """Bool ``[*shape, classes]``: tokens that the options of ``compose`` permit; None: all.

        The generator of a domain that ever restricts them takes this as its last argument.
        """

    def rule(self, options: Mapping[str, Any]) -> Rule | None:
        """What the options of ``compose`` demand of the piece as a whole; here nothing.

        Raises UsageError for options that cannot be used, DataError for files that they name.
        """
        del options
        return None

    def check(self, options: Mapping[str, Any]) -> None:
        """Refuse options of ``compose`` that cannot be met, before anything heavy: UsageError."""
        self.plan(self.layout(options), options, np.random.default_rng(0))
        self.allowed(options)

    @abstractmethod
    def write(self, composition: Composition, stem: Path, options: Mapping[str, Any]) -> list[Path]:
        """Write the files of one composition (``stem`` plus suffixes), atomically; return paths."""


def domain_ids() -> Sequence[str]:
    """Ids of the installed domains."""
    return sorted(point.name for point in entry_points(group=ENTRY_POINT_GROUP))


def domain_class(domain_id: str) -> type[Domain]:
    """Find a domain by its id; ModelError where it is not installed."""
    for point in entry_points(group=ENTRY_POINT_GROUP):
        if point.name == domain_id:
            return point.load()
    known = ", ".join(domain_ids()) or "none: install the package with pip"
    message = f"unknown domain '{domain_id}' (installed: {known})"
    raise ModelError(message)
