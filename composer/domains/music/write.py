"""From a composition to files: MIDI and a piano roll, each with the recipe inside."""

from __future__ import annotations

import io
import json
import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from composer.domains.music.instruments import PROGRAM_NAMES, parse_programs
from composer.domains.music.midi import Part, is_compound, midi_bytes, texts_in, write_atomically
from composer.domains.music.roll import draw_roll
from composer.domains.music.scales import Key, estimate_key, parse_key, shift_for
from composer.domains.music.settings import FIRST_PITCH, HOLD
from composer.errors import DataError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from PIL import Image

    from composer.composition import Composition
    from composer.domains.music.settings import MusicSettings

SLOWEST, FASTEST = 20.0, 300.0
RECIPE = "composer-recipe"
PHRASE_BARS = 4
SEARCHED_BYTES = 1 << 22
CHOIR = ("Soprano", "Alto", "Tenor", "Bass")


@dataclass(frozen=True)
class Performance:
    """How a piece is to sound: the options of ``compose``, checked.

    Attributes:
        key: as asked; None leaves the piece in the model's common key.
        shift: semitones that the tokens are transposed by.
        tempo: quarter notes a minute.
        programs: General MIDI program of each voice.
    """

    key: Key | None
    shift: int
    tempo: float
    programs: tuple[int, ...]

    @classmethod
    def from_options(cls, options: Mapping[str, Any], settings: MusicSettings) -> Performance:
        """Check ``key``, ``tempo`` and ``instrument``; what is missing or None is the model's.

        Raises:
            UsageError: for a value that cannot be used.
        """
        key, tempo, instrument = (options.get(name) for name in ("key", "tempo", "instrument"))
        asked = None if key is None else parse_key(str(key))
        return cls(
            key=asked,
            shift=shift_for(settings, asked),
            tempo=settings.tempo if tempo is None else parse_tempo(tempo),
            programs=settings.instruments
            if instrument is None
            else parse_programs(instrument, settings.voices),
        )


def parse_tempo(value: float | str) -> float:
    """Quarter notes a minute, 20 to 300; UsageError otherwise."""
    try:
        tempo = float(value)
    except ValueError:
        tempo = math.nan
    if not SLOWEST <= tempo <= FASTEST:
        message = (
            f"tempo {value} cannot be used: give quarter notes a minute, "
            f"{SLOWEST:.0f} to {FASTEST:.0f}, for example 96"
        )
        raise UsageError(message)
    return tempo


def notes_from_tokens(
    fragments: np.ndarray, settings: MusicSettings, shift: int = 0
) -> list[np.ndarray]:
    """The notes of each voice, transposed by ``shift`` semitones (-6..5).

    A hold continues what came before, across bars too; before any onset that is silence.

    Args:
        fragments: uint8 ``[bars, voices, steps]``.
        settings: the model's.
        shift: semitones up.

    Returns:
        One int64 ``[n, 3]`` a voice: start step, length in steps, MIDI pitch.
    """
    lines = fragments.transpose(1, 0, 2).reshape(settings.voices, -1).astype(np.int64)
    voices = []
    for line, low in zip(lines, settings.lows, strict=True):
        starts = np.flatnonzero(line != HOLD)
        lengths = np.diff(starts, append=len(line))
        pitches = midi_pitches(line[starts], low, shift)
        voices.append(np.stack([starts, lengths, pitches], axis=1)[line[starts] >= FIRST_PITCH])
    return voices


def midi_pitches(tokens: np.ndarray, lows: np.ndarray | int, shift: int) -> np.ndarray:
    """The pitches that onsets are written with: int64, broadcast.

    What the shift takes out of MIDI's 0-127 comes back by an octave.

    Args:
        tokens: int ``[...]``, onsets; rests and holds have no pitch.
        lows: MIDI pitch of token 2 in the voice of each.
        shift: semitones up (-6..5).
    """
    pitches = tokens.astype(np.int64) - FIRST_PITCH + lows + shift
    octaves = (pitches < 0).astype(np.int64) - (pitches > 127)  # noqa: PLR2004
    return pitches + 12 * octaves


def metric_weights(settings: MusicSettings) -> np.ndarray:
    """How strong each step of a bar is: int64 ``[steps]``.

    3 the downbeat, 2 the middle of a bar of four (or six, ...) beats, 1 the other beats, 0 the
    divisions of a beat (its half; in 6/8 its thirds), -1 all between.
    """
    numerator, denominator = settings.meter
    units = 3 if is_compound(settings.meter) else 1
    beats = numerator // units
    # Steps and beats in a unit so small that both are whole, whatever the grid.
    position = np.arange(settings.steps) * denominator * 2
    beat = 4 * settings.steps_per_beat * units * 2
    division = beat // 3 if units == 3 else beat // 2  # noqa: PLR2004 - compound metre
    weights = np.where(position % division == 0, 0, -1)
    weights[position % beat == 0] = 1
    if beats % 2 == 0 and beats > 2:  # noqa: PLR2004 - two beats have no middle but the second
        weights[position == beat * beats // 2] = 2
    weights[0] = 3
    return weights


def velocities(notes: np.ndarray, settings: MusicSettings) -> np.ndarray:
    """How loud each note is struck: strong beats louder, and a gentle arch over four bars.

    Args:
        notes: int64 ``[n, 3]`` as from ``notes_from_tokens``.
        settings: the model's, for the metre.

    Returns:
        int64 ``[n]``, about 60 to 100.
    """
    weights = metric_weights(settings)[notes[:, 0] % settings.steps]
    accents = np.array([62, 68, 74, 80, 86])[weights + 1]
    phrase = PHRASE_BARS * settings.steps
    arch = 10 * np.sin(np.pi * (notes[:, 0] % phrase) / phrase)
    louder: np.ndarray = accents + np.rint(arch).astype(np.int64)
    return louder


def voice_names(voices: int) -> tuple[str, ...]:
    """What the tracks are called, highest voice first."""
    if voices == 1:
        return ("Melody",)
    return CHOIR if voices == len(CHOIR) else tuple(f"Voice {n + 1}" for n in range(voices))


def write_piece(
    composition: Composition, stem: Path, settings: MusicSettings, options: Mapping[str, Any]
) -> list[Path]:
    """Write ``stem.mid`` and ``stem.png``; the same composition gives the same bytes.

    Args:
        composition: fragments uint8 ``[bars, voices, steps]``.
        stem: path without suffix; its folder is made where it is missing.
        settings: the model's.
        options: ``key``, ``tempo``, ``instrument`` as the user gave them, or None.

    Returns:
        The two paths.

    Raises:
        UsageError: for an option that cannot be used, a note outside of the asked key, or a file
            that exists: nothing is overwritten.
    """
    performance = Performance.from_options(options, settings)
    notes = notes_from_tokens(composition.fragments, settings, performance.shift)
    if performance.key is not None:
        _require_in_scale(notes, performance.key)
    key = performance.key or estimate_key(notes, settings)
    recipe = json.dumps(composition.recipe, sort_keys=True, separators=(",", ":"))
    midi, png = (stem.with_name(stem.name + suffix) for suffix in (".mid", ".png"))
    image = draw_roll(
        notes,
        composition.origins,
        settings,
        title=stem.name,
        caption=_caption(composition, key, performance, settings),
    )
    contents = {
        midi: _midi(composition, notes, key, performance, settings, recipe),
        png: _png(image, recipe),
    }
    _create(contents)
    return list(contents)


def read_recipe(path: Path) -> dict[str, Any]:
    """The recipe inside a MIDI file or PNG that was written by ``write_piece``.

    Raises:
        DataError: where the file cannot be read, is neither, or holds no recipe.
    """
    try:
        with path.open("rb") as file:
            data = file.read(SEARCHED_BYTES)
    except OSError as error:
        message = f"{path} cannot be read: {error.strerror}"
        raise DataError(message) from error
    texts = texts_in(data, f"{RECIPE}: ") if data.startswith(b"MThd") else _png_texts(data)
    try:
        recipe = json.loads(texts[0]) if texts else None
    except (ValueError, RecursionError):
        recipe = None
    if not isinstance(recipe, dict):
        message = f"{path} holds no recipe of composer: give a .mid or .png that it wrote"
        raise DataError(message)
    return recipe


def _require_in_scale(notes: Sequence[np.ndarray], key: Key) -> None:
    """Stop rather than break the promise of ``--key``."""
    pitches = np.concatenate(notes)[:, 2]
    outside = int((~np.isin(pitches % 12, list(key.pitch_classes))).sum())
    if outside:
        message = (
            f"{outside} of {len(pitches)} notes lie outside of {key.name}: compose the piece with "
            "the key that it is written in"
        )
        raise UsageError(message)


def _caption(
    composition: Composition, key: Key, performance: Performance, settings: MusicSettings
) -> str:
    """Key, metre, tempo, length and instruments of a piece in a line."""
    bars = len(composition.fragments)
    seconds = round(bars * settings.steps / settings.steps_per_beat * 60 / performance.tempo)
    instruments = dict.fromkeys(PROGRAM_NAMES[program] for program in performance.programs)
    return "  ·  ".join(
        [
            key.name,
            "{}/{}".format(*settings.meter),
            f"{performance.tempo:g} bpm",
            f"{bars} bar{'s' * (bars > 1)}, {seconds // 60}:{seconds % 60:02d}",
            ", ".join(instruments),
        ]
    )


def _midi(
    composition: Composition,
    notes: Sequence[np.ndarray],
    key: Key,
    performance: Performance,
    settings: MusicSettings,
    recipe: str,
) -> bytes:
    """The MIDI file of a piece."""
    parts = [
        Part(name, program, np.column_stack([line, velocities(line, settings)]))
        for name, program, line in zip(
            voice_names(settings.voices), performance.programs, notes, strict=True
        )
    ]
    return midi_bytes(
        parts,
        steps_per_beat=settings.steps_per_beat,
        tempo=performance.tempo,
        meter=settings.meter,
        key=key.signature,
        texts=[f"{RECIPE}: {recipe}"],
        steps=len(composition.fragments) * settings.steps,
    )


def _png(image: Image.Image, recipe: str) -> bytes:
    """A PNG with the recipe in an iTXt chunk."""
    from PIL import PngImagePlugin

    information = PngImagePlugin.PngInfo()
    information.add_itxt(RECIPE, recipe)
    buffer = io.BytesIO()
    image.save(buffer, "PNG", pnginfo=information)
    return buffer.getvalue()


def _png_texts(data: bytes) -> list[str]:
    """The recipes in the bytes of a PNG, as ``_png`` puts them there: not compressed."""
    texts = []
    for match in re.finditer(rb"(.{4})iTXt%b\0\0\0\0\0" % RECIPE.encode(), data, re.DOTALL):
        end = match.start() + 8 + int.from_bytes(match[1], "big")
        texts.append(data[match.end() : end].decode("utf-8", errors="replace"))
    return texts


def _create(contents: Mapping[Path, bytes]) -> None:
    """Write files that do not exist yet, all or none.

    Each name is first taken by an empty file, which fails where another has it, then replaced.
    """
    taken: list[Path] = []
    try:
        for path in contents:
            _take(path)
            taken.append(path)
        for path, data in contents.items():
            write_atomically(path, data)
    except BaseException:
        for path in taken:
            path.unlink(missing_ok=True)
        raise


def _take(path: Path) -> None:
    """Put an empty file where none is; UsageError where that cannot be done."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(exist_ok=False)
    except OSError as error:
        message = f"cannot write {path}: {error.strerror}"
        if path.exists():
            message = f"{path} exists and is not overwritten: choose another name"
        raise UsageError(message) from error
