"""Settings of the music domain: what a bar is, decided once when a folder is read."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from composer.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Mapping

REST, HOLD, FIRST_PITCH = 0, 1, 2
OCTAVE = 12


@dataclass(frozen=True)
class MusicSettings:
    """What a fragment of music is.

    A fragment is one bar, uint8 ``[voices, steps]``. Token 0 is a rest, 1 holds what sounds (a
    rest held stays a rest; a hold at the start of a bar continues the note of the bar before),
    ``2 + i`` is an onset of MIDI pitch ``lows[voice] + i``.

    Attributes:
        meter: beats in a bar and unit of a beat, e.g. ``(4, 4)``.
        steps_per_beat: grid steps in a quarter note (4 = sixteenths); a 6/8 bar has 3 quarters.
        lows: lowest MIDI pitch of each voice, highest voice first.
        pitches: number of pitches in each voice's range (the same for all voices).
        tonic: pitch class that pieces are transposed to (0 = C); minor pieces to their own
            relative (A for C), so that all share one scale.
        instruments: General MIDI program (0-127) of each voice.
        tempo: quarter notes a minute, the median of the corpus.
        bars: length of the pieces that the agent practises on: 16, or 8 or 4 where the corpus
            holds mostly shorter ones.
    """

    meter: tuple[int, int] = (4, 4)
    steps_per_beat: int = 4
    lows: tuple[int, ...] = (55,)
    pitches: int = 36
    tonic: int = 0
    instruments: tuple[int, ...] = (0,)
    tempo: float = 120.0
    bars: int = 16

    @property
    def voices(self) -> int:
        """Number of monophonic voices."""
        return len(self.lows)

    @property
    def steps(self) -> int:
        """Grid steps in a bar."""
        numerator, denominator = self.meter
        return numerator * 4 * self.steps_per_beat // denominator

    @property
    def classes(self) -> int:
        """Token values: rest, hold and the pitches."""
        return FIRST_PITCH + self.pitches

    def as_json(self) -> dict[str, Any]:
        """JSON-ready form; ``from_json`` is its inverse."""
        return {
            key: list(value) if isinstance(value, tuple) else value
            for key, value in asdict(self).items()
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> MusicSettings:
        """Settings from ``as_json``; ModelError where a key is unknown."""
        values: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in data.items()
        }
        try:
            return cls(**values)
        except TypeError as error:
            message = f"music settings do not fit this version of composer: {error}"
            raise ModelError(message) from error
