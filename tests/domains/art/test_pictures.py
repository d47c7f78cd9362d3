"""Whatever the format and mode, the same colours come out; what is broken is refused in words."""

import contextlib
import io
import struct
import tracemalloc
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from composer.domains.art.pictures import (
    MAX_PIXELS,
    MAX_SIDE,
    UnusableFileError,
    open_picture,
)

GREYS = (np.arange(24, dtype=np.uint8)[:, None] * 8 + np.arange(20, dtype=np.uint8)).clip(0, 255)
COLOURS = np.stack([GREYS, 255 - GREYS, GREYS // 2], axis=-1)


def save(path, pixels, mode=None, **options):
    image = Image.fromarray(pixels)
    (image.convert(mode) if mode else image).save(path, **options)
    return path


def png(width, height, *, depth=8, kind=0, rows=b""):
    """A PNG written by hand."""
    header = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    parts = [
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in chunks
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


@pytest.mark.parametrize("name", ["a.png", "a.webp", "a.GIF", "a.jpg", "a.jpeg"])
def test_formats(tmp_path, name):
    lossless = {"lossless": True} if name == "a.webp" else {}
    path = save(tmp_path / name, COLOURS, quality=100, **lossless)
    pixels = open_picture(path)
    assert pixels.shape == (24, 20, 4)
    assert pixels.dtype == np.uint8
    assert (pixels[..., 3] == 255).all()
    off = np.abs(pixels[..., :3].astype(int) - COLOURS).mean()
    assert off <= {"a.png": 0, "a.webp": 0}.get(name, 8)


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA", "P", "PA", "1", "I;16", "CMYK"])
def test_modes(tmp_path, mode):
    path = tmp_path / ("a.jpg" if mode == "CMYK" else "a.png")
    if mode == "I;16":
        image = Image.fromarray(GREYS.astype(np.uint16) * 257)
    elif mode == "PA":
        image = Image.fromarray(GREYS).quantize(256)
        image.info["transparency"] = bytes([255] * 256)
    else:
        image = Image.fromarray(GREYS).convert(mode)
    image.save(path, **({"quality": 100} if mode == "CMYK" else {}))
    pixels = open_picture(path)
    expected = (
        np.asarray(Image.fromarray(GREYS).convert(mode).convert("L")) if mode == "1" else GREYS
    )
    np.testing.assert_allclose(pixels[..., :3], np.repeat(expected[..., None], 3, 2), atol=3)
    assert (pixels[..., 3] == 255).all()


def test_sixteen_bits_are_scaled(tmp_path):
    levels = np.linspace(0, 65535, 64).astype(np.uint16).reshape(8, 8)
    Image.fromarray(levels).save(tmp_path / "a.png")
    pixels = open_picture(tmp_path / "a.png")
    assert (pixels[..., 0].min(), pixels[..., 0].max()) == (0, 255)
    assert np.abs(pixels[..., 0] - levels / 257).max() <= 0.5


def test_transparency_is_kept(tmp_path):
    seen = np.dstack([COLOURS, np.where(GREYS > 100, 255, 0).astype(np.uint8)])
    np.testing.assert_array_equal(open_picture(save(tmp_path / "a.png", seen)), seen)
    palette = Image.fromarray(seen).convert("P")
    palette.save(tmp_path / "a.gif", transparency=0)
    assert (open_picture(tmp_path / "a.gif")[..., 3] == 0).any()


def test_the_first_frame_of_an_animation(tmp_path):
    frames = [Image.fromarray(np.full((9, 7, 3), level, np.uint8)) for level in (40, 200, 120)]
    for name in ("a.gif", "a.webp", "a.png"):
        frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:])
        pixels = open_picture(tmp_path / name)
        np.testing.assert_allclose(pixels[..., :3], 40, atol=2)


def test_a_picture_is_turned_as_its_exif_says(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # a quarter turn clockwise
    for name, side in (("a.png", 1), ("large.png", 60)):
        wide = np.repeat(np.repeat(COLOURS, side, 0), side, 1)
        pixels = open_picture(save(tmp_path / name, wide, exif=exif))
        assert pixels.shape[1] * 5 == pixels.shape[0] * 6
        np.testing.assert_allclose(pixels[0, -1, :3], COLOURS[0, 0], atol=9)


def test_large_pictures_are_reduced_by_whole_numbers(tmp_path):
    large = np.kron(
        np.random.default_rng(0).integers(0, 256, (40, 50), np.uint8), np.ones((60, 60))
    )
    path = save(tmp_path / "a.png", large.astype(np.uint8))
    pixels = open_picture(path)
    assert pixels.shape == (800, 1000, 4)  # a third
    np.testing.assert_array_equal(pixels[..., 0], large[::3, ::3])
    jpeg = open_picture(save(tmp_path / "a.jpg", large.astype(np.uint8)))
    assert max(jpeg.shape) <= MAX_SIDE


def test_what_is_transparent_does_not_bleed_when_reduced(tmp_path):
    pixels = np.zeros((1500, 1500, 4), np.uint8)
    pixels[:, :751] = (200, 100, 50, 255)
    reduced = open_picture(save(tmp_path / "a.png", pixels))
    seen = reduced[reduced[..., 3] > 100]
    np.testing.assert_allclose(seen[:, :3], np.broadcast_to((200, 100, 50), (len(seen), 3)), atol=2)


def test_bombs_are_refused_before_they_are_decoded(tmp_path):
    bombs = {
        "a.png": png(30_000, 30_000, depth=1, rows=bytes(30_000 * 3_751)),
        "b.png": png(9_000, 9_000),
        "c.gif": b"GIF89a" + struct.pack("<HHBBB", 65_535, 65_535, 0, 0, 0) + b";",
        "d.webp": b"RIFF\x40\0\0\0WEBPVP8X\x0a\0\0\0\x02\0\0\0" + b"\x2f\x75\0" * 2 + bytes(50),
    }
    for name, data in bombs.items():
        (tmp_path / name).write_bytes(data)
        tracemalloc.start()
        with pytest.raises(UnusableFileError, match=r"more than 64,000,000 pixels|not a PNG"):
            open_picture(tmp_path / name)
        assert tracemalloc.get_traced_memory()[1] < 2**24
        tracemalloc.stop()
    assert MAX_PIXELS == 64_000_000


def test_reasons(tmp_path):
    whole = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (90, 90, 3), np.uint8)).save(
        whole, "PNG"
    )
    tiff = io.BytesIO()
    Image.fromarray(COLOURS).save(tiff, "TIFF")
    jpeg = io.BytesIO()
    Image.fromarray(COLOURS).resize((300, 300)).save(jpeg, "JPEG")
    cases = {
        "short.png": (whole.getvalue()[:-5000], "truncated or damaged"),
        "short.jpg": (jpeg.getvalue()[:-2000], "truncated or damaged"),
        "tiff.png": (tiff.getvalue(), "not a PNG, JPEG, WebP or GIF"),
        "text.gif": (b"Once upon a time", "not a PNG, JPEG, WebP or GIF"),
        "empty.png": (b"", "not a PNG, JPEG, WebP or GIF"),
        "nothing.png": (png(0, 0), "not a PNG|truncated or damaged"),
    }
    for name, (data, reason) in cases.items():
        (tmp_path / name).write_bytes(data)
        with pytest.raises(UnusableFileError, match=reason):
            open_picture(tmp_path / name)
    with pytest.raises(UnusableFileError, match="cannot be read: No such file"):
        open_picture(tmp_path / "gone.png")


def test_the_content_decides_not_the_name(tmp_path):
    path = tmp_path / "a.gif"
    Image.fromarray(COLOURS).save(path, "PNG")
    np.testing.assert_array_equal(open_picture(path)[..., :3], COLOURS)


def encoded(form):
    buffer = io.BytesIO()
    Image.fromarray(COLOURS).save(buffer, form)
    return buffer.getvalue()


WHOLE = {form: encoded(form) for form in ("PNG", "JPEG", "WEBP", "GIF")}


@given(
    st.sampled_from(sorted(WHOLE)),
    st.lists(st.tuples(st.floats(0, 1), st.integers(0, 8), st.binary(max_size=8)), max_size=8),
)
@settings(max_examples=200)
def test_changed_bytes_never_crash(tmp_path_factory, form, changes):
    data = WHOLE[form]
    for share, removed, inserted in changes:
        position = int(share * len(data))
        data = data[:position] + inserted + data[position + removed :]
    path = tmp_path_factory.getbasetemp() / "changed.png"
    path.write_bytes(data)
    with contextlib.suppress(UnusableFileError):
        pixels = open_picture(path)
        assert pixels.dtype == np.uint8
        assert pixels.ndim == 3
