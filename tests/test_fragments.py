import json
import logging
import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from composer.domain import Corpus, Piece
from composer.errors import DataError
from composer.fragments import (
    HELD_OUT,
    JUDGE,
    TRAIN,
    UnusableCorpusError,
    default_cache,
    open_store,
    split_works,
)


def corpus_of(clusters, places=4, names=None):
    """Pieces of a 2 x 3 alphabet soup; their content depends on their number only."""
    rng = np.random.default_rng(0)
    soup = rng.integers(0, 9, (len(clusters), places, 2, 3), np.uint8)
    names = names or [f"{number}.x" for number in range(len(clusters))]
    pieces = [
        Piece(part, (places,), name, kind=number % 3)
        for number, (part, name) in enumerate(zip(soup, names, strict=True))
    ]
    return Corpus(pieces, np.array(clusters, np.int64), {"answer": 42})


class Letters:
    """A domain that counts how often it reads."""

    id = "letters"
    extensions = frozenset({".x"})
    reads = 0

    @classmethod
    def read(cls, folder, options):
        cls.reads += 1
        names = sorted(path.name for path in folder.glob("*.x"))
        return corpus_of(range(len(names)), options.get("places", 4), names)


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    for number in range(20):
        (folder / f"{number}.x").write_text(str(number))
    Letters.reads = 0
    return folder


def test_store_holds_the_corpus(folder, tmp_path):
    store = open_store(Letters, folder, {}, cache=tmp_path / "cache")
    corpus = Letters.read(folder, {})
    assert (store.domain_id, store.settings) == ("letters", {"answer": 42})
    assert store.fragments.shape == (80, 2, 3)
    assert isinstance(store.fragments, np.memmap)
    assert not store.fragments.flags.writeable
    assert store.starts.tolist() == list(range(0, 81, 4))
    assert store.layouts.tolist() == [[4]] * 20
    seen = {}
    for split in (TRAIN, HELD_OUT, JUDGE):
        pieces = store.pieces(split)
        together = np.concatenate([piece.fragments for piece in pieces])
        np.testing.assert_array_equal(store.select(split), together)
        seen |= {piece.source: piece for piece in pieces}
    assert len(seen) == 20
    for piece in corpus.pieces:
        np.testing.assert_array_equal(seen[piece.source].fragments, piece.fragments)
        assert seen[piece.source].layout == (4,)
        assert seen[piece.source].kind == piece.kind
    assert store.kinds.dtype == np.uint8
    assert store.kinds.tolist() == [number % 3 for number in range(20)]


def test_store_is_read_once_until_something_changes(folder, tmp_path):
    def reads(**options):
        before = Letters.reads
        store = open_store(Letters, folder, options, cache=tmp_path / "cache")
        return Letters.reads - before, store.key

    first = reads()
    assert first[0] == 1
    assert reads() == (0, first[1])
    assert reads(places=5)[0] == 1
    (folder / "note.txt").write_text("not of this domain")
    (folder / "7.x").touch()
    assert reads() == (0, first[1])
    (folder / "7.x").write_text("seven")
    assert reads()[0] == 1
    (folder / "8.x").rename(folder / "88.x")
    assert reads()[0] == 1
    (folder / "8.x").write_text("new")
    assert reads()[0] == 1


@pytest.mark.parametrize("name", ["fragments.npy", "kinds.npy", "store.json"])
@pytest.mark.parametrize("damage", ["cut", "flip", "remove", "garbage"])
def test_a_damaged_store_is_made_anew(folder, tmp_path, name, damage):
    cache = tmp_path / "cache"
    store = open_store(Letters, folder, {}, cache=cache)
    expected = store.fragments.copy()
    path = cache / store.key / name
    data = path.read_bytes()
    changed = {"cut": data[:-9], "flip": data[:-9] + b"#" + data[-8:], "garbage": b"\x80\x05K"}
    if damage == "remove":
        path.unlink()
    else:
        path.write_bytes(changed[damage])
    again = open_store(Letters, folder, {}, cache=cache)
    assert Letters.reads == 2
    np.testing.assert_array_equal(again.fragments, expected)
    np.testing.assert_array_equal(again.kinds, store.kinds)
    assert path.read_bytes() == data
    assert [entry.name for entry in cache.iterdir()] == [store.key]


def test_a_store_of_another_format_is_made_anew(folder, tmp_path):
    store = open_store(Letters, folder, {}, cache=tmp_path)
    path = tmp_path / store.key / "store.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format": 999}))
    open_store(Letters, folder, {}, cache=tmp_path)
    assert Letters.reads == 2


def test_a_cache_that_cannot_be_written_is_replaced(folder, tmp_path, caplog):
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    with caplog.at_level(logging.WARNING):
        store = open_store(Letters, folder, {}, cache=blocked / "cache")
    assert len(store.select(TRAIN)) > 0
    assert "cannot be written" in caplog.text
    assert blocked.read_text() == "in the way"


def test_names_that_are_no_text_survive(folder, tmp_path):
    name = os.fsdecode(b"caf\xe9.x")
    try:
        (folder / name).write_text("coffee")
    except OSError:
        pytest.skip("this file system takes only UTF-8 names")
    for _ in range(2):
        assert name in open_store(Letters, folder, {}, cache=tmp_path).sources


def test_where_the_cache_is(monkeypatch, tmp_path):
    monkeypatch.setenv("COMPOSER_CACHE", str(tmp_path / "own"))
    assert default_cache() == tmp_path / "own"
    monkeypatch.delenv("COMPOSER_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert default_cache() == tmp_path / "xdg" / "composer"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert default_cache() == tmp_path / ".cache" / "composer"


@given(st.lists(st.integers(0, 12), min_size=3, max_size=40))
def test_split_keeps_works_together_and_fills_every_part(clusters):
    corpus = corpus_of(clusters)
    if len(set(clusters)) < 3:
        with pytest.raises(UnusableCorpusError, match="at least 3 works"):
            split_works(corpus)
        return
    split = split_works(corpus)
    assert set(split.tolist()) == {TRAIN, HELD_OUT, JUDGE}
    for work in set(clusters):
        assert len(set(split[corpus.clusters == work].tolist())) == 1


def test_split_shares():
    split = split_works(corpus_of(range(200)))
    np.testing.assert_allclose(np.bincount(split) / 200, [0.70, 0.15, 0.15], atol=0.01)


def test_the_largest_work_is_for_training():
    split = split_works(corpus_of([0, 1, 2, 3, 4] + [5] * 20))
    assert split[-1] == TRAIN


def test_split_depends_on_content_not_on_order():
    corpus = corpus_of(range(50))
    back = Corpus(corpus.pieces[::-1], corpus.clusters, {})
    np.testing.assert_array_equal(split_works(corpus), split_works(back)[::-1])


def test_one_piece_is_too_little(tmp_path):
    (tmp_path / "only.x").write_text("one")
    with pytest.raises(DataError, match=r"1 usable piece of 1 distinct work.*add more files"):
        open_store(Letters, tmp_path, {}, cache=tmp_path / "cache")
