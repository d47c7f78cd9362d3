"""What ``composer dataset inspect`` says of a folder of pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from composer.cli.words import count, printable

if TYPE_CHECKING:
    from collections.abc import Mapping

FRAGMENTS = "tiles"
_SHOWN = 4


def facts(report: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Name and value of each line of the report for people."""
    lines = [
        ("folder", printable(report["folder"])),
        ("pictures", f"{report['files']:,}, readable {report['readable']:,}"),
    ]
    if not report["pieces"]:
        return lines
    settings = report["settings"]
    used = [
        f"{count(report['usable'], 'picture')} of {count(report['works'], 'work')}",
        count(report["pieces"], "piece"),
        count(report["tiles"], "tile"),
    ]
    duplicates = f"{count(report['duplicates'], 'copy', 'copies')} left out"
    near = f"{report['near_duplicates']:,} much like another one"
    kinds = (f"{printable(kind)} {number:,}" for kind, number in report["kinds"].items())
    lines += [
        ("sizes", _most([f"{size} {number:,}" for size, number in report["sizes"].items()])),
        ("duplicates", f"{duplicates}, {near}"),
        ("used", ", ".join(used)),
        ("kinds", ", ".join(kinds)),
        ("colours", _colours(report)),
        ("transparent", count(report["transparent"], "picture")),
        ("motif", f"every {report['motif']} pixels" if report["motif"] else "no grid found"),
        ("tile", "{0} x {0} cells, {1} x {1} pixels".format(settings["tile"], report["pixels"])),
        ("canvas", _canvas(settings)),
        ("palettes", _palettes(settings["palettes"])),
    ]
    for name, part in report["split"].items():
        lines.append((name, f"{count(part['pieces'], 'piece')}, {count(part['tiles'], 'tile')}"))
    return lines


def _most(items: list[str]) -> str:
    """The first few."""
    more = len(items) - _SHOWN
    return ", ".join(items[:_SHOWN]) + (f" and {more:,} more" if more > 0 else "")


def _colours(report: Mapping[str, Any]) -> str:
    slots = report["settings"]["slots"]
    chosen = f"{slots} in a palette" if slots else "all, without a palette"
    lost = [f"{error:g} with {number}" for number, error in report["quantisation_error"].items()]
    return f"{chosen}; mean error in levels {', '.join(lost)}" if lost else chosen


def _canvas(settings: Mapping[str, Any]) -> str:
    part = "a whole picture" if settings["framed"] else "a part of something larger"
    return f"{settings['columns']} x {settings['rows']} tiles, {part}"


def _palettes(palettes: list[list[str]]) -> str:
    return _most([" ".join(colours) for colours in palettes]) or "none"
