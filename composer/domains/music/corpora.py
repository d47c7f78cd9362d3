"""Corpora that come with the ``music21`` package, exported as MIDI files to train on.

Music21 (Cuthbert and Ariza, ISMIR 2010) ships the scores inside its wheel, so that no network is
needed. Where each collection comes from, and under what terms, stands in ``datasets/README.md``.
"""

from __future__ import annotations

import os
import secrets
import shutil
import warnings
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from composer.domain import Rejection
from composer.domains.music.midi import Part, write_midi
from composer.domains.music.scales import parse_key
from composer.errors import DataError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    Watch = Callable[[Iterable[Path], int, str], Iterable[Path]]

STEPS_PER_BEAT = 48  # sixty-fourths and triplets of thirty-seconds both fall on it
VELOCITY = 80
TOLERANCE = 1e-6  # of a quarter note
# Quarter notes a minute where the source names no tempo; a bar of dance music takes about as long
# in each way of writing it.
TEMPI = {(2, 4): 96.0, (2, 2): 192.0, (6, 8): 168.0, (9, 8): 168.0, (12, 8): 168.0}
Meter = tuple[int, int]


@dataclass(frozen=True)
class Collection:
    """Part of the corpus of music21.

    Attributes:
        pattern: of its files, below the folder of the corpus.
        source: one line for the MIDI files: what it is and who encoded it.
        parts: names of the parts that a piece must have, exactly; None admits one part only.
        program: General MIDI program of every part.
        tempo: quarter notes a minute, for metres that ``TEMPI`` does not name.
    """

    pattern: str
    source: str
    parts: tuple[str, ...] | None
    program: int
    tempo: float


COLLECTIONS = {
    "fiddle": Collection(
        pattern="ryansMammoth/*.abc",
        source="Ryan's Mammoth Collection of fiddle tunes (Boston 1883), encoded in ABC by "
        "volunteers (Ray Davies, John Walsh, Bob Puckette, John Chambers and others)",
        parts=None,
        program=40,
        tempo=144.0,
    ),
    "chorale": Collection(
        pattern="bach/*.mxl",
        source="Johann Sebastian Bach (1685-1750), four-part chorale, encoded by "
        "Margaret Greentree (jsbchorales.net), used by permission in music21",
        parts=("Soprano", "Alto", "Tenor", "Bass"),
        program=52,
        tempo=80.0,
    ),
}


@dataclass
class Export:
    """What an export did.

    Attributes:
        meters: pieces written, by metre (``"6/8"``).
        rejections: pieces that were not written, and why.
        unexpanded: sources whose repeats could not be followed and are written once.
    """

    meters: Counter[str] = field(default_factory=Counter)
    rejections: list[Rejection] = field(default_factory=list)
    unexpanded: list[str] = field(default_factory=list)


class PieceError(Exception):
    """This piece cannot be written; the message says why."""


def corpus_files(collection: Collection) -> list[Path]:
    """The files of a collection, sorted by name.

    Raises:
        DataError: where music21 is not installed, or was installed without its corpus.
    """
    try:
        import music21
    except ImportError as error:
        message = (
            "the corpora come from the music21 package, which is not installed; "
            "run: pip install music21"
        )
        raise DataError(message) from error
    files = sorted((Path(music21.__file__).parent / "corpus").glob(collection.pattern))
    if not files:
        message = "this music21 has no corpus in it; run: pip install --force-reinstall music21"
        raise DataError(message)
    return files


def export(
    collection: Collection, directory: Path, *, common_time: bool = False, watch: Watch
) -> Export:
    """Write one MIDI file a piece into a new ``directory``, which appears when all is done.

    Bar 0 starts at tick 0 and every bar has its full length: an upbeat is preceded by rests.
    Repeats are written out. Equal versions of music21 give equal bytes.

    Args:
        collection: what to export.
        directory: must not exist, or be empty.
        common_time: write 2/2 and 2/4 as 4/4 too, 2/4 in doubled note values: fiddlers' books
            notate the same dances in all three ways, and a model learns from one metre only.
        watch: passes on the files it is given, with their number and a title; shows progress.

    Raises:
        DataError: as ``corpus_files``.
        UsageError: where ``directory`` cannot be used.
    """
    files = corpus_files(collection)
    done = Export()
    with _new_folder(directory) as folder:
        for path in watch(files, len(files), f"writing {directory}"):
            try:
                meter, expanded = _convert(path, folder, collection, common_time=common_time)
                done.meters[f"{meter[0]}/{meter[1]}"] += 1
                if not expanded:
                    done.unexpanded.append(path.name)
            except PieceError as error:
                done.rejections.append(Rejection(path.name, str(error)))
            except UsageError:
                raise
            except Exception as error:  # noqa: BLE001 - one bad piece never stops the export
                reason = f"music21 cannot read it: {error}".splitlines()[0]
                done.rejections.append(Rejection(path.name, reason))
    return done


@contextmanager
def _new_folder(directory: Path) -> Iterator[Path]:
    """A hidden folder beside ``directory`` that takes its place at the end; gone on failure."""
    if directory.is_file() or (directory.is_dir() and any(directory.iterdir())):
        message = f"{directory} is there already; name a new folder, nothing is overwritten"
        raise UsageError(message)
    directory = directory.resolve()
    temporary = directory.with_name(f".{directory.name}.{secrets.token_hex(8)}.tmp")
    try:
        temporary.mkdir(parents=True)
        yield temporary
        if directory.is_dir():
            directory.rmdir()
        os.replace(temporary, directory)  # noqa: PTH105 - the one call that is atomic everywhere
    except OSError as error:
        message = f"cannot write {directory}: {error.strerror}; choose another folder"
        raise UsageError(message) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _convert(
    path: Path, folder: Path, collection: Collection, *, common_time: bool
) -> tuple[Meter, bool]:
    """Write one piece; returns its metre as written, and whether its repeats are written out."""
    from music21 import converter

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        score = converter.parse(path, forceSource=True, storePickle=False)
        meter, key, tempo = _heading(score, collection)
        score, expanded = _expand(score)
    parts = _wanted_parts(score, collection)
    bars = [list(part.getElementsByClass("Measure")) for part in parts]
    lengths = [[float(bar.duration.quarterLength) for bar in line] for line in bars]
    if any(other != lengths[0] for other in lengths):
        message = "its parts have bars of different lengths"
        raise PieceError(message)
    starts, end = place_bars(lengths[0], meter)
    lines = [_notes(line, starts) for line in bars]
    stretch = 2 if common_time and meter == (2, 4) else 1
    written = (4, 4) if common_time and meter in {(2, 4), (2, 2)} else meter
    write_midi(
        folder / f"{path.stem}.mid",
        [
            Part(part.partName or "Melody", collection.program, line * [stretch, stretch, 1, 1])
            for part, line in zip(parts, lines, strict=True)
        ],
        steps_per_beat=STEPS_PER_BEAT,
        tempo=tempo * stretch,
        meter=written,
        key=key,
        texts=[_title(score, path), collection.source],
        steps=round(end * stretch * STEPS_PER_BEAT),
    )
    return written, expanded


def _heading(score: Any, collection: Collection) -> tuple[Meter, str, float]:
    """Metre, key signature as MIDI names it, and quarter notes a minute."""
    signs = score.recurse().getElementsByClass("TimeSignature")
    meters = [(int(sign.numerator), int(sign.denominator)) for sign in signs]
    if len(set(meters)) != 1:
        message = "it does not keep one metre" if meters else "it names no metre"
        raise PieceError(message)
    keys = [sign.asKey() for sign in score.recurse().getElementsByClass("KeySignature")]
    key = f"{keys[0].tonic.name.replace('-', 'b')} {keys[0].mode}" if keys else "C major"
    marks = [mark.getQuarterBPM() for mark in score.recurse().getElementsByClass("MetronomeMark")]
    tempi = [mark for mark in marks if mark]
    tempo = tempi[0] if tempi else TEMPI.get(meters[0], collection.tempo)
    return meters[0], parse_key(key).signature, float(tempo)


def _expand(score: Any) -> tuple[Any, bool]:
    """The score with its repeats written out, where their signs make sense; and whether."""
    from music21.repeat import ExpanderException

    try:
        return score.expandRepeats(), True
    except ExpanderException:
        return score, False


def _wanted_parts(score: Any, collection: Collection) -> list[Any]:
    """The parts of a piece that fits the collection."""
    parts = list(score.parts)
    if collection.parts is None and len(parts) == 1:
        return parts
    names = tuple(part.partName for part in parts)
    if names == collection.parts:
        return parts
    message = f"it has the parts {', '.join(map(str, names))}" if parts else "it has no part"
    raise PieceError(message)


def _title(score: Any, path: Path) -> str:
    """What the source calls itself, or its number in the catalogue of Bach's works."""
    title = score.metadata.title if score.metadata else None
    return str(title or path.stem.replace("bwv", "BWV ")).strip()


def place_bars(lengths: Sequence[float], meter: Meter) -> tuple[list[float], float]:
    """Where each written bar starts, so that all bar lines fall on multiples of the metre.

    A short first bar is an upbeat and ends on the first bar line. A bar that is broken off at a
    repeat is completed by the next one; where it is not, at most half a bar of rest fills it.

    Args:
        lengths: of the bars as they are played, in quarter notes.
        meter: beats and unit.

    Returns:
        The starts in quarter notes, and the end of the last full bar.

    Raises:
        PieceError: where a bar is too long, or too short to be filled up.
    """
    full = meter[0] * 4 / meter[1]
    position = max(0.0, full - lengths[0]) if lengths else 0.0
    starts = []
    for number, length in enumerate(lengths):
        room = full - position % full
        if length > full + TOLERANCE or (length > room + TOLERANCE and room > full / 2):
            message = (
                f"bar {number} and its neighbours do not add up to bars of {meter[0]}/{meter[1]}"
            )
            raise PieceError(message)
        if length > room + TOLERANCE:
            position += room
        starts.append(position)
        position += length
    return starts, float(np.ceil(position / full - TOLERANCE) * full)


def _notes(bars: Sequence[Any], starts: Sequence[float]) -> np.ndarray:
    """Notes of one part: int64 ``[n, 4]`` as ``Part`` wants them, ties joined.

    Of a double stop the upper note counts; grace notes have no length of their own and are left
    out.
    """
    lines: list[tuple[float, float, int]] = []
    for bar, start in zip(bars, starts, strict=True):
        for note in bar.flatten().notes:
            length = float(note.quarterLength)
            if not length or not note.pitches:
                continue
            begin, pitch = start + float(note.offset), max(p.midi for p in note.pitches)
            tied = note.tie is not None and note.tie.type in {"stop", "continue"}
            if tied and lines and lines[-1][2] == pitch and begin - lines[-1][1] < TOLERANCE:
                lines[-1] = (lines[-1][0], begin + length, pitch)
            else:
                lines.append((begin, begin + length, pitch))
    if not lines:
        message = "it has no notes"
        raise PieceError(message)
    array = np.array(lines)
    steps = np.rint(array[:, :2] * STEPS_PER_BEAT).astype(np.int64)
    sizes = np.maximum(steps[:, 1] - steps[:, 0], 1)
    pitches = array[:, 2].astype(np.int64)
    return np.stack([steps[:, 0], sizes, pitches, np.full_like(sizes, VELOCITY)], axis=1)
