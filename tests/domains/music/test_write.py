import json
import time
from pathlib import Path

import mido
import numpy as np
import pytest
import symusic
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from written import notes_outside

from composer.composition import Composition, Origin
from composer.domains.music import write
from composer.domains.music.scales import (
    MODES,
    Key,
    allowed_tokens,
    parse_key,
    shift_for,
)
from composer.domains.music.settings import FIRST_PITCH, HOLD, REST, MusicSettings
from composer.domains.music.write import (
    Performance,
    metric_weights,
    notes_from_tokens,
    read_recipe,
    velocities,
    write_piece,
)
from composer.errors import DataError, UsageError

RECIPE = {"model": "00ff", "seed": 7, "settings": {"novelty": 0.3, "key": "Für ♪"}}
ONE, FOUR = (55,), (60, 55, 48, 36)


@st.composite
def music_settings(draw: st.DrawFn) -> MusicSettings:
    lows = draw(st.lists(st.integers(0, 91), min_size=1, max_size=4))
    return MusicSettings(
        meter=draw(
            st.sampled_from([(4, 4), (3, 4), (2, 4), (6, 8), (9, 8), (12, 8), (5, 4), (2, 2)])
        ),
        steps_per_beat=draw(st.sampled_from([2, 4, 6, 12])),
        lows=tuple(lows),
        tonic=draw(st.integers(0, 11)),
        instruments=(0,) * len(lows),
    )


def tokens(
    music: MusicSettings, bars: int, seed: int, mask: np.ndarray | None = None
) -> np.ndarray:
    """Random bars, half of their tokens holds, within what a mask allows."""
    rng = np.random.default_rng(seed)
    score = rng.random((bars, music.voices, music.steps, music.classes))
    score[..., HOLD] += rng.random(score.shape[:-1])
    if mask is not None:
        score[:, ~mask] = -1
    return score.argmax(-1).astype(np.uint8)


def composition(fragments: np.ndarray, recipe: dict[str, object] = RECIPE) -> Composition:
    bars = len(fragments)
    origins = tuple(
        Origin("repeat", bar // 2) if bar % 2 else Origin("fresh") for bar in range(bars)
    )
    plan, reward = np.zeros(bars, np.uint8), np.zeros(bars, np.float32)
    return Composition(fragments, (bars,), plan, origins, reward, reward, recipe)


def slow_notes(line: list[int], low: int) -> list[tuple[int, int, int]]:
    """The meaning of tokens, step by step."""
    notes: list[tuple[int, int, int]] = []
    sounding = False
    for step, token in enumerate(line):
        if token >= FIRST_PITCH:
            notes.append((step, 1, low + token - FIRST_PITCH))
            sounding = True
        elif token == REST:
            sounding = False
        elif sounding:
            start, length, pitch = notes[-1]
            notes[-1] = (start, length + 1, pitch)
    return notes


@given(music_settings(), st.integers(0, 5), st.integers(0, 1 << 32))
def test_notes_are_what_the_tokens_say(music: MusicSettings, bars: int, seed: int):
    fragments = tokens(music, bars, seed)
    found = notes_from_tokens(fragments, music)
    assert len(found) == music.voices
    for voice, notes in enumerate(found):
        assert notes.dtype == np.int64
        expected = slow_notes(fragments[:, voice].ravel().tolist(), music.lows[voice])
        assert [tuple(note) for note in notes.tolist()] == expected


def test_a_hold_at_the_bar_line_ties_and_after_a_rest_stays_silent():
    music = MusicSettings(meter=(1, 4), lows=(60,))
    fragments = np.array([[[1, 1, 2, 1]], [[1, 1, 0, 1]], [[1, 4, 5, 1]]], np.uint8)
    (notes,) = notes_from_tokens(fragments, music, shift=1)
    assert notes.tolist() == [[2, 4, 61], [9, 1, 63], [10, 2, 64]]


def test_a_shift_out_of_range_comes_back_by_an_octave():
    music = MusicSettings(meter=(1, 4), lows=(0,), pitches=128)
    fragments = np.array([[[2, 3, 128, 129]]], np.uint8)
    assert notes_from_tokens(fragments, music, -3)[0][:, 2].tolist() == [9, 10, 123, 124]
    assert notes_from_tokens(fragments, music, 3)[0][:, 2].tolist() == [3, 4, 117, 118]


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(music=music_settings(), bars=st.integers(1, 4), seed=st.integers(0, 1 << 32))
def test_the_file_holds_the_same_notes(
    tmp_path_factory: pytest.TempPathFactory, music: MusicSettings, bars: int, seed: int
):
    fragments = tokens(music, bars, seed)
    midi, _ = write_piece(composition(fragments), tmp_path_factory.mktemp("w") / "a", music, {})
    score = symusic.Score(midi)
    ticks = score.ticks_per_quarter // music.steps_per_beat
    # the reader leaves out tracks without notes
    expected = [notes for notes in notes_from_tokens(fragments, music) if len(notes)]
    assert len(score.tracks) == len(expected)
    for track, notes in zip(score.tracks, expected, strict=True):
        read = track.notes.numpy()
        found = np.stack([read["time"] // ticks, read["duration"] // ticks, read["pitch"]], axis=1)
        assert found.tolist() == notes.tolist()
        assert (read["velocity"] == velocities(notes, music)).all()
    for track in mido.MidiFile(midi).tracks:
        assert sum(message.time for message in track) == bars * music.steps * ticks


@given(
    st.sampled_from(list(MODES)), st.integers(-5, 6), st.integers(0, 11), st.integers(0, 1 << 32)
)
def test_the_mask_of_a_key_keeps_every_note_in_its_scale(
    mode: str, fifths: int, tonic: int, seed: int
):
    music = MusicSettings(lows=FOUR, tonic=tonic)
    key = Key(fifths, mode)
    shift = shift_for(music, key)
    fragments = tokens(music, 4, seed, allowed_tokens(music, key, shift))
    pitches = np.concatenate(notes_from_tokens(fragments, music, shift))[:, 2]
    assert len(pitches) > 20
    assert {int(pitch) % 12 for pitch in pitches} <= key.pitch_classes


@pytest.mark.parametrize("mode", MODES)
def test_the_written_file_keeps_the_key(tmp_path: Path, mode: str):
    music = MusicSettings(lows=FOUR, tonic=7, instruments=(0,) * 4)
    key = Key(list(MODES).index(mode) - 5, mode)
    mask = allowed_tokens(music, key, shift_for(music, key))
    piece = composition(tokens(music, 4, 0, mask))
    midi, _ = write_piece(piece, tmp_path / "a", music, {"key": key.name})
    assert notes_outside(midi, key) == 0
    assert notes_outside(midi, Key(key.fifths + 6, mode)) > 0


def test_a_piece_that_breaks_the_key_is_not_written(tmp_path: Path):
    music = MusicSettings()
    piece = composition(tokens(music, 4, 0))
    with pytest.raises(UsageError, match="outside of A minor"):
        write_piece(piece, tmp_path / "a", music, {"key": "Am"})
    assert not list(tmp_path.iterdir())


def test_options_are_heard(tmp_path: Path):
    music = MusicSettings(lows=FOUR, instruments=(19,) * 4, tempo=88)
    key = parse_key("Eb major")
    piece = composition(tokens(music, 2, 1, allowed_tokens(music, key, shift_for(music, key))))
    asked = {"key": "Eb", "tempo": 132, "instrument": "violin,viola,cello,43"}
    score = symusic.Score(write_piece(piece, tmp_path / "asked", music, asked)[0])
    assert score.tempos[0].qpm == pytest.approx(132, abs=0.01)
    assert score.key_signatures[0].key == -3
    assert [track.program for track in score.tracks] == [40, 41, 42, 43]
    assert [track.name for track in score.tracks] == ["Soprano", "Alto", "Tenor", "Bass"]
    own = symusic.Score(write_piece(piece, tmp_path / "own", music, {"key": None})[0])
    assert own.tempos[0].qpm == pytest.approx(88, abs=0.01)
    assert [track.program for track in own.tracks] == [19] * 4


@pytest.mark.parametrize(
    "options",
    [
        {"tempo": 19.9},
        {"tempo": 301},
        {"tempo": float("nan")},
        {"tempo": float("inf")},
        {"tempo": "fast"},
        {"key": "X"},
        {"instrument": "kazoo"},
        {"instrument": "violin,viola"},
    ],
)
def test_options_that_cannot_be_used_are_refused_before_anything_is_written(
    tmp_path: Path, options: dict[str, object]
):
    music = MusicSettings()
    with pytest.raises(UsageError):
        Performance.from_options(options, music)
    with pytest.raises(UsageError):
        write_piece(composition(tokens(music, 1, 0)), tmp_path / "a", music, options)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("meter", "steps_per_beat", "weights"),
    [
        ((4, 4), 4, [3, -1, 0, -1, 1, -1, 0, -1, 2, -1, 0, -1, 1, -1, 0, -1]),
        ((3, 4), 2, [3, 0, 1, 0, 1, 0]),
        ((2, 4), 2, [3, 0, 1, 0]),
        ((6, 8), 4, [3, -1, 0, -1, 0, -1, 1, -1, 0, -1, 0, -1]),
        ((12, 8), 2, [3, 0, 0, 1, 0, 0, 2, 0, 0, 1, 0, 0]),
        ((3, 8), 2, [3, 1, 1]),
        ((5, 4), 1, [3, 1, 1, 1, 1]),
    ],
)
def test_the_metre_has_weights(meter: tuple[int, int], steps_per_beat: int, weights: list[int]):
    music = MusicSettings(meter=meter, steps_per_beat=steps_per_beat)
    assert metric_weights(music).tolist() == weights


def test_velocities_follow_metre_and_phrase():
    music = MusicSettings()
    steps = np.arange(8 * music.steps)
    loud = velocities(np.stack([steps, steps, steps], axis=1), music).reshape(8, music.steps)
    assert loud.min() >= 1
    assert loud.max() <= 127
    assert (loud[:, 0] > loud[:, 4]).all()
    assert (loud[:, 8] > loud[:, 12]).all()
    assert (loud[:, 4] > loud[:, 5]).all()
    assert loud[2, 0] > loud[1, 0] > loud[0, 0]
    assert (loud[:4] == loud[4:]).all()


@pytest.mark.parametrize("suffix", [".mid", ".png"])
def test_the_recipe_is_inside(tmp_path: Path, suffix: str):
    music = MusicSettings()
    write_piece(composition(tokens(music, 3, 0)), tmp_path / "a.1", music, {})
    assert read_recipe(tmp_path / f"a.1{suffix}") == RECIPE


def test_other_programs_read_the_recipe(tmp_path: Path):
    music = MusicSettings()
    midi, png = write_piece(composition(tokens(music, 3, 0)), tmp_path / "a", music, {})
    with Image.open(png) as image:
        assert json.loads(image.info["composer-recipe"]) == RECIPE
        image.load()
    texts = [message.text for message in mido.MidiFile(midi).tracks[0] if message.type == "text"]
    assert [json.loads(text.removeprefix("composer-recipe: ")) for text in texts] == [RECIPE]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"hello",
        b"MThd\0\0\0\6\0\1\0\1\1\xe0",
        b"MThd" + b"\xff" * 1_000_000,
        b"MThd\xff\x01\xff\xff\xff\x7fcomposer-recipe: {",
        b"MThd\xff\x01\x13composer-recipe: [1]",
        b"MThd\xff\x01\x7fcomposer-recipe: " + b"[" * 100_000,
        b"\x89PNG\r\n\x1a\n\xff\xff\xff\xffiTXtcomposer-recipe\0\0\0\0\0{",
    ],
)
def test_a_file_without_a_recipe_is_refused_quickly(tmp_path: Path, data: bytes):
    path = tmp_path / "a.mid"
    path.write_bytes(data)
    start = time.perf_counter()
    with pytest.raises(DataError, match="recipe"):
        read_recipe(path)
    assert time.perf_counter() - start < 2


def test_a_missing_file_is_refused(tmp_path: Path):
    with pytest.raises(DataError, match="cannot be read"):
        read_recipe(tmp_path / "none.mid")


@pytest.mark.parametrize("lows", [ONE, FOUR])
def test_the_same_composition_gives_the_same_bytes(tmp_path: Path, lows: tuple[int, ...]):
    music = MusicSettings(lows=lows, instruments=(0,) * len(lows))
    pieces = []
    for folder in ("one", "two"):
        piece = composition(tokens(music, 9, 3))
        paths = write_piece(piece, tmp_path / folder / "a", music, {"tempo": 90})
        assert [path.name for path in paths] == ["a.mid", "a.png"]
        assert sorted((tmp_path / folder).iterdir()) == paths
        pieces.append([path.read_bytes() for path in paths])
    assert pieces[0] == pieces[1]


@pytest.mark.parametrize("suffix", [".mid", ".png"])
def test_what_exists_is_not_overwritten(tmp_path: Path, suffix: str):
    music = MusicSettings()
    there = tmp_path / f"a{suffix}"
    there.write_bytes(b"mine")
    with pytest.raises(UsageError, match="exists"):
        write_piece(composition(tokens(music, 1, 0)), tmp_path / "a", music, {})
    assert there.read_bytes() == b"mine"
    assert list(tmp_path.iterdir()) == [there]


def test_a_failure_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def fail(path: Path, data: bytes) -> None:
        if path.suffix == ".png":
            raise KeyboardInterrupt
        path.write_bytes(data)

    monkeypatch.setattr(write, "write_atomically", fail)
    music = MusicSettings()
    with pytest.raises(KeyboardInterrupt):
        write_piece(composition(tokens(music, 1, 0)), tmp_path / "a", music, {})
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_a_file_is_a_clear_error(tmp_path: Path):
    (tmp_path / "out").write_text("")
    music = MusicSettings()
    with pytest.raises(UsageError, match="cannot write"):
        write_piece(composition(tokens(music, 1, 0)), tmp_path / "out" / "a", music, {})
