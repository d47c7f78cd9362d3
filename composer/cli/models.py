"""``composer models``: what there is to compose with."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from composer import checkpoint
from composer.catalogue import BUNDLED, EXPORT
from composer.cli.domains import noun
from composer.cli.naming import RUNS
from composer.cli.words import count
from composer.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path


@click.command(name="models")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a model.")
def command(*, as_json: bool) -> None:
    """List the bundled models and those in runs/, with their cards.

    A card says what a model was trained on, under which licence, and how well it does.
    """
    for model in _models():
        click.echo(json.dumps(model) if as_json else _text(model))


def _models() -> Iterator[dict[str, Any]]:
    for directory in sorted(path for path in BUNDLED.glob("*") if path.is_dir()):
        yield _describe({"name": directory.name, "kind": "bundled"}, directory)
    for run in sorted(path for path in RUNS.glob("*") if path.is_dir()):
        if (run / EXPORT).is_dir():
            yield _describe({"name": str(run), "kind": "trained"}, run / EXPORT)
        elif (run / checkpoint.LATEST).is_file():
            yield _describe({"name": str(run), "kind": "unfinished"}, run)


def _describe(model: dict[str, Any], directory: Path) -> dict[str, Any]:
    """Add card, path and size of a model; the problem where it cannot be used."""
    try:
        if model["kind"] == "unfinished":
            directory = checkpoint.latest(directory)
        config = checkpoint.load(directory, []).documents["config"]
    except ModelError as error:
        return {**model, "path": str(directory), "problem": str(error)}
    weights = directory / f"{EXPORT}{checkpoint.TENSORS_SUFFIX}"
    return {
        **model,
        "path": str(directory),
        "bytes": weights.stat().st_size if weights.is_file() else 0,
        "domain": config.get("domain"),
        "makes": _makes(config.get("domain"), config.get("settings") or {}),
        "card": config.get("card", {}),
    }


def _text(model: dict[str, Any]) -> str:
    """A model in a few lines for people."""
    if "problem" in model:
        return f"{model['name']}  cannot be used: {model['problem']}"
    facts = f"{model['kind']}, {noun(model['domain'])}, {model['bytes'] / 1e6:.1f} MB"
    told = {"makes": model["makes"], **model["card"]}
    card = (f"    {name.replace('_', ' ')}: {_value(v)}" for name, v in told.items())
    return "\n".join([f"{model['name']}  ({facts})", *card])


def _makes(domain: str, settings: Mapping[str, Any]) -> str:
    """What comes out of a model, as far as its settings tell."""
    if domain == "music" and {"meter", "lows"} <= settings.keys():
        metre = "{}/{}".format(*settings["meter"])
        return f"MIDI in {metre}, {count(len(settings['lows']), 'voice')}"
    if domain == "art" and {"slots", "kinds"} <= settings.keys():
        colours = f"{settings['slots']} colours" if settings["slots"] else "all colours"
        ground = ", some of it transparent" if settings.get("transparent") else ""
        return f"PNG in {colours}{ground}; kinds: {', '.join(settings['kinds'])}"
    return noun(domain)


def _value(value: Any) -> str:
    """A value of a card in words."""
    if isinstance(value, dict):
        return ", ".join(f"{name.replace('_', ' ')} {_value(v)}" for name, v in value.items())
    if isinstance(value, list):
        return ", ".join(map(_value, value))
    return f"{value:.3g}" if isinstance(value, float) else str(value)
