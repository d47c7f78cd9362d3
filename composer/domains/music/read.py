"""A folder of MIDI files as a corpus of bars: everything automatic decided, everything counted."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

from composer.domain import Corpus, Piece, Rejection
from composer.domains.music.duplicates import find_copies, find_works
from composer.domains.music.meters import Meter, count_bars, fits_grid, parse_meter
from composer.domains.music.parse import UnusableFileError, parse_file
from composer.domains.music.sheets import arrange, cut, decide, folded, write_bars
from composer.domains.music.voices import MAX_VOICES, count_voices
from composer.errors import UsageError
from composer.files import find_files
from composer.fragments import UnusableCorpusError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from pathlib import Path

    import numpy as np

    from composer.domains.music.settings import MusicSettings
    from composer.domains.music.sheets import Arrangement, Sheet

EXTENSIONS = frozenset({".mid", ".midi"})
MAX_STEPS_PER_BEAT = 24
PRACTICE = (16, 8, 4)

Before = TypeVar("Before")
After = TypeVar("After")


@dataclass(frozen=True)
class ReadOptions:
    """How a folder is read.

    Attributes:
        meter: the metre to keep, None for the most common one.
        voices: 1 to 4, None for what most files hold.
        steps_per_beat: grid steps in a quarter note, 1 to 24.
    """

    meter: Meter | None = None
    voices: int | None = None
    steps_per_beat: int = 4

    @classmethod
    def from_mapping(cls, options: Mapping[str, Any]) -> ReadOptions:
        """Checked options; UsageError names the value that cannot be used."""
        meter, voices = options.get("meter"), options.get("voices")
        steps = options.get("steps_per_beat")
        steps = 4 if steps is None else steps
        if str(steps) not in {str(count) for count in range(1, MAX_STEPS_PER_BEAT + 1)}:
            message = f"'{steps}' steps a beat cannot be used; choose 1 to {MAX_STEPS_PER_BEAT}"
            raise UsageError(message)
        automatic = voices is None or voices == "auto"
        if not automatic and str(voices) not in {str(n) for n in range(1, MAX_VOICES + 1)}:
            message = f"'{voices}' voices cannot be used; choose 1 to {MAX_VOICES} or auto"
            raise UsageError(message)
        parsed = None if meter is None else parse_meter(str(meter))
        if parsed and not fits_grid(parsed, int(steps)):
            message = f"a bar of {meter} is no whole number of steps at {steps} steps a beat"
            raise UsageError(message + "; choose other steps a beat")
        return cls(parsed, None if automatic else int(str(voices)), int(steps))


def read_folder(folder: Path, options: Mapping[str, Any]) -> Corpus:
    """Read every usable MIDI file below ``folder``.

    Args:
        folder: searched recursively for ``.mid`` and ``.midi``.
        options: ``meter`` ("4/4"; None for the most common one), ``voices`` (1-4; "auto" or
            None for what most files hold), ``steps_per_beat`` (1-24; None for 4).

    Returns:
        Pieces of at least 4 bars, uint8 ``[bars, voices, steps]`` as in ``MusicSettings``.

    Raises:
        UsageError: an option has an unusable value.
        DataError: the folder cannot be read, or (as UnusableCorpusError, with the corpus for
            a report) holds nothing usable.
    """
    wanted = ReadOptions.from_mapping(options)
    names, rejections = find_files(folder, EXTENSIONS)
    files = _each({name: folder / name for name in names}, parse_file, rejections)
    counts = count_bars(files.values())
    meter = wanted.meter or _commonest_meter(counts, wanted.steps_per_beat)
    sheets = _each(files, lambda file: cut(file, meter, wanted.steps_per_beat), rejections)
    voices = wanted.voices or _usual_voices(sheets.values())
    arrangements = _each(sheets, lambda sheet: arrange(sheet, voices), rejections)
    summary = {
        "files": len(names),
        "readable": len(files),
        "bars_by_meter": {f"{beats}/{unit}": n for (beats, unit), n in counts.most_common()},
    }
    settings = decide(list(arrangements.values()), meter, wanted.steps_per_beat)
    pieces = _each(arrangements, lambda piece: write_bars(piece, settings), rejections)
    summary |= _count(arrangements, pieces, settings)
    pieces = _without_copies(pieces, rejections)
    for name in pieces:
        rejections += [
            Rejection(f"{name}: {part}", why) for part, why in arrangements[name].left_out
        ]
    settings = replace(settings, bars=_practice_bars(pieces.values()))
    corpus = Corpus(
        pieces=[Piece(bars, (len(bars),), name) for name, bars in pieces.items()],
        clusters=find_works(list(pieces.values()), settings),
        settings=settings.as_json(),
        rejections=sorted(rejections, key=lambda rejection: rejection.source),
        summary=summary,
    )
    if not pieces:
        raise UnusableCorpusError(_nothing(folder, corpus), corpus)
    return corpus


def _each(
    items: Mapping[str, Before],
    step: Callable[[Before], After],
    rejections: list[Rejection],
) -> dict[str, After]:
    """Take each item one step further; those that cannot be are rejected, with the reason."""
    done = {}
    for name, item in items.items():
        try:
            done[name] = step(item)
        except UnusableFileError as error:
            rejections.append(Rejection(name, str(error)))
    return done


def _commonest_meter(counts: Counter[Meter], steps_per_beat: int) -> Meter:
    """The metre of most bars among those that fit the grid."""
    fitting = [meter for meter, _ in counts.most_common() if fits_grid(meter, steps_per_beat)]
    return fitting[0] if fitting else (4, 4)


def _usual_voices(sheets: Collection[Sheet]) -> int:
    """The number of voices that most files hold, the smaller one of equals."""
    numbers = Counter(count_voices(sheet.tracks, sheet.lines) for sheet in sheets)
    return max(sorted(numbers), key=lambda number: numbers[number], default=1)


def _practice_bars(pieces: Collection[np.ndarray]) -> int:
    """The longest of the usual lengths of practice that at least half of the pieces reach."""
    half = sorted(map(len, pieces), reverse=True)[(len(pieces) - 1) // 2] if pieces else 0
    return next((bars for bars in PRACTICE if bars <= half), PRACTICE[-1])


def _without_copies(
    pieces: dict[str, np.ndarray], rejections: list[Rejection]
) -> dict[str, np.ndarray]:
    """Of pieces with equal bars the first stays."""
    names = list(pieces)
    kept = {}
    for name, first in zip(names, find_copies(list(pieces.values())).tolist(), strict=True):
        if names[first] == name:
            kept[name] = pieces[name]
        else:
            rejections.append(Rejection(name, f"the same bars as {names[first]}"))
    return kept


def _count(
    arrangements: Mapping[str, Arrangement],
    pieces: Mapping[str, np.ndarray],
    settings: MusicSettings,
) -> dict[str, Any]:
    """What people want to know of the usable files (copies included)."""
    used = [arrangements[name] for name in pieces]
    return {
        "usable": len(used),
        "minor": sum(piece.key.minor for piece in used),
        "keys": dict(Counter(piece.key.origin for piece in used).most_common()),
        "folded_notes": sum(folded(piece, settings) for piece in used),
    }


def _nothing(folder: Path, corpus: Corpus) -> str:
    """The sentence for a folder without one usable file."""
    if not corpus.summary["files"]:
        return f"no .mid or .midi file below '{folder}'"
    first = corpus.rejections[0]
    return (
        f"none of the {corpus.summary['files']} MIDI files below '{folder}' can be used, e.g. "
        f"{first.source}: {first.reason}; 'composer dataset inspect' lists all reasons"
    )
