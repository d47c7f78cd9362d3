from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from composer import checkpoint
from composer.errors import ModelError

DTYPES = (torch.uint8, torch.int64, torch.float32, torch.bool)


def example(seed: int = 0) -> tuple[dict, dict]:
    weights = torch.arange(12, dtype=torch.float32).reshape(3, 4) + seed
    tensors = {"model": {"g.weight": weights, "g.bias": torch.ones(3)}}
    return tensors, {"config": {"domain": "music", "seed": seed}, "state": {"step": seed}}


def save_run(run: Path, *steps: int) -> None:
    for step in steps:
        directory = run / "checkpoints" / str(step)
        checkpoint.save(directory, *example(step))
        checkpoint.publish(run, directory)


def listing(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@given(
    st.lists(
        st.tuples(st.sampled_from(DTYPES), st.lists(st.integers(0, 4), max_size=4)),
        min_size=1,
        max_size=4,
    )
)
@settings(max_examples=25)
def test_tensors_come_back_bit_for_bit(shapes):
    tensors = {
        f"t{i}": (torch.randn(shape) * 100).to(dtype) for i, (dtype, shape) in enumerate(shapes)
    }
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder) / "point"
        checkpoint.save(directory, {"model": tensors}, {})
        loaded = checkpoint.load(directory).tensors["model"]
        assert loaded.keys() == tensors.keys()
        for name, tensor in tensors.items():
            assert loaded[name].dtype == tensor.dtype
            assert loaded[name].shape == tensor.shape
            assert torch.equal(loaded[name], tensor)


def test_views_transposes_and_shared_tensors_are_saved_by_value(tmp_path):
    base = torch.arange(6.0).reshape(2, 3)
    group = {"base": base, "same": base, "turned": base.T, "part": base[1:]}
    checkpoint.save(tmp_path / "point", {"model": group}, {})
    loaded = checkpoint.load(tmp_path / "point").tensors["model"]
    assert all(torch.equal(loaded[name], tensor) for name, tensor in group.items())


def test_documents_come_back_and_config_knows_its_format(tmp_path):
    state = {"rng": 2**127 + 1, "text": "♭ \udcff", "values": [0.1, None, True]}
    checkpoint.save(tmp_path / "point", {}, {"state": state})
    loaded = checkpoint.load(tmp_path / "point")
    assert loaded.documents == {"config": {"format": 1}, "state": state}


def test_only_what_is_asked_for_is_read(tmp_path):
    checkpoint.save(tmp_path / "point", *example())
    (tmp_path / "point" / "model.safetensors").write_bytes(b"broken")
    loaded = checkpoint.load(tmp_path / "point", ["state"])
    assert loaded.tensors == {}
    assert loaded.documents["state"] == {"step": 0}
    with pytest.raises(ModelError, match="'replay'"):
        checkpoint.load(tmp_path / "point", ["replay"])


@pytest.mark.parametrize("documents", [{"state": {"loss": float("nan")}}, {"a/b": {}}, {"": {}}])
def test_what_cannot_be_written_is_refused_and_leaves_nothing(tmp_path, documents):
    with pytest.raises(ValueError, match=r"JSON|name"):
        checkpoint.save(tmp_path / "point", {}, documents)
    assert listing(tmp_path) == []


def test_saving_again_replaces_the_whole(tmp_path):
    tensors, documents = example(1)
    checkpoint.save(tmp_path / "point", {**tensors, "replay": {"x": torch.ones(1)}}, documents)
    checkpoint.save(tmp_path / "point", *example(2))
    loaded = checkpoint.load(tmp_path / "point")
    assert loaded.documents["state"] == {"step": 2}
    assert loaded.tensors.keys() == {"model"}
    assert listing(tmp_path) == ["point"]


class KilledError(BaseException):
    """As if the process ended here."""


@pytest.mark.parametrize("call", range(12))
@pytest.mark.parametrize("function", ["fsync", "rename", "replace"])
def test_a_kill_at_any_moment_loses_nothing(tmp_path, monkeypatch, function, call):
    save_run(tmp_path, 1)
    calls = iter(range(1000))
    owner = os if function == "fsync" else Path
    original = getattr(owner, function)

    def fail(*arguments):
        if next(calls) == call:
            raise KilledError
        return original(*arguments)

    monkeypatch.setattr(owner, function, fail)
    # a killed process does not clean up either
    monkeypatch.setattr(shutil, "rmtree", lambda *_, **__: None)
    with contextlib.suppress(KilledError):
        save_run(tmp_path, 2)
    monkeypatch.undo()
    found = checkpoint.load(checkpoint.latest(tmp_path))
    assert found.documents["state"]["step"] in {1, 2}
    for path in (tmp_path / "checkpoints").glob("[!.]*"):
        assert checkpoint.load(path).tensors["model"]["g.bias"].sum() == 3
    checkpoint.keep(tmp_path, 2)
    assert not list((tmp_path / "checkpoints").glob(".*"))


def test_a_full_disk_while_replacing_puts_the_old_one_back(tmp_path, monkeypatch):
    checkpoint.save(tmp_path / "point", *example(1))
    original = Path.rename

    def full(path, target):
        if target.name == "point" and not path.name.endswith(".old"):
            raise OSError(28, "No space left on device")
        return original(path, target)

    monkeypatch.setattr(Path, "rename", full)
    with pytest.raises(OSError, match="No space"):
        checkpoint.save(tmp_path / "point", *example(2))
    assert checkpoint.load(tmp_path / "point").documents["state"] == {"step": 1}
    assert listing(tmp_path) == ["point"]


@pytest.mark.parametrize("name", ["model.safetensors", "config.json", "state.json"])
@pytest.mark.parametrize("damage", ["flip", "cut", "empty", "remove"])
def test_damage_is_found_and_the_file_named(tmp_path, name, damage):
    checkpoint.save(tmp_path / "point", *example())
    path = tmp_path / "point" / name
    content = bytearray(path.read_bytes())
    if damage == "flip":
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
    elif damage == "remove":
        path.unlink()
    else:
        path.write_bytes(content[: 0 if damage == "empty" else -3])
    with pytest.raises(ModelError, match=name):
        checkpoint.load(tmp_path / "point")


def rewrite(directory: Path, name: str, content: bytes) -> None:
    """Change a file together with its sum, as a foreign program might."""
    path = directory / name
    path.write_bytes(content)
    sums = directory / "SHA256SUMS"
    lines = [line for line in sums.read_text().splitlines() if not line.endswith(f"  {name}")]
    lines.append(f"{hashlib.sha256(content).hexdigest()}  {name}")
    sums.write_text("\n".join(lines) + "\n")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b'{"format": 2}', "newer composer"),
        (b'{"format": true}', "which format"),
        (b'{"format": 0}', "which format"),
        (b"{}", "which format"),
        (b"[]", "which format"),
        (b"\xff", "JSON"),
        (b"[" * 200_000, "JSON"),
        (b"1" * 10_000, "JSON"),
    ],
)
def test_a_newer_or_foreign_config_is_refused(tmp_path, content, reason):
    checkpoint.save(tmp_path / "point", *example())
    rewrite(tmp_path / "point", "config.json", content)
    with pytest.raises(ModelError, match=reason) as caught:
        checkpoint.load(tmp_path / "point")
    assert "config.json" in str(caught.value)
    assert caught.value.exit_code == 4


@pytest.mark.parametrize(
    "content", [b"", b"junk", b"\x80\x04}.", (2**62).to_bytes(8, "little") + b"{}"]
)
def test_tensors_that_are_none_are_refused(tmp_path, content):
    checkpoint.save(tmp_path / "point", *example())
    rewrite(tmp_path / "point", "model.safetensors", content)
    with pytest.raises(ModelError, match=r"model\.safetensors"):
        checkpoint.load(tmp_path / "point")


@pytest.mark.parametrize(
    "content", [b"", b"\xff\xff", b"0" * 100_000, b"0" * 64 + b"  ../config.json\n"]
)
def test_foreign_sums_are_refused(tmp_path, content):
    checkpoint.save(tmp_path / "point", *example())
    (tmp_path / "point" / "SHA256SUMS").write_bytes(content)
    with pytest.raises(ModelError, match="SHA256SUMS"):
        checkpoint.load(tmp_path / "point")


def test_sizes_are_bounded_before_anything_is_read(tmp_path, monkeypatch):
    checkpoint.save(tmp_path / "point", *example())
    monkeypatch.setattr(checkpoint, "MAX_DOCUMENT_BYTES", 10)
    with pytest.raises(ModelError, match=r"config\.json is larger"):
        checkpoint.load(tmp_path / "point")


def test_a_device_in_place_of_a_file_is_not_read(tmp_path):
    checkpoint.save(tmp_path / "point", *example())
    (tmp_path / "point" / "model.safetensors").unlink()
    (tmp_path / "point" / "model.safetensors").symlink_to("/dev/zero")
    with pytest.raises(ModelError, match=r"model\.safetensors is missing"):
        checkpoint.load(tmp_path / "point")


def test_a_directory_that_is_no_checkpoint_is_named(tmp_path):
    with pytest.raises(ModelError, match="nowhere"):
        checkpoint.load(tmp_path / "nowhere")
    with pytest.raises(ModelError, match="SHA256SUMS is missing"):
        checkpoint.load(tmp_path)


@pytest.mark.parametrize("content", [b"", b"9\n", b"../../etc\n", b".\n", b"\xff" * 9, b"1\n" * 99])
def test_a_broken_latest_is_named(tmp_path, content):
    save_run(tmp_path, 1)
    (tmp_path / "latest").write_bytes(content)
    with pytest.raises(ModelError, match="latest"):
        checkpoint.latest(tmp_path)


def test_a_run_without_checkpoint_or_no_run_is_named(tmp_path):
    with pytest.raises(ModelError, match="holds no checkpoint yet"):
        checkpoint.latest(tmp_path)
    with pytest.raises(ModelError, match="no run at"):
        checkpoint.latest(tmp_path / "x")


def test_keep_deletes_the_oldest_but_spares_the_latest(tmp_path):
    save_run(tmp_path, 2, 10, 9, 100)
    checkpoint.publish(tmp_path, tmp_path / "checkpoints" / "9")
    checkpoint.keep(tmp_path, 1)
    assert listing(tmp_path / "checkpoints") == ["100", "9"]
    checkpoint.keep(tmp_path / "none", 1)  # nothing to do


def test_sums_are_readable_by_sha256sum(tmp_path):
    checkpoint.save(tmp_path / "point", *example())
    lines = (tmp_path / "point" / "SHA256SUMS").read_text().splitlines()
    assert [line[66:] for line in lines] == ["config.json", "model.safetensors", "state.json"]
    assert json.loads((tmp_path / "point" / "config.json").read_text())["format"] == 1
