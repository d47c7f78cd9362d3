"""The music domain: a piece is a line of bars."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from composer.domain import Corpus, Domain, FragmentSpec, Layout, Moves, Piece, Rule, Scope
from composer.domains.music import moves
from composer.domains.music.settings import FIRST_PITCH, HOLD, OCTAVE, REST, MusicSettings
from composer.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import torch
    from torch import nn

    from composer.composition import Composition
    from composer.evaluation.yardstick import Yardstick
    from composer.training import TrainingConfig

LAGS = (1, 2, 4, 8, 3, 5, 9, 16)
GENERATOR_LAGS = 4  # those of a phrase that comes back changed; exact repeats are moves
MAX_BARS = 512
DEFAULT_BARS = 16
PHRASE = 4


class MusicDomain(Domain):
    """Bars of 1 to 4 monophonic voices; neighbours are the bars at fixed lags before."""

    id = "music"
    extensions = frozenset({".mid", ".midi"})
    local = frozenset({"data"})

    def __init__(self, settings: Mapping[str, Any]) -> None:
        """Bind to ``MusicSettings`` in their JSON form."""
        self.settings = MusicSettings.from_json(settings)
        shape = (self.settings.voices, self.settings.steps)
        self.spec = FragmentSpec(shape=shape, classes=self.settings.classes)

    @classmethod
    def read(cls, folder: Path, options: Mapping[str, Any]) -> Corpus:
        """Read a folder of MIDI files."""
        from composer.domains.music.read import read_folder

        return read_folder(folder, options)

    @classmethod
    def presets(cls) -> Mapping[str, TrainingConfig]:
        """See ``presets.PRESETS``."""
        from composer.domains.music.presets import PRESETS

        return PRESETS

    def neighbours(self, layout: Layout) -> np.ndarray:
        """The bars at ``LAGS`` before; int64 ``[bars, 8]``, -1 before the beginning."""
        index = np.arange(layout[0])[:, None] - np.array(LAGS)
        return np.where(index >= 0, index, -1)

    def surroundings(self, layout: Layout, scope: Scope) -> np.ndarray:
        """The bars at the first lags, whatever the scope."""
        del scope
        return self.neighbours(layout)[:, :GENERATOR_LAGS]

    def positions(self, layout: Layout) -> np.ndarray:
        """Place in the phrase of 4, in the period of 16, and distance to both ends."""
        bars = np.arange(layout[0])
        left = layout[0] - 1 - bars
        columns = [bars == 0, left == 0, left == 1]
        columns += [bars % PHRASE == i for i in range(PHRASE)]
        columns += [bars // PHRASE % PHRASE == i for i in range(PHRASE)]
        columns += [np.minimum(bars, PHRASE * PHRASE) / (PHRASE * PHRASE)]
        columns += [np.minimum(left, PHRASE * PHRASE) / (PHRASE * PHRASE)]
        return np.stack(columns, axis=1).astype(np.float32)

    def layout(self, options: Mapping[str, Any]) -> Layout:
        """``bars`` from the options, 1 to 512."""
        bars = int(options.get("bars") or DEFAULT_BARS)
        if not 1 <= bars <= MAX_BARS:
            message = f"--bars is {bars}, but must be from 1 to {MAX_BARS}"
            raise UsageError(message)
        return (bars,)

    @property
    def training_layout(self) -> Layout:
        """A line of ``settings.bars`` bars."""
        return (self.settings.bars,)

    def windows(self, piece: Piece) -> np.ndarray:
        """Consecutive windows, aligned to the end: a pickup stays out, and phrases end in them."""
        bars = self.settings.bars
        fragments = piece.fragments[len(piece.fragments) % bars :]
        return fragments.reshape(-1, bars, *self.spec.shape)

    @property
    def _position_size(self) -> int:
        return int(self.positions((1,)).shape[1])

    def latent(self, size: int) -> int:
        """A number for each token of a bar, whatever the size."""
        del size
        return self.spec.size

    def generator(self, latent: int, width: int) -> nn.Module:
        """A ``BarGenerator``."""
        from composer.domains.music.networks import BarGenerator

        del latent
        return BarGenerator(self.settings, GENERATOR_LAGS, self._position_size, width)

    def discriminator(self, width: int) -> nn.Module:
        """A ``BarDiscriminator``."""
        from composer.domains.music.networks import BarDiscriminator

        return BarDiscriminator(self.settings, GENERATOR_LAGS, self._position_size, width)

    def encoder(self, width: int) -> nn.Module:
        """A ``BarEncoder`` that sees intervals."""
        from composer.domains.music.networks import BarEncoder

        return BarEncoder(self.settings, width, intervals=True)

    def relations(self, fragments: torch.Tensor, first: int) -> torch.Tensor:
        """See ``moves.relations``."""
        return moves.relations(fragments, fragments[:, :first])

    def moves(self, context: np.ndarray, present: np.ndarray, rng: np.random.Generator) -> Moves:
        """Repeats of the bars before, and sequences (a repeat moved along the scale)."""
        return moves.propose(context, present, rng, self.settings)

    def traits(self, fragments: np.ndarray) -> np.ndarray:
        """Shares of steps where notes and rests begin; whether the melody ends on the tonic."""
        begins = fragments >= FIRST_PITCH
        melody = fragments[:, 0]
        last = melody.shape[1] - 1 - begins[:, 0, ::-1].argmax(1)
        pitch = melody[np.arange(len(melody)), last].astype(np.int64) - FIRST_PITCH
        home = (pitch + self.settings.lows[0] - self.settings.tonic) % OCTAVE == 0
        shares = [begins.mean((1, 2)), (fragments == REST).mean((1, 2)), home & begins[:, 0].any(1)]
        return np.stack(shares, axis=1).astype(np.float32)

    def counted(self, fragments: np.ndarray) -> np.ndarray:
        """See ``metrics.count_bars``."""
        from composer.domains.music.metrics import count_bars

        return count_bars(fragments, self.settings)

    def features(self, fragments: np.ndarray) -> np.ndarray:
        """Sounding pitch (octaves) and onset of each voice and step: ``[n, 3*voices*steps]``."""
        lows = np.array(self.settings.lows)[:, None]
        onset = fragments >= FIRST_PITCH
        step = np.arange(fragments.shape[-1])
        last = np.maximum.accumulate(np.where(fragments == HOLD, -1, step), axis=-1)
        source = np.take_along_axis(fragments, np.maximum(last, 0), axis=-1).astype(np.int64)
        sounds = (source >= FIRST_PITCH) & (last >= 0)
        pitch = np.where(sounds, (source - FIRST_PITCH + lows - 66) / 12, 0.0)  # 66: mid range
        columns = np.stack((pitch, sounds, onset), axis=1).astype(np.float32)
        return columns.reshape(len(fragments), -1)

    def compare(self, made: np.ndarray, real: np.ndarray) -> dict[str, float]:
        """Jensen-Shannon divergences of intervals, pitch classes, durations and onsets."""
        from composer.domains.music.metrics import compare_bars

        return compare_bars(made, real, self.settings)

    def yardstick(self) -> Yardstick:
        """A ``MusicYardstick``."""
        from composer.domains.music.yardstick import MusicYardstick

        return MusicYardstick(self)

    def allowed(self, options: Mapping[str, Any]) -> np.ndarray | None:
        """With ``key``: only tokens whose written pitch lies in its scale."""
        from composer.domains.music import scales

        if options.get("key") is None:
            return None
        key = scales.parse_key(str(options["key"]))
        return scales.allowed_tokens(self.settings, key, scales.shift_for(self.settings, key))

    def rule(self, options: Mapping[str, Any]) -> Rule | None:
        """With ``max_copy``: a ``CopyLimit``; reads the folder ``data``."""
        from composer.domains.music.copies import CopyLimit

        return CopyLimit.from_options(options, self.settings)

    def check(self, options: Mapping[str, Any]) -> None:
        """Refuse what cannot be met; of the folder ``data`` only whether there is one."""
        from composer.domains.music.copies import limit_asked
        from composer.domains.music.write import Performance
        from composer.files import look_into

        super().check(options)
        asked = limit_asked(options)
        if asked is not None:
            look_into(asked[1])
        Performance.from_options(options, self.settings)

    def write(self, composition: Composition, stem: Path, options: Mapping[str, Any]) -> list[Path]:
        """A MIDI file and a piano roll."""
        from composer.domains.music.write import write_piece

        return write_piece(composition, stem, self.settings, options)
