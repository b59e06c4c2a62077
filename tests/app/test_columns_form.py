"""Configure with rows in another tool's layout: what is missing is offered, seen before it is paid for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Button

from tests.helpers.fake_hub import FakeHub
from tests.helpers.pages import page, startable, texts, with_dataset, write_grader
from tests.helpers.support import EXACT, sum_rows

ROWS: list[dict[str, Any]] = [
    {"task": {"ask": f"How much is {n} + {n}?"}, "gold": str(2 * n), "level": f"l{n % 2}"} for n in range(40)
]


def lines(rows: list[dict[str, Any]]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def live(test: AppTest) -> list[dict[str, Any]]:
    """The first rows as the form shows them."""
    [frame] = [shown.value for shown in test.dataframe if "reference answer" in shown.value]
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]


def prompt_offer(test: AppTest) -> Button:
    """The one offer of a field as the prompt."""
    [offer] = [button for button in test.button if button.label.endswith("as the prompt")]
    return offer


@pytest.mark.slow
def test_the_likely_field_is_offered_and_one_click_uses_it(tmp_path: Path) -> None:
    test = with_dataset(lines(ROWS), tmp_path)
    assert [said.value.endswith("Which field is the prompt?") for said in test.warning] == [True]
    assert not test.error, "one cause is said once"
    assert "**Still needed:** [1. Data](#data)" in texts(test)
    offer = prompt_offer(test)
    assert offer.label == r"Use “task\.ask” as the prompt"
    offer.click().run()
    assert not test.exception
    assert "**40 rows**" in texts(test)
    assert test.selectbox(key="prompt_field").value == "task.ask"
    assert live(test)[1] == {"prompt": "How much is 1 + 1?", "reference answer": "2"}


@pytest.mark.slow
@pytest.mark.parametrize("words", ["question (auto)", "(none has a usual name)"])
def test_what_the_form_said_of_the_file_before_is_no_field(words: str, tmp_path: Path) -> None:
    (path := tmp_path / "rows.jsonl").write_text(lines(sum_rows(40)))
    test = page("configure")
    for key in ("prompt_field", "reference_field", "topic_field"):
        test.session_state[key] = words  # the browser hands the words over as if they had been typed
    test.text_input(key="dataset_place").set_value(str(path)).run()
    assert not test.warning
    assert "**40 rows**" in texts(test)
    assert test.selectbox(key="reference_field").value == "(auto)"


@pytest.mark.slow
def test_rows_without_an_answer_are_not_sent_to_look_for_its_field(tmp_path: Path) -> None:
    rows = [{"prompt": f"Write a poem about {n}", "topic": "poems"} for n in range(40)]
    said = texts(with_dataset(lines(rows), tmp_path))
    assert "These rows hold nothing but prompts." in said
    assert "Choose the field of the reference answer" not in said


@pytest.mark.slow
def test_an_answer_under_a_usual_name_is_the_reference_that_the_grader_asks_for(tmp_path: Path) -> None:
    rows = [
        {"question": row["messages"][-1]["content"], "answer": row["reference_answer"]}
        for row in sum_rows(40)
    ]
    test = with_dataset(lines(rows), tmp_path)
    assert "no row can fill" not in texts(test)
    assert "Reward 1.00" in texts(test), "the reference answer of the first row, tried"
    assert startable(test)
    rows[0] = rows[0] | {"reference_answer": "0"}
    test = with_dataset(lines(rows), tmp_path)
    assert live(test)[0]["reference answer"] == "0", "a field of that very name goes before"


@pytest.mark.slow
def test_a_grader_that_asks_for_the_field_by_its_own_name_gets_the_rows_as_they_are(tmp_path: Path) -> None:
    rows = [
        {"question": row["messages"][-1]["content"], "answer": row["reference_answer"]}
        for row in sum_rows(40)
    ]
    test = with_dataset(lines(rows), tmp_path)
    renamed = json.loads(json.dumps(EXACT).replace("reference_answer", "answer"))
    write_grader(test, renamed)
    assert startable(test)
    assert "Reward 1.00" in texts(test)


@pytest.mark.slow
def test_an_answer_that_no_name_gives_away_is_asked_for(tmp_path: Path) -> None:
    rows = [
        {"prompt": row["messages"][-1]["content"], "value": row["reference_answer"]}
        | {"metadata": {"topic": f"t{number % 2}"}}
        for number, row in enumerate(sum_rows(40))
    ]
    test = with_dataset(lines(rows), tmp_path)
    assert test.selectbox(key="reference_field").options[0] == "(none has a usual name)"
    assert test.selectbox(key="topic_field").options[0] == "metadata.topic (auto)"
    assert "Choose the field of the reference answer in [1. Data](#data)" in texts(test)
    test.selectbox(key="reference_field").set_value("value").run()
    assert "Choose the field of the reference answer" not in texts(test)
    assert startable(test)


@pytest.mark.slow
def test_what_the_form_says_is_rendered_live(tmp_path: Path) -> None:
    test = with_dataset(lines(ROWS), tmp_path)
    test.selectbox(key="prompt_field").set_value("task.ask").run()
    test.selectbox(key="reference_field").set_value("gold").run()
    test.text_area(key="system_text").set_value("Be brief.").run()
    assert not test.exception
    assert live(test)[1] == {"prompt": "system: Be brief.\nuser: How much is 1 + 1?", "reference answer": "2"}
    test.selectbox(key="topic_field").set_value("level").run()
    assert "2 topics" in texts(test)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["question", "prompt"])
def test_a_usual_name_needs_no_choice(name: str, tmp_path: Path) -> None:
    test = with_dataset(lines([{name: "How much is 1 + 1?", "answer": "2"}] * 2), tmp_path)
    assert live(test)[0] == {"prompt": "How much is 1 + 1?", "reference answer": "2"}
    assert test.selectbox(key="prompt_field").options[0] == f"{name} (auto)"
    assert test.selectbox(key="reference_field").options[0] == "answer (auto)"
    assert not [button for button in test.button if button.label.endswith("as the prompt")]


@pytest.mark.slow
def test_a_choice_that_another_file_does_not_have_is_said_there(tmp_path: Path) -> None:
    test = with_dataset(lines(ROWS), tmp_path)
    test.selectbox(key="prompt_field").set_value("task.ask").run()
    other = tmp_path / "other.jsonl"
    other.write_text(lines([{"question": "How much is 1 + 1?"}]))
    test.text_input(key="dataset_place").set_value(str(other)).run()
    assert not test.exception
    assert r"The rows have no field “task\.ask”. Which field is the prompt?" in test.warning[0].value
    prompt_offer(test).click().run()
    assert "**1 row**" in texts(test)


@pytest.mark.slow
def test_a_dataset_of_the_hub_is_named_and_its_fields_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("huggingface_hub")
    with FakeHub() as hub:
        hub.put("me/sums", {"train.jsonl": lines(ROWS).encode()})
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        test = page("configure")
        test.text_input(key="dataset_place").set_value("hf://datasets/me/sums").run()
        prompt_offer(test).click().run()
        assert not test.exception
        assert "**40 rows**" in texts(test)
        test.text_input(key="dataset_place").set_value("hf://datasets/me/none").run()
        assert "there is none of this name, or it is private" in texts(test)


@pytest.mark.slow
def test_three_rows_say_at_the_button_that_thirty_are_needed(tmp_path: Path) -> None:
    test = with_dataset(lines(sum_rows(3)), tmp_path)
    assert "A verdict needs at least 30 prompts; this run has 3." in texts(test)
    assert startable(test)
