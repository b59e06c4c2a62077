"""What training is paid for on the results page: the outcome in the link, charts, live weights."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from dryrun.engine.imports.run import import_samples
from dryrun.report import report_of
from dryrun.report.markdown import render_markdown
from dryrun.store.partition import Store
from dryrun.store.results import load_results
from tests.helpers.pages import page, texts
from tests.helpers.support import EXACT, work

TAB = "Training signal"
OK = "def grade(sample, item):\n    return 1.0 if 'ANS' in sample['output_text'] else 0.0\n"
SHORT = "def grade(sample, item):\n    return max(0.0, 1 - len(sample['output_text']) / 100)\n"
GRADER = {
    "type": "multi",
    "name": "m",
    "graders": {
        "ok": {"type": "python", "name": "a", "source": OK},
        "short": {"type": "python", "name": "b", "source": SHORT},
    },
    "calculate_output": "0.7 * ok + 0.3 * short",
}


def rows() -> bytes:
    """40 prompts x 4: half mixed, where the long ones are right; half never right."""
    lines = [
        {
            "prompt": f"Problem {prompt}?",
            "completion": "x" * (10 + 20 * place) + ("ANS" if prompt % 2 and place > 1 else ""),
        }
        for prompt in range(40)
        for place in range(4)
    ]
    return "\n".join(map(json.dumps, lines)).encode()


@pytest.fixture
def shaped(store: Store) -> Any:
    run = import_samples(store, rows(), "shaped.jsonl", GRADER)
    work(run)
    return run


@pytest.mark.slow
def test_the_section_names_outcome_groups_and_headroom(shaped: Any) -> None:
    test = page("results", run=shaped.id, tab=TAB)
    said = texts(test)
    assert "What training is paid for" in said
    assert 'Right answers are those with "ok" at least 0.5' in said
    assert "How far more samples reach (pass@K)" in said
    assert [slider.label for slider in test.slider if str(slider.key).startswith("weight_")] == [
        "ok",
        "short",
    ]


@pytest.mark.slow
def test_the_pull_towards_right_answers_stands_on_the_page_and_in_the_report(store: Store) -> None:
    lines = [
        {"prompt": f"What is {n} + 1?", "reference_answer": str(n + 1), "completion": str(n + 1 + place % 2)}
        for n in range(40)
        for place in range(4)
    ]
    run = import_samples(store, "\n".join(map(json.dumps, lines)).encode(), "half.jsonl", EXACT)
    work(run)
    line = "Pull towards right answers 0.57 (0.53 to 0.60) = Signal Index × 0.58"
    assert line in texts(page("results", run=run.id, tab=TAB))
    assert line in render_markdown(report_of(load_results(run)))


def explained(test: Any) -> str:
    """What the weights on the screen pay for."""
    lines = [line for line in texts(test).splitlines() if line.startswith("The outcome explains")]
    return next(line for line in lines if "Under the reward as it is" in line)


@pytest.mark.slow
def test_weights_answer_at_once(shaped: Any) -> None:
    test = page("results", run=shaped.id, tab=TAB)
    before = explained(test)
    test.slider(key="weight_short").set_value(0.0).run()
    assert not test.exception
    assert explained(test).startswith("The outcome explains 100 %")
    assert not before.startswith("The outcome explains 100 %")


@pytest.mark.slow
def test_the_outcome_stands_in_the_link(shaped: Any) -> None:
    assert 'Right answers are those with "short" at least' in texts(
        page("results", run=shaped.id, tab=TAB, outcome="short")
    )
    assert 'Right answers are those with "ok" at least 0.9' in texts(
        page("results", run=shaped.id, tab=TAB, outcome="ok >= 0.9")
    )


@pytest.mark.slow
def test_an_outcome_that_is_no_part_is_explained(shaped: Any) -> None:
    test = page("results", run=shaped.id, tab=TAB, outcome="length >= 3")
    warned = [re.sub(r"[\\\u2060]", "", str(one.value)) for one in test.warning]
    assert any("Name one of: ok, short, reward" in said for said in warned)
    assert 'Right answers are those with "ok" at least 0.5' in texts(test)


@pytest.mark.slow
def test_a_condition_is_no_warning_too() -> None:
    test = page("results", run="recorded")
    assert "GO, with conditions" in test.main.title[0].value
    test.session_state["warnings"] = True
    test.run()
    (warnings,) = (one.value for one in test.main.markdown if one.value.startswith("- "))
    assert "differ in shaping alone" not in warnings
    assert "differ in shaping alone" in texts(test)
