"""Which key a piece is in, and how far it is from the common one."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

# Probe-tone ratings of C major and C minor: Krumhansl & Kessler 1982, in Krumhansl,
# "Cognitive Foundations of Musical Pitch" (1990), table 2.1.
_MAJOR = (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88)
_MINOR = (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17)
_MAJOR_SCALE = (0, 2, 4, 5, 7, 9, 11)

# A signature is not believed where this share of the sounding time lies outside its scale and
# the estimated key explains more: many files carry C major only because their program always
# writes it.
_DOUBT = 0.25


@dataclass(frozen=True)
class FoundKey:
    """The key of a piece.

    Attributes:
        tonic: pitch class of the major key with this scale (0 = C, also for A minor).
        minor: whether the piece is (said to be) in the relative minor of it.
        origin: ``"signature"``, ``"estimated"`` (none or contradictory ones in the file) or
            ``"overruled"`` (the signature does not fit the notes).
    """

    tonic: int
    minor: bool
    origin: str


def find_key(weights: np.ndarray, signatures: np.ndarray, start: int, end: int) -> FoundKey:
    """The key of the stretch from ``start`` to ``end``.

    Args:
        weights: float ``[12]``, sounding time of each pitch class.
        signatures: int64 ``[n, 3]`` as in ``MidiFile.keys``.
        start: first tick of the stretch.
        end: tick behind the stretch.
    """
    signature = _signature(signatures, start, end)
    if signature is None:
        return FoundKey(*estimate_key(weights), "estimated")
    tonic, minor = signature
    if _outside(weights, tonic) > _DOUBT:
        estimated = estimate_key(weights)
        if _outside(weights, estimated[0]) < _outside(weights, tonic) - _DOUBT / 2:
            return FoundKey(*estimated, "overruled")
    return FoundKey(tonic, minor, "signature")


def estimate_key(weights: np.ndarray) -> tuple[int, bool]:
    """Krumhansl-Schmuckler: the key whose profile correlates best with ``weights``.

    Returns the tonic of the major key of that scale (0-11) and whether it is the minor one.
    """
    profiles = np.array([np.roll(mode, tonic) for mode in (_MAJOR, _MINOR) for tonic in range(12)])
    profiles -= profiles.mean(1, keepdims=True)
    profiles /= np.linalg.norm(profiles, axis=1, keepdims=True)
    best = int(np.argmax(profiles @ (weights - weights.mean())))
    minor, tonic = divmod(best, 12)
    return ((tonic + 3) % 12, True) if minor else (tonic, False)


def shift_between(tonic: int, target: int) -> int:
    """Semitones from ``tonic`` to ``target`` by the nearest way, in -6..5."""
    return (target - tonic + 6) % 12 - 6


def _signature(signatures: np.ndarray, start: int, end: int) -> tuple[int, bool] | None:
    """Major tonic and mode that cover most of the stretch; None where there is no clear one."""
    events = signatures.tolist()
    times = [time for time, _, _ in events]
    if not events or len(set(times)) < len(times):
        return None
    # What stands before the first signature belongs to it.
    opens = [min(start, times[0]), *times[1:]]
    totals: Counter[tuple[int, bool]] = Counter()
    for (_, sharps, minor), begin, stop in zip(events, opens, [*times[1:], end], strict=True):
        covered = max(min(stop, end) - max(begin, start), 0)
        totals[7 * sharps % 12, bool(minor)] += covered
    return totals.most_common(1)[0][0]


def _outside(weights: np.ndarray, tonic: int) -> float:
    """Share of the sounding time outside the major scale on ``tonic``."""
    scale = [(tonic + degree) % 12 for degree in _MAJOR_SCALE]
    return float(1 - weights[scale].sum() / weights.sum())
