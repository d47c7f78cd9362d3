"""What ``composer dataset inspect`` says of a folder of MIDI files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from composer.cli.words import count, printable

if TYPE_CHECKING:
    from collections.abc import Mapping

FRAGMENTS = "bars"
_KEYS = {
    "signature": "by the signature",
    "estimated": "estimated",
    "overruled": "estimated against a signature that does not fit",
}


def facts(report: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Name and value of each line of the report for people."""
    metres = [f"{name} {count(bars, 'bar')}" for name, bars in report["bars_by_meter"].items()]
    lines = [
        ("folder", printable(report["folder"])),
        ("MIDI files", f"{report['files']:,}, readable {report['readable']:,}"),
        ("metres", ", ".join(metres) or "none"),
    ]
    if not report["pieces"]:
        return lines
    settings, low_notes = report["settings"], report["settings"]["lows"]
    span = settings["pitches"] - 1
    ranges = ", ".join(f"{_pitch(low)} to {_pitch(low + span)}" for low in low_notes)
    keys = ", ".join(f"{_KEYS[origin]} {count:,}" for origin, count in report["keys"].items())
    used = [
        count(report["pieces"], "piece") + " of " + count(report["works"], "work"),
        count(report["bars"], "bar"),
    ]
    lines += [
        ("used", ", ".join(used)),
        ("metre", "{}/{}, {} steps a beat".format(*settings["meter"], settings["steps_per_beat"])),
        ("voices", f"{len(low_notes)}: {ranges}"),
        ("keys", f"{keys}; {report['minor']:,} in minor; all moved to C major or A minor"),
        ("tempo", f"{settings['tempo']:g} quarter notes a minute"),
        ("folded", f"{count(report['folded_notes'], 'note')} moved by octaves into the range"),
    ]
    for name, part in report["split"].items():
        lines.append((name, f"{count(part['pieces'], 'piece')}, {count(part['bars'], 'bar')}"))
    return lines


def _pitch(number: int) -> str:
    """MIDI 60 -> C4."""
    names = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
    return f"{names[number % 12]}{number // 12 - 1}"
