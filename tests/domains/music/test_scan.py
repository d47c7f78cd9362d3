import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from composer.domains.music.midi import Part, midi_bytes
from composer.domains.music.scan import MAX_BYTES, scan, size_reason

END = b"\x00\xff\x2f\x00"


@pytest.mark.parametrize(
    "events",
    [
        b"\x00\x90\x3c\x40\x60\x80\x3c\x00" + END,
        b"\x00\x90\x3c\x40\x60\x3c\x00\x00\x3e\x40\x60\x3e\x00" + END,  # running status
        b"\x00\xc0\x05\x00\x06\x00\x90\x3c\x40" + END,  # one data byte, then two
        b"\x00\x90\x3c\x40\x00\xff\x01\x02hi\x60\x3c\x00" + END,  # kept across a text
        b"\x00\xff\x01\x81\x00" + b"\xff" * 128 + END,  # a text of 128 high bytes
        b"\x00\xf0\x03\x01\x02\xf7" + END,  # system exclusive
        b"\xff\xff\xff\x7f\x90\x3c\x40" + END,  # the longest time there is
        b"\x00\x90\x3c\x40",  # no end of track
        END + b"anything behind the end",
        b"",
    ],
)
def test_sound_events_pass(smf, events):
    assert scan(smf([events])) is None


@pytest.mark.parametrize(
    ("events", "reason"),
    [
        (b"\xff" * 1_000_000 + b"\x00\x90\x3c\x40" + END, "a time of more than 4 bytes"),
        (b"\x00\x90\x3c\x40\x80\x80\x80\x80\x00\x3c\x00" + END, "a time of more than 4 bytes"),
        (b"\x00\x3c\x40" + END, "an event that does not exist"),  # running status of nothing
        (b"\x00\xf4\x40" + END, "an event that does not exist"),
        (b"\x00\x90\x3c\xc0" + END, "an event that does not exist"),  # data with the high bit
        (b"\x00\xff\x01\xff\xff\xff\x7f" + END, "an event that is longer than its track"),
        (b"\x00\xff\x01\x7fshort", "an event that is longer than its track"),
    ],
)
def test_broken_events_are_named(smf, events, reason):
    assert scan(smf([END, events])) == f"damaged: {reason} in track 2"


def test_header_faults_are_named(smf):
    whole = smf([END])
    assert "does not begin with MThd" in scan(b"La la la, la la la, la la la.")
    assert scan(b"") == "empty file"
    assert "truncated" in scan(whole[:10])
    assert "division 0" in scan(smf([END], division=0))
    assert "SMPTE" in scan(smf([END], division=0xE728))
    assert "65,535 tracks" in scan(smf([END], count=65_535))
    assert "format 7" in scan(smf([END], form=7))
    assert "header of 2 bytes" in scan(whole[:4] + b"\0\0\0\2" + whole[8:])


def test_every_truncation_is_noticed(smf, note):
    whole = smf([note(0, 480, 60) + END, note(0, 480, 64) + END])
    assert scan(whole) is None
    assert all(scan(whole[:size]) for size in range(len(whole)))


def test_foreign_chunks_are_passed_over(smf):
    whole = smf([END])
    assert scan(whole[:14] + b"XFIH\0\0\0\2ab" + whole[14:]) is None


def test_size_is_judged_without_reading():
    assert "314,572,800 bytes" in size_reason(300 * 2**20)
    assert size_reason(MAX_BYTES) is None


@pytest.mark.parametrize(
    "unit",
    [b"\x00\x90\x3c\x40", b"\x00\xc1\x07", b"\x00\xff\x01\x00", b"\xff", b"\x00\xf0\x81\x00"],
)
def test_time_is_bounded_for_the_largest_files(smf, unit):
    data = smf([unit * ((MAX_BYTES - 64) // len(unit))])
    start = time.process_time()
    scan(data)
    assert time.process_time() - start < 2


@given(st.binary(max_size=300), st.integers(0, 400))
def test_never_raises(junk, cut):
    part = Part("a", 0, np.array([[0, 4, 60, 80], [4, 4, 62, 80]]))
    whole = midi_bytes([part], steps_per_beat=4, tempo=120, meter=(4, 4), key="C")
    for data in (junk, b"MThd" + junk, whole[:14] + junk, whole[:cut] + junk + whole[cut:]):
        assert scan(data) is None or isinstance(scan(data), str)
