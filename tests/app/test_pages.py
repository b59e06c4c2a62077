"""The pages as scripts: what they show, and one clear sentence for each mistake."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from dryrun.analysis.forecast.chance import toy_words
from dryrun.app.configure.dataset import sample_dataset
from dryrun.core.paths import data_dir
from dryrun.core.text import plain
from dryrun.report.training_set.chosen import sft_rows
from dryrun.store.partition import Store
from dryrun.store.results import load_results
from tests.helpers.fake_endpoint import FakeEndpoint, Reply
from tests.helpers.pages import group, page, startable, texts, with_dataset, with_grader, write_grader
from tests.helpers.support import EXACT, make_run, sum_rows, work

GOOD_ROW = json.dumps(sum_rows(1)[0])


@pytest.mark.slow
def test_new_run_begins_with_the_sample_data_and_could_start_at_once() -> None:
    test = page("configure")
    said = texts(test)
    assert "Used: the sample data" in said
    assert "648 rows" in said
    assert "300 × 4 = **1,200 calls** to SmolLM2-135M-Instruct on this machine · no cost" in said
    assert startable(test)
    assert not test.get("vega_lite_chart"), "it costs the browser an eighth of the page"
    test.session_state["sizes_fold"] = True
    assert len(test.run().get("vega_lite_chart")) == 1


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "it is empty (0 bytes)"),
        ("\n\n", "there is no row"),
        ("{\n", "line 2"),
        (GOOD_ROW + "\n{bad\n" + GOOD_ROW, "line 2"),
        ('{"n": "x"}\n', "prompt: is missing"),
        ('{"messages": [{"role": "robot", "content": "x"}]}\n', "'robot' is not a role"),
        (GOOD_ROW.encode("utf-16"), "UTF-16"),
        ('{"messages": [{"role": "user", "content": "café"}]}\n'.encode("latin-1"), "is not UTF-8"),
        (b"PK\x03\x04", "zip archive"),
    ],
)
def test_a_bad_dataset_is_explained_and_nothing_starts(
    content: str | bytes, said: str, tmp_path: Path
) -> None:
    test = with_dataset(content, tmp_path)
    assert said in texts(test)
    assert "**Still needed:** [1. Data](#data)" in texts(test)
    assert not startable(test)


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize("path", ["/no/such/file.jsonl", "a" * 300, "~nobody-has-this-name/rows.jsonl"])
def test_a_path_that_leads_nowhere_is_one_sentence(path: str, tmp_path: Path) -> None:
    test = with_dataset(GOOD_ROW, tmp_path)
    test.text_input(key="dataset_place").set_value(path).run()
    assert not test.exception
    assert f"There is no file at {path}" in texts(test)


@pytest.mark.slow
def test_a_path_may_lead_to_a_folder(tmp_path: Path) -> None:
    for part in range(2):
        (tmp_path / f"part-{part}.jsonl").write_text(GOOD_ROW)
    test = page("configure")
    test.text_input(key="dataset_place").set_value(str(tmp_path)).run()
    assert not test.exception
    assert "**2 rows**, " in texts(test)


@pytest.mark.slow
def test_a_number_that_must_be_above_zero_cannot_be_set_to_zero() -> None:
    test = page("results", run="recorded")
    assert len(test.sidebar.number_input) == 3, "the folded ones cost the browser a fifth of the page"
    test.session_state["other_limits"] = True
    test.run()
    assert test.sidebar.number_input(key="full_range").min == 0.01
    assert test.sidebar.number_input(key="bimodal_ratio").min == 0.1
    assert test.sidebar.number_input(key="group_size").max == 1024


@pytest.mark.slow
def test_a_folded_limit_that_the_link_names_holds_and_can_be_reset() -> None:
    test = page("results", run="recorded", healthy_std="0.3")
    assert "healthy above 0.30" in [metric.delta for metric in test.main.metric]
    assert test.sidebar.number_input(key="healthy_std").value == 0.3
    next(button for button in test.sidebar.button if button.label == "Reset thresholds").click().run()
    assert "healthy above 0.15" in [metric.delta for metric in test.main.metric]


@pytest.mark.slow
def test_a_single_row_is_counted_in_the_singular(tmp_path: Path) -> None:
    assert "**1 row**, " in texts(with_dataset(GOOD_ROW, tmp_path))


@pytest.mark.slow
def test_repeated_rows_are_warned_of(tmp_path: Path) -> None:
    test = with_dataset("\n".join([GOOD_ROW] * 5), tmp_path)
    assert "repeating an earlier row exactly" in texts(test)


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize(
    ("grader", "said"),
    [
        ("", "Paste a grader"),
        ("{", "not JSON"),
        ({"type": "string-check"}, "Did you mean 'string_check'"),
        (EXACT | {"operation": "neq"}, "Did you mean 'ne'"),
        (EXACT | {"input": 3}, "$.input"),
        (EXACT | {"reference": "{{item.refrence_answer}}"}, "Did you mean 'reference_answer'"),
        ({"type": "python", "source": "def grade(sample, item)\n  return 1"}, "Grader grader, line 1"),
    ],
)
def test_a_bad_grader_is_explained_and_nothing_starts(grader: Any, said: str) -> None:
    test = with_grader(grader)
    assert said in texts(test)
    assert not startable(test)


@pytest.mark.slow
def test_the_grader_is_told_in_words() -> None:
    assert "Pays 1 when the response is exactly the row's reference_answer, else 0." in texts(
        with_grader(EXACT)
    )


@pytest.mark.slow
def test_an_endpoint_needs_a_name_and_a_sound_address() -> None:
    test = page("configure")
    group(test, "model_where").set_value("OpenAI-compatible endpoint").run()
    assert "Type the model's name" in texts(test)
    assert "**Still needed:** [3. Model and size](#model)" in texts(test)
    assert "o4-mini" in test.text_input(key="model_name").help
    test.text_input(key="base_url").set_value("not a url").run()
    assert test.main.error
    assert not test.exception


@pytest.mark.slow
def test_models_are_listed_with_their_retirement(endpoint: FakeEndpoint) -> None:
    endpoint.models[0]["shutdown_date"] = "2026-12-31"
    test = page("configure")
    group(test, "model_where").set_value("OpenAI-compatible endpoint").run()
    test.text_input(key="base_url").set_value(endpoint.base_url).run()
    next(button for button in test.button if button.label == "List models").click().run()
    assert "2026-12-31" in " ".join(
        [texts(test), *(option for box in test.selectbox for option in box.options)]
    )


@pytest.mark.slow
def test_a_list_that_fails_leaves_the_model_that_was_typed(endpoint: FakeEndpoint) -> None:
    endpoint.models_reply = Reply.error(404, "no list here")
    test = page("configure")
    group(test, "model_where").set_value("OpenAI-compatible endpoint").run()
    test.text_input(key="base_url").set_value("not a url").run()
    assert "lists no models" not in texts(test), "nobody was asked"
    test.text_input(key="base_url").set_value(endpoint.base_url).run()
    test.text_input(key="model_name").set_value("base-7b").run()
    next(button for button in test.button if button.label == "List models").click().run()
    assert "does not exist" in test.main.error[0].value
    assert "Still needed" not in texts(test)
    assert test.button(key="start").disabled is False


@pytest.mark.slow
def test_hosted_there_is_no_path_and_no_list_of_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DRYRUN_HOSTED", "1")
    test = page("configure")
    assert "dataset_place" not in {field.key for field in test.text_input}
    make_run(Store(data_dir()), "http://127.0.0.1:1/v1")
    assert "There is no run here yet" in texts(page("runs"))


@pytest.fixture
def finished(store: Store, endpoint: FakeEndpoint) -> Any:
    run = make_run(store, endpoint.base_url, rows=60)
    work(run)
    return run


@pytest.mark.slow
def test_results_show_verdict_figures_topics_and_samples(finished: Any) -> None:
    test = page("results", run=finished.id)
    said = texts(test)
    assert "Dry Run Validation" in said
    assert "Tested: **60 of 60 samples**, 120 responses with a score" in said
    assert "Score distribution" in said
    for label in ("View High Scores", "View Low Scores", "Adjust Grader"):
        assert label in [button.label for button in test.main.button]
    assert [metric.label for metric in test.main.metric] == ["Mean", "Std", "Signal Index", "Cost"]
    policies = toy_words("GO", float(test.main.metric[2].value))
    assert policies
    assert policies in said
    assert len(test.main.get("vega_lite_chart")) == 1
    shown: Any = test.get("button_group")[0]
    assert "5 highest" in str(shown.options)


@pytest.mark.slow
def test_a_threshold_moves_the_verdict_at_once(finished: Any) -> None:
    test = page("results", run=finished.id)
    assert "NO-GO" not in test.main.title[0].value
    test.sidebar.number_input(key="mean_low").set_value(0.89).run()
    assert "NO-GO" in test.main.title[0].value
    assert "Likely causes" in texts(test)
    actions = texts(test).partition("Recommended actions:\n")[2].partition("\n\n")[0].splitlines()
    assert actions
    assert all(action.endswith((".", "?")) for action in actions if action.startswith("- ")), actions
    test.run()  # the parts that follow were all that was drawn
    next(button for button in test.sidebar.button if button.label == "Reset thresholds").click().run()
    assert "NO-GO" not in test.main.title[0].value


@pytest.mark.slow
def test_thresholds_that_contradict_each_other_are_explained(finished: Any) -> None:
    test = page("results", run=finished.id)
    test.sidebar.number_input(key="mean_low").set_value(0.95).run()
    assert "must be below" in str([warning.value for warning in test.main.warning])
    assert not test.exception


@pytest.mark.slow
def test_before_the_first_run_the_recorded_one_is_shown_and_marked() -> None:
    test = page("results")
    said = texts(test)
    assert "recorded" in said.lower()
    assert "300 of 300 samples**, 1,200 responses with a score" in said


@pytest.mark.slow
def test_the_run_page_tells_what_happened_and_offers_to_go_on(store: Store, endpoint: FakeEndpoint) -> None:
    run = make_run(store, endpoint.base_url, rows=40)
    test = page("run", run=run.id)
    assert "Start" in [button.label for button in test.main.button]
    work(run)
    test = page("run", run=run.id)
    assert "See the results" in [button.label for button in test.main.button]
    assert "80 of 80 responses with a score" in texts(test)


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize("run", ["0" * 32, "../../etc/passwd"])
def test_an_unknown_run_is_one_sentence_and_a_way_to_a_new_one(run: str) -> None:
    for name in ("results", "run"):
        test = page(name, run=run)
        assert "There is no run" in texts(test)
        assert [link.proto.label for link in test.main.get("page_link")] == ["Start a run"]


@pytest.mark.slow
def test_another_grader_scores_the_stored_responses_without_a_call(
    finished: Any, endpoint: FakeEndpoint
) -> None:
    before = endpoint.calls
    test = page("configure", run=finished.id, adjust=finished.id)
    assert "exact" in str(test.session_state["grader_text"])
    write_grader(test, EXACT | {"operation": "like", "name": "contains"})
    button = next(button for button in test.main.button if "score" in button.label.lower())
    button.click().run()
    assert not test.exception
    assert endpoint.calls == before


@pytest.mark.parametrize(
    "text", ["![x](http://h/x.png)", "<b>x</b>", "a $x$ :red[b] `c` [l](javascript:x)", "# h\n- l"]
)
def test_labels_made_of_data_lose_their_markup(text: str) -> None:
    shown = plain(text)
    assert "\n" not in shown
    assert not re.search(r"(?<!\\)[!\[\]<>`*_$#:(){}]", shown)


@pytest.mark.slow
def test_what_is_handed_on_can_be_used(finished: Any) -> None:
    results = load_results(finished)
    rows = sft_rows(results, 1.0)
    assert rows
    assert all(row["messages"][-1]["role"] == "assistant" for row in rows)


@pytest.mark.slow
def test_a_grader_is_tried_on_a_row_before_anything_is_spent() -> None:
    test = with_grader(EXACT)
    assert "Reward 1" in texts(test)
    area = next(area for area in test.text_area if str(area.key).startswith("trial_text"))
    area.set_value("surely wrong").run()
    said = texts(test)
    assert "Reward 0" in said
    assert "$.input = 'surely wrong'" in said
    test.button(key="check_grader").click().run()
    assert "earn 1 on average over 200 rows" in texts(test)


@pytest.mark.slow
def test_the_row_that_is_selected_in_the_table_is_tried() -> None:
    test = with_grader(EXACT)
    key = f"first_rows_{sample_dataset().ref.fingerprint[:8]}"
    test.session_state[key] = {"selection": {"rows": [2], "columns": []}}
    test.run()
    assert "Try it on row 3" in texts(test)


@pytest.mark.slow
def test_a_judge_is_asked_where_the_page_says(endpoint: FakeEndpoint) -> None:
    endpoint.answer = lambda body: '{"steps": [], "result": 0.25}'
    message = {"role": "user", "content": "Rate: {{sample.output_text}}"}
    test = with_grader({"type": "score_model", "name": "j", "model": "gpt-judge", "input": [message]})
    said = texts(test)
    assert "It asks gpt-judge" in said
    assert "one call** to a judge at api.openai.com" in said
    test.text_input(key="judge_base_url").set_value(endpoint.base_url).run()
    test.text_input(key="judge_key").set_value("sk-judge-secret").run()
    assert "judge at 127.0.0.1" in texts(test)
    test.button(key="trial_grade").click().run()
    assert not test.exception
    assert "Reward 0.25" in texts(test)
    assert endpoint.headers[0]["Authorization"] == "Bearer sk-judge-secret"
    assert "sk-judge-secret" not in texts(test)
    test.text_input(key="judge_base_url").set_value("not a url").run()
    assert not startable(test)


@pytest.mark.slow
def test_a_python_file_is_a_grader_and_its_convention_is_shown_and_can_be_set() -> None:
    source = "def score(completions, reference_answer, **kwargs):\n    return [0.5]\n"
    test = with_grader(source)
    assert "by TRL's convention" in texts(test)
    assert "It is not an OpenAI grader" in texts(test)
    test.selectbox(key="grader_convention").set_value("verl").run()
    assert "by verl's convention" in texts(test)
    test.selectbox(key="grader_convention").set_value("bedrock").run()
    assert "by Bedrock's convention" in texts(test)
