"""What is graded first where time may not last, and graders that raise."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from dryrun.analysis.probes.profile import judge
from dryrun.core.records import Grade, Item, Prompt, Sample
from dryrun.dataset import dataset_from_items
from dryrun.graders.checks.against_rows import check_batches
from dryrun.graders.load import load_grader
from dryrun.graders.protocol import GradeError, Grader, graded, ungraded
from dryrun.probes.check import check_spec
from dryrun.probes.grade import probe
from dryrun.probes.result import GraderCheck, summed_up
from tests.battery import rows
from tests.probes.test_rounds import laid


class Impatient(Grader):
    """Pays what stands after ####, and gives no grade after so many."""

    def __init__(self, most: int) -> None:
        self.left = most

    async def grade(self, sample: Sample, item: Item) -> Grade:
        self.left -= 1
        if self.left < 0:
            return ungraded(GradeError.OTHER, "the time is up")
        return graded(float(sample.text.rpartition("#### ")[2] == item["reference_answer"]))


@pytest.mark.parametrize(("grades", "profile"), [(600, "sound"), (140, "unknown")])
def test_the_essential_answers_come_first(grades: int, profile: str) -> None:
    given = laid(rows.sums(rows.HASHES))
    probed = asyncio.run(probe(given, Impatient(grades)))
    check = summed_up(probed, judge(probed.grades), (), (), given)
    assert check.profile == profile
    assert "could not be written" not in check.meaning
    tried = {entry.kind: entry.count for entry in check.behaviours}
    assert tried.get("empty", 0) >= tried.get("random letters", 0)


def checked(source: str) -> GraderCheck:
    items: list[dict[str, Any]] = [dict(row) for row in rows.sums(rows.HASHES)[:20]]
    dataset = dataset_from_items(items)
    prompts: list[Prompt] = [dataset.prompt(row) for row in range(len(dataset))]
    return asyncio.run(check_spec(load_grader({"type": "python", "name": "g", "source": source}), prompts))


@pytest.mark.slow
@pytest.mark.parametrize(
    "source",
    [
        "def grade(sample, item):\n    return sample['response'].count('Step') / 5",
        "def grade(sample, item):\n"
        "    return float(int(sample['output_text'].split('#### ')[1]) == int(item['reference_answer']))",
    ],
)
def test_a_grader_that_raises_is_called_one_that_fails(source: str) -> None:
    check = checked(source)
    assert (check.profile, check.blocking[0].flaw) == ("fails", "crash")
    assert "raises an error" in check.meaning


@pytest.mark.slow
def test_a_batch_function_that_leaves_out_what_it_does_not_pay_raises() -> None:
    source = (
        "def reward(completions, reference_answer, **kwargs):\n"
        "    texts = [c[0]['content'] for c in completions]\n"
        "    return [1.0 for text, wanted in zip(texts, reference_answer) if wanted in text]\n"
    )
    items: list[dict[str, Any]] = [dict(row) for row in rows.sums(rows.HASHES)[:20]]
    dataset = dataset_from_items(items)
    prompts: list[Prompt] = [dataset.prompt(row) for row in range(len(dataset))]
    spec = load_grader(source)
    check = asyncio.run(check_spec(spec, prompts))
    crash = next(finding for finding in check.blocking if finding.flaw == "crash")
    assert "0 rewards for 1 completion" in crash.detail
    [finding] = asyncio.run(check_batches(spec, prompts, 5.0))
    assert finding.what == "reward returned 0 rewards for 1 completion."
