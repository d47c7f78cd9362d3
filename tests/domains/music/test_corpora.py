from __future__ import annotations

import sys
from collections import Counter

import numpy as np
import pytest
import symusic
from hypothesis import given
from hypothesis import strategies as st

from composer.domains.music import corpora
from composer.domains.music.corpora import COLLECTIONS, PieceError, corpus_files, export, place_bars
from composer.errors import DataError, UsageError

ABC = """X:1
T:{title}
M:{meter}
L:1/8
K:A dorian
{notes}
"""


def quietly(files, total, title):
    assert total == len(files)
    assert title
    return files


@pytest.fixture
def export_abc(tmp_path, monkeypatch):
    """Exports tunes given as ``name=(meter, notes)``."""
    pytest.importorskip("music21", reason="music21 is an extra: pip install music21")

    def call(*, common_time=False, **tunes):
        files = []
        for name, (meter, notes) in tunes.items():
            path = tmp_path / f"{name}.abc"
            path.write_text(ABC.format(title=name.title(), meter=meter, notes=notes))
            files.append(path)
        monkeypatch.setattr(corpora, "corpus_files", lambda _: files)
        out = tmp_path / "out"
        done = export(COLLECTIONS["fiddle"], out, common_time=common_time, watch=quietly)
        return done, {path.stem: symusic.Score(str(path)) for path in sorted(out.glob("*.mid"))}

    return call


def notes_of(score):
    """Start and length in quarter notes, and pitch."""
    return [
        (note.start / score.tpq, note.duration / score.tpq, note.pitch)
        for note in score.tracks[0].notes
    ]


def test_an_upbeat_ends_on_the_first_bar_line():
    assert place_bars([1.0, 4.0, 3.0], (4, 4)) == ([3.0, 4.0, 8.0], 12.0)


def test_a_bar_broken_off_at_a_repeat_is_completed_by_the_next():
    starts, end = place_bars([0.5, 2.0, 1.5, 0.5, 2.0, 1.5], (2, 4))
    assert starts == [1.5, 2.0, 4.0, 5.5, 6.0, 8.0]
    assert end == 10.0


def test_a_bar_that_lacks_at_most_half_is_filled_with_rest():
    assert place_bars([4.0, 3.5, 4.0], (4, 4))[0] == [0.0, 4.0, 8.0]


@pytest.mark.parametrize("lengths", [[4.0, 1.0, 4.0], [4.0, 5.0], [5.0]])
def test_bars_that_do_not_add_up_are_refused(lengths):
    with pytest.raises(PieceError, match="do not add up to bars of 4/4"):
        place_bars(lengths, (4, 4))


@given(
    st.sampled_from([(4, 4), (3, 4), (6, 8), (2, 2)]),
    st.integers(0, 11),
    st.lists(st.integers(0, 5), min_size=1, max_size=40),
)
def test_every_full_bar_starts_on_a_bar_line(meter, upbeat, shortfalls):
    full = meter[0] * 4 / meter[1]
    lengths = [upbeat / 12 * full] * (upbeat > 0) + [full - full * s / 10 for s in shortfalls]
    starts, end = place_bars(lengths, meter)
    at_bar_line = [start / full == pytest.approx(round(start / full)) for start in starts]
    whole = np.isclose(lengths, full)
    assert all(np.array(at_bar_line)[whole])
    assert end >= starts[-1] + lengths[-1] - 1e-6
    assert all(np.diff(starts) >= np.array(lengths[:-1]) - 1e-6)


def test_without_music21_the_message_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "music21", None)
    with pytest.raises(DataError, match="pip install music21"):
        corpus_files(COLLECTIONS["fiddle"])


def fake_pieces(monkeypatch, folder, names):
    """Three steps of an export without music21: ``bad`` cannot be read, ``odd`` does not fit."""

    def convert(path, out, _collection, *, common_time):
        if path.stem == "bad":
            message = "line one\nline two"
            raise ValueError(message)
        if path.stem == "odd":
            message = "it has no notes"
            raise PieceError(message)
        (out / f"{path.stem}.mid").write_text(str(common_time))
        return (6, 8), path.stem != "once"

    monkeypatch.setattr(corpora, "_convert", convert)
    monkeypatch.setattr(corpora, "corpus_files", lambda _: [folder / f"{n}.abc" for n in names])


def test_a_bad_piece_is_reported_and_the_others_are_written(tmp_path, monkeypatch):
    fake_pieces(monkeypatch, tmp_path, ["bad", "good", "odd", "once"])
    done = export(COLLECTIONS["fiddle"], tmp_path / "a" / "out", watch=quietly)
    assert sorted(p.name for p in (tmp_path / "a" / "out").iterdir()) == ["good.mid", "once.mid"]
    assert done.meters == Counter({"6/8": 2})
    assert done.unexpanded == ["once.abc"]
    assert [(r.source, r.reason) for r in done.rejections] == [
        ("bad.abc", "music21 cannot read it: line one"),
        ("odd.abc", "it has no notes"),
    ]
    assert [p.name for p in (tmp_path / "a").iterdir()] == ["out"]


def test_a_folder_with_something_in_it_is_left_alone(tmp_path, monkeypatch):
    fake_pieces(monkeypatch, tmp_path, ["good"])
    (tmp_path / "mine.mid").write_text("mine")
    with pytest.raises(UsageError, match="nothing is overwritten"):
        export(COLLECTIONS["fiddle"], tmp_path, watch=quietly)
    assert [p.name for p in tmp_path.iterdir()] == ["mine.mid"]


def test_what_stops_the_export_leaves_nothing_behind(tmp_path, monkeypatch):
    fake_pieces(monkeypatch, tmp_path, ["good"])

    def interrupted(files, _total, _title):
        yield files[0]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export(COLLECTIONS["fiddle"], tmp_path / "out", watch=interrupted)
    assert list(tmp_path.iterdir()) == []


def test_repeats_are_written_out_and_the_upbeat_is_padded(export_abc):
    done, scores = export_abc(tune=("4/4", "E2|A2B2c2d2|e6:|"))
    score = scores["tune"]
    assert done.meters == Counter({"4/4": 1})
    pitches = [64, 69, 71, 72, 74, 76]
    starts = [3.0, 4.0, 5.0, 6.0, 7.0, 8.0]
    assert notes_of(score)[:6] == [
        (start, 3.0 if pitch == 76 else 1.0, pitch)
        for start, pitch in zip(starts, pitches, strict=True)
    ]
    assert notes_of(score)[6:] == [(start + 8, size, p) for start, size, p in notes_of(score)[:6]]
    assert [(s.numerator, s.denominator) for s in score.time_signatures] == [(4, 4)]
    assert [(k.key, k.tonality) for k in score.key_signatures] == [(1, 0)]  # A dorian is as G
    assert score.tracks[0].program == 40


def test_ties_triplets_chords_and_grace_notes(export_abc):
    _, scores = export_abc(tune=("2/4", "A2 c2-|c2 (3ABc|[Ac]2 {B}d2|"))
    third = pytest.approx(1 / 3, abs=0.01)
    assert notes_of(scores["tune"]) == [
        (0.0, 1.0, 69),
        (1.0, 2.0, 72),
        (3.0, third, 69),
        (pytest.approx(3.333, abs=0.01), third, 71),
        (pytest.approx(3.667, abs=0.01), third, 72),
        (4.0, 1.0, 72),
        (5.0, 1.0, 74),
    ]


def test_common_time_doubles_two_four_and_renames_cut_time(export_abc):
    tunes = {"short": ("2/4", "A2c2|e4|"), "cut": ("C|", "A4c4|e8|"), "jig": ("6/8", "A3c3|e6|")}
    done, scores = export_abc(common_time=True, **tunes)
    assert done.meters == Counter({"4/4": 2, "6/8": 1})
    assert notes_of(scores["short"]) == notes_of(scores["cut"])
    assert scores["short"].tempos[0].qpm == pytest.approx(scores["cut"].tempos[0].qpm)


def test_the_collections_are_found_and_exported_alike_each_time(tmp_path, monkeypatch):
    pytest.importorskip("music21", reason="music21 is an extra: pip install music21")
    for name, collection in COLLECTIONS.items():
        files = corpus_files(collection)
        assert len(files) > 350
        monkeypatch.setattr(corpora, "corpus_files", lambda _, files=files: files[1:3])
        folders = [tmp_path / f"{name}{i}" for i in range(2)]
        for folder in folders:
            assert export(collection, folder, watch=quietly).meters.total() == 2
        first, second = ([p.read_bytes() for p in sorted(f.iterdir())] for f in folders)
        assert first == second
        monkeypatch.undo()


def test_a_chorale_has_four_voices(tmp_path, monkeypatch):
    pytest.importorskip("music21", reason="music21 is an extra: pip install music21")
    files = [p for p in corpus_files(COLLECTIONS["chorale"]) if p.stem in {"bwv10.7", "bwv1.6"}]
    monkeypatch.setattr(corpora, "corpus_files", lambda _: files)
    done = export(COLLECTIONS["chorale"], tmp_path / "out", watch=quietly)
    score = symusic.Score(str(tmp_path / "out" / "bwv10.7.mid"))
    assert [track.name for track in score.tracks] == ["Soprano", "Alto", "Tenor", "Bass"]
    assert [r.reason for r in done.rejections] == [
        "it has the parts Horn 2, Soprano, Alto, Tenor, Bass"
    ]
