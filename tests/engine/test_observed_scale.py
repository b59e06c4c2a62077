"""Rewards of a grader that declares no scale: the scale follows from what was paid, and is said."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from dryrun.analysis.figures.coverage import COSTS, observed_scale
from dryrun.cli.main import main
from dryrun.core.config import RunConfig
from dryrun.report.build import report_of
from dryrun.store.partition import Store
from dryrun.store.results import load_results
from dryrun.store.runs import Run, unfinished_run
from tests.helpers.fake_endpoint import FakeEndpoint
from tests.helpers.support import make_run, sum_rows, work

SHAPED = {
    "type": "python",
    "name": "shaped",
    "source": (
        "def grade(sample, item):\n"
        "    right = sample['output_text'] == item['reference_answer']\n"
        "    return 3 * right - len(sample['output_text']) / 10\n"
    ),
}


@pytest.mark.parametrize(
    ("rewards", "scale"),
    [
        ([0.0, 0.5, 1.0], (0.0, 1.0)),
        ([-0.277, 0.98, 0.5], (-0.28, 1.0)),
        ([0.0, 87.0, 33.0], (0.0, 87.0)),
        ([-3.21, -0.4, -1.0], (-3.3, 0.0)),
        ([-1.0, -1.0, -1.0], (-1.0, 0.0)),
        ([0.0, 1.0, -1e9], (0.0, 1.0)),
        ([0.5] * 200 + [40.0], (0.0, 1.0)),
        ([], (0.0, 1.0)),
    ],
)
def test_the_scale_holds_what_was_paid(rewards: list[float], scale: tuple[float, float]) -> None:
    assert observed_scale((0.0, 1.0), np.array([*rewards, np.nan]), 0.01) == scale


@pytest.mark.parametrize(
    ("rewards", "scale"),
    [([0.0, 0.0], COSTS), ([0.0, -0.3], (-0.3, 0.0)), ([-7.0, 0.0], (-7.0, 0.0)), ([-1.0, 0.5], (-1.0, 0.5))],
)
def test_the_scale_of_costs_reaches_as_far_as_they_do(
    rewards: list[float], scale: tuple[float, float]
) -> None:
    assert observed_scale(COSTS, np.array(rewards), 0.01) == scale


@pytest.mark.slow
def test_a_run_is_judged_on_the_scale_of_its_rewards(store: Store, endpoint: FakeEndpoint) -> None:
    run = make_run(store, endpoint.base_url, grader=SHAPED)
    asked = run.config()
    work(run)
    assert run.config().reward_range == (-0.2, 2.9)
    report = report_of(load_results(run))
    assert (report.missing, report.out_of_range) == (0, 0)
    assert report.run.reward_range == (-0.2, 2.9)
    assert run.config().asks_the_same(asked)
    assert not run.config().asks_the_same(declared(asked))


def declared(config: RunConfig) -> RunConfig:
    return config.model_copy(update={"scale_open": False})


def test_an_unfinished_run_with_a_scale_goes_on(store: Store, endpoint: FakeEndpoint) -> None:
    run = make_run(store, endpoint.base_url, grader=SHAPED)
    asked = run.config()
    (run.folder / "scale.json").write_text("[-2.0, 1.0]")
    assert run.config().reward_range == (-2.0, 1.0)
    found = unfinished_run(store, asked)
    assert found is not None
    assert found.id == run.id
    (run.folder / "scale.json").write_text("{torn")
    assert Run.open(store, run.id).config().reward_range == (0.0, 1.0)


@pytest.mark.slow
def test_a_run_says_its_scale_and_keeps_one_that_is_given(
    tmp_path: Path,
    endpoint: FakeEndpoint,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "test-key")
    rows, grader, out = tmp_path / "rows.jsonl", tmp_path / "g.json", tmp_path / "out.json"
    rows.write_text("".join(f"{json.dumps(row)}\n" for row in sum_rows(40)))
    grader.write_text(json.dumps(SHAPED))
    asked = ["run", "--dataset", rows, "--grader", grader, "--model", "m", "--base-url", endpoint.base_url]
    asked += ["--rollouts", "1", "--data", tmp_path / "data", "--out", out]
    main([str(part) for part in asked])
    assert "from -0.2 to 2.9" in capsys.readouterr().err
    assert json.loads(out.read_text())["out_of_range"] == 0
    assert main([str(part) for part in [*asked, "--reward-range", "0", "1"]]) == 3
    assert "outside the grader's declared" in capsys.readouterr().out
