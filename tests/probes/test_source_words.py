"""What a grader's source says without being run."""

from __future__ import annotations

import pytest

from dryrun.probes.make.source_words import Danger, mined, scan


def grader(line: str, head: str = "") -> str:
    return f"{head}\ndef grade(sample, item):\n    {line}\n    return float(bool(sample))\n"


@pytest.mark.parametrize(
    ("source", "danger"),
    [
        (grader("eval(sample['output_text'])"), Danger.RUNS_TEXT),
        (grader("exec(sample['output_text'])"), Danger.RUNS_TEXT),
        (grader("subprocess.run(['x'])", "import subprocess"), Danger.STARTS_PROGRAMS),
        (grader("pass", "import requests"), Danger.NETWORK),
        (grader("random.random()", "import random"), Danger.CHANCE),
        (grader("uniform(0, 1)", "from random import uniform"), Danger.CHANCE),
        (grader("time.time()", "import time"), Danger.CLOCK),
        (grader("datetime.now()", "from datetime import datetime"), Danger.CLOCK),
        (grader("global seen"), Danger.STATE),
        (grader("hash('x')"), Danger.HASH),
        (grader("item['answer']"), Danger.FIELD),
        (grader("item.get('answer')"), Danger.FIELD),
    ],
)
def test_a_danger_is_found_with_its_line(source: str, danger: Danger) -> None:
    [remark] = scan(source, frozenset({"messages", "reference_answer"}))
    assert remark.danger is danger
    assert remark.line == (1 if danger is Danger.NETWORK else 3)


@pytest.mark.parametrize(
    "source",
    [
        grader("re.compile('x')", "import re"),
        grader("json.loads(sample['output_text'])", "import json"),
        grader("ast.literal_eval('1')", "import ast"),
        grader("random.Random(3).random()", "import random"),
        grader("item['reference_answer']"),
        "no python at all (",
    ],
)
def test_what_is_harmless_is_not_mentioned(source: str) -> None:
    assert scan(source, frozenset({"reference_answer"})) == []


@pytest.mark.parametrize(
    ("source", "blind"),
    [
        (
            "def grade(sample, item):\n    return float(item['messages'][-1]['content'] == item['answer'])",
            True,
        ),
        ("def reward(completions, labels, **kw):\n    return [float(label) for label in labels]", True),
        ("def compute_score(solution_str, ground_truth):\n    return 1.0", True),
        ("def compute_score(solution_str, ground_truth):\n    return float(solution_str == '')", False),
        ("def short(completions, completion_ids):\n    return [-len(ids) for ids in completion_ids]", False),
    ],
)
def test_a_function_that_leaves_the_response_alone_is_named(source: str, blind: bool) -> None:
    assert [remark.danger for remark in scan(source)] == [Danger.BLIND] * blind


def test_words_come_from_plain_texts_and_patterns_but_not_from_keys() -> None:
    line = r"re.search(r'\b(owner|ticket)\b', item['due']) or 'status update' in sample['output_text']"
    assert set(mined(grader(line))) == {"owner", "ticket", "status update"}
