from pathlib import Path

import mido
import numpy as np
import pytest
import symusic

from composer.domains.music.midi import Part, midi_bytes, texts_in, write_atomically, write_midi
from composer.errors import UsageError

NOTES = np.array([[0, 4, 60, 90], [4, 2, 60, 70], [8, 8, 67, 80]])


def _write(path: Path, *parts: Part, **changes: object) -> mido.MidiFile:
    options = {"steps_per_beat": 4, "tempo": 96.0, "meter": (4, 4), "key": "Am"} | changes
    write_midi(path, parts, **options)
    return mido.MidiFile(path, charset="utf-8")


def test_the_conductor_track_says_tempo_metre_key_and_texts(tmp_path: Path):
    file = _write(tmp_path / "a.mid", Part("Melody", 40, NOTES), texts=["Für Elise ♪"])
    assert (file.type, file.ticks_per_beat, len(file.tracks)) == (1, 480, 2)
    found = {message.type: message for message in file.tracks[0]}
    assert round(mido.tempo2bpm(found["set_tempo"].tempo), 3) == 96
    assert (found["time_signature"].numerator, found["time_signature"].denominator) == (4, 4)
    assert found["time_signature"].clocks_per_click == 24
    assert found["key_signature"].key == "Am"
    assert found["text"].text == "Für Elise ♪"


def test_compound_metre_clicks_three_eighths(tmp_path: Path):
    file = _write(tmp_path / "a.mid", Part("Melody", 0, NOTES), meter=(6, 8))
    found = {message.type: message for message in file.tracks[0]}
    assert found["time_signature"].clocks_per_click == 36


def test_each_part_has_a_track_a_channel_and_a_program(tmp_path: Path):
    parts = [Part(f"Voice {n}", n, NOTES) for n in range(15)]
    file = _write(tmp_path / "a.mid", *parts)
    channels = []
    for program, track in enumerate(file.tracks[1:]):
        assert track.name == f"Voice {program}"
        change = next(message for message in track if message.type == "program_change")
        assert change.program == program
        (channel,) = {message.channel for message in track if not message.is_meta}
        channels.append(channel)
    assert len(set(channels)) == 15
    assert 9 not in channels


@pytest.mark.parametrize("steps", [None, 16, 32])
def test_all_tracks_end_together_and_no_note_hangs(tmp_path: Path, steps: int | None):
    file = _write(
        tmp_path / "a.mid", Part("Melody", 0, NOTES), Part("Bass", 0, NOTES[:0]), steps=steps
    )
    assert {sum(message.time for message in track) for track in file.tracks} == {
        (steps or 16) * 120
    }
    kinds = [message.type for message in file.tracks[1] if message.type.startswith("note")]
    assert kinds == ["note_on", "note_off"] * 3


@pytest.mark.parametrize("steps_per_beat", [1, 3, 4, 6, 7, 11, 12, 24])
def test_every_step_falls_on_a_tick(tmp_path: Path, steps_per_beat: int):
    path = tmp_path / "a.mid"
    _write(path, Part("Melody", 0, NOTES), steps_per_beat=steps_per_beat)
    score = symusic.Score(path)
    ticks = score.ticks_per_quarter // steps_per_beat
    assert score.ticks_per_quarter % steps_per_beat == 0
    read = score.tracks[0].notes.numpy()
    assert (read["time"] == NOTES[:, 0] * ticks).all()
    assert (read["duration"] == NOTES[:, 1] * ticks).all()
    assert (read["pitch"] == NOTES[:, 2]).all()
    assert (read["velocity"] == NOTES[:, 3]).all()


@pytest.mark.parametrize("size", [0, 1, 100, 200, 20_000])
def test_texts_are_found_again(size: int):
    data = midi_bytes(
        [Part("Melody", 0, NOTES)],
        steps_per_beat=4,
        tempo=120,
        meter=(4, 4),
        key="C",
        texts=["other", "mark: " + "x" * size, "mark: ü"],
    )
    assert texts_in(data, "mark: ") == ["x" * size, "ü"]
    assert texts_in(data, "absent: ") == []


def test_writing_replaces_whole_files_and_leaves_nothing_beside(tmp_path: Path):
    path = tmp_path / "a.bin"
    write_atomically(path, b"one")
    write_atomically(path, b"two")
    assert path.read_bytes() == b"two"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_is_missing_is_a_clear_error(tmp_path: Path):
    with pytest.raises(UsageError, match="cannot write"):
        write_atomically(tmp_path / "no" / "a.bin", b"")
