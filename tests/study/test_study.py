"""The parts of the study that need no JAX: tasks, conditions, results, the page."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from dryrun.analysis.forecast.chance import COUNTS, FEWEST, band_of, toy_words
from tests.study.again import changed_rows
from tests.study.collect import DRY_RUNS, TRAININGS, collect, read_rows
from tests.study.conditions import FILE, Condition, as_json, conditions, drawn, runs, settings
from tests.study.graders import PARTS, SOURCES, Rewards, grader_config
from tests.study.report import page
from tests.study.results import Result, forecast, goals, results
from tests.study.sentences import SECTIONS, sentences
from tests.study.tasks import ANSWER, FORMS, PROMPT, TASKS, is_right, problems, read_answer, response
from tests.study.world import world

RNG = np.random.default_rng


def test_an_answer_is_read_out_of_every_form_and_of_nothing_else() -> None:
    assert {read_answer(form.format("92")) for form in FORMS.values()} == {"92"}
    for text in ("92 93", "it is 92", "<a>92", "add 3 4", "", "?92"):
        assert not is_right(text, "92")


@pytest.mark.parametrize("task", TASKS)
def test_prompts_and_responses_have_room(task: str) -> None:
    rng = RNG(0)
    for one in problems((task,), 200, rng):
        assert len(one.prompt) <= PROMPT
        assert len(response(one, rng)) < ANSWER
        assert re.fullmatch("[a-z0-9]+", one.answer)


def test_the_halves_are_those_that_were_drawn_and_alike_in_kind() -> None:
    fixed = conditions()
    assert as_json(list(drawn()), **settings()) == FILE.read_text("utf-8")
    assert len(fixed) >= 60
    for kind in {one.kind for one in fixed}:
        apart = [one.held_out for one in fixed if one.kind == kind]
        assert sum(apart) * 2 == len(apart)
    assert sum(one.unscaled for one in fixed) == 10


def test_the_first_seed_of_all_conditions_comes_first() -> None:
    order = list(runs(conditions()))
    seeds = [seed for _, seed, _ in order]
    assert seeds == sorted(seeds)
    assert {one.name for one, seed, scaled in order if seed == 1 and scaled} == {
        one.name for one in conditions()
    }


def of_kind(kind: str, tasks: str = "all") -> Condition:
    return Condition(kind, tasks, 2, held_out=False, unscaled=False)


def test_rows_are_the_same_each_time_and_unlike_those_held_out() -> None:
    first, again = world(of_kind("clean")), world(of_kind("clean"))
    assert first == again
    trained = {one.prompt for one in first.trained}
    assert len(trained) == len(first.trained)
    assert trained.isdisjoint(one.prompt for one in first.held_out)


@pytest.mark.parametrize(("kind", "low", "high"), [("wrong_key_30", 0.2, 0.4), ("broken_30", 0.2, 0.4)])
def test_references_are_wrong_as_often_as_said(kind: str, low: float, high: float) -> None:
    rows = world(of_kind(kind))
    wrong = [
        item["reference_answer"] != one.answer for item, one in zip(rows.items, rows.trained, strict=True)
    ]
    assert low < np.mean(wrong) < high


@pytest.mark.quick_cases(5)
@pytest.mark.parametrize("name", [*SOURCES, *PARTS])
def test_graders_pay_what_their_names_say(name: str) -> None:
    texts = ["<a>12</a>", "it is 12.", "12 13", "add 3 9"]
    wanted = {
        "clean": [1, 1, 0, 0],
        "strict_form": [1, 0, 0, 0],
        "first_number": [1, 1, 1, 0],
        "part": [1, 1, 0, 0],
        "substring": [1, 1, 1, 0],
        "format_only": [1, 0, 0, 0],
        "constant": [0.5, 0.5, 0.5, 0.5],
        "inverted": [0, 0, 1, 1],
        "lenient_floor": [1, 1, 0.6, 0.6],
        "compressed": [0.57, 0.57, 0.45, 0.45],
        "echo_paid": [1, 1, 0, 1],
        "in_tag": [1, 0, 0, 0],
        "long": [9 / 13, 9 / 13, 5 / 13, 7 / 13],
        "short": [4 / 13, 4 / 13, 8 / 13, 6 / 13],
        "length_helpful": [0.6 + 3.6 / 13, 0.6 + 3.6 / 13, 2 / 13, 2.8 / 13],
        "length_harmful": [0.5 + 2 / 13, 0.5 + 2 / 13, 4 / 13, 3 / 13],
        "shaped_multi": [0.8 + 0.8 / 13, 0.5 + 0.8 / 13, 1.6 / 13, 1.2 / 13],
    }
    item = {"messages": [{"role": "user", "content": "add 3 9"}], "reference_answer": "12"}
    with Rewards(grader_config(name)) as rewards:
        paid = rewards.of(texts, [item] * 4)
    if name in wanted:
        assert paid == pytest.approx(wanted[name])
    else:
        assert ((paid >= 0) & (paid <= 1)).all()


def made(name: str, gain: float, signal: float, verdict: str = "GO", error: float = 0.0) -> Result:
    empty = ("reasons", "tags", "conditions", "warnings", "flaws", "probed_conditions")
    lists: dict[str, list[str]] = {name: [] for name in empty}
    numbers = dict.fromkeys(("usable", "follows", "mixed", "harm", "headroom", "mean", "std"), 0.5)
    said = {"tree": "GO", "verdict": verdict, "probed_verdict": verdict, "signal": signal, **lists, **numbers}
    return Result(of_kind(name), said, {}, 0.3, gain, error, -gain, seeds=3)


FOUND = [
    made("a", 0.2, 0.9),
    made("b", 0.1, 0.4, "NO-GO"),
    made("c", -0.1, 0.2),
    made("d", 0.2, 0.1, "NO-GO", 0.15),
]


def test_learning_needs_a_gain_that_is_large_and_sure() -> None:
    assert [one.learns for one in FOUND] == [True, True, False, False]


def test_forecast_and_goals_count_as_they_should() -> None:
    assert forecast(FOUND, "Signal Index").value == 1.0
    assert forecast(FOUND, "verdict").value == 0.5
    reached = goals(FOUND)
    assert reached.go_not_learning == ("c.all.2",)
    assert reached.stopped_but_learning == ("b.all.2",)


@pytest.mark.slow
def test_the_page_names_every_condition_and_where_the_truth_fell() -> None:
    assert tuple(sentences()) == SECTIONS
    text = page(FOUND, [])
    assert all(f"| {one.condition.name} |" in text for one in FOUND)
    fell = text.split("## Where the reward rose")[1].split("##")[0]
    assert "| c.all.2 | +0.10 | -0.10 | GO |" in fell
    assert "b.all.2" not in fell


def test_small_files_become_two_tables(tmp_path: Path) -> None:
    own, kept = of_kind("clean"), tmp_path / "results"
    kept.mkdir()
    before = {"accuracy": 0.3, "reward": 0.3, "length": 5.0}
    after = {"after": {**before, "accuracy": 0.5}, "course": [0.3, 0.5], "seconds": 1.0}
    for piece, found in (("before", before), ("1", after), ("2.unscaled", after), ("k4", FOUND[0].said)):
        (kept / f"{own.name}.{piece}.json").write_text(json.dumps(found))
    collect(tmp_path, tmp_path, [own])
    tables = read_rows(tmp_path / "trainings.parquet"), read_rows(tmp_path / "dry_runs.parquet")
    (scaled,) = results([own], *tables)
    (unscaled,) = results([own], *tables, scaled=False)
    assert scaled.gain == pytest.approx(0.2)
    assert (scaled.seeds, unscaled.seeds) == (1, 1)
    assert scaled.said["signal"] == 0.9


def test_the_page_of_results_quotes_the_stored_counts() -> None:
    found = results(conditions(), read_rows(TRAININGS), read_rows(DRY_RUNS))
    counts: dict[tuple[str, float], tuple[int, int]] = {}
    for one in found:
        if one.said["signal"] is not None:
            key = (one.said["verdict"], band_of(one.said["signal"]))
            learned, count = counts.get(key, (0, 0))
            counts[key] = (learned + one.learns, count + 1)
    assert counts == COUNTS


def test_verdicts_that_changed_since_the_study_are_listed(tmp_path: Path) -> None:
    shown = results(conditions(), read_rows(TRAININGS), read_rows(DRY_RUNS))
    then = {row.condition.name: row.word for row in shown}
    now = tmp_path / "again.json"
    now.write_text(json.dumps({**then, "clean.all.2": "NO-GO"}))
    (changed,) = changed_rows(shown, now)
    assert changed[:3] == ["clean.all.2", "GO", "NO-GO"]


def test_too_few_policies_say_nothing() -> None:
    assert toy_words("GO", None) == ""
    for (verdict, low), (learned, count) in COUNTS.items():
        words = f"Of {count} small toy policies with such figures, {learned} learned."
        assert toy_words(verdict, low + 0.01) == (words if count >= FEWEST else "")
