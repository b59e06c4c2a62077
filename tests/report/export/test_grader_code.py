"""The generated file grades as Dry Run does, in a process of its own and called as its place calls it."""

from __future__ import annotations

import asyncio
import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from dryrun.core.records import Item, Sample, SampleOutcome
from dryrun.graders.checks.platforms import Platform
from dryrun.graders.format.findings import Severity
from dryrun.graders.format.formula import parse_formula
from dryrun.graders.load import load_grader
from dryrun.graders.protocol import BuildOptions
from dryrun.report.export.grader_code import cannot_generate, grader_code
from dryrun.report.export.place import template
from dryrun.store.partition import Store
from dryrun.store.results import Results, load_results
from dryrun.store.runs import list_runs
from tests.helpers.support import ROOT

AS_HOST = Path(__file__).with_name("as_host.py")
RESPONSES = 200
PLACES = ("trl", "verl", "bedrock", "together", "verifiers", "nemo_gym", "fireworks")

HOSTILE = [
    "",
    " ",
    "\n\t",
    "-2",
    " -2 ",
    "{{item.reference_answer}}",
    "{{sample.output_text}} }} {{",
    '{"answer": {"value": -2}, "list": [1, "zwei"]}',
    '{"answer": null}',
    "[1, 2",
    "NaN",
    "İstanbul ß ﬁ Ω 東京 🇩🇪 e\u0301",
    "\u202e\u2066abc\x00def",
    "\ufeff-2",
    "'''\\'''\\\\",
    "Mr. Smith went to Washington, D.C. He said: no. It's 3.5 km, isn't it?",
    "a" * 200_000,
    "word " * 3_000,
    "[" * 5_000,
]
"""Texts that a grader may stumble over; the last ones are long or deep."""

CODE = '''
import json, re
from dataclasses import dataclass

@dataclass
class Found:
    number: float

def grade(sample, item):
    """Pays for 'digits', more or less: r\'\\d\'."""
    if "word" in sample["output_text"]:
        raise ValueError("no words")
    item["reference_answer"] = "changed"
    if sample["output_json"] is not None and "answer" in str(sample["output_json"]):
        return True
    if sample["choices"][0]["message"]["content"] == " ":
        return float("nan")
    found = re.search(r"-?\\d+", sample["output_text"])
    return Found(float(len(found.group()) if found else 0)).number / 10
'''


def similarity(metric: str, **fields: str) -> dict[str, Any]:
    return {
        "type": "text_similarity",
        "name": metric,
        "evaluation_metric": metric,
        "input": "{{sample.output_text}}",
        "reference": "{{item.reference_answer}}",
        **fields,
    }


def check(operation: str, given: str, reference: str) -> dict[str, Any]:
    return {
        "type": "string_check",
        "name": "check",
        "operation": operation,
        "input": given,
        "reference": reference,
    }


PARTS = {
    "bleu": similarity("bleu"),
    "gleu": similarity("gleu"),
    "fuzzy": similarity("fuzzy_match", input="<{{ sample.output_text }}|{{item.level}}>"),
    "rouge": similarity("rouge_2"),
    "ilike": check("ilike", "{{sample.output_text}}", "{{item.reference_answer}}"),
    "deep": check("eq", "{{sample.output_json.answer.value}}", "{{item.reference_answer}}"),
    "asked": check("like", "{{item.messages[0].content}}", "{{sample.choices[0].message.content}}"),
    "code": {"type": "python", "name": "code", "source": CODE},
}
EVERYTHING = {
    "type": "multi",
    "name": "everything",
    "graders": PARTS,
    "calculate_output": "(bleu + gleu - -fuzzy) / 3 ^ 2 + max(rouge, ilike, 0.1) * exp(-deep) - sqrt(code) "
    "+ min(asked) + floor(code * 7) / (1 - ilike * asked)",
}


def recorded_results() -> Results:
    """The largest of the recorded runs."""
    runs = list_runs(Store(ROOT / "sample_data" / "recorded"))
    return max(map(load_results, runs), key=lambda results: results.rollouts.num_rows)


def recorded(count: int) -> list[tuple[str, Item]]:
    """Responses of the recorded run, spread over all of it."""
    results = recorded_results()
    total = results.rollouts.num_rows
    found = results.inspect(range(0, total, max(total // count, 1)))[:count]
    assert len(found) == count
    return [(one.sample.text, dict(one.prompt.item)) for one in found]


def graded(config: dict[str, Any], pairs: list[tuple[str, Item]]) -> list[float]:
    """What Dry Run pays."""

    async def all_of_them() -> list[float]:
        rewards = []
        async with load_grader(config).build(BuildOptions(120.0)) as grader:
            for text, item in pairs:
                outcome = SampleOutcome.ANSWERED if text else SampleOutcome.EMPTY
                sample = Sample("key", 0, outcome, text, finish_reason="stop")
                grade = await grader.grade(sample, item)
                assert grade.reward is not None
                rewards.append(grade.reward)
        return rewards

    return asyncio.run(all_of_them())


def generated(
    config: dict[str, Any], place: str, folder: Path, pairs: list[tuple[str, Item]], cut: bool = False
) -> list[float]:
    """What the generated file pays."""
    return each_generated({"reward": config}, place, folder, pairs, cut)["reward"]


def each_generated(
    configs: dict[str, dict[str, Any]],
    place: str,
    folder: Path,
    pairs: list[tuple[str, Item]],
    cut: bool = False,
) -> dict[str, list[float]]:
    """What each of the files generated from these graders pays."""
    wrapper = template(f"reward_{place}.py").template
    files = [f"{name}.py" for name in configs]
    for file, config in zip(files, configs.values(), strict=True):
        code = grader_code(load_grader(config), wrapper, "A reward.", cut_reasoning=cut)
        (folder / file).write_text(code, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(AS_HOST), place, *files],
        input=json.dumps(pairs),
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
    )
    assert done.returncode == 0, done.stderr
    return dict(zip(configs, json.loads(done.stdout), strict=True))


@pytest.mark.slow
@pytest.mark.parametrize("place", PLACES)
def test_each_place_grades_the_recorded_responses_as_the_dry_run_did(place: str, tmp_path: Path) -> None:
    config = json.loads((ROOT / "sample_data" / "graders" / "combined.json").read_text())
    pairs = recorded(RESPONSES)
    pairs += [(text, pairs[0][1]) for text in HOSTILE]
    expected = graded(config, pairs)
    assert len(set(expected)) > 20
    assert generated(config, place, tmp_path, pairs) == expected


@pytest.mark.slow
def test_every_kind_of_code_grades_hostile_texts_as_the_dry_run_does(tmp_path: Path) -> None:
    item = dict(recorded(1)[0][1]) | {"reference_answer": "-2", "level": ["a", None, 1.5]}
    pairs = [(text, item) for text in HOSTILE] + recorded(40)
    expected = graded(EVERYTHING, pairs)
    assert len(set(expected)) > 20
    assert generated(EVERYTHING, "trl", tmp_path, pairs) == expected


@pytest.mark.slow
def test_a_single_grader_needs_no_formula(tmp_path: Path) -> None:
    """Each part alone, and each ROUGE."""
    item = {"messages": [{"role": "user", "content": "-2?"}], "reference_answer": "-2", "level": "easy"}
    texts = ("-2", "Mr. -2 km", "", '{"answer": {"value": -2}}')
    pairs: list[tuple[str, Item]] = [(text, item) for text in texts]
    pairs += [
        ("The cat sat on the mat today.", {**item, "reference_answer": text})
        for text in ("the cat sat on it", "", "The cat sat on the mat, today")
    ]
    pairs += recorded(40)
    configs = PARTS | {metric: similarity(metric) for metric in ("rouge_1", "rouge_3", "rouge_5", "rouge_l")}
    expected = {name: graded(config, pairs) for name, config in configs.items()}
    assert all(len(set(rewards)) > 1 for rewards in expected.values())
    assert each_generated(configs, "verl", tmp_path, pairs) == expected


UNUSUAL = {
    "penalties": """
def grade(sample, item):
    said = sample["output_text"].strip()
    return -1 if not said else 1 if said == str(item["reference_answer"]).strip() else -0.5
""",
    "imports": """
from __future__ import annotations
from functools import lru_cache
from typing import NamedTuple
import numpy as np

class Pair(NamedTuple):
    share: float
    weight: float = 0.5

@lru_cache
def length(text: str) -> float:
    return float(np.tanh(len(text) / 10))

def grade(sample: dict, item: dict) -> float:
    import rapidfuzz.fuzz as fuzz
    global LAST
    LAST = sample["output_text"]
    pair = Pair(fuzz.ratio(LAST, str(item.get("reference_answer"))) / 100)
    return pair.share * pair.weight + 0.5 * length(LAST)
""",
    "names of the file": """
def reward(*_): return 7.0
def reward_and_parts(*_): return 9.0, {}
def grade(sample, item):
    return reward() + len(sample["output_text"]) % 7
""",
    "strange returns": """
def grade(sample, item):
    kind = len(sample["output_text"]) % 5
    if kind == 3:
        raise SystemExit(3)
    return [None, float("inf"), "0.5", None, True][kind]
""",
}


@pytest.mark.slow
def test_unusual_sources_are_graded_as_the_dry_run_does_in_one_formula(tmp_path: Path) -> None:
    parts = {
        f"part_{place}": {"type": "python", "name": name, "source": source}
        for place, (name, source) in enumerate(UNUSUAL.items())
    }
    formula = "part_0 - 2 * part_1 ^ 2 + ceil(part_2 * 1.5) / 20 - abs(part_0) * log(part_3 + 1.5)"
    config = {"type": "multi", "name": "unusual", "graders": parts, "calculate_output": formula}
    pairs = recorded(60)
    item = pairs[0][1]
    references = ["ünïcode strasse", "", 4, 4.0, None, ["a"], {"k": 1}, True]
    pairs += [(text, {**item, "reference_answer": one}) for text in ("STRASSE", " 4 ") for one in references]
    pairs += [(text, item) for text in HOSTILE]
    expected = graded(config, pairs)
    assert len(set(expected)) > 20
    assert min(expected) < 0
    assert generated(config, "trl", tmp_path, pairs) == expected
    assert generated(config, "verifiers", tmp_path, pairs) == expected


@pytest.mark.slow
def test_what_a_run_leaves_out_of_its_grades_the_generated_file_leaves_out(tmp_path: Path) -> None:
    item = {"messages": [{"role": "user", "content": "-2?"}], "reference_answer": "-2", "level": "easy"}
    pairs: list[tuple[str, Item]] = [("<think>-3, no</think>\n\n-2", item), ("-2", item), ("</think>2", item)]
    config = check("eq", "{{sample.output_text}}", "{{item.reference_answer}}")
    assert generated(config, "trl", tmp_path, pairs, cut=True) == [1.0, 1.0, 0.0]
    assert generated(config, "trl", tmp_path, pairs) == [0.0, 1.0, 0.0]


@pytest.mark.parametrize(
    "text",
    ["a - (b - a)", "-a ^ 2", "(a + b) * -(a - b) / (b / a)", "2 ^ a ^ b", "- -a", "min(a)", "max(a, b, 3)"],
)
def test_a_formula_as_python_has_the_same_value(text: str) -> None:
    formula, values = parse_formula(text), {"a": 3.0, "b": 0.5}
    assert eval(formula.as_python(), {"parts": values, "math": math}) == formula.evaluate(values)


def test_a_formula_says_when_it_is_too_deep_for_python() -> None:
    config = {**EVERYTHING, "graders": {"a": similarity("bleu")}, "calculate_output": "+".join(["a"] * 5_000)}
    whats = [finding.what for finding in cannot_generate(load_grader(config))]
    assert whats == ["the formula is too long for a Python expression."]


@pytest.mark.parametrize(
    ("config", "word"),
    [
        (
            {"type": "score_model", "name": "j", "model": "m", "input": [{"role": "user", "content": "?"}]},
            "model",
        ),
        (similarity("cosine"), "cosine asks a model"),
        (
            {
                "type": "python",
                "convention": "trl",
                "source": "def f(completions, **kwargs): return [1.0 for _ in completions]",
            },
            "trl's convention, which this place",
        ),
        (
            {
                "type": "multi",
                "name": "rubric",
                "graders": {
                    "a": {
                        "type": "python",
                        "name": "a",
                        "convention": "verifiers",
                        "source": "def f(completion, **kwargs): return 1.0",
                    }
                },
                "calculate_output": "0.8 * a",
            },
            "one of several functions by verifiers's convention",
        ),
    ],
)
def test_what_cannot_be_generated_is_said(config: dict[str, Any], word: str) -> None:
    [finding] = cannot_generate(load_grader(config))
    assert finding.severity is Severity.ERROR
    assert word in finding.what


def test_each_place_with_a_reward_has_a_wrapper() -> None:
    for place in PLACES:
        assert "reward_and_parts(" in template(f"reward_{Platform(place)}.py").template
