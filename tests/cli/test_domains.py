from __future__ import annotations

from pathlib import Path

import pytest

from composer.cli import domains
from composer.cli.dataset_inspect import REPORTS
from composer.cli.originality import CERTIFICATES
from composer.domain import domain_ids
from composer.errors import DataError, UsageError


def fill(folder, *names: str):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"")
    return folder


def test_the_command_line_knows_every_domain_of_the_package():
    assert set(domains.DOMAINS) == set(REPORTS) == set(CERTIFICATES) == set(domain_ids())


@pytest.mark.parametrize(
    ("names", "domain"),
    [
        (["a.mid"], "music"),
        (["deep/er/A.MIDI", "README.md"], "music"),
        (["a.png"], "art"),
        (["arcs/a.JPEG", "knots/b.webp", "card.json"], "art"),
        ([".hidden.gif"], "art"),
    ],
)
def test_a_folder_is_recognised_by_its_files(tmp_path, names, domain):
    assert domains.recognise(fill(tmp_path, *names)) == domain


def test_files_that_cannot_be_opened_tell_the_domain_too(tmp_path):
    (tmp_path / "lost.png").symlink_to(tmp_path / "nowhere")
    assert domains.recognise(tmp_path) == "art"


def test_several_domains_are_counted(tmp_path):
    fill(tmp_path, "a.mid", "b/c.jpg", "b/d.PNG", "b/e.png")
    with pytest.raises(UsageError) as caught:
        domains.recognise(tmp_path)
    assert str(caught.value) == (
        f"'{tmp_path}' holds files of several kinds, 3 of pictures (.jpg, .png) and 1 of music "
        "(.mid): add --domain art or --domain music"
    )


def test_none_at_all_is_unusable_data(tmp_path):
    with pytest.raises(DataError, match=r"looked for \.gif, .* \(pictures\) and \.mid, \.midi"):
        domains.recognise(fill(tmp_path, "a.txt", "mid"))
    with pytest.raises(DataError, match="cannot read the folder"):
        domains.recognise(tmp_path / "missing")


def test_a_file_belongs_to_the_domain_that_its_name_says():
    assert domains.domain_of(Path("a/b.MID")) == "music"
    assert domains.domain_of(Path("b.webp")) == "art"
    with pytest.raises(
        DataError, match=r"'b.txt' is neither pictures .* nor music \(.mid, .midi\)"
    ):
        domains.domain_of(Path("b.txt"))
