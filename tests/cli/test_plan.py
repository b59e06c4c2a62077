"""The plan as a user meets it: at the command line and on the configure page."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dryrun.analysis.sample_size import assumed, foresee
from dryrun.cli.main import main
from dryrun.engine.estimate import earlier_spread
from dryrun.report.charts.precision import plan_chart
from dryrun.store.partition import Store
from tests.helpers.fake_endpoint import FakeEndpoint
from tests.helpers.pages import page, texts, with_grader
from tests.helpers.support import EXACT, FUZZY, make_run, sum_rows, work, write_jsonl


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["plan", *arguments]) == 0
    return capsys.readouterr().out


@pytest.mark.slow
def test_the_plan_says_what_a_sample_will_tell(
    capsys: pytest.CaptureFixture[str],
) -> None:
    printed = said(capsys)
    assert "With 300 prompts × 4 responses you will know the mean to about ±0.019" in printed
    assert "can tell 0.08 from 0.10 with probability 0.98" in printed
    assert "Assumed: scores around 0.42, standard deviation 0.15 between prompts and 0.15 within" in printed
    assert [line.split()[0] for line in printed.splitlines()[-4:]] == ["100", "200", "300", "500"]
    assert "takes 2 responses per prompt or more" in said(capsys, "--rollouts", "1", "--samples", "1")


@pytest.mark.slow
def test_a_pass_fail_grader_needs_more(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    grader = tmp_path / "g.json"
    grader.write_text(json.dumps(EXACT))
    assert "0.35 between prompts" in said(capsys, "--grader", str(grader))
    assert "±0.050" in said(capsys, "--spread", "0.5", "0", "--samples", "384")


@pytest.mark.slow
def test_an_earlier_run_of_the_same_data_and_grader_teaches_the_spread(
    store: Store, endpoint: FakeEndpoint, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    dataset = write_jsonl(tmp_path / "rows.jsonl", sum_rows(60))
    grader = tmp_path / "g.json"
    grader.write_text(json.dumps(EXACT))
    both = ["--dataset", str(dataset), "--grader", str(grader)]
    assert "Assumed:" in said(capsys, *both)
    model = ["--model", "fake", "--base-url", endpoint.base_url, "--rollouts", "2", "--model-seed", "0"]
    assert main(["run", *both, *model]) == 0
    capsys.readouterr()
    assert "As in an earlier run of this dataset and grader: scores around 0." in said(capsys, *both)
    grader.write_text(json.dumps(FUZZY))
    assert "Assumed:" in said(capsys, *both)
    run = make_run(store, endpoint.base_url, rows=20)
    work(run)
    assert earlier_spread(store, run.config().dataset.fingerprint, EXACT) is None, "20 prompts teach nothing"
    assert main(["plan", "--run", run.id]) == 2
    assert "fewer than 30" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--spread", "0.5", "0.5"], "wider than"),
        (["--spread", "nan", "0"], "0 or more"),
        (["--dataset", "x"], "needs --grader"),
        (["--run", "x"], "There is no run"),
    ],
)
def test_a_mistake_is_one_sentence(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["plan", *arguments]) == 2
    assert words in capsys.readouterr().err


@pytest.mark.slow
def test_on_configure_the_plan_follows_both_numbers() -> None:
    test = with_grader(EXACT)
    assert "know the mean to about ±0.044" in texts(test)
    test.number_input(key="sample_size").set_value(100).run()
    assert "With 100 prompts × 4 responses" in texts(test)
    test.number_input(key="rollouts").set_value(1).run()
    assert "takes 2 responses per prompt or more" in texts(test)
    test.number_input(key="sample_size").set_value(5000).run()
    assert "With 648 prompts × 1 response" in texts(test), "a dataset has no more than its rows"


@pytest.mark.slow
def test_on_a_shared_server_others_runs_teach_nothing(
    store: Store, endpoint: FakeEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DRYRUN_HOSTED", "1")
    test = page("configure")
    test.session_state["sizes_fold"] = True
    assert "Assumed:" in texts(test.run())


def test_the_chart_tells_lines_apart_without_colour() -> None:
    spread = assumed(pass_fail=True)
    lines = plan_chart(spread, foresee(300, 4, spread)).to_dict()["layer"][0]["encoding"]
    dashes = lines["strokeDash"]["scale"]["range"]
    assert len({tuple(dash) for dash in dashes}) == 4
