"""One table of what ``composer evaluate --json`` found of models of several training seeds.

    composer evaluate RUN --data DIR --novelty 0 --count 150 --seeds 2 --dial --json > RUN.json
    python tests/benchmarks/report.py RUN.json [RUN.json ...]

prints it and writes it to ``docs/benchmarks.md``.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from pathlib import Path
from typing import Any

import numpy as np
from page import PAGE, interval, over_sets, table, write_section

from composer.evaluation.columns import AUC
from composer.evaluation.evaluate import PEOPLE

DIGITS = 3

TEXT = """## Music: `composer evaluate`

{models}, compared with people's pieces by `composer evaluate RUN --data DIR --json > RUN.json`
({about}) and

    python tests/benchmarks/report.py RUN.json...

{words}

{table}
"""
ALONE = "95% intervals over pieces; ≠ where one does not meet that of people."
SEVERAL = """Means over the models, with 95% intervals over them by Student's t (people's: the mean
of those over pieces); ≠ n: of n models the own interval, over pieces, does not meet that of
people."""
DIAL = """
The novelty dial, {count} compositions at each setting. Rank correlation of setting and novelty:
{rank}; hypervolume of realism and novelty: {volume}.

{table}
"""
Found = dict[str, Any]  # one JSON document


def figure(cells: list[Found], *, people: bool = False) -> str:
    """One figure of all models, with its interval and in how many it is unlike people's."""
    values, lows, highs = (
        [math.nan if cell[end] is None else cell[end] for cell in cells]
        for end in ("value", "low", "high")
    )
    if people or len(cells) == 1:
        shown = over_sets([float(np.mean(values))], DIGITS)
        if not np.isnan(np.mean(lows)):
            ends = (float(np.mean(part)) for part in (lows, values, highs))
            shown = interval(*ends, DIGITS)
    else:
        shown = over_sets(values, DIGITS)
    unlike = sum(cell.get("like_people") is False for cell in cells)
    mark = "" if not unlike else " ≠" + (f" {unlike}" if len(cells) > 1 else "")
    return shown + mark


def tally(columns: list[dict[str, Found]]) -> str:
    """Of how many measures but the judge's a column is like people's, on average."""
    told = [[cell["like_people"] for row, cell in rows.items() if row != AUC] for rows in columns]
    like, unlike = (np.mean([each.count(side) for each in told]) for side in (True, False))
    digits = int(len(columns) > 1)
    return f"{like:.{digits}f} of {like + unlike:.{digits}f}"


def measures(found: list[Found]) -> str:
    """The table of all columns."""
    names = list(found[0]["columns"])
    columns = {name: [each["columns"][name] for each in found] for name in names}
    counts = ["" if name == PEOPLE else tally(columns[name]) for name in names]
    rows = [
        [row, *(figure([c[row] for c in columns[n]], people=n == PEOPLE) for n in names)]
        for row in found[0]["columns"][PEOPLE]
    ]
    return table(["figure", *names], [["measures like people's", *counts], *rows])


def dial(found: list[Found]) -> str:
    """What the dial does; nothing where it was not turned."""
    dials = [each["dial"] for each in found if each["dial"]]
    if not dials:
        return ""
    names = list(dials[0]["rows"])
    none = {"value": None, "low": None, "high": None}
    own = [figure([each["people"].get(n, none) for each in dials], people=True) for n in names]
    rows = [
        [f"{setting:g}", *(figure([each["rows"][name][at] for each in dials]) for name in names)]
        for at, setting in enumerate(dials[0]["settings"])
    ]
    return DIAL.format(
        count=dials[0]["count"],
        rank=figure([each["rank_correlation"] for each in dials]),
        volume=figure([each["hypervolume"] for each in dials]),
        table=table(["dial", *names], [[PEOPLE, *own], *rows]),
    )


def section(found: list[Found]) -> str:
    """The section in Markdown."""
    several = len(found) > 1
    return TEXT.format(
        models=f"{len(found)} models of different training seeds" if several else "One model",
        about=found[0]["about"]["compositions"],
        words=SEVERAL if several else ALONE,
        table=measures(found),
    ) + dial(found)


def main(arguments: list[str] | None = None) -> str:
    """Read, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("files", nargs="+", type=Path, help="what composer evaluate --json printed")
    parser.add_argument("--page", type=Path, default=PAGE)
    args = parser.parse_args(arguments)
    found = [json.loads(path.read_text(encoding="utf-8")) for path in args.files]
    if len({(tuple(each["columns"]), each["about"]["compositions"]) for each in found}) > 1:
        parser.error("the files compare different things: evaluate all models alike")
    text = section(found).strip()
    sys.stdout.write(text + "\n")
    write_section("report", text, args.page)
    return text


if __name__ == "__main__":
    main()
