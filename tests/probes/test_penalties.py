"""Where a missing form costs, a reward of 0 pays nothing."""

from __future__ import annotations

import asyncio
import math

import numpy as np
import pytest

from dryrun.analysis.figures.coverage import as_pay, with_penalties
from dryrun.core.records import Prompt
from dryrun.dataset import dataset_from_items
from dryrun.graders.load import load_grader
from dryrun.probes.anchors import load_anchors
from dryrun.probes.check import _costs, check_spec
from dryrun.report import report_of
from dryrun.store.partition import Store
from dryrun.store.results import load_results
from tests.helpers.fake_endpoint import FakeEndpoint
from tests.helpers.support import make_run, work
from tests.probes.test_accepted_form import half_right, rows

SOURCE = """
import re
def grade(sample, item):
    tag = re.search("<answer>(.*?)</answer>", sample["output_text"], re.S)
    if not tag:
        return -0.5
    return 1.0 if tag[1].strip() == str(item["reference_answer"]) else {wrong}
"""
DEMAND = "= Answer in <answer>...</answer>."


def penal(wrong: float) -> dict[str, str]:
    """A grader with -0.5 for a missing tag, 1 for a right answer, and this for a wrong one."""
    return {"type": "python", "name": "penal", "source": SOURCE.format(wrong=wrong)}


@pytest.mark.slow
@pytest.mark.parametrize(("wrong", "profile"), [(0.0, "sound"), (-0.2, "sound"), (0.6, "hackable")])
def test_a_wrong_answer_that_costs_nothing_is_not_paid(wrong: float, profile: str) -> None:
    dataset = dataset_from_items(rows(DEMAND)[:20])
    prompts: list[Prompt] = [dataset.prompt(row) for row in range(len(dataset))]
    check = asyncio.run(check_spec(load_grader(penal(wrong)), prompts, bounds=(-0.5, 1.0)))
    assert check.profile == profile


UNDECLARED = """
import re
PENALTY = {penalty}
def grade(sample, item):
    tag = re.search("<answer>(.*?)</answer>", sample["output_text"], re.S)
    right = bool(tag) and tag[1].strip() == str(item["reference_answer"])
    return {formula}
"""


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize(
    ("penalty", "formula", "profile"),
    [
        (-0.5, "PENALTY if not tag else float(right)", "sound"),
        (-1.0, "PENALTY if not tag else 1.0 * right - 0.5 * (not right)", "sound"),
        (0.5, "1.0 * right - PENALTY * (not tag) - PENALTY * (not right)", "sound"),
        (-0.5, "PENALTY if not tag else 1.0 if right else 0.8", "no signal"),
        (-0.5, "PENALTY if right else 1.0", "inverted"),
        (-40.0, "PENALTY if not tag else float(right)", "sound"),
    ],
)
def test_penalties_that_nobody_declared_widen_the_scale(penalty: float, formula: str, profile: str) -> None:
    source = UNDECLARED.format(penalty=penalty, formula=formula)
    dataset = dataset_from_items(rows(DEMAND)[:20])
    prompts: list[Prompt] = [dataset.prompt(row) for row in range(len(dataset))]
    spec = load_grader({"type": "python", "name": "penal", "source": source})
    assert asyncio.run(check_spec(spec, prompts)).profile == profile


@pytest.mark.parametrize(
    ("rewards", "scale"),
    [
        ([-0.5, 0.0, 1.0], (-0.5, 1.0)),
        ([-1.0, 0.25, 1.0], (-1.0, 1.0)),
        ([-3.0, 0.0, 1.0], (0.0, 1.0)),
        ([0.0, 0.5, math.nan], (0.0, 1.0)),
        ([-1.0, *([0.5] * 200)], (0.0, 1.0)),
    ],
)
def test_the_scale_with_penalties(rewards: list[float], scale: tuple[float, float]) -> None:
    assert with_penalties((0.0, 1.0), np.array(rewards), rare=0.01) == scale


@pytest.mark.slow
def test_a_run_with_penalties_has_no_hole_in_its_grader(store: Store, endpoint: FakeEndpoint) -> None:
    endpoint.answer = half_right("<answer>{}</answer>")
    run = make_run(store, endpoint.base_url, rows=rows(DEMAND), grader=penal(0.0))
    work(run, check=True)
    anchors = load_anchors(run)
    assert anchors is not None
    assert {float(np.nanmax(scores)) for scores in anchors.junk.values()} == {0.0}
    assert report_of(load_results(run)).diagnosis.headline == "GO"


@pytest.mark.slow
def test_a_penalty_that_only_probes_earn_widens_the_scale_of_a_run(
    store: Store, endpoint: FakeEndpoint
) -> None:
    """No response of the run is long, so its rewards show no penalty; nobody said that there is none."""
    source = """
def grade(sample, item):
    text = sample["output_text"].strip()
    score = 1.0 if text == item["reference_answer"] else 0.0
    if len(text) > 40:
        score -= 0.2
    return score
"""
    run = make_run(
        store, endpoint.base_url, rows=40, grader={"type": "python", "name": "p", "source": source}
    )
    work(run, check=True)
    assert report_of(load_results(run)).diagnosis.headline == "GO"


@pytest.mark.parametrize(
    ("scale", "pay"),
    [((0.0, 1.0), [-1.0, 0.0, 0.5]), ((-1.0, 1.0), [0.0, 0.0, 0.5]), ((-2.0, 0.0), [0.5, 1.0, 1.25])],
)
def test_what_rewards_pay(scale: tuple[float, float], pay: list[float]) -> None:
    paid = as_pay(np.array([-1.0, 0.0, 0.5, math.nan]), scale)
    assert paid[:3].tolist() == pay
    assert math.isnan(paid[3])


@pytest.mark.parametrize(
    ("right", "wrong", "every", "costs"),
    [
        ([0.0, 0.0], [-1.0, 0.0], [0.0, -1.0, -1.2], True),
        ([0.0, 0.0], [0.0, 0.0], [0.0, -1.0], False),
        ([0.0, -1.0], [-1.0, -1.0], [0.0, -1.0], False),
        ([0.0, 0.0], [-1.0, -1.0], [0.0, 1.0], False),
        ([0.0, 0.0], [-1.0, -1.0], [0.0, np.nan], False),
    ],
)
def test_rewards_that_are_costs(
    right: list[float], wrong: list[float], every: list[float], costs: bool
) -> None:
    assert _costs(np.array(right), np.array(wrong), np.array(every)) is costs
