import base64
import json
import math
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from composer.evaluation.columns import AUC, NOVELTY, RUN, SEEN, Cell
from composer.evaluation.dial import REALISM, REWARDED, SETTINGS, Dial
from composer.evaluation.evaluate import PEOPLE, Evaluation
from composer.evaluation.plots import draw_dial, draw_plots
from composer.evaluation.report import (
    Report,
    as_html,
    as_json,
    dial_as_text,
    headline,
    interval,
)

EVIL = '<script>alert("&")</script>'


@pytest.fixture
def report():
    people = {AUC: Cell(0.5, 0.4, 0.6), EVIL: Cell(1, 0, 2), "row": Cell(math.nan)}
    agent = {AUC: Cell(0.9, 0.8, 1.0), EVIL: Cell(2, 1, 3), "row": Cell(1.0)}
    markov = {AUC: Cell(0.55, 0.45, 0.65), EVIL: Cell(9, 8, 10), "row": Cell(1.0)}
    found = Evaluation(
        {PEOPLE: people, "agent": agent, "Markov": markov},
        {name: [0.1] * 8 for name in (PEOPLE, "agent", "Markov")},
        "agent",
        {"set": 20},
    )
    return Report(
        found, f"compositions of {EVIL}", {"data": EVIL}, {f"seed {EVIL}": b"\x89PNG"}, (EVIL,)
    )


@pytest.fixture
def turned(report):
    names = (REALISM, NOVELTY, SEEN, RUN, REWARDED)
    dial = Dial(
        count=20,
        settings=SETTINGS,
        rows={name: tuple(Cell(x / 2, x / 3, x) for x in SETTINGS) for name in names},
        people={name: Cell(0.9, 0.8, 1.0) for name in names[:4]},
        rank=Cell(0.97, 0.9, 1.0),
        volume=Cell(0.25, 0.2, 0.3),
    )
    return replace(report, evaluation=replace(report.evaluation, dial=dial))


class Strict(HTMLParser):
    """Checks that every element is closed and nothing is loaded from elsewhere."""

    VOID = ("meta", "img", "br")

    def __init__(self):
        super().__init__()
        self.open, self.tags, self.text, self.images = [], [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        for name, value in attrs:
            assert not name.startswith("on")
            if name in {"src", "href"}:
                kind, content = value.split(",", 1)
                assert kind in {"data:image/png;base64", "data:image/svg+xml;base64"}
                self.images.append(base64.b64decode(content, validate=True))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def test_the_page_is_whole_self_contained_and_escaped(report):
    page = Strict()
    plots = draw_plots(report.evaluation)
    text = as_html(report, plots)
    page.feed(text)
    assert page.open == []
    assert "script" not in page.tags
    assert "url(" not in text
    assert "@import" not in text
    assert page.images == [*plots.values(), b"\x89PNG"]
    assert EVIL in "".join(page.text)
    assert EVIL not in text
    assert page.tags.count("tr") == 1 + 1 + 3
    assert page.tags.count("td") == 3 * 4


def test_cells_are_coloured_by_whether_they_are_like_peoples(report):
    text = as_html(report, {})
    assert text.count('class="unlike subject"') == 1
    assert text.count('class="alike subject"') == 1
    assert text.count('class="alike"') == 1 + 1  # of the other column, and the legend
    assert text.count(" ≠<small>") == 2
    assert "<h2>Plots</h2>" not in text


def test_the_headline_names_the_judge_the_floor_and_the_best_baseline(report):
    text = headline(report)
    assert f"tells the compositions of {EVIL} from people's pieces with an AUC of 0.900 [" in text
    assert "1 of 1 other measures are like people's" in text
    assert "The best baseline, Markov, has an AUC of 0.550" in text


def test_the_form_as_json_is_stable(report):
    found = as_json(report)
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert list(found) == [
        *("format", "title", "headline", "subject", "about", "facts", "columns"),
        *("repeat_profiles", "dial", "notes"),
    ]
    assert found["format"] == 1
    cell = found["columns"]["agent"][AUC]
    assert cell == {"value": 0.9, "low": 0.8, "high": 1.0, "like_people": False}
    assert found["columns"][PEOPLE]["row"]["value"] is None
    assert found["dial"] is None


def test_figures_without_an_interval_stand_alone():
    assert interval(Cell(math.nan)) == "-"
    assert interval(Cell(0.5)) == "0.500"
    assert interval(Cell(0.5, 0.25, 1)) == "0.500 [0.250, 1.000]"


def test_the_dial_has_a_section_with_a_table_and_a_plot(turned):
    page, without = Strict(), Strict()
    plots = draw_dial(turned.evaluation.dial)
    text = as_html(turned, {}, plots)
    page.feed(text)
    without.feed(as_html(replace(turned, evaluation=replace(turned.evaluation, dial=None)), {}))
    assert page.open == []
    assert page.tags.count("tr") - without.tags.count("tr") == 1 + 1 + len(SETTINGS)
    assert page.tags.count("td") - without.tags.count("td") == 5 * (1 + len(SETTINGS))
    assert page.images[0] == next(iter(plots.values()))
    assert "rank correlation of 0.970 [0.900, 1.000]" in text
    assert "hypervolume of 0.250 [0.200, 0.300]" in text
    assert "the same 20 seeds" in text
    assert "dial" not in "".join(without.text)


def test_the_dial_as_json(turned):
    found = as_json(turned)
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    dial = found["dial"]
    assert list(dial) == [
        *("count", "settings", "rows", "people", "rank_correlation", "hypervolume"),
    ]
    assert [len(row) for row in dial["rows"].values()] == [len(SETTINGS)] * 5
    assert dial["rank_correlation"] == {"value": 0.97, "low": 0.9, "high": 1.0}
    assert REWARDED not in dial["people"]


def test_the_dial_on_a_terminal(turned):
    head, people, *lines, words = dial_as_text(turned.evaluation.dial).splitlines()
    assert head.split("  ")[-1].strip() == REWARDED
    assert people.split() == ["people", *["0.900"] * 4, "-"]
    assert [line.split()[0] for line in lines] == [f"{setting:g}" for setting in SETTINGS]
    assert len({len(line) for line in (head, people, *lines)}) == 1
    assert "rank correlation" in words
