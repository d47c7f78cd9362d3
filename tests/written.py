"""Reading back what was written, without the code that wrote it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import symusic

if TYPE_CHECKING:
    from pathlib import Path

    from composer.domains.music.scales import Key


def notes_outside(path: Path, key: Key) -> int:
    """How many notes of a MIDI file are not in the scale of ``key``."""
    tracks = symusic.Score(path).tracks
    pitches = np.concatenate([track.notes.numpy()["pitch"] for track in tracks])
    return int((~np.isin(pitches % 12, list(key.pitch_classes))).sum())
