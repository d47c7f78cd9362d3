"""General MIDI instruments by name or number."""

from __future__ import annotations

import difflib
import re

from composer.errors import UsageError

# General MIDI Level 1 (MIDI Association), in families of eight; a program is its index, 0-127.
PROGRAM_NAMES: tuple[str, ...] = (
    *("Acoustic Grand Piano", "Bright Acoustic Piano", "Electric Grand Piano", "Honky-tonk Piano"),
    *("Electric Piano 1", "Electric Piano 2", "Harpsichord", "Clavinet"),
    *("Celesta", "Glockenspiel", "Music Box", "Vibraphone"),
    *("Marimba", "Xylophone", "Tubular Bells", "Dulcimer"),
    *("Drawbar Organ", "Percussive Organ", "Rock Organ", "Church Organ"),
    *("Reed Organ", "Accordion", "Harmonica", "Tango Accordion"),
    *("Acoustic Guitar (nylon)", "Acoustic Guitar (steel)", "Electric Guitar (jazz)"),
    *("Electric Guitar (clean)", "Electric Guitar (muted)", "Overdriven Guitar"),
    *("Distortion Guitar", "Guitar Harmonics"),
    *("Acoustic Bass", "Electric Bass (finger)", "Electric Bass (pick)", "Fretless Bass"),
    *("Slap Bass 1", "Slap Bass 2", "Synth Bass 1", "Synth Bass 2"),
    *("Violin", "Viola", "Cello", "Contrabass"),
    *("Tremolo Strings", "Pizzicato Strings", "Orchestral Harp", "Timpani"),
    *("String Ensemble 1", "String Ensemble 2", "Synth Strings 1", "Synth Strings 2"),
    *("Choir Aahs", "Voice Oohs", "Synth Voice", "Orchestra Hit"),
    *("Trumpet", "Trombone", "Tuba", "Muted Trumpet"),
    *("French Horn", "Brass Section", "Synth Brass 1", "Synth Brass 2"),
    *("Soprano Sax", "Alto Sax", "Tenor Sax", "Baritone Sax"),
    *("Oboe", "English Horn", "Bassoon", "Clarinet"),
    *("Piccolo", "Flute", "Recorder", "Pan Flute"),
    *("Blown Bottle", "Shakuhachi", "Whistle", "Ocarina"),
    *("Lead 1 (square)", "Lead 2 (sawtooth)", "Lead 3 (calliope)", "Lead 4 (chiff)"),
    *("Lead 5 (charang)", "Lead 6 (voice)", "Lead 7 (fifths)", "Lead 8 (bass + lead)"),
    *("Pad 1 (new age)", "Pad 2 (warm)", "Pad 3 (polysynth)", "Pad 4 (choir)"),
    *("Pad 5 (bowed)", "Pad 6 (metallic)", "Pad 7 (halo)", "Pad 8 (sweep)"),
    *("FX 1 (rain)", "FX 2 (soundtrack)", "FX 3 (crystal)", "FX 4 (atmosphere)"),
    *("FX 5 (brightness)", "FX 6 (goblins)", "FX 7 (echoes)", "FX 8 (sci-fi)"),
    *("Sitar", "Banjo", "Shamisen", "Koto"),
    *("Kalimba", "Bagpipe", "Fiddle", "Shanai"),
    *("Tinkle Bell", "Agogo", "Steel Drums", "Woodblock"),
    *("Taiko Drum", "Melodic Tom", "Synth Drum", "Reverse Cymbal"),
    *("Guitar Fret Noise", "Breath Noise", "Seashore", "Bird Tweet"),
    *("Telephone Ring", "Helicopter", "Applause", "Gunshot"),
)


def _compact(name: str) -> str:
    """Letters, digits and signs that count, in lower case: ``"Alto Sax"`` is ``"altosax"``."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


# What people say where General MIDI has several, besides the full names.
_PROGRAMS = {
    "piano": PROGRAM_NAMES.index("Acoustic Grand Piano"),
    "electricpiano": PROGRAM_NAMES.index("Electric Piano 1"),
    "organ": PROGRAM_NAMES.index("Church Organ"),
    "guitar": PROGRAM_NAMES.index("Acoustic Guitar (nylon)"),
    "bass": PROGRAM_NAMES.index("Acoustic Bass"),
    "doublebass": PROGRAM_NAMES.index("Contrabass"),
    "harp": PROGRAM_NAMES.index("Orchestral Harp"),
    "strings": PROGRAM_NAMES.index("String Ensemble 1"),
    "choir": PROGRAM_NAMES.index("Choir Aahs"),
    "horn": PROGRAM_NAMES.index("French Horn"),
    "sax": PROGRAM_NAMES.index("Alto Sax"),
    "saxophone": PROGRAM_NAMES.index("Alto Sax"),
} | {_compact(name): program for program, name in enumerate(PROGRAM_NAMES)}


def parse_program(value: str | int) -> int:
    """Find a General MIDI program, 0-127, by its number or name (case and signs do not count).

    A part of a name is enough where only one instrument has it.

    Raises:
        UsageError: where there is no such instrument; the message names those that come close.
    """
    text = str(value).strip()
    wanted = _compact(text)
    if re.fullmatch(r"-?\d+", text):
        if 0 <= (number := int(text[:20])) < len(PROGRAM_NAMES):
            return number
        message = f"instrument {text} does not exist: General MIDI numbers go from 0 to 127"
        raise UsageError(message)
    if wanted in _PROGRAMS:
        return _PROGRAMS[wanted]
    containing = [name for name in PROGRAM_NAMES if wanted and wanted in _compact(name)]
    if len(containing) == 1:
        return PROGRAM_NAMES.index(containing[0])
    message = f"unknown instrument '{text}': {_advice(wanted, containing)}"
    raise UsageError(message)


def parse_programs(value: str | int, voices: int) -> tuple[int, ...]:
    """One program a voice from one instrument for all, or as many as voices, between commas.

    Raises:
        UsageError: for an unknown instrument or another number of them.
    """
    programs = tuple(parse_program(part) for part in str(value).split(","))
    if len(programs) not in {1, voices}:
        message = (
            f"'{value}' names {len(programs)} instruments, but the model has "
            f"{voices} voice{'s' * (voices > 1)}: give one for all or one a voice"
        )
        raise UsageError(message)
    return programs * (voices // len(programs))


def _advice(wanted: str, containing: list[str]) -> str:
    """What to write instead."""
    if len(containing) > 1:
        return f"did you mean {', '.join(containing[:8])}?"
    close = difflib.get_close_matches(wanted, _PROGRAMS, n=3, cutoff=0.6)
    names = list(dict.fromkeys(PROGRAM_NAMES[_PROGRAMS[match]] for match in close))
    if names:
        return f"did you mean {' or '.join(names)}?"
    return "give a General MIDI name such as 'violin', 'flute', 'church organ', or 0 to 127"
