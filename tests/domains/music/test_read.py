import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from composer.domains.music.midi import Part, midi_bytes, write_midi
from composer.domains.music.read import read_folder
from composer.domains.music.settings import MusicSettings
from composer.domains.music.write import notes_from_tokens
from composer.errors import UsageError


def part(notes, program=0):
    notes = np.asarray(notes)
    return Part("part", program, np.insert(notes, 3, 80, axis=1))


def quarters(*pitches):
    return [[4 * i, 4, pitch] for i, pitch in enumerate(pitches)]


def save(path, *parts, meter=(4, 4), key="C", tempo=120.0, steps_per_beat=4):
    path.parent.mkdir(parents=True, exist_ok=True)
    write_midi(path, parts, steps_per_beat=steps_per_beat, tempo=tempo, meter=meter, key=key)


def reasons(corpus):
    return {rejection.source: rejection.reason for rejection in corpus.rejections}


def test_reads_a_folder(tmp_path, tune):
    for seed in range(4):
        name = ("a.mid", "b.MID", "deep/er/c.midi", "deep/d.Midi")[seed]
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(tune(seed))
    (tmp_path / "notes.txt").write_text("not music")
    corpus = read_folder(tmp_path, {})
    sources = [piece.source for piece in corpus.pieces]
    assert sources == ["a.mid", "b.MID", "deep/d.Midi", "deep/er/c.midi"]
    assert corpus.rejections == []
    assert corpus.clusters.tolist() == [0, 1, 2, 3]
    assert corpus.summary["files"] == 4
    assert corpus.summary["bars_by_meter"] == {"4/4": 32}
    decided = MusicSettings.from_json(corpus.settings)
    assert (decided.meter, decided.voices, decided.steps) == ((4, 4), 1, 16)
    assert (decided.instruments, decided.tempo, decided.bars) == ((73,), 96.0, 8)
    for piece in corpus.pieces:
        assert piece.fragments.dtype == np.uint8
        assert piece.fragments.shape == (8, 1, 16)
        assert piece.layout == (8,)
        assert piece.fragments.max() < decided.classes


def test_the_same_folder_reads_the_same(tmp_path, tune):
    for seed in range(5):
        (tmp_path / f"{seed}.mid").write_bytes(tune(seed))
    first, second = read_folder(tmp_path, {}), read_folder(tmp_path, {})
    assert first.settings == second.settings
    for one, two in zip(first.pieces, second.pieces, strict=True):
        np.testing.assert_array_equal(one.fragments, two.fragments)


def test_the_commonest_metre_counts_bars_not_files(tmp_path):
    pitches = [60, 62, 64, 65, 67, 69, 71, 72]
    save(tmp_path / "long.mid", part(quarters(*pitches * 8)), meter=(4, 4))
    for name in "ab":
        save(tmp_path / f"{name}.mid", part(quarters(*pitches * 2)), meter=(3, 4))
    corpus = read_folder(tmp_path, {})
    assert corpus.settings["meter"] == [4, 4]
    assert corpus.summary["bars_by_meter"] == {"4/4": 16, "3/4": 12}
    assert reasons(corpus) == dict.fromkeys(("a.mid", "b.mid"), "in 3/4, not in 4/4")
    corpus = read_folder(tmp_path, {"meter": "3/4"})
    assert corpus.settings["meter"] == [3, 4]
    assert corpus.pieces[0].fragments.shape == (6, 1, 12)
    assert reasons(corpus)["long.mid"] == "in 4/4, not in 3/4"
    assert "same bars as a.mid" in reasons(corpus)["b.mid"]


def test_pieces_come_to_the_common_key(tmp_path, tune):
    for seed, (key, transpose) in enumerate([("D", 2), ("A", -3), ("F#", 6)]):
        (tmp_path / f"{seed}.mid").write_bytes(tune(seed, key=key, transpose=transpose))
    save(tmp_path / "minor.mid", part(quarters(*[64, 66, 67, 69, 71, 72, 74, 76] * 3)), key="Em")
    corpus = read_folder(tmp_path, {})
    decided = MusicSettings.from_json(corpus.settings)
    scale = {0, 2, 4, 5, 7, 9, 11}
    for piece in corpus.pieces:
        (notes,) = notes_from_tokens(piece.fragments, decided)
        assert set((notes[:, 2] % 12).tolist()) <= scale
    assert corpus.summary["minor"] == 1
    assert corpus.summary["keys"] == {"signature": 4}


def test_four_tracks_are_four_voices(tmp_path):
    voices = [[72, 74, 76, 77], [67, 67, 69, 69], [60, 62, 60, 62], [48, 43, 45, 41]]
    for number in range(3):
        parts = [
            part(quarters(*np.roll(v, number).tolist() * 8), 52 + i) for i, v in enumerate(voices)
        ]
        save(tmp_path / f"{number}.mid", *parts)
    corpus = read_folder(tmp_path, {"voices": "auto"})
    decided = MusicSettings.from_json(corpus.settings)
    assert decided.voices == 4
    assert decided.instruments == (52, 53, 54, 55)
    notes = notes_from_tokens(corpus.pieces[0].fragments, decided)
    for found, voice in zip(notes, voices, strict=True):
        assert found[:, 2].tolist() == voice * 8
    melody = read_folder(tmp_path, {"voices": 1})
    assert MusicSettings.from_json(melody.settings).voices == 1
    assert reasons(melody)["0.mid: track 4"] == "not needed for 1 voice"


def test_too_few_voices_are_rejected(tmp_path):
    save(tmp_path / "one.mid", part(quarters(*range(60, 80))))
    save(tmp_path / "two.mid", part(quarters(*range(60, 80))), part(quarters(*range(40, 60))))
    assert reasons(read_folder(tmp_path, {"voices": 2})) == {
        "one.mid": "has 1 of the 2 voices that are wanted"
    }


def test_ranges_cover_all_or_fold(tmp_path):
    save(tmp_path / "wide.mid", part(quarters(*[60, 62, 64, 107, 65, 67, 24, 69] * 4)))
    corpus = read_folder(tmp_path, {})
    decided = MusicSettings.from_json(corpus.settings)
    assert decided.pitches == 48
    assert corpus.summary["folded_notes"] == 4  # 84 semitones do not fit, one side is folded
    (notes,) = notes_from_tokens(corpus.pieces[0].fragments, decided)
    assert set((notes[:, 2] % 12).tolist()) == {0, 2, 4, 5, 7, 9, 11}


def test_silence_around_is_dropped_inside_is_kept(tmp_path):
    tune = np.array(quarters(*range(60, 76)))
    held = np.concatenate([np.add(tune, [16 * 5 + 12, 0, 0]), np.add(tune, [16 * 11, 0, 0])])
    save(tmp_path / "a.mid", part(held))
    (piece,) = read_folder(tmp_path, {}).pieces
    assert len(piece.fragments) == 10
    assert (piece.fragments[0] != 0).sum() == 4  # the pickup, behind rests
    assert (piece.fragments[5] == 0).all()


def test_short_and_silent_pieces_are_rejected(tmp_path):
    save(tmp_path / "short.mid", part(quarters(*range(60, 72))))
    gaps = np.array(quarters(*range(60, 76)))
    gaps[:, 0] *= 10
    save(tmp_path / "silent.mid", part(gaps))
    save(tmp_path / "good.mid", part(quarters(*range(60, 76))))
    found = reasons(read_folder(tmp_path, {}))
    assert found["short.mid"] == "bars with notes: 3, but at least 4 are needed"
    assert found["silent.mid"].startswith("mostly silent: ")


def test_copies_are_left_out_other_keys_stay_together(tmp_path, tune):
    (tmp_path / "a.mid").write_bytes(tune(0))
    (tmp_path / "b.mid").write_bytes(tune(0))
    (tmp_path / "c.mid").write_bytes(tune(1))
    (tmp_path / "d.mid").write_bytes(tune(0, transpose=12))
    corpus = read_folder(tmp_path, {})
    assert [piece.source for piece in corpus.pieces] == ["a.mid", "c.mid", "d.mid"]
    assert corpus.clusters.tolist() == [0, 1, 0]
    assert reasons(corpus) == {"b.mid": "the same bars as a.mid"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"meter": "4/5"}, "not a metre"),
        ({"meter": "7/8", "steps_per_beat": 1}, "no whole number of steps"),
        ({"voices": 5}, "choose 1 to 4 or auto"),
        ({"voices": "many"}, "choose 1 to 4 or auto"),
        ({"steps_per_beat": 0}, "choose 1 to 24"),
        ({"steps_per_beat": 25}, "choose 1 to 24"),
    ],
)
def test_wrong_options(tmp_path, options, message):
    with pytest.raises(UsageError, match=message):
        read_folder(tmp_path, options)


@st.composite
def scores(draw):
    """Voices of notes on the grid, apart in pitch, from the first bar to the last."""
    grid = draw(st.sampled_from([1, 2, 3, 4, 6, 8, 12]))
    meter = draw(st.sampled_from([(4, 4), (3, 4), (2, 4), (2, 2), (5, 4)]))
    bars = draw(st.integers(4, 6))
    steps = meter[0] * 4 * grid // meter[1] * bars
    parts = []
    for voice in range(draw(st.integers(1, 4))):
        cuts = draw(st.sets(st.integers(1, steps - 1), min_size=bars, max_size=4 * bars))
        edges = np.array([0, *sorted(cuts), steps])
        pitches = draw(
            st.lists(st.integers(0, 11), min_size=len(edges) - 1, max_size=len(edges) - 1)
        )
        low = 84 - 12 * voice
        parts.append(np.stack([edges[:-1], np.diff(edges), np.array(pitches) + low], axis=1))
    return grid, meter, parts


@given(scores())
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_midi_to_fragments_to_midi_keeps_every_note(tmp_path, score):
    grid, meter, voices = score
    parts = [part(notes, program) for program, notes in enumerate(voices)]
    path = tmp_path / "tune.mid"
    arguments = {"steps_per_beat": grid, "tempo": 100, "meter": meter, "key": "C"}
    path.write_bytes(midi_bytes(parts, **arguments))
    corpus = read_folder(tmp_path, {"steps_per_beat": grid, "voices": len(voices)})
    decided = MusicSettings.from_json(corpus.settings)
    assert decided.instruments == tuple(range(len(voices)))
    back = notes_from_tokens(corpus.pieces[0].fragments, decided)
    for found, voice in zip(back, voices, strict=True):
        np.testing.assert_array_equal(found[:, :2], voice[:, :2])
        (shift,) = set((found[:, 2] - voice[:, 2]).tolist())
        assert -6 <= shift <= 5  # the signature may be overruled by such notes
