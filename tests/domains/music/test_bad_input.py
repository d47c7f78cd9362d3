"""Every kind of bad file is a line in the report, and never stops the others."""

import contextlib
import os
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from composer.domains.music.midi import Part, midi_bytes
from composer.domains.music.parse import MidiFile, UnusableFileError, parse
from composer.domains.music.read import read_folder
from composer.domains.music.sheets import arrange, cut, decide, write_bars
from composer.errors import DataError
from composer.fragments import UnusableCorpusError

END = b"\x00\xff\x2f\x00"


@pytest.fixture
def folder(tmp_path, tune):
    """Three good tunes, to see that they survive."""
    for seed in range(3):
        (tmp_path / f"good{seed}.mid").write_bytes(tune(seed))
    return tmp_path


def reason_for(folder, name):
    """Read; the good files must be there and the bad one must have a reason, in time."""
    start = time.process_time()
    corpus = read_folder(folder, {})
    assert time.process_time() - start < 2
    assert [piece.source for piece in corpus.pieces] == [f"good{seed}.mid" for seed in range(3)]
    return {rejection.source: rejection.reason for rejection in corpus.rejections}[name]


def test_bad_bytes(folder, smf, note, tune):
    melody = b"".join(note(0, 480, 60 + i % 12) for i in range(32))
    kinds = {
        "text": (b"Once upon a time there was a tune.\n" * 9, "not a MIDI file"),
        "empty": (b"", "empty file"),
        "truncated": (tune(9)[:-40], "truncated"),
        "delta": (smf([b"\xff" * 1_000_000 + melody + END]), "a time of more than 4 bytes"),
        "division": (smf([melody + END], division=0), "division 0"),
        "smpte": (smf([melody + END], division=0xE728), "SMPTE"),
        "tracks": (smf([melody + END], count=65_535), "65,535 tracks"),
        "no notes": (smf([END]), "no notes"),
        "unended": (smf([b"\x00\x90\x3c\x40" + END]), "no notes"),
        "zero": (smf([note(0, 0, 60) * 40 + END]), "no notes"),
        "drums": (
            smf([melody.replace(b"\x90", b"\x99").replace(b"\x80\x3c", b"\x89\x3c") + END]),
            "",
        ),
        "changes": (smf([b"\x01\xff\x58\x04\x04\x02\x18\x08" * 99_999 + melody + END]), "too many"),
        "far": (smf([b"\xff\xff\xff\x7f\x90\x3c\x40" * 40 + END]), ""),
        "long": (smf([melody + b"\x87\xff\xff\x7f\x90\x3c\x40\x10\x80\x3c\x00" + END]), "too long"),
    }
    for name, (data, _) in kinds.items():
        (folder / f"{name}.mid").write_bytes(data)
    for name, (_, expected) in kinds.items():
        assert expected in reason_for(folder, f"{name}.mid")


def test_a_note_of_zero_length_is_left_out_and_reported(folder, smf, note):
    melody = [note(0, 480, pitch) for pitch in (60, 64, 67, 62, 65, 69, 71, 72) * 2]
    (folder / "zero.mid").write_bytes(
        smf([b"".join([*melody[:3], note(0, 0, 99), *melody[3:], END])])
    )
    corpus = read_folder(folder, {})
    assert len(corpus.pieces) == 4
    (rejection,) = corpus.rejections
    assert (rejection.source, rejection.reason) == ("zero.mid: 1 note", "of zero length")


def test_a_huge_file_is_not_even_opened(folder):
    with (folder / "huge.mid").open("wb") as file:
        file.truncate(300 * 2**20)
    assert "314,572,800 bytes" in reason_for(folder, "huge.mid")


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser can read every file")
def test_an_unreadable_file(folder, tune):
    (folder / "secret.mid").write_bytes(tune(9))
    (folder / "secret.mid").chmod(0)
    assert "cannot be read" in reason_for(folder, "secret.mid")


def test_links_and_special_files(folder):
    (folder / "gone.mid").symlink_to(folder / "nowhere.mid")
    (folder / "self.mid").symlink_to(folder / "self.mid")
    (folder / "loop").symlink_to(folder)
    os.mkfifo(folder / "pipe.mid")
    assert "cannot be opened" in reason_for(folder, "gone.mid")
    assert "cannot be opened" in reason_for(folder, "self.mid")
    assert "already read" in reason_for(folder, "loop")
    assert "not a regular file" in reason_for(folder, "pipe.mid")


def test_a_name_that_is_no_text(folder, tune):
    name = os.fsdecode(b"caf\xe9.mid")
    try:
        (folder / name).write_bytes(tune(9)[:99])
    except OSError:
        pytest.skip("this file system takes only UTF-8 names")
    assert "truncated" in reason_for(folder, name)


def test_nothing_usable(tmp_path):
    with pytest.raises(DataError, match=r"no \.mid or \.midi file"):
        read_folder(tmp_path, {})
    with pytest.raises(DataError, match="cannot read the folder"):
        read_folder(tmp_path / "missing", {})
    (tmp_path / "bad.mid").write_text("text")
    with pytest.raises(DataError, match="cannot read the folder"):
        read_folder(tmp_path / "bad.mid", {})
    with pytest.raises(UnusableCorpusError, match=r"bad\.mid: not a MIDI file") as caught:
        read_folder(tmp_path, {})
    assert [rejection.source for rejection in caught.value.corpus.rejections] == ["bad.mid"]


def read_bytes(data: bytes) -> None:
    """All that is done with one file; only the error that gives a reason may come out."""
    with contextlib.suppress(UnusableFileError):
        file = parse(data)
        assert isinstance(file, MidiFile)
        for voices in (1, 4):
            for beats, unit in {(beats, unit) for _, beats, unit in file.meters.tolist()}:
                piece = arrange(cut(file, (beats, unit), 12), voices)
                bars = write_bars(piece, decide([piece], (beats, unit), 12))
                assert bars.shape[1] == voices


def whole_file() -> bytes:
    rng = np.random.default_rng(0)
    starts = np.arange(0, 128, 2)
    parts = [
        Part(
            "ä",
            program,
            np.stack([starts, rng.integers(1, 9, 64), rng.integers(30, 90, 64), starts + 1], 1),
        )
        for program in range(3)
    ]
    return midi_bytes(parts, steps_per_beat=4, tempo=90, meter=(4, 4), key="Bbm", texts=["hä?"])


WHOLE = whole_file()


@given(
    st.lists(
        st.tuples(st.integers(14, len(WHOLE) - 1), st.integers(0, 8), st.binary(max_size=8)),
        min_size=1,
        max_size=12,
    )
)
@settings(max_examples=150)
def test_changed_bytes_never_crash(changes):
    data = WHOLE
    for position, removed, inserted in changes:
        data = data[:position] + inserted + data[position + removed :]
    read_bytes(data)


@given(st.lists(st.tuples(st.integers(14, len(WHOLE) - 1), st.integers(0, 255)), max_size=20))
@settings(max_examples=150)
def test_changed_values_never_crash(changes):
    data = bytearray(WHOLE)
    for position, value in changes:
        data[position] = value if data[position] & 0x80 else value & 0x7F
    read_bytes(bytes(data))
