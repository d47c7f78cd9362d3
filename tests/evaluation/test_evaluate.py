from dataclasses import replace

import numpy as np
import pytest
from toy import PLACES, ToyDomain, toy_pieces, toy_store

from composer.composing import POLICIES
from composer.errors import DataError
from composer.evaluation.classifiers import JudgeConfig
from composer.evaluation.columns import AUC, SEEN, Cell
from composer.evaluation.evaluate import (
    FILES,
    PEOPLE,
    Evaluation,
    Plan,
    evaluate_model,
    evaluate_pieces,
    gather_people,
)
from composer.evaluation.samples import Sample

QUICK = replace(JudgeConfig(), folds=2, width=4, hidden=8, epochs=2, penalties=(0.1,))
PLAN = Plan(count=12, seeds=2, judge=QUICK)
BEST = "best of 15"  # as many as the toy domain has candidates at a place


@pytest.fixture
def model(toy_model):
    return toy_model(1)


def test_a_model_is_set_beside_people_and_every_other_policy(model, watcher):
    found = evaluate_model(model, toy_store(100), PLAN, watcher)
    assert list(found.columns) == [PEOPLE, *POLICIES, BEST]
    assert found.subject == "agent"
    assert found.facts["candidates"] == 15
    assert watcher.phases == watcher.done
    assert watcher.phases["composing"] == (len(POLICIES) + 1) * 2 * PLACES
    assert watcher.phases["imitating"] == 2
    assert found.facts["pieces"] == {PEOPLE: 20, **dict.fromkeys((*POLICIES, BEST), 24)}
    assert found.facts["known_in_training"] == pytest.approx(2 / 3)
    assert {tuple(cells) for cells in found.columns.values()} == {tuple(found.rows)}
    assert found.alike(PEOPLE, SEEN) is True
    assert found.columns["agent"][SEEN].value < 1
    assert [len(profile) for profile in found.profiles.values()] == [8] * 7


def test_the_dial_is_turned_when_asked(model, watcher):
    found = evaluate_model(model, toy_store(100), replace(PLAN, count=30, dial=True), watcher)
    assert found.dial.count == 15
    assert found.dial.people[SEEN] == found.columns[PEOPLE][SEEN]
    assert Plan(count=11).turned == 10  # the fewest that a judge can learn from


def test_the_same_is_found_again(model, watcher):
    first, second = (evaluate_model(model, toy_store(100), PLAN, watcher) for _ in range(2))
    assert repr(first) == repr(second)


def test_files_are_set_beside_people(watcher):
    pieces = Sample.alone(toy_pieces(15, np.random.default_rng(5)).fragments)
    found = evaluate_pieces(ToyDomain({}), toy_store(100), pieces, PLAN, watcher)
    assert list(found.columns) == [PEOPLE, FILES]
    assert found.alike(FILES, SEEN) is True
    assert found.best_baseline()[0] == ""


def test_too_few_pieces_are_refused(watcher):
    pieces = Sample.alone(toy_pieces(9, np.random.default_rng(5)).fragments)
    with pytest.raises(DataError, match="too few pieces to judge: 9"):
        evaluate_pieces(ToyDomain({}), toy_store(100), pieces, PLAN, watcher)
    with pytest.raises(DataError, match="too few pieces to judge by: 6 held out and 24 others"):
        gather_people(toy_store(30), ToyDomain({}).yardstick())
    many = Sample(
        np.repeat(pieces.windows, 3, axis=0), np.repeat(pieces.works, 3), np.zeros(27, int)
    )
    with pytest.raises(DataError, match="too few pieces to judge: 9"):  # parts of nine works
        evaluate_pieces(ToyDomain({}), toy_store(100), many, PLAN, watcher)


def test_the_tally_leaves_the_judge_and_what_has_no_interval_out():
    people = {AUC: Cell(0.5, 0.4, 0.6), "a": Cell(1, 0, 2), "b": Cell(1), "c": Cell(9, 8, 10)}
    agent = {AUC: Cell(0.5, 0.4, 0.6), "a": Cell(2, 1, 3), "b": Cell(1), "c": Cell(0, 0, 0)}
    other = {**agent, AUC: Cell(0.9, 0.8, 1.0)}
    columns = {PEOPLE: people, "agent": agent, "greedy": other}
    found = Evaluation(columns, {}, "agent")
    assert found.tally("agent") == (1, 2)
    assert found.best_baseline() == ("greedy", other[AUC])
