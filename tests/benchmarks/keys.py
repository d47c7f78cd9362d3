"""Whether ``--key`` keeps its promise: notes out of scale in the written files.

    python tests/benchmarks/keys.py --model RUN [--count 1000]

composes with all 24 major and minor keys in turn, reads the MIDI files back and counts.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import symusic
from page import PAGE, write_section

from composer.composing import ComposeRequest, compose
from composer.model import load_model

if TYPE_CHECKING:
    from composer.model import Model

TONICS = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
SCALES = {"major": (0, 2, 4, 5, 7, 9, 11), "minor": (0, 2, 3, 5, 7, 8, 10)}

TEXT = """## Keys

{count} pieces of 16 bars by `compose --key`, in all major and minor keys in turn, read back from
the MIDI files: **{outside} of {notes} notes out of scale** (reach: 0; RL Tuner, which only
discourages them: 1.0%).

    python tests/benchmarks/keys.py --model RUN --count {count}
"""


def pitches(path: Path) -> np.ndarray:
    """MIDI pitches of all notes of a file: int64 ``[n]``."""
    parts = [track.notes.numpy()["pitch"] for track in symusic.Score(path).tracks]
    return np.concatenate([np.zeros(0, np.int64), *parts]).astype(np.int64)


def count_outside(model: Model, count: int) -> tuple[int, int]:
    """Notes out of scale, and all notes, of ``count`` pieces."""
    outside, notes = 0, 0
    with tempfile.TemporaryDirectory() as folder:
        for number in range(count):
            tonic = number % len(TONICS)
            mode = tuple(SCALES)[number // len(TONICS) % len(SCALES)]
            options = {"key": f"{TONICS[tonic]} {mode}"}
            (piece,) = compose(model, ComposeRequest(seed=number, options=options))
            model.domain.write(piece, Path(folder) / f"{number}", options)
            found = pitches(Path(folder) / f"{number}.mid")
            outside += int((~np.isin((found - tonic) % 12, SCALES[mode])).sum())
            notes += len(found)
    return outside, notes


def main(arguments: list[str] | None = None) -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", required=True, help="a run or a bundled model")
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--page", type=Path, default=PAGE)
    args = parser.parse_args(arguments)
    outside, notes = count_outside(load_model(args.model), args.count)
    text = TEXT.format(count=args.count, outside=outside, notes=notes)
    sys.stdout.write(text)
    write_section("keys", text, args.page)


if __name__ == "__main__":
    main()
