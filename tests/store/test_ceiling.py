"""A stronger model's run as ceiling: what it changes, what it says, what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dryrun.cli.main import main
from dryrun.core.errors import DryRunError
from dryrun.report import render_markdown, report_of
from dryrun.store.ceiling import ceiling_of, ceiling_words, choose_ceiling, forget_ceiling
from dryrun.store.partition import Store
from dryrun.store.results import Results, load_results
from tests.helpers.fake_endpoint import FakeEndpoint
from tests.helpers.pages import page, texts
from tests.helpers.support import FUZZY, make_run, sum_rows, work

SEVEN: dict[str, Any] = {
    "type": "string_check",
    "name": "seven",
    "input": "{{sample.output_text}}",
    "reference": "7",
    "operation": "eq",
}
"""Needs no reference answer in the rows, so there is none to anchor the scale."""


def results(store: Store, endpoint: FakeEndpoint, right: float, model: str, **how: Any) -> Results:
    """A run whose model answers 7 to this share of 60 prompts, and 0 to the others."""
    count = 0

    def answer(_: object) -> str:
        nonlocal count
        count += 1
        return "7" if count % 100 < right * 100 else "0"

    endpoint.answer = answer
    rows = [{"messages": row["messages"]} for row in sum_rows(how.pop("rows", 60))]
    run = make_run(store, endpoint.base_url, rows=rows, **{"grader": SEVEN, "name": model, **how})
    work(run)
    return load_results(run)


@pytest.mark.slow
def test_a_stronger_model_that_succeeds_clears_the_grader(store: Store, endpoint: FakeEndpoint) -> None:
    weak = results(store, endpoint, 0.05, "small")
    before = report_of(weak)
    assert before.evidence is not None
    assert (before.verdict, before.evidence.blame_grader) == ("NO-GO", None)
    strong = results(store, endpoint, 0.9, "big")
    found = choose_ceiling(weak, strong)
    assert (found.model, found.prompts) == ("big", 60)
    after = report_of(weak)
    assert after.evidence is not None
    assert after.verdict == "NO-GO"
    assert after.evidence.anchors is not None
    assert after.evidence.anchors.from_stronger_model
    assert after.evidence.dataset_quality == "too_hard"
    assert after.evidence.blame_grader == 0.0
    assert after.run.ceiling == f"big, run {strong.run.id}"
    assert "big" in render_markdown(after)
    own = float(weak.observations().score.mean())
    most = (1 - found.mean) / (1 - own)
    assert found.most_blame(own) == pytest.approx(most)
    assert f"at most {100 * most:.0f} %" in ceiling_words(found, own)
    assert report_of(weak, evidence=False).run.ceiling == ""
    forget_ceiling(weak.run)
    assert report_of(weak).evidence == before.evidence


@pytest.mark.slow
def test_the_ceiling_outlives_the_run_it_came_from(store: Store, endpoint: FakeEndpoint) -> None:
    weak, strong = results(store, endpoint, 0.05, "small"), results(store, endpoint, 0.9, "big")
    choose_ceiling(weak, strong)
    for path in strong.run.folder.rglob("*"):
        path.unlink() if path.is_file() else None
    kept = ceiling_of(weak.run)
    assert kept is not None
    assert kept.scores.mean() == pytest.approx(strong.observations().score.mean())
    (weak.run.folder / "ceiling.json").write_text("{torn")
    assert ceiling_of(weak.run) is None


@pytest.mark.slow
def test_what_is_no_ceiling_is_refused(store: Store, endpoint: FakeEndpoint) -> None:
    weak = results(store, endpoint, 0.3, "small")
    with pytest.raises(DryRunError, match="own ceiling"):
        choose_ceiling(weak, weak)
    with pytest.raises(DryRunError, match="another grader"):
        choose_ceiling(weak, results(store, endpoint, 0.9, "big", grader=FUZZY | {"reference": "7"}))
    with pytest.raises(DryRunError, match="it is not a ceiling"):
        choose_ceiling(weak, results(store, endpoint, 0.02, "tiny"))
    with pytest.raises(DryRunError, match="share 10 prompts"):
        choose_ceiling(weak, results(store, endpoint, 0.9, "big", rows=10))
    assert ceiling_of(weak.run) is None


@pytest.mark.slow
def test_the_command_takes_it_and_forgets_it(
    store: Store, endpoint: FakeEndpoint, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    weak, strong = results(store, endpoint, 0.05, "small"), results(store, endpoint, 0.9, "big")
    out = tmp_path / "r.json"
    assert main(["report", weak.run.id, "--ceiling-run", strong.run.id, "--out", str(out)]) == 1
    assert "A stronger model (big) scores 0." in capsys.readouterr().err
    assert json.loads(out.read_text())["run"]["ceiling"].startswith("big, run ")
    assert main(["report", weak.run.id]) == 1
    assert "A stronger model (big)" in capsys.readouterr().err, "it is kept with the run"
    assert main(["report", weak.run.id, "--ceiling-run", "none"]) == 1
    assert "A stronger model" not in capsys.readouterr().err
    assert main(["report", weak.run.id, "--ceiling-run", weak.run.id]) == 2
    assert "own ceiling" in capsys.readouterr().err


@pytest.mark.slow
def test_on_results_another_run_is_chosen_and_named(store: Store, endpoint: FakeEndpoint) -> None:
    weak, strong = results(store, endpoint, 0.05, "small"), results(store, endpoint, 0.9, "![x](http://h)")
    test = page("results", run=weak.run.id, tab="Grader")
    test.selectbox(key="ceiling_choice").set_value(weak.run.id).run()
    test.button(key="ceiling_use").click().run()
    assert "cannot be its own ceiling" in texts(test)
    test.selectbox(key="ceiling_choice").set_value(strong.run.id).run()
    test.button(key="ceiling_use").click().run()
    assert not test.exception
    said = texts(test)
    assert "A stronger model (![x](http" in said.replace("\u2060", "")
    assert "grader explains at most" in said
    test.button(key="ceiling_forget").click().run()
    assert "grader explains at most" not in texts(test)
