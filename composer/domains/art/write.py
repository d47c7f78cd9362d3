"""From a composition to a PNG, with the recipe inside, and a map of origins beside it."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import numpy as np

from composer.domains.art.explain import draw_origins
from composer.domains.art.layouts import plan_sheet
from composer.domains.art.palettes import asked_palette, rgb
from composer.domains.art.render import assemble, render, render_bands
from composer.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from PIL import Image

    from composer.composition import Composition
    from composer.domains.art.layouts import Sheet
    from composer.domains.art.settings import ArtSettings

RECIPE = "composer-recipe"
PALETTE_STREAM = 3  # of the recipe's seed; others serve the plan and the episode
EXTREME = 0.02  # of an RGB picture's pixels that tell its darkest and lightest colour
PERCEPTUAL = b"\0"  # rendering intent of the sRGB chunk


def write_picture(
    composition: Composition, stem: Path, settings: ArtSettings, options: Mapping[str, Any]
) -> list[Path]:
    """Write ``stem.png``; the same composition gives the same bytes.

    The frame has the darkest colour, the margin around it the lightest, or none where the model
    knows transparency.

    Args:
        composition: fragments uint8 ``[rows * columns, tile, tile]``, in RGB mode ``[..., 3]``.
        stem: path without suffix; its folder is made where it is missing.
        settings: the model's.
        options: ``size``, ``tiles``, ``scale``, ``margin``, ``frame``, ``tileable`` as in
            ``layouts.plan_sheet``; ``palette``, a name or hex colours, else one of the training
            pictures is drawn; ``explain`` adds ``stem-origins.png``, see ``explain``.

    Returns:
        The paths.

    Raises:
        UsageError: for an option that cannot be used, a size other than the one composed, or a file
            that exists: nothing is overwritten.
    """
    rows, columns = composition.layout
    sheet = plan_sheet(options, settings, composition.layout)
    if sheet.layout != (rows, columns):
        message = (
            f"the picture has {columns}x{rows} tiles, the options ask for "
            f"{sheet.layout[1]}x{sheet.layout[0]}: compose it with the size that it is written in"
        )
        raise UsageError(message)
    palette = choose_palette(composition, settings, options)
    recipe = json.dumps(composition.recipe, sort_keys=True, separators=(",", ":"))
    wrap = bool(options.get("tileable"))
    picture = _draw(composition, sheet, settings, palette, wrap=wrap)
    contents = {stem.with_name(f"{stem.name}.png"): _png(picture, recipe)}
    if options.get("explain"):
        small = render(composition.fragments, (rows, columns), settings, palette, scale=1)
        origins = draw_origins(small, (rows, columns), composition.origins)
        contents[stem.with_name(f"{stem.name}-origins.png")] = _png(origins, recipe)
    _create(contents)
    return list(contents)


def choose_palette(
    composition: Composition, settings: ArtSettings, options: Mapping[str, Any]
) -> tuple[str, ...]:
    """The colours of a picture, darkest first; none in RGB mode.

    Without ``palette`` one of the training pictures of the commonest kind, or of all where that
    kind has none, is drawn by the recipe's seed; where there is none at all, greys.

    Raises:
        UsageError: for a palette that does not fit the model.
    """
    wanted = asked_palette(options.get("palette"), settings.slots)
    if wanted is not None:
        return wanted
    if settings.rgb:
        return ()
    if not settings.palettes:
        levels = np.linspace(0, 255, settings.slots).round().astype(int)
        return tuple(f"#{level:02x}{level:02x}{level:02x}" for level in levels)
    commonest = np.bincount(composition.plan).argmax()
    of_kind = [
        palette
        for palette, kind in zip(settings.palettes, settings.palette_kinds, strict=True)
        if kind == commonest
    ]
    choices = of_kind or settings.palettes
    rng = np.random.default_rng((composition.recipe.get("seed", 0), PALETTE_STREAM))
    return choices[rng.integers(len(choices))]


def _draw(
    composition: Composition,
    sheet: Sheet,
    settings: ArtSettings,
    palette: Sequence[str],
    *,
    wrap: bool,
) -> Image.Image:
    """The picture on its sheet, band by band: no more than one copy of it is held."""
    from PIL import Image

    dark, light = _extremes(composition, settings, palette)
    size = (sheet.width + 2 * sheet.border, sheet.height + 2 * sheet.border)
    if settings.transparent:
        image = Image.new("RGBA", size, (*light, 0))
        dark = (*dark, 255)
    else:
        image = Image.new("RGB", size, light)
    margin, border = sheet.margin, sheet.border
    if sheet.frame:
        image.paste(dark, (margin, margin, size[0] - margin, size[1] - margin))
    layout, top = composition.layout, 0
    bands = render_bands(
        composition.fragments, layout, settings, palette, scale=sheet.scale, wrap=wrap
    )
    for band in bands:
        visible = np.ascontiguousarray(band[: sheet.height - top, : sheet.width])
        image.paste(Image.fromarray(visible), (border, border + top))
        top += len(band)
    return image


def _extremes(
    composition: Composition, settings: ArtSettings, palette: Sequence[str]
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The darkest and the lightest colour: of the palette, or of the pixels."""
    if settings.rgb:
        pixels = assemble(composition.fragments, composition.layout).reshape(-1, 3)
        order = np.argsort(pixels @ np.array([0.299, 0.587, 0.114]), kind="stable")
        few = max(1, round(EXTREME * len(pixels)))
        ends = [pixels[part].mean(axis=0).round() for part in (order[:few], order[-few:])]
    else:
        ends = [rgb(palette)[0], rgb(palette)[-1]]
    dark, light = (tuple(int(level) for level in end) for end in ends)
    return dark, light


def _png(image: Image.Image, recipe: str) -> bytes:
    """A PNG in the sRGB colour space, with the recipe in an iTXt chunk."""
    from PIL import PngImagePlugin

    information = PngImagePlugin.PngInfo()
    information.add(b"sRGB", PERCEPTUAL)
    information.add_itxt(RECIPE, recipe)
    buffer = io.BytesIO()
    image.save(buffer, "PNG", pnginfo=information)
    return buffer.getvalue()


def _create(contents: Mapping[Path, bytes]) -> None:
    """Write files that do not exist yet, all or none.

    Each name is first taken by an empty file, which fails where another has it, then replaced.
    """
    from composer.checkpoint import replace_file

    taken: list[Path] = []
    path = next(iter(contents))
    _make_folder(path.parent)
    try:
        for path in contents:
            path.touch(exist_ok=False)
            taken.append(path)
        for path, data in contents.items():
            replace_file(path, data)
    except FileExistsError as error:
        _remove(taken)
        message = f"{path} exists and is not overwritten: choose another name"
        raise UsageError(message) from error
    except OSError as error:
        _remove(taken)
        message = f"cannot write {path}: {error.strerror}; choose another folder with --out"
        raise UsageError(message) from error
    except BaseException:
        _remove(taken)
        raise


def _make_folder(folder: Path) -> None:
    """Make a folder with those above it, where it is missing."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:  # also FileExistsError, where a file has its name
        message = f"cannot write to {folder}: {error.strerror}; choose another folder with --out"
        raise UsageError(message) from error


def _remove(paths: Sequence[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)
