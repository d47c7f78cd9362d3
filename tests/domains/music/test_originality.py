"""What is copied is found in any key, to the note; what is normal is measured in the same way."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from composer.domains.music.midi import Part, midi_bytes
from composer.domains.music.originality import GRAM, certificate, collect, figures
from composer.domains.music.parse import parse
from composer.errors import DataError
from composer.evaluation.matches import longest_elsewhere, rank_suffixes


def notes(seed, count=40):
    """Eighths and quarters that no other seed has: int64 [n, 3], start step, length, pitch."""
    rng = np.random.default_rng(seed)
    lengths = rng.choice([2, 4], size=count)
    return np.stack([np.cumsum(lengths) - lengths, lengths, rng.integers(55, 80, count)], axis=1)


def midi(*lines, meter=(4, 4), steps_per_beat=4):
    parts = [Part("line", 0, np.insert(line, 3, 80, axis=1)) for line in lines]
    return midi_bytes(parts, steps_per_beat=steps_per_beat, tempo=100, meter=meter, key="C")


def behind(first, second):
    """One after the other."""
    return np.concatenate([first, np.add(second, [first[-1, :2].sum(), 0, 0])])


@pytest.fixture
def folder(tmp_path):
    """Eight tunes, one of them twice: in another key."""
    data = tmp_path / "tunes"
    data.mkdir()
    for seed in range(8):
        (data / f"tune{seed}.mid").write_bytes(midi(notes(seed)))
    (data / "variant.mid").write_bytes(midi(np.add(notes(7), [0, 0, 3])))
    return data


def certify(tmp_path, folder, *lines, **options):
    path = tmp_path / "piece.mid"
    path.write_bytes(midi(*lines))
    return certificate(path, folder, options)


def test_a_passage_is_found_in_another_key_where_it_is(tmp_path, folder):
    passage = notes(3)[10:22]
    passage = passage - [passage[0, 0], 0, 5]
    piece = behind(notes(100, 12), behind(passage, notes(101, 12)))
    report = certify(tmp_path, folder, piece)
    start, source = notes(100, 12)[-1, :2].sum(), notes(3)[10, 0]
    assert report["longest_run"] == {
        "notes": 12,
        "bar": start // 16 + 1,
        "line": 1,
        "source": "tune3.mid",
        "source_bar": source // 16 + 1,
        "transposition": -5,
        "found_in": 1,
    }
    # 36 notes have 28 grams; 12 copied notes hold 4 of them
    assert report["copied"] == pytest.approx(4 / 28)
    assert (report["notes"], report["lines"]) == (36, 1)


def test_a_copy_is_all_copied_and_a_new_piece_hardly(tmp_path, folder):
    copy = certify(tmp_path, folder, notes(7))
    assert copy["copied"] == 1
    assert copy["longest_run"]["notes"] == 40
    assert copy["longest_run"]["source"] == "tune7.mid"
    assert copy["longest_run"]["transposition"] == 0
    assert copy["longest_run"]["found_in"] == 2
    assert copy["human"]["longest_run"]["as_much"] == 0
    new = certify(tmp_path, folder, notes(200))
    assert new["copied"] == 0
    assert new["longest_run"]["notes"] < GRAM


def test_people_are_measured_without_their_own_variants(tmp_path, folder):
    report = certify(tmp_path, folder, notes(200))
    assert (report["files"], report["readable"], report["works"]) == (9, 9, 8)
    assert report["human"]["pieces"] == 8
    assert report["human"]["copied"]["high"] == 0
    assert report["human"]["longest_run"]["high"] < GRAM


def test_people_borrow_from_other_works(tmp_path, folder):
    (folder / "borrowed.mid").write_bytes(midi(behind(notes(50, 60), notes(0)[:11])))
    report = certify(tmp_path, folder, notes(200))
    assert report["works"] == 9
    assert report["human"]["longest_run"]["high"] > 10
    assert report["human"]["longest_run"]["median"] < GRAM


def test_another_rhythm_or_interval_is_no_copy(tmp_path, folder):
    held = np.add(notes(0), [0, 0, 0])
    held[:, 1] = 1  # shorter notes, the same onsets
    assert certify(tmp_path, folder, held)["copied"] == 1
    slow = notes(0) * [2, 2, 1]
    assert certify(tmp_path, folder, slow)["copied"] == 0
    upside_down = notes(0) * [1, 1, -1] + [0, 0, 127]
    assert certify(tmp_path, folder, upside_down)["copied"] == 0


def test_every_line_is_compared_and_none_goes_on_in_the_next(tmp_path, folder):
    low = notes(5)[:12] - [0, 0, 24]
    report = certify(tmp_path, folder, notes(300, 30), low)
    assert report["lines"] == 2
    assert report["longest_run"]["line"] == 2
    assert report["longest_run"]["notes"] == 12
    assert report["longest_run"]["transposition"] == -24
    assert report["copied"] == pytest.approx(4 / (22 + 4))
    halves = certify(tmp_path, folder, notes(5)[:20], notes(5)[20:] - [notes(5)[20, 0], 0, 0])
    assert halves["longest_run"]["notes"] == 20


def test_of_chords_alone_the_top_is_the_line():
    top = notes(0)
    chords = np.concatenate([top, top - [0, 0, 30], top - [0, 0, 35]])
    chords = chords[np.argsort(chords[:, 0], kind="stable")]
    alone = collect([parse(midi(chords))], 4)
    assert np.array_equal(alone.notes[:, 2], top[:, 2])
    beside = collect([parse(midi(chords, notes(1)))], 4)
    assert np.array_equal(beside.notes[:, 2], notes(1)[:, 2])


def test_bars_are_those_of_the_metre(tmp_path):
    for seed in range(3):
        (tmp_path / f"{seed}.mid").write_bytes(midi(notes(seed), meter=(6, 8)))
    path = tmp_path / "piece.mid"
    path.write_bytes(midi(behind(notes(50, 9), notes(1)[20:] - [notes(1)[20, 0], 0, 0])))
    data = tmp_path / "data"
    data.mkdir()
    for seed in range(3):
        (tmp_path / f"{seed}.mid").rename(data / f"{seed}.mid")
    run = certificate(path, data, {})["longest_run"]
    assert run["bar"] == notes(50, 9)[-1, :2].sum() // 16 + 1
    assert run["source_bar"] == notes(1)[20, 0] // 12 + 1


def test_a_change_of_metre_begins_a_bar(note, smf, tmp_path):
    def change(wait, beats):
        return bytes([wait >> 7 | 0x80, wait & 0x7F]) + b"\xff\x58\x04" + bytes([beats, 2, 24, 8])

    pitches = np.random.default_rng(0).integers(50, 90, 30).tolist()
    track = change(0, 4) + b"".join(note(0, 480, pitch) for pitch in pitches[:9])
    track += change(480, 3) + b"".join(note(0, 480, pitch) for pitch in pitches[9:])
    data = tmp_path / "data"
    data.mkdir()
    (data / "tune.mid").write_bytes(smf([track + b"\x00\xff\x2f\x00"]))
    line = np.stack([np.arange(12) * 4, np.full(12, 4), pitches[12:24]], axis=1)
    run = certify(tmp_path, data, line)["longest_run"]
    assert run["notes"] == 12
    # 10 quarters in bars of 4 are 3 bars, then the 4th note in bars of 3
    assert run["source_bar"] == 5


def test_the_grid_can_be_finer(tmp_path, folder):
    triplets = np.stack([np.arange(30) * 4, np.full(30, 4), notes(9, 30)[:, 2]], axis=1)
    eighths = triplets * [6, 6, 1] // [4, 4, 1]
    (folder / "triplets.mid").write_bytes(midi(triplets, steps_per_beat=12))
    path = tmp_path / "piece.mid"
    path.write_bytes(midi(eighths, steps_per_beat=12))
    assert certificate(path, folder, {"steps_per_beat": 12})["copied"] == 0
    assert certificate(folder / "triplets.mid", folder, {"steps_per_beat": 12})["copied"] == 1


def test_one_work_alone_shows_nothing_of_people(tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    (data / "one.mid").write_bytes(midi(notes(0)))
    report = certify(tmp_path, data, notes(1))
    assert report["human"] is None
    assert report["works"] == 1


def test_nothing_in_common(tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    repeated = np.stack([np.arange(20) * 2, np.full(20, 2), np.full(20, 60)], axis=1)
    (data / "one.mid").write_bytes(midi(repeated))
    report = certify(tmp_path, data, repeated * [2, 2, 1])
    assert report["longest_run"] is None
    assert report["copied"] == 0


def test_bad_files_of_the_folder_are_told_and_left_out(tmp_path, folder):
    (folder / "text.mid").write_text("no music")
    report = certify(tmp_path, folder, notes(200))
    assert (report["files"], report["readable"]) == (10, 9)
    (rejected,) = report["rejected"]
    assert rejected["source"] == "text.mid"
    assert "MThd" in rejected["reason"]


def test_a_file_that_hardly_ends_is_not_used(note, smf, tmp_path, folder):
    far = b"".join(note(16_000, 1, pitch) for pitch in range(50, 62))
    (folder / "far.mid").write_bytes(smf([far + b"\x00\xff\x2f\x00"], division=1))
    (rejected,) = certify(tmp_path, folder, notes(200))["rejected"]
    assert rejected == {
        "source": "far.mid",
        "reason": "192,012 quarter notes: too long for one piece",
    }
    with pytest.raises(DataError, match="too long"):
        certificate(folder / "far.mid", folder, {})


def test_what_cannot_be_compared_is_a_sentence(tmp_path, folder):
    good = tmp_path / "good.mid"
    good.write_bytes(midi(notes(0)))
    bad = tmp_path / "bad.mid"
    bad.write_text("no music")
    short = tmp_path / "short.mid"
    short.write_bytes(midi(notes(0)[:7]))
    with pytest.raises(DataError, match=r"bad\.mid': not a MIDI file"):
        certificate(bad, folder, {})
    with pytest.raises(DataError, match="No such file"):
        certificate(tmp_path / "missing.mid", folder, {})
    with pytest.raises(DataError, match="longest line has 7 notes, at least 9"):
        certificate(short, folder, {})
    with pytest.raises(DataError, match="cannot read the folder"):
        certificate(good, tmp_path / "missing", {})
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(DataError, match=r"no music \(.mid, .midi\) below"):
        certificate(good, empty, {})
    (empty / "text.mid").write_text("no music")
    with pytest.raises(DataError, match=r"none of the 1 MIDI files .* text\.mid: not a MIDI file"):
        certificate(good, empty, {})


LINE = st.lists(st.tuples(st.integers(1, 2), st.integers(60, 62)), min_size=1, max_size=30)


@given(st.lists(LINE, min_size=2, max_size=5))
def test_figures_are_those_of_brute_force(drawn):
    lines = []
    for line in drawn:
        lengths, pitches = np.array(line).T
        lines.append(np.stack([np.cumsum(lengths) - lengths, lengths, pitches], axis=1))
    strings = collect([parse(midi(line)) for line in lines], 4)
    suffixes = rank_suffixes(strings.symbols, strings.ends)
    everywhere = np.ones(len(strings.notes), bool)
    lengths, _ = longest_elsewhere(suffixes, strings.files, everywhere)
    longest, copied = figures(lengths, strings)
    symbols = [list(map(tuple, np.diff(line[:, [0, 2]], axis=0).tolist())) for line in lines]
    for own, string in enumerate(symbols):
        others = [other for number, other in enumerate(symbols) if number != own]
        size = max(
            (
                size
                for size in range(1, len(string) + 1)
                if parts(others, size) & parts([string], size)
            ),
            default=0,
        )
        assert longest[own] == (size + 1 if size else 0)
        grams = [tuple(string[start : start + GRAM]) for start in range(len(string) - GRAM + 1)]
        if grams:
            there = parts(others, GRAM)
            assert copied[own] == pytest.approx(np.mean([gram in there for gram in grams]))
        else:
            assert np.isnan(copied[own])


def parts(strings, size):
    """All stretches of this size."""
    return {
        tuple(string[start : start + size])
        for string in strings
        for start in range(len(string) - size + 1)
    }
