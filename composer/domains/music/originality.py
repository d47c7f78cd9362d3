"""How much of a piece is in a folder of music already, beside how much people borrow.

A melodic line is read as a string of symbols, one from each note to the next: the interval in
semitones and the time between their onsets in grid steps. So a passage is found in whatever key,
and none goes on from one line into another. All lines, of the piece and of the folder, are ranked
together (see ``composer.evaluation.matches``), which tells of every note how long a passage begins
there that is found elsewhere: for the piece, in the folder; for each tune of the folder, in tunes
that are other works. That is exact, and so cheap that no tune has to be left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from composer.domain import Rejection
from composer.domains.music.duplicates import beat_steps, find_line_works
from composer.domains.music.parse import MidiFile, UnusableFileError, parse_file
from composer.domains.music.voices import is_line, make_line
from composer.errors import DataError
from composer.evaluation.matches import longest_elsewhere, rank_suffixes
from composer.evaluation.reference import compare
from composer.files import find_files

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from composer.evaluation.matches import Suffixes

EXTENSIONS = frozenset({".mid", ".midi"})
GRAM = 8  # successive symbols, nine notes: fewer are common property
STEPS_PER_BEAT = 4
MAX_STEPS = 2**16  # in a file: 4,096 bars of 16
_INTERVALS = 256  # more than there are between two MIDI pitches


@dataclass(frozen=True)
class Strings:
    """The melodic lines of several files, one after another; a place is a note.

    Attributes:
        notes: int64 ``[n, 3]``: start step, length in steps, MIDI pitch; one note at a time.
        files: int64 ``[n]``: the file of each note; every number up to the largest is there.
        lines: int64 ``[n]``: the line of each note, counted over all files.
        steps_per_beat: grid steps in a quarter note.
    """

    notes: np.ndarray
    files: np.ndarray
    lines: np.ndarray
    steps_per_beat: int

    @property
    def ends(self) -> np.ndarray:
        """Bool ``[n]``: the last note of each line."""
        return np.append(self.lines[1:] != self.lines[:-1], True)

    @property
    def symbols(self) -> np.ndarray:
        """What leads from each note to the next: int64 ``[n]``; nothing at the end of a line."""
        steps = np.diff(self.notes, axis=0, append=self.notes[-1:])
        return steps[:, 0] * _INTERVALS + steps[:, 2] + _INTERVALS // 2

    def melodies(self) -> list[np.ndarray]:
        """The highest line of each file: int64 ``[m, 3]`` as in ``notes``."""
        starts = np.flatnonzero(np.diff(self.lines, prepend=-1))
        heights = np.bincount(self.lines, self.notes[:, 2]) / np.bincount(self.lines)
        owners = self.files[starts]
        order = np.lexsort((-heights, owners))
        parts = np.split(self.notes, starts[1:])
        return [parts[line] for line in order[np.diff(owners, prepend=-1) > 0].tolist()]


def certificate(path: Path, folder: Path, options: Mapping[str, Any]) -> dict[str, Any]:
    """Compare one piece with all MIDI files below a folder.

    Args:
        path: the piece, a MIDI file.
        folder: searched recursively for ``.mid`` and ``.midi``.
        options: ``steps_per_beat``, 1 to 24, what both are read with; None for 4.

    Returns:
        JSON-ready: ``notes`` and ``lines`` of the piece; ``files``, ``readable`` and ``works`` of
        the folder; ``longest_run`` as of ``_longest_run``; ``copied``, the share of the piece's
        grams (8 successive symbols) that are in the folder; ``human``, null where there are fewer
        than 2 works, or ``pieces`` (one a work) and ``longest_run`` (in notes) and ``copied``, each
        as of ``evaluation.reference.compare``; ``rejected``, the files that cannot be read.

    Raises:
        DataError: the piece or the folder cannot be read, or no line of the piece has a gram.
    """
    steps = options.get("steps_per_beat") or STEPS_PER_BEAT
    piece = _read_piece(path, steps)
    tunes, rejections = read_corpus(folder, steps)
    files = [*tunes.values(), piece]
    strings = collect(files, steps)
    beats = [_beat(file, steps) for file in tunes.values()]
    works = find_line_works(strings.melodies()[:-1], beats)
    suffixes = rank_suffixes(strings.symbols, strings.ends)
    groups = np.append(works, -1)[strings.files]
    lengths, _ = longest_elsewhere(suffixes, groups, strings.files < len(tunes))
    longest, copied = figures(lengths, strings)
    return {
        "notes": int((strings.files == len(tunes)).sum()),
        "lines": len(np.unique(strings.lines[strings.files == len(tunes)])),
        "files": len(tunes) + len(rejections),
        "readable": len(tunes),
        "works": len(np.unique(works)),
        "longest_run": _longest_run(files, list(tunes), strings, suffixes, lengths),
        "copied": float(copied[-1]),
        "human": _human(longest, copied, works),
        "rejected": [{"source": one.source, "reason": one.reason} for one in rejections],
    }


def collect(files: Sequence[MidiFile], steps_per_beat: int) -> Strings:
    """The lines of all files on the grid; a file is a tune of one line at least."""
    tracks = [_lines(file, steps_per_beat) for file in files]
    owners = np.repeat(np.arange(len(files)), [len(lines) for lines in tracks])
    lines = [line for found in tracks for line in found]
    numbers = np.repeat(np.arange(len(lines)), [len(line) for line in lines])
    ticks = np.array([file.ticks for file in files])[owners[numbers], None]
    notes = np.concatenate(lines)
    edges = np.stack((notes[:, 0], notes[:, 0] + notes[:, 1]), axis=1)
    edges = (2 * steps_per_beat * edges + ticks) // (2 * ticks)  # the nearest step, halves up
    span = int(edges.max()) + 1
    notes[:, 0] = edges[:, 0] + numbers * span  # all lines as one, so that they are cut at once
    notes[:, 1] = np.maximum(edges[:, 1] - edges[:, 0], 1)
    notes = make_line(notes)
    numbers, notes[:, 0] = np.divmod(notes[:, 0], span)
    return Strings(notes, owners[numbers], numbers, steps_per_beat)


def _lines(file: MidiFile, steps_per_beat: int) -> list[np.ndarray]:
    """The tracks that are melodic lines, int64 ``[n, 3]`` in ticks each.

    Chords count only where there are no lines: then their top notes are one.
    """
    tolerance = file.ticks // (2 * steps_per_beat)
    tracks = [track.notes for track in file.tracks if is_line(track.notes, tolerance)]
    if tracks:
        return tracks
    notes = np.concatenate([track.notes for track in file.tracks])
    notes = notes[np.lexsort((-notes[:, 2], notes[:, 0]))]
    return [notes[np.diff(notes[:, 0], prepend=-1) > 0]]


def figures(lengths: np.ndarray, strings: Strings) -> tuple[np.ndarray, np.ndarray]:
    """What each file borrows.

    Args:
        lengths: int64 ``[n]``: symbols that are found elsewhere, from each note on.
        strings: the notes.

    Returns:
        float64 ``[files]``: notes of the longest passage, 0 where not even an interval is found;
        and float64 ``[files]``: the share of grams that are found, NaN where there are none.
    """
    sizes = np.diff(np.flatnonzero(strings.ends), prepend=-1)
    left = np.repeat(np.cumsum(sizes), sizes) - 1 - np.arange(len(lengths))
    grams = np.bincount(strings.files, left >= GRAM)
    found = np.bincount(strings.files, lengths >= GRAM)
    starts = np.flatnonzero(np.diff(strings.files, prepend=-1))
    longest = np.maximum.reduceat(lengths, starts).astype(np.float64)
    shares = np.divide(found, grams, out=np.full(len(grams), np.nan), where=grams > 0)
    return longest + (longest > 0), shares


def _human(longest: np.ndarray, copied: np.ndarray, works: np.ndarray) -> dict[str, Any] | None:
    """What the last file borrows beside what the others do, one of each work."""
    first = np.unique(works, return_index=True)[1]
    first = first[~np.isnan(copied[first])]
    if len(first) < 2:  # noqa: PLR2004 - with one alone there is nothing to borrow from
        return None
    return {
        "pieces": len(first),
        "longest_run": compare(longest[-1], longest[first]),
        "copied": compare(copied[-1], copied[first]),
    }


def _longest_run(
    files: Sequence[MidiFile],
    names: Sequence[str],
    strings: Strings,
    suffixes: Suffixes,
    lengths: np.ndarray,
) -> dict[str, Any] | None:
    """The longest passage of the last file, the first of equals; None where there is none.

    JSON-ready: ``notes``, how many; ``bar`` and ``line`` where it begins; ``source`` and
    ``source_bar`` where it is found first; ``transposition``, semitones up from there; and
    ``found_in``, the number of files that have it.
    """
    size = int((strings.files < len(names)).sum())
    place = size + int(lengths[size:].argmax())
    if not lengths[place]:
        return None
    sources = np.flatnonzero(suffixes.common(place, np.arange(size)) == lengths[place])
    source = int(strings.files[sources[0]])
    step, _, pitch = strings.notes[place].tolist()
    source_step, _, source_pitch = strings.notes[sources[0]].tolist()
    return {
        "notes": int(lengths[place]) + 1,
        "bar": _bar(files[-1], step, strings.steps_per_beat),
        "line": int(strings.lines[place] - strings.lines[size]) + 1,
        "source": names[source],
        "source_bar": _bar(files[source], source_step, strings.steps_per_beat),
        "transposition": pitch - source_pitch,
        "found_in": len(np.unique(strings.files[sources])),
    }


def _beat(file: MidiFile, steps_per_beat: int) -> int:
    """Steps in a beat of a file's first metre."""
    _, beats, unit = file.meters[0].tolist()
    return beat_steps(beats, 4 * beats * steps_per_beat // unit)


def _bar(file: MidiFile, step: int, steps_per_beat: int) -> int:
    """The bar that a step lies in, from 1; where the metre changes a new one begins."""
    starts, beats, units = file.meters.T
    lengths = 4 * file.ticks * beats / units
    tick = step * file.ticks // steps_per_beat
    last = int(np.searchsorted(starts, tick, "right")) - 1
    whole = np.ceil(np.diff(starts) / lengths[:-1])[:last].sum()
    return int(whole + (tick - starts[last]) // lengths[last]) + 1


def _read_piece(path: Path, steps_per_beat: int) -> MidiFile:
    """The piece; DataError where it cannot be read, or has too few notes to be compared."""
    try:
        file = _read_file(path, steps_per_beat)
    except UnusableFileError as error:
        message = f"cannot use '{path}': {error}"
        raise DataError(message) from error
    notes = int(np.bincount(collect([file], steps_per_beat).lines).max())
    if notes <= GRAM:
        message = (
            f"cannot use '{path}': its longest line has {notes} notes, at least {GRAM + 1} are "
            "needed"
        )
        raise DataError(message)
    return file


def _read_file(path: Path, steps_per_beat: int) -> MidiFile:
    """One file; UnusableFileError where it cannot be read, or never ends."""
    file = parse_file(path)
    if file.end * steps_per_beat > MAX_STEPS * file.ticks:
        message = f"{file.end / file.ticks:,.0f} quarter notes: too long for one piece"
        raise UnusableFileError(message)
    return file


def read_corpus(folder: Path, steps_per_beat: int) -> tuple[dict[str, MidiFile], list[Rejection]]:
    """All MIDI files below a folder that can be read, by name, and what cannot be used.

    Raises DataError where there is none, or the folder cannot be read.
    """
    names, rejections = find_files(folder, EXTENSIONS)
    tunes = {}
    for name in names:
        try:
            tunes[name] = _read_file(folder / name, steps_per_beat)
        except UnusableFileError as error:
            rejections.append(Rejection(name, str(error)))
    if tunes:
        return tunes, rejections
    message = f"there is no music (.mid, .midi) below '{folder}' to compare with"
    if rejections:
        first = rejections[0]
        message = (
            f"none of the {len(rejections)} MIDI files below '{folder}' can be used, e.g. "
            f"{first.source}: {first.reason}"
        )
    raise DataError(message)
