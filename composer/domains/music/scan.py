"""A first look at untrusted MIDI bytes, before any parser sees them.

Every event is walked over, by regular expressions that never backtrack: time grows with the size
only (about 0.1 s a megabyte at worst), memory not at all. What passes has chunks that lie inside
the file, and events whose lengths lie inside their chunk.
"""

from __future__ import annotations

import re
import struct

MAX_BYTES = 8 * 2**20
MAX_TRACKS = 1024
_HEADER = struct.Struct(">4sIHHh")
_CHUNK = struct.Struct(">4sI")
_HEADER_LENGTH = 6
_LAST_FORMAT = 2

# A variable-length quantity has at most 4 bytes, all but its last one with the high bit set.
_QUANTITY = rb"[\x80-\xff]{0,3}+[\x00-\x7f]"
_DATA = rb"[\x00-\x7f]"
# Meta events (but not the end of the track) and system-exclusive ones carry their length; the
# usual short ones are matched whole, by one alternative a length.
_CARRIER = rb"(?:\xff[\x00-\x2e\x30-\x7f]|[\xf0\xf7])"
_SHORT = b"|".join(re.escape(bytes([size])) + b".{%d}" % size for size in range(128))


def _run(status: bytes, data: bytes) -> bytes:
    """Events with such a status; from the second one on it may be left out (running status)."""
    carrier = _CARRIER + b"(?:" + _SHORT + b")"
    again = status + b"?+" + data + b"|" + carrier
    return _QUANTITY + status + data + b"(?:" + _QUANTITY + b"(?:" + again + b"))*+"


_EVENTS = re.compile(
    b"(?s:%b|%b|%b)*+"
    % (
        _run(rb"[\x80-\xbf\xe0-\xef]", _DATA + b"{2}"),
        _run(rb"[\xc0-\xdf]", _DATA),
        _QUANTITY + _CARRIER + b"(?:" + _SHORT + b")",
    )
)
_LONG_EVENT = re.compile(_QUANTITY + _CARRIER + b"(" + _QUANTITY + b")")
_TRACK_END = re.compile(_QUANTITY + rb"\xff\x2f")
_OVERLONG = re.compile(rb"[\x80-\xff]{4}")


def size_reason(size: int) -> str | None:
    """Why a file of ``size`` bytes is not even opened; None where it may be."""
    if size > MAX_BYTES:
        return f"{size:,} bytes: more than the {MAX_BYTES:,} that are read"
    if size == 0:
        return "empty file"
    return None


def scan(data: bytes) -> str | None:
    """Why ``data`` is not usable as a MIDI file; None where its structure is sound."""
    if (reason := size_reason(len(data))) is not None:
        return reason
    if data[:4] != b"MThd":
        return "not a MIDI file: it does not begin with MThd"
    if len(data) < _HEADER.size:
        return "truncated: it ends inside the header"
    _, length, form, tracks, division = _HEADER.unpack_from(data)
    faults = {
        f"damaged: a header of {length} bytes": length < _HEADER_LENGTH,
        f"MIDI format {form} is unknown (there are 0, 1 and 2)": form > _LAST_FORMAT,
        "its time is in SMPTE frames, not in beats": division < 0,
        "division 0: its beats have no length": division == 0,
        f"{tracks:,} tracks: more than the {MAX_TRACKS:,} that are read": tracks > MAX_TRACKS,
    }
    fault = next((reason for reason, present in faults.items() if present), None)
    return fault or _scan_chunks(data, _CHUNK.size + length, tracks)


def _scan_chunks(data: bytes, position: int, tracks: int) -> str | None:
    """Why the chunks behind the header are not sound."""
    found = 0
    while found < tracks:
        if position + _CHUNK.size > len(data):
            return f"truncated: {found:,} of {tracks:,} tracks are there"
        kind, length = _CHUNK.unpack_from(data, position)
        position += _CHUNK.size
        if (missing := position + length - len(data)) > 0:
            return f"truncated: the last {missing:,} bytes of a track are missing"
        if kind == b"MTrk":
            found += 1
            if (reason := _scan_events(data, position, position + length)) is not None:
                return f"damaged: {reason} in track {found}"
        position += length
    return None


def _scan_events(data: bytes, position: int, end: int) -> str | None:
    """Why the events from ``position`` to ``end`` are not sound; an end of track is optional."""
    while position < end:
        match = _EVENTS.match(data, position, end)
        position = match.end() if match else position
        if position == end or _TRACK_END.match(data, position, end):
            return None
        event = _LONG_EVENT.match(data, position, end)
        if event is None:
            overlong = _OVERLONG.match(data, position, end)
            return "a time of more than 4 bytes" if overlong else "an event that does not exist"
        size = 0
        for byte in event[1]:
            size = size << 7 | byte & 0x7F
        position = event.end() + size
    return None if position == end else "an event that is longer than its track"
