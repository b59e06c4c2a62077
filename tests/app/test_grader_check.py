"""The grader is checked on the pages: the button, its word, its evidence; kept with a run."""

from __future__ import annotations

import json
from pathlib import Path
from unittest.mock import Mock, patch

import pytest

from dryrun.app.shared import grader_check
from dryrun.core.config import JudgeConfig, SamplingConfig
from dryrun.core.version import __version__
from dryrun.dataset import dataset_from_items
from dryrun.engine.prepare import prepare, start
from dryrun.graders import load_grader
from dryrun.probes.check_run import kept_check
from dryrun.probes.result import GraderCheck, load_check
from dryrun.store.partition import Store
from tests.helpers.fake_endpoint import FakeEndpoint
from tests.helpers.grading import CONTAINS, FINAL_NUMBER, SCORE, python
from tests.helpers.pages import page, texts, value, with_dataset
from tests.helpers.support import EXACT, endpoint_config, make_run, sum_rows, work


def rows() -> str:
    return "\n".join(json.dumps(row) for row in sum_rows(50))


@pytest.mark.parametrize(("profile", "kind"), [("sound", "success"), ("unknown", "info"), ("fails", "error")])
def test_only_a_fault_is_red(profile: str, kind: str) -> None:
    with patch.object(grader_check, "st") as drawn:
        grader_check.show_word(
            Mock(GraderCheck, profile=profile, meaning="", graded=8, sound=profile == "sound")
        )
    assert [name for name, *_ in drawn.method_calls] == [kind]


@pytest.mark.slow
def test_configure_says_what_the_grader_is_with_evidence(tmp_path: Path) -> None:
    test = with_dataset(rows(), tmp_path)
    test.button("check_grader").click().run()
    assert not test.exception
    shown = texts(test)
    assert "Too strict." in shown
    assert "The right answer is refused" in shown
    assert "Fix:" in shown
    assert "a wrong answer key" in shown


@pytest.mark.slow
def test_results_keep_the_check_with_the_run(
    store: Store, endpoint: FakeEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run(store, endpoint.base_url, rows=40, rollouts=1, grader=python(CONTAINS))
    work(run, check=True)
    test = page("results", run=run.id, tab="Grader")
    assert "check_run_grader" not in [button.key for button in test.button], "the run did it by itself"
    assert "The grader check says: " in texts(test)
    assert "GO, with conditions" in test.main.title[0].value
    reason = next(value(line) for line in test.main.markdown if value(line).startswith("**First"))
    assert "make the grader refuse" in reason, "in the verdict's own card"
    kept = kept_check(run)
    assert kept is not None
    assert kept.base is not None
    assert kept.run == "", "reports by a read-only link hold it"
    files: dict[str, bytes] = {}
    monkeypatch.setattr(
        grader_check, "download", lambda _label, content, name, _key: files.update({name: content})
    )
    page("results", run=run.id, tab="Grader")
    assert [*files] == [f"grader-check-prompts-{run.id[:8]}.json"]
    check, config = load_check(*files.values()), run.config()
    assert (check.run, check.dataset, check.version) == (run.id, config.dataset.name, __version__)
    assert check.grader == load_grader(config.grader).fingerprint


@pytest.mark.slow
def test_a_form_refused_by_probes_alone_is_no_condition(store: Store, endpoint: FakeEndpoint) -> None:
    """The responses are paid in the form that the prompts ask for: that other forms are not is no fault."""
    run = make_run(store, endpoint.base_url, rows=40, rollouts=1, grader=EXACT)
    work(run, check=True)
    test = page("results", run=run.id, tab="Grader")
    assert "Too strict." in texts(test)
    assert "with conditions" not in test.main.title[0].value
    assert "hardly any response is one: at most" in texts(test)


@pytest.mark.slow
def test_a_sound_grader_is_not_spoken_of_beside_the_verdict(store: Store, endpoint: FakeEndpoint) -> None:
    run = make_run(store, endpoint.base_url, rows=40, rollouts=1, grader=python(FINAL_NUMBER))
    work(run, check=True)
    test = page("results", run=run.id, tab="Grader")
    assert "Sound." in texts(test)
    assert "Grader:" not in test.main.title[0].value
    assert "The grader check says" not in texts(test)


@pytest.mark.slow
def test_a_recorded_run_shows_the_check_it_came_with() -> None:
    test = page("results", run="recorded-grader", tab="Grader")
    assert not test.exception
    assert "Too strict." in texts(test)
    assert "check_run_grader" not in [button.key for button in test.button]


@pytest.mark.slow
def test_results_check_a_grader_that_asks_a_judge_with_the_key_typed_there(
    store: Store, endpoint: FakeEndpoint
) -> None:
    with FakeEndpoint(answer=lambda body: '{"steps": [], "result": 3.5}') as asked:
        judge = JudgeConfig(base_url=asked.base_url)
        model = endpoint_config(endpoint.base_url)
        sampling = SamplingConfig(size=40, rollouts=1)
        rows = dataset_from_items(sum_rows(40))
        run = start(store, prepare(rows, SCORE, model=model, sampling=sampling, judge=judge))
        work(run, check=True, judge_key="sk-judge")
        test = page("results", run=run.id, tab="Grader")
        assert "The judge is asked 200 times at most." in texts(test)
        before = asked.calls
        test.text_input("check_judge_key").set_value("sk-typed-here")
        test.button("check_run_grader").click().run()
        assert 0 < asked.calls - before <= 200
        assert asked.headers[-1]["Authorization"] == "Bearer sk-typed-here"
    assert kept_check(run) is not None
    held = [
        path for path in run.folder.rglob("*") if path.is_file() and b"sk-typed-here" in path.read_bytes()
    ]
    assert held == []
