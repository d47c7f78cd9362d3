"""What is measured of music, and what it is compared with."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np

from composer.domain import Piece
from composer.domains.music.descriptors import DISTRIBUTED, describe
from composer.domains.music.markov import ORDER, BarMarkov
from composer.domains.music.metrics import piece_statistics
from composer.domains.music.ngram import ORDER as TOKENS
from composer.domains.music.ngram import TokenNGram
from composer.domains.music.roll import draw_roll
from composer.domains.music.settings import FIRST_PITCH, OCTAVE, MusicSettings
from composer.domains.music.tuner import MOTIF_EVENTS, melodies, tuner_ratios
from composer.domains.music.write import notes_from_tokens
from composer.errors import DataError
from composer.evaluation.overlap import compare_distances
from composer.evaluation.yardstick import Figures, Ratio, Yardstick, mean_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from composer.composition import Composition
    from composer.domains.music.domain import MusicDomain
    from composer.evaluation.samples import Sample

TUNER_EVENTS = 32  # the melodies of RL Tuner's table are this long
MARKOV, NGRAM = "Markov", "n-gram"
COMPARED = 400  # pieces of people whose distances are compared: their pairs take the time
FEWEST = 3  # pieces that have distances to speak of
AREA, DIVERGENCE = "overlapped area", "divergence of distances"


class MusicYardstick(Yardstick):
    """Descriptors, RL Tuner's ratios, a Markov chain over bars and an n-gram model of tokens.

    Args:
        domain: the music domain with its settings.
    """

    def __init__(self, domain: MusicDomain) -> None:
        """Bind to the settings."""
        super().__init__(domain)
        self.settings = domain.settings

    def reading(self) -> dict[str, Any]:
        """Metre, voices and grid."""
        return {
            "meter": "{}/{}".format(*self.settings.meter),
            "voices": self.settings.voices,
            "steps_per_beat": self.settings.steps_per_beat,
        }

    def adopt(self, fragments: np.ndarray, settings: Mapping[str, Any]) -> np.ndarray:
        """The same pitches; those out of the range of their voice come back by octaves."""
        theirs = MusicSettings.from_json(settings)
        ours = self.settings
        form, wanted = ((s.meter, s.voices, s.steps_per_beat) for s in (theirs, ours))
        if form != wanted:
            message = "the pieces are in another metre, grid or number of voices than the model's"
            raise DataError(message)
        lows = (np.array(s.lows)[:, None] for s in (theirs, ours))
        up = np.subtract(*lows) + ours.tonic - theirs.tonic
        height = fragments.astype(np.int64) - FIRST_PITCH + up
        below = np.maximum(-height, 0)
        above = np.maximum(height - ours.pitches + 1, 0)
        height += OCTAVE * (-(-below // OCTAVE) - -(-above // OCTAVE))
        moved = np.where(fragments >= FIRST_PITCH, height + FIRST_PITCH, fragments)
        return moved.astype(np.uint8)

    def describe(self, pieces: np.ndarray) -> dict[str, Ratio]:
        """``descriptors`` and ``tuner``, the latter over the length of RL Tuner's melodies."""
        found = {name: mean_of(each) for name, each in describe(pieces, self.settings).items()}
        lines = melodies(pieces, self.settings, TUNER_EVENTS)
        ratios = tuner_ratios(lines) if lines.shape[1] >= MOTIF_EVENTS else {}
        return found | {f"RL Tuner: {name}": ratio for name, ratio in ratios.items()}

    def statistics(self, pieces: np.ndarray) -> np.ndarray:
        """See ``piece_statistics``."""
        return piece_statistics(pieces, self.settings)

    def contrast(
        self, made: np.ndarray, real: np.ndarray, seed: int
    ) -> Callable[[np.ndarray], Figures]:
        """Distances of bars, and how far each of ``DISTRIBUTED`` varies as in ``real``."""
        bars = super().contrast(made, real, seed)
        some = np.random.default_rng(seed).permutation(len(real))[:COMPARED]
        ours, theirs = (describe(x, self.settings, DISTRIBUTED) for x in (made, real[some]))

        def figures(rows: np.ndarray) -> Figures:
            found = {name: _overlap(ours[name][rows], theirs[name]) for name in DISTRIBUTED}
            named = {
                f"{what}: {name}": values[part]
                for part, what in enumerate((AREA, DIVERGENCE))
                for name, values in found.items()
            }
            return bars(rows) | named

        return figures

    def baselines(
        self, known: Sample, kinds: np.ndarray, rng: np.random.Generator
    ) -> dict[str, np.ndarray]:
        """A Markov chain over bars and an n-gram model of tokens."""
        chain = BarMarkov([Piece(window, self.layout, "") for window in known.windows])
        tokens = TokenNGram(known.windows, known.works)
        size = len(kinds), self.layout[0]
        return {
            f"{MARKOV}, order {ORDER}": chain.compose(*size, rng),
            f"{NGRAM}, order {TOKENS}": tokens.compose(*size, rng),
        }

    def picture(self, composition: Composition) -> bytes:
        """The piano roll."""
        notes = notes_from_tokens(composition.fragments, self.settings)
        title = f"seed {composition.recipe['seed']}"
        roll = draw_roll(notes, composition.origins, self.settings, title=title, caption="")
        buffer = io.BytesIO()
        roll.reduce(2).quantize(64).save(buffer, "PNG")
        return buffer.getvalue()


def _overlap(made: np.ndarray, real: np.ndarray) -> tuple[float, float]:
    """``compare_distances`` of values ``[n]`` and ``[m]``; NaN where too few pieces have one."""
    ours, theirs = (values[~np.isnan(values), None] for values in (made, real))
    if min(len(ours), len(theirs)) < FEWEST:
        return np.nan, np.nan
    return compare_distances(ours, theirs)
