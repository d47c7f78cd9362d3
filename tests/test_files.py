import pytest

from composer.errors import DataError
from composer.files import find_files


def test_finds_files_by_extension_in_a_stable_order(tmp_path):
    for name in ("b.mid", "a.MID", "c.txt", "sub/z.mid", "sub/deep/y.Mid", ".mid", "mid"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "folder.mid").mkdir()
    (tmp_path / "folder.mid" / "x.mid").touch()
    names, rejections = find_files(tmp_path, {".mid"})
    assert names == ["a.MID", "b.mid", "folder.mid/x.mid", "sub/deep/y.Mid", "sub/z.mid"]
    assert rejections == []


def test_links_are_followed_but_no_folder_is_entered_twice(tmp_path):
    inside, outside = tmp_path / "in", tmp_path / "out"
    inside.mkdir()
    outside.mkdir()
    (outside / "a.mid").touch()
    (inside / "link.mid").symlink_to(outside / "a.mid")
    (inside / "more").symlink_to(outside)
    (inside / "again").symlink_to(outside)
    (inside / "up").symlink_to(inside)
    names, rejections = find_files(inside, {".mid"})
    assert names == ["again/a.mid", "link.mid"]
    assert [rejection.source for rejection in rejections] == ["more", "up"]


def test_what_cannot_be_opened_is_told(tmp_path):
    (tmp_path / "gone.mid").symlink_to(tmp_path / "nowhere")
    (tmp_path / "gone.txt").symlink_to(tmp_path / "nowhere")
    names, rejections = find_files(tmp_path, {".mid"})
    assert names == []
    assert [rejection.source for rejection in rejections] == ["gone.mid"]


def test_no_folder(tmp_path):
    with pytest.raises(DataError, match="cannot read the folder"):
        find_files(tmp_path / "missing", {".mid"})
