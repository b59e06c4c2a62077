"""What is said of a grader before anything is spent: per platform, about its judges, at its ceiling."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from dryrun.core.errors import DryRunError
from dryrun.core.records import Prompt
from dryrun.dataset import dataset_from_items
from dryrun.graders import Severity, load_grader
from dryrun.graders.checks.against_rows import check_batches
from dryrun.graders.checks.platforms import Platform, check_platform, imported, retired_judges
from dryrun.graders.format.conventions import Convention
from dryrun.graders.load import python_grader
from dryrun.graders.reference_answers import reference_field
from dryrun.graders.trial import try_out
from dryrun.models.model_list import ModelInfo
from dryrun.probes.reference_scores import ceiling
from tests.helpers.grading import LABEL, SCORE, python, similarity, string_check
from tests.helpers.support import sum_rows

PAID = "def grade(sample, item):\n    import {module}\n    return 1.0\n"


def prompts(rows: list[dict[str, Any]]) -> list[Prompt]:
    dataset = dataset_from_items(rows)
    return [dataset.prompt(row) for row in range(len(dataset))]


def said(
    grader: dict[str, Any], platform: Platform, rows: list[dict[str, Any]] | None = None
) -> list[tuple[Severity, str, str]]:
    found = check_platform(load_grader(grader), prompts(rows or sum_rows(120)), platform)
    return [(finding.severity, finding.where, finding.what) for finding in found]


def test_a_plain_grader_and_plain_rows_please_openai_and_azure() -> None:
    assert said(string_check(), Platform.OPENAI) == said(string_check(), Platform.AZURE) == []


@pytest.mark.parametrize(
    ("grader", "where", "what"),
    [
        (LABEL, "$.type", "no label_model alone"),
        (similarity("cosine"), "$.evaluation_metric", "evals only"),
        (python(PAID.format(module="requests")), "$.source", "imports requests"),
    ],
)
def test_what_training_refuses_is_an_error_there(grader: dict[str, Any], where: str, what: str) -> None:
    ((severity, at, text),) = said(grader, Platform.OPENAI)
    assert (severity, at) == (Severity.ERROR, where)
    assert what in text


def test_within_a_multi_a_label_is_fine_and_an_import_has_its_path() -> None:
    multi = {
        "type": "multi",
        "name": "m",
        "graders": {"label": LABEL, "code": python(PAID.format(module="torch.nn"))},
        "calculate_output": "label * code",
    }
    ((_, where, text),) = said(multi, Platform.AZURE)
    assert where == "$.graders.code.source"
    assert "torch" in text


def test_imports_are_found_anywhere_and_the_standard_library_is_there() -> None:
    source = (
        "import os.path\nfrom re import match\ndef grade(s, i):\n    from sklearn import svm\n    return 1\n"
    )
    assert imported(source) == {"os", "re", "sklearn"}
    assert said(python(source), Platform.OPENAI) == []


def test_roles_are_judged_by_the_platform() -> None:
    rows = sum_rows(120)
    rows[4]["messages"].insert(0, {"role": "system", "content": "Be brief."})
    rows[7]["messages"].append({"role": "assistant", "content": "Well,"})
    assert [finding[0] for finding in said(string_check(), Platform.OPENAI, rows)] == [Severity.WARNING]
    azure = said(string_check(), Platform.AZURE, rows)
    assert [finding[0] for finding in azure] == [Severity.ERROR, Severity.ERROR]
    assert "(row 5)" in azure[0][2]
    assert "(row 8)" in azure[1][2]
    assert [finding[1] for finding in said(string_check(), Platform.BEDROCK, rows)] == ["$"]


def test_too_few_rows_for_bedrock_and_rows_of_nothing_but_messages() -> None:
    rows = [{"messages": [{"role": "user", "content": str(number)}]} for number in range(3)]
    found = said(string_check(reference="4"), Platform.BEDROCK, rows)
    assert any("takes 100 to 20,000" in text for _, _, text in found)
    assert any("nothing but messages" in text for _, _, text in found)


def test_judges_that_are_gone_or_going_are_named() -> None:
    spec = load_grader(SCORE)
    (gone,) = retired_judges(spec, [ModelInfo("other")], "http://x/v1")
    assert "lists no model 'gpt-judge'" in gone.what
    (going,) = retired_judges(spec, [ModelInfo("gpt-judge", "2026-12-11")], "http://x/v1")
    assert "2026-12-11" in going.what
    assert retired_judges(spec, [ModelInfo("gpt-judge")], "http://x/v1") == []


def test_the_ceiling_of_a_sound_grader_is_its_maximum() -> None:
    found = asyncio.run(ceiling(load_grader(string_check()), prompts(sum_rows(50))))
    assert (found.sound, found.graded, found.mean, found.best) == (True, 50, 1.0, 1.0)
    assert found.field == "reference_answer"


def test_a_reference_answer_within_an_object_is_found_where_the_grader_looks_or_is_told() -> None:
    rows = [{"messages": row["messages"], "gold": {"text": row["reference_answer"]}} for row in sum_rows(5)]
    spec = load_grader(string_check(reference="{{item.gold.text}}"))
    found = asyncio.run(ceiling(spec, prompts(rows)))
    assert (found.field, found.sound, found.graded) == ("gold.text", True, 5)
    source = "def grade(sample, item):\n    return float(sample['output_text'] == item['gold']['text'])\n"
    told = asyncio.run(ceiling(load_grader(python(source)), prompts(rows), field="gold.text"))
    assert (told.sound, told.mean) == (True, 1.0)


def test_true_for_every_reference_answer_is_a_sound_ceiling() -> None:
    source = "def grade(sample, item):\n    return sample['output_text'] == item['reference_answer']\n"
    found = asyncio.run(ceiling(load_grader(python(source)), prompts(sum_rows(5))))
    assert (found.sound, found.best) == (True, 1.0)
    assert len(found.sentences()) == 1


def test_a_metric_that_no_answer_can_max_out_is_shown_with_its_rows() -> None:
    """rouge_2 of a one-word reference is 0 for ever."""
    found = asyncio.run(ceiling(load_grader(similarity("rouge_2")), prompts(sum_rows(20))))
    assert not found.sound
    assert (found.mean, len(found.short)) == (0.0, 20)
    assert "20 earn less: row 1 earns 0" in found.sentences()[1]


@pytest.mark.slow
def test_a_grader_that_pays_no_reference_is_no_sound_one() -> None:
    """Nothing says what a python grader can pay at most, so the best it paid is no proof if that is 0."""
    nothing = asyncio.run(
        ceiling(load_grader(python("def grade(sample, item): return 0.0")), prompts(sum_rows(9)))
    )
    assert not nothing.sound
    assert "does not recognise right answers" in " ".join(nothing.sentences())
    half = asyncio.run(
        ceiling(load_grader(python("def grade(sample, item): return 0.5")), prompts(sum_rows(9)))
    )
    assert half.sound
    assert "the most one earns is 0.5" in half.sentences()[0]


def test_a_grader_that_fails_on_references_says_where() -> None:
    source = "def grade(sample, item):\n    return 1.0 if len(sample['output_text']) < 3 else 1 / 0\n"
    found = asyncio.run(ceiling(load_grader(python(source)), prompts(sum_rows(80))))
    assert not found.sound
    assert found.errors[0][0] == 51  # 50 + 51 = 101
    assert "ZeroDivisionError" in found.sentences()[-1]


def test_the_reference_is_the_field_the_grader_names_else_a_usual_one() -> None:
    rows = [{"messages": [], "target": 7, "answer": "x"}]
    spec = load_grader(string_check(reference="{{item.target}}"))
    assert reference_field(spec, rows) == "target"
    assert reference_field(load_grader(python(PAID.format(module="os"))), rows) == "answer"
    with pytest.raises(DryRunError, match="No row has a reference answer"):
        reference_field(spec, [{"messages": []}])


def test_a_trial_shows_what_was_compared() -> None:
    spec = load_grader(string_check(reference="{{item.answer}}{{item.unit}}"))
    tried = asyncio.run(try_out(spec, "4 km", {"answer": 4, "unit": " km"}))
    assert tried.grade.reward == 1.0
    assert tried.filled == {"$.input": "4 km", "$.reference": "4 km"}
    missing = asyncio.run(try_out(spec, "4 km", {"answer": 4}))
    assert missing.grade.reward == 0.0
    assert missing.filled["$.reference"].startswith("(cannot be filled")


@pytest.mark.parametrize(
    ("convention", "source", "wrong"),
    [
        (
            Convention.TRL,
            "def reward(completions, **kwargs):\n    return [sum(map(len, completions)) / 9]\n",
            True,
        ),
        (
            Convention.TRL,
            "def reward(completions, **_):\n    return [0.5 for one in completions]\n",
            False,
        ),
        (Convention.TRL, "def reward(completions, **kwargs):\n    raise ValueError('no such row')\n", False),
        (Convention.TRL, "import torch_x\ndef reward(completions, **kwargs):\n    return [1.0]\n", False),
        (Convention.OPENAI, "def grade(sample, item):\n    return 1.0\n", False),
    ],
    ids=["a mean of all", "one each", "another error", "cannot run here", "no batches"],
)
def test_a_batch_with_another_number_of_rewards_is_an_error(
    convention: Convention, source: str, wrong: bool
) -> None:
    spec = load_grader(python_grader(source, convention))
    found = asyncio.run(check_batches(spec, prompts(sum_rows(2)), 5.0))
    assert [(one.severity, one.where) for one in found] == ([(Severity.ERROR, "$.source")] if wrong else [])
    if wrong:
        assert found[0].what == "reward returned 1 reward for 2 completions."
