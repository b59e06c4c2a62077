"""Two runs side by side on real runs: which pairing, what differs, what the report says."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import scipy

from dryrun.analysis.figures.statistics import HISTOGRAM_EDGES, bin_counts
from dryrun.cli.main import main
from dryrun.core.errors import DryRunError
from dryrun.core.thresholds import Thresholds
from dryrun.report.charts.comparison import (
    difference_chart,
    difference_rows,
    overlaid_alt,
    overlaid_chart,
    overlaid_rows,
)
from dryrun.report.comparison import Pairing, compare, comparison_words, differing, to_json, to_markdown
from dryrun.store.partition import Store
from dryrun.store.results import Results, load_results
from tests.helpers.fake_endpoint import FakeEndpoint
from tests.helpers.support import EXACT, FUZZY, make_run, sum_rows, work


def finished(store: Store, endpoint: FakeEndpoint, **how: object) -> Results:
    run = make_run(store, endpoint.base_url, **{"rows": 60, **how})  # type: ignore[arg-type]
    work(run)
    return load_results(run)


@pytest.mark.slow
def test_two_graders_on_the_same_responses(store: Store, endpoint: FakeEndpoint) -> None:
    exact = finished(store, endpoint)
    fuzzy = finished(store, endpoint, grader=FUZZY)
    assert endpoint.calls == 120
    found = compare(exact, fuzzy)
    assert found.pairing is Pairing.RESPONSES
    scores = exact.observations().score, fuzzy.observations().score
    assert found.correlation is not None
    assert found.correlation.value == pytest.approx(scipy.stats.spearmanr(*scores).statistic)
    assert found.flipped is not None
    assert found.flipped.gained.size == int(((scores[0] < 0.5) & (scores[1] >= 0.5)).sum()) > 0
    assert found.flipped.lost.size == 0
    assert found.difference is not None
    assert found.difference.value == pytest.approx(scores[1].mean() - scores[0].mean())
    assert found.difference.clear
    names = [setting.name for setting in found.settings]
    assert {"grader.type", "grader.evaluation_metric", "grader.operation"} <= set(names)
    assert not any(name.startswith(("dataset", "model", "sampling")) for name in names)
    assert "Two graders on the same 120 responses." in comparison_words(found)[0]


@pytest.mark.slow
def test_two_runs_over_the_same_prompts_are_paired(store: Store, endpoint: FakeEndpoint) -> None:
    first = finished(store, endpoint)
    second = finished(store, endpoint, temperature=0.5)
    assert endpoint.calls == 240
    found = compare(first, second)
    assert found.pairing is Pairing.PROMPTS
    assert (found.correlation, found.flipped) == (None, None)
    assert found.difference is not None
    assert found.difference.paired
    assert found.difference.prompts == (60, 60)
    assert [setting.name for setting in found.settings] == ["model.temperature"]
    assert (found.settings[0].first, found.settings[0].second) == ("–", "0.5")


@pytest.mark.slow
def test_a_larger_sample_is_paired_over_what_both_have_and_says_what_is_left_out(
    store: Store, endpoint: FakeEndpoint
) -> None:
    small = finished(store, endpoint, size=40)
    large = finished(store, endpoint, size=60)
    found = compare(small, large)
    assert found.difference is not None
    assert (found.pairing, found.difference.value, found.alone) == (Pairing.PROMPTS, 0.0, (0, 20))
    said = " ".join(comparison_words(found))
    assert "0 that only the first run has, 20 that only the second has" in said
    assert "no difference is shown" in said


@pytest.mark.slow
def test_repaired_references_are_still_the_same_prompts(store: Store, endpoint: FakeEndpoint) -> None:
    repaired = [{**row, "reference_answer": row["reference_answer"] + "."} for row in sum_rows(60)]
    found = compare(finished(store, endpoint), finished(store, endpoint, rows=repaired))
    assert found.pairing is Pairing.PROMPTS
    assert found.difference is not None
    assert found.difference.prompts == (60, 60)
    assert found.difference.value < 0


@pytest.mark.slow
def test_other_prompts_are_not_paired_and_it_says_so(store: Store, endpoint: FakeEndpoint) -> None:
    rows = sum_rows(120)
    found = compare(finished(store, endpoint, rows=rows[:60]), finished(store, endpoint, rows=rows[60:]))
    assert found.pairing is Pairing.NOTHING
    assert found.difference is not None
    assert not found.difference.paired
    assert "share no prompts" in comparison_words(found)[0]
    assert "not in pairs" in " ".join(comparison_words(found))


@pytest.mark.slow
def test_a_run_with_itself_and_one_without_scores_are_refused(store: Store, endpoint: FakeEndpoint) -> None:
    done = finished(store, endpoint)
    with pytest.raises(DryRunError, match="same one"):
        compare(done, done)
    with pytest.raises(DryRunError, match="second run has no score yet"):
        compare(done, load_results(make_run(store, endpoint.base_url, rows=30)))


def test_settings_hide_passwords_and_show_where_long_texts_part(store: Store) -> None:
    grader = {
        "type": "python",
        "name": "p",
        "source": "# " + "x" * 300 + "\ndef grade(sample, item): return 1",
    }
    other = {**grader, "source": grader["source"].replace("return 1", "return 0")}
    one = make_run(store, "http://ann:secret@127.0.0.1:1/v1", grader=grader).config()
    two = make_run(store, "http://127.0.0.1:2/v1", grader=other).config()
    found = {setting.name: setting for setting in differing(one, two)}
    assert set(found) == {"grader.source", "model.base_url"}
    assert found["model.base_url"].first == "http://127.0.0.1:1/v1"
    assert found["grader.source"].first.endswith("return 1")
    assert len(found["grader.source"].second) <= 102


@pytest.mark.slow
def test_the_command_prints_and_writes_both_forms(
    store: Store, endpoint: FakeEndpoint, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one, two = finished(store, endpoint), finished(store, endpoint, grader=FUZZY | {"name": "a|b"})
    ids = [one.run.id, two.run.id]
    assert main(["compare", *ids, "--out", str(tmp_path / "c.json")]) == 0
    printed = capsys.readouterr().out
    for words in ("Verdict:", "Spearman", "What differs", "grader.type", "By topic", "even"):
        assert words in printed
    content = json.loads((tmp_path / "c.json").read_text())
    assert content["pairing"] == "responses"
    assert content["reports"]["second"]["run"]["id"] == two.run.id
    assert content["difference"]["paired"] is True
    assert main(["compare", *ids, "--out", str(tmp_path / "c.md"), "--rules", "document"]) == 0
    text = (tmp_path / "c.md").read_text()
    assert "# Dry run: GO before" in text
    assert "`a¦b`" in text
    assert main(["compare", ids[0], "0" * 32]) == 2
    assert "There is no run" in capsys.readouterr().err


def test_charts_carry_every_prompt_and_both_runs() -> None:
    counts = [1, *[0] * 9, 4, *[0] * 9, 2]
    rows = difference_rows(counts)
    assert [row["side"] for row in rows if row["prompts"]] == ["lower", "the same", "higher"]
    assert rows[10]["low"] < 0 < rows[10]["high"]
    assert len(difference_chart(counts, 0.1).to_dict()["layer"]) == 2


def test_both_distributions_stand_in_the_histograms_bars() -> None:
    scores = np.round(np.random.default_rng(0).random(50), 2)
    rows = overlaid_rows(scores, "first")
    assert [row["count"] for row in rows] == list(bin_counts(scores, HISTOGRAM_EDGES))
    assert sum(row["share"] for row in rows) == pytest.approx(1.0)
    spec = overlaid_chart(scores, scores / 2, Thresholds(mean_low=0.3)).to_dict()
    assert spec["datasets"]["limits"][0] == {"at": 0.3}
    filled, outlined = spec["layer"][2:]
    assert "stroke" not in filled["mark"]
    assert outlined["mark"]["strokeWidth"] > 1, "told apart without colour"
    assert "second run p10" in overlaid_alt(scores, scores / 2)


@pytest.mark.slow
def test_reports_with_nothing_to_compare_stay_readable(store: Store, endpoint: FakeEndpoint) -> None:
    one, two = finished(store, endpoint), finished(store, endpoint, grader=EXACT | {"reference": "never"})
    found = compare(one, two)
    assert found.correlation is None
    assert "every response the same score" in " ".join(comparison_words(found))
    assert json.loads(to_json(found))["rank_correlation"] is None
    assert "NO-GO after" in to_markdown(found)
    assert "crossed a threshold" in to_markdown(found)
