"""One finder of reference answers: whatever column a grader reads them from, and in the form it takes."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from dryrun.core.errors import DryRunError
from dryrun.dataset import dataset_from_items
from dryrun.dataset.fields import REFERENCES
from dryrun.graders.load import load_grader
from dryrun.graders.reference_answers import reference_field
from dryrun.probes.reference_scores import ReferenceScores, ceiling

TRL = """
def accuracy(completions, {name}, **kwargs):
    return [float(said[0]['content'] == right) for said, right in zip(completions, {name})]
"""
VERL = """
import re
def compute_score(data_source, solution_str, ground_truth, extra_info=None):
    found = re.findall(r"#### (-?[0-9]+)", solution_str)
    return float(bool(found) and found[-1] == ground_truth)
"""
OPENAI = "def grade(sample, item):\n    return float(sample['output_text'] == item.get('verdict'))\n"


def python(source: str, convention: str | None = None) -> dict[str, Any]:
    named = {} if convention is None else {"convention": convention}
    return {"type": "python", "name": "p", "source": source, **named}


def scored(grader: dict[str, Any], fields: Any, ask: str = "?") -> ReferenceScores:
    rows = [
        {"messages": [{"role": "user", "content": f"{n}+1 {ask}"}], **fields(str(n + 1))} for n in range(40)
    ]
    dataset = dataset_from_items(rows)
    return asyncio.run(ceiling(load_grader(grader), [dataset.prompt(row) for row in range(40)]))


@pytest.mark.quick_cases(3)
@pytest.mark.parametrize("name", [*(name for name in REFERENCES if "." not in name), "my_own_column"])
def test_a_reward_function_names_the_column_of_its_reference(name: str) -> None:
    found = scored(python(TRL.format(name=name), "trl"), lambda right: {name: right, "level": 3})
    assert (found.field, found.graded, found.mean) == (name, 40, 1.0)


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize(
    ("source", "convention"),
    [
        (
            "def grade(sample, item):\n    info = item.get('info') or {}\n"
            "    return float(sample['output_text'] == info['gold'])\n",
            None,
        ),
        ("def grade(sample, item):\n    return float(sample['output_text'] == item['info']['gold'])\n", None),
        (
            "def right(completion, info):\n    return float(completion[-1]['content'] == info['gold'])\n",
            "verifiers",
        ),
    ],
)
def test_a_path_that_is_read_through_variables_is_the_reference(source: str, convention: str | None) -> None:
    found = scored(python(source, convention), lambda right: {"info": {"gold": right, "level": 3}})
    assert (found.field, found.graded, found.mean) == ("info.gold", 40, 1.0)


def test_two_paths_that_are_read_leave_the_reference_open() -> None:
    source = "def grade(sample, item):\n    return float(item['a']['x'] == item['b']['y'])\n"
    spec = load_grader(python(source))
    with pytest.raises(DryRunError, match="--reference-field"):
        reference_field(spec, [{"messages": [], "a": {"x": "1"}, "b": {"y": "2"}}])


def test_verls_place_is_found_and_its_form_is_taken_from_the_prompt() -> None:
    def kept(right: str) -> dict[str, Any]:
        return {"reward_model": {"style": "rule", "ground_truth": right}}

    found = scored(python(VERL, "verl"), kept, "Give the answer after ####.")
    assert (found.field, found.way, found.mean) == ("reward_model.ground_truth", "after ####", 1.0)
    assert "written after ####" in found.sentences()[0]


def test_a_flattened_column_is_read_by_the_grader_as_it_is_found() -> None:
    found = scored(python(VERL, "verl"), lambda right: {"reward_model.ground_truth": right}, "After ####.")
    assert (found.field, found.mean) == ("reward_model.ground_truth", 1.0)


def test_the_one_column_that_a_grader_looks_up_is_its_reference() -> None:
    found = scored(python(OPENAI), lambda right: {"verdict": right})
    assert (found.field, found.mean) == ("verdict", 1.0)


def test_a_usual_name_goes_before_other_columns_that_are_read() -> None:
    source = "def grade(sample, item):\n    item['level']\n    return float(item['answer'] == '1')\n"
    spec = load_grader(python(source))
    assert reference_field(spec, [{"level": "3", "answer": "1"}]) == "answer"


def test_examples_that_the_prompt_gives_are_no_answer_even_if_a_row_has_one_alone() -> None:
    source = "def grade(sample, item):\n    return float(sample['output_text'] in item['positive'])\n"
    examples = [["12345", "90210"], ["#ff00aa"]]
    items = [
        {
            "messages": [{"role": "user", "content": str(texts)}],
            "positive": texts,
            "answer": "x",
        }
        for texts in examples
    ]
    assert reference_field(load_grader(python(source)), items) == "answer"


def test_names_of_constraints_are_no_answer() -> None:
    source = "def grade(sample, item):\n    return float(len(item['instruction_id_list']) > 1)\n"
    item = {"messages": [], "instruction_id_list": ["punctuation:no_comma"]}
    with pytest.raises(DryRunError, match="--reference-field"):
        reference_field(load_grader(python(source)), [item])
