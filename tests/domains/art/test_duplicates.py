"""Copies are one work, however they were saved."""

import io

import numpy as np
from PIL import Image, ImageEnhance

from composer.domains.art.duplicates import digest, find_works, thumbnail
from composer.domains.art.families.make import make_pictures


def picture(seed, side=96):
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(0, 256, (12, 12, 3), np.uint8))
    return coarse.resize((side, side), Image.Resampling.BICUBIC)


def works(*images):
    return find_works([thumbnail(np.asarray(image)) for image in images]).tolist()


def test_near_copies_are_one_work():
    image = picture(0)
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=60)
    copies = [
        image,
        Image.open(buffer),
        image.resize((64, 64), Image.Resampling.BICUBIC),
        image.resize((200, 200)),
        ImageEnhance.Brightness(image).enhance(0.8),
        ImageEnhance.Color(image).enhance(0.5),
    ]
    assert works(*copies) == [0] * len(copies)


def test_different_pictures_are_different_works():
    images = [picture(seed) for seed in range(20)]
    assert works(*images) == list(range(20))
    assert works(images[0], images[1], images[0], images[2], images[1]) == [0, 1, 0, 2, 1]
    assert find_works([]).tolist() == []


def test_drawings_of_one_kind_are_different_works():
    drawn = [pixels for name, pixels in make_pictures(36, (128, 128), None, 0) if "truchet" in name]
    assert len(drawn) == 3
    assert works(*drawn) == [0, 1, 2]


def test_many_pictures_are_compared_in_blocks():
    rng = np.random.default_rng(0)
    table = rng.standard_normal((1500, 1024)).astype(np.float32)
    table[1400] = table[3]
    table /= np.linalg.norm(table, axis=1, keepdims=True)
    found = find_works(list(table.astype(np.float16)))
    assert found[1400] == found[3]
    assert len(set(found.tolist())) == 1499


def test_pictures_without_contrast_are_like_none():
    plain = [np.full((40, 40, 3), level, np.uint8) for level in (10, 200)]
    assert works(*plain) == [0, 1]


def test_digests_tell_what_is_seen():
    pixels = np.random.default_rng(0).integers(0, 256, (8, 6, 4), np.uint8)
    pixels[0, 0] = (1, 2, 3, 0)
    hidden = pixels.copy()
    hidden[0, 0] = (9, 9, 9, 0)
    assert digest(pixels) == digest(hidden)
    assert digest(pixels) != digest(pixels.reshape(6, 8, 4))
    hidden[1, 1, 0] ^= 1
    assert digest(pixels) != digest(hidden) or hidden[1, 1, 3] == 0
