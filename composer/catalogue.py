"""Where models lie, and what can be told of one without loading it; imports nothing heavy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from composer import checkpoint
from composer.errors import ModelError

BUNDLED = Path(__file__).parent / "models"
EXPORT = "model"  # name of the folder inside a run


def find_model(path: Path | str) -> Path:
    """The folder that holds ``model.safetensors`` for a bundled name or any path."""
    bundled = BUNDLED / str(path)
    if isinstance(path, str) and path.isidentifier() and (bundled / "config.json").is_file():
        return bundled
    place = Path(path)
    if not place.is_dir():
        names = ", ".join(sorted(p.parent.name for p in BUNDLED.glob("*/config.json"))) or "none"
        message = f"there is no model '{path}': give a run folder or a bundled model ({names})"
        raise ModelError(message)
    if (place / "model.safetensors").is_file():
        return place
    if (place / EXPORT / "model.safetensors").is_file():
        return place / EXPORT
    return checkpoint.latest(place)


def describe_model(path: Path | str) -> dict[str, Any]:
    """The document ``config.json`` of a model, checked against its sum: domain, settings, card.

    Raises ModelError where there is no model or its document cannot be used.
    """
    directory = find_model(path)
    document = checkpoint.load(directory, []).documents[checkpoint.CONFIG]
    domain, settings = document.get("domain"), document.get("settings")
    if not (isinstance(domain, str) and isinstance(settings, dict)):
        message = f"{directory / 'config.json'} does not say what the model makes"
        raise ModelError(message)
    return dict(document)
