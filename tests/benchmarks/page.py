"""The page of benchmarks: each script owns one section of it and leaves the others alone."""

from __future__ import annotations

import os
import platform
import tempfile
from pathlib import Path

import numpy as np

from composer.evaluation.jackknife import T_VALUES

PAGE = Path(__file__).parents[2] / "docs" / "benchmarks.md"
HEAD = """# Benchmarks

Measured by the scripts in `tests/benchmarks/`; each section names its command.
"""


def table(head: list[str], rows: list[list[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def interval(low: float, middle: float, high: float, digits: int = 2) -> str:
    """A number with its interval; "-" where there is none."""
    if np.isnan(middle):
        return "-"
    return f"{middle:.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]"


def over_sets(values: list[float], digits: int = 2) -> str:
    """Mean over sets (models and seeds) and its 95% interval by Student's t."""
    known = [value for value in values if not np.isnan(value)]
    if not known:
        return "-"
    mean = float(np.mean(known))
    if len(known) == 1:
        return f"{mean:.{digits}f}"
    t = T_VALUES[min(len(known) - 1, len(T_VALUES)) - 1]
    reach = t * float(np.std(known, ddof=1)) / len(known) ** 0.5
    return interval(mean - reach, mean, mean + reach, digits)


def machine() -> str:
    """What the figures were measured on, in words that name no machine."""
    import torch

    return (
        f"{platform.system()}, {os.cpu_count()} CPU cores, Python {platform.python_version()}, "
        f"torch {torch.__version__.split('+')[0]}"
    )


def write_section(name: str, text: str, page: Path = PAGE) -> None:
    """Replace the section ``name`` of the page, or append it."""
    opening, closing = f"<!-- {name} -->", f"<!-- end of {name} -->"
    before = page.read_text(encoding="utf-8") if page.exists() else HEAD
    section = f"{opening}\n{text.strip()}\n{closing}\n"
    if opening in before:
        start, rest = before.split(opening, 1)
        after = rest.split(closing, 1)[1].lstrip("\n")
        whole = start + section + after
    else:
        whole = before.rstrip("\n") + "\n\n" + section
    page.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=page.parent, delete=False) as file:
        file.write(whole)
        file.flush()
        os.fsync(file.fileno())
    Path(file.name).chmod(0o644)  # a temporary file is its maker's alone
    Path(file.name).replace(page)
