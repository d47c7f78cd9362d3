"""A guarantee: no passage of more than so many notes of a piece is found in a folder of music.

Passages are those of ``composer.domains.music.originality``: the folder is read by the same
functions, and a line, of a tune or of the piece, is the same string of symbols, from each note to
the next. A passage of more than N notes is N successive symbols that are found in the folder. Such
a passage is complete with its last note, so that a bar can be judged by the bars before it: it is
permitted where none of its notes completes one. A bar without onsets always is.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from composer.domain import Rule
from composer.domains.music.originality import Strings, collect, read_corpus
from composer.domains.music.settings import FIRST_PITCH, HOLD
from composer.domains.music.write import Performance, midi_pitches
from composer.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from composer.domains.music.settings import MusicSettings

LEAST = 4  # with fewer, of four voices every twelfth bar had no candidate and was thinned
_NONE = -1  # the number of what is not in the folder
_MANY = 2**31  # more than there are notes in a folder


class CopyLimit(Rule):
    """No passage of more than ``limit`` notes is in a folder.

    Attributes:
        limit: the most notes in a row that may be copied.
    """

    def __init__(self, known: Strings, limit: int, settings: MusicSettings, shift: int = 0) -> None:
        """Remember the passages of ``known``, the lines of the folder on the grid of ``settings``.

        ``shift``: semitones that the piece is written higher (-6..5).
        """
        self.limit, self.settings, self.shift = limit, settings, shift
        self._known = Stretches(known, limit)

    @classmethod
    def from_options(cls, options: Mapping[str, Any], settings: MusicSettings) -> CopyLimit | None:
        """What ``max_copy``, ``data`` and ``key`` ask for; None without the first two.

        Raises:
            UsageError: an option cannot be used.
            DataError: there is nothing below ``data`` that can be read.
        """
        asked = limit_asked(options)
        if asked is None:
            return None
        limit, folder = asked
        files, _ = read_corpus(folder, settings.steps_per_beat)
        known = collect(list(files.values()), settings.steps_per_beat)
        return cls(known, limit, settings, Performance.from_options(options, settings).shift)

    def permits(self, earlier: np.ndarray, candidates: np.ndarray) -> np.ndarray:
        """Which bars complete no passage: bool ``[n]``; arrays as in ``Rule``."""
        return np.count_nonzero(self._completed(earlier, candidates), axis=(1, 2)) == 0

    def mend(self, earlier: np.ndarray, fragment: np.ndarray) -> np.ndarray:
        """A bar thinned until it is permitted: uint8 ``[voices, steps]``.

        From left to right each note that completes a passage is left out, and what sounded before
        it (or the rest) is held. That ends, at the latest with the last note.
        """
        mended = fragment.copy()
        while (completed := self._completed(earlier, mended[None])[0]).any():
            voices = np.flatnonzero(completed.any(1))
            mended[voices, completed[voices].argmax(1)] = HOLD
        return mended

    def _completed(self, earlier: np.ndarray, bars: np.ndarray) -> np.ndarray:
        """Onsets that complete a passage of the folder: bool ``[n, voices, steps]``.

        ``earlier`` uint8 ``[places, voices, steps]``, ``bars`` uint8 ``[n, voices, steps]``.
        """
        behind = np.concatenate(list(self._recent(earlier)), axis=1)
        lines = np.concatenate((np.broadcast_to(behind, (len(bars), *behind.shape)), bars), axis=2)
        bar, voice, step = found = np.nonzero(lines >= FIRST_PITCH)
        pitches = midi_pitches(lines[found], np.array(self.settings.lows)[voice], self.shift)
        notes = np.stack((step, np.ones_like(step), pitches), axis=1)
        owner = bar * self.settings.voices + voice
        strings = Strings(notes, bar, owner, self.settings.steps_per_beat)
        last = np.flatnonzero(self._known.begin(strings)) + self.limit
        completed = np.zeros(lines.shape, bool)
        completed[bar[last], voice[last], step[last]] = True
        return completed[:, :, behind.shape[1] :]

    def _recent(self, earlier: np.ndarray) -> np.ndarray:
        """The last bars, as many as hold the beginning of a passage in each voice."""
        onsets = (earlier >= FIRST_PITCH).sum(2)[::-1].cumsum(0)
        bars = 1 + int((onsets < self.limit).any(1).sum())
        empty = np.zeros((1, *earlier.shape[1:]), earlier.dtype)
        return np.concatenate((empty, earlier))[-bars:]


class Stretches:
    """All stretches of so many symbols in some lines, to be looked up.

    Those of 1, 2, 4, ... symbols are numbered, each by the numbers of its halves, and those of the
    asked size by the numbers of the two such stretches that cover it. So equal numbers are equal
    stretches (no hash stands for one), and a look-up is a few binary searches.
    """

    def __init__(self, strings: Strings, size: int) -> None:
        """Number the stretches of ``size`` symbols (from 1) in all lines."""
        doublings = size.bit_length() - 1
        self._hops = [1 << power for power in range(doublings)] + [size - (1 << doublings)]
        keys = _own_keys(strings)
        self._tables = [_table(keys)]
        for hop in self._hops:
            keys = _pair_keys(_number(self._tables[-1], keys), hop)
            self._tables.append(_table(keys))

    def begin(self, strings: Strings) -> np.ndarray:
        """From which notes on a stretch is one of these: bool ``[n]``."""
        numbers = _number(self._tables[0], _own_keys(strings))
        for hop, table in zip(self._hops, self._tables[1:], strict=True):
            numbers = _number(table, _pair_keys(numbers, hop))
        return numbers != _NONE


def _own_keys(strings: Strings) -> np.ndarray:
    """The symbols, which are positive, but none from one line to the next: int64 ``[n]``."""
    return np.where(strings.ends, _NONE, strings.symbols)


def _pair_keys(numbers: np.ndarray, hop: int) -> np.ndarray:
    """What begins at each place and what begins ``hop`` places on, as one: int64 ``[n]``."""
    beyond = np.full(min(hop, len(numbers)), _NONE)
    following = np.concatenate((numbers[hop:], beyond))
    whole = (numbers != _NONE) & (following != _NONE)
    return np.where(whole, numbers * _MANY + following, _NONE)


def _table(keys: np.ndarray) -> np.ndarray:
    """The different keys in their order, with one behind them that none is."""
    return np.append(np.unique(keys[keys != _NONE]), np.iinfo(np.int64).max)


def _number(table: np.ndarray, keys: np.ndarray) -> np.ndarray:
    """The place of each key in a table: int64 ``[n]``, ``_NONE`` where it is not there."""
    places = np.searchsorted(table, keys)
    return np.where(table[places] == keys, places, _NONE)


def limit_asked(options: Mapping[str, Any]) -> tuple[int, Path] | None:
    """``max_copy`` and ``data``, of which none is of use alone; None without both.

    Raises UsageError where one is missing, or ``max_copy`` is below 4.
    """
    limit, folder = options.get("max_copy"), options.get("data") or None
    if limit is None and folder is None:
        return None
    if limit is None:
        message = "--data says what not to copy, but not how much of it: add --max-copy, as in 8"
        raise UsageError(message)
    if folder is None:
        message = "--max-copy needs --data, the folder of MIDI files that is not to be copied"
        raise UsageError(message)
    if limit < LEAST:
        message = f"--max-copy is {limit}, but must be at least {LEAST}"
        raise UsageError(message)
    return int(limit), Path(folder)
