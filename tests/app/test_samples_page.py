"""The table of samples: presets, filters, links, the open sample, hostile and long texts."""

from __future__ import annotations

from typing import Any

import pytest
import streamlit as st

from dryrun.app.shared.sample import LONG, box_height, message_text, table_cell
from dryrun.store.partition import Store
from dryrun.store.results import load_results
from dryrun.store.runs import Run
from tests.helpers.fake_endpoint import FakeEndpoint, Reply
from tests.helpers.pages import group, page, texts
from tests.helpers.support import EXACT, FUZZY, copied, make_run, work

TABLE = "samples_table"
DRAWN = "As they were drawn"
MULTI: dict[str, Any] = {
    "type": "multi",
    "name": "both",
    "graders": {"exact": EXACT, "fuzzy": FUZZY},
    "calculate_output": "0.5 * exact + 0.5 * fuzzy",
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> list[Run]:
    with FakeEndpoint() as endpoint:
        run = make_run(Store(tmp_path_factory.mktemp("sampled")), endpoint.base_url, rows=60, grader=MULTI)
        work(run)
    return [run]


@pytest.fixture
def finished(made: list[Run], store: Store) -> Run:
    return copied(made, store)[0]


def table(test: Any) -> Any:
    """The table of samples as the page sends it."""
    return test.dataframe(key=TABLE).value


def marked(test: Any) -> list[int]:
    """The marked rows of the table."""
    rows: list[int] = test.session_state[TABLE]["selection"]["rows"]
    return rows


def heading(run: Run, place: int) -> str:
    """The heading of the response at this place of the run."""
    [seen] = load_results(run).inspect([place])
    return f"Row {seen.prompt.row + 1}, response {seen.sample.rollout + 1} of"


def opened(test: Any) -> str:
    """The heading of the open sample."""
    return next(str(one.value) for one in test.main.markdown if str(one.value).startswith("**Row "))


@pytest.mark.slow
def test_the_table_holds_a_page_of_all_responses_with_scores_parts_and_heads(finished: Run) -> None:
    test = page("results", run=finished.id)
    shown = table(test)
    assert len(shown) == 20
    assert list(shown.columns) == [
        "score",
        "topic",
        "prompt",
        "response",
        "length",
        "part_0",
        "part_1",
        "label",
    ]
    assert shown["score"].is_monotonic_increasing
    assert shown["prompt"].str.endswith("=").all()
    assert "120 responses" in texts(test)
    assert marked(test) == [0]
    assert len(test.get("pagination")) == 1


@pytest.mark.slow
def test_a_preset_of_five_shows_five_in_the_documents_order(finished: Run) -> None:
    test = page("results", run=finished.id)
    group(test, "show").set_value("5 highest").run()
    assert len(table(test)) == 5
    assert table(test)["score"].min() == 1.0
    assert "Are they actually good?" in texts(test)
    assert "5 of 120 responses" in texts(test)


@pytest.mark.slow
def test_topic_scores_search_and_sort_narrow_and_order_the_table(finished: Run) -> None:
    test = page("results", run=finished.id)
    test.selectbox(key="topic").set_value("even").run()
    assert set(table(test)["topic"]) == {"even"}
    assert "60 of 120 responses" in texts(test)
    test.selectbox(key="scores").set_value("0.8-1.0").run()
    assert table(test)["score"].min() >= 0.8
    test.text_input(key="search").set_value("10 + 11").run()
    assert set(table(test)["prompt"]) <= {"10 + 11 ="}
    test.text_input(key="search").set_value("nobody says this").run()
    assert "No response fits" in texts(test)
    assert not test.exception
    test.text_input(key="search").set_value("").run()
    test.selectbox(key="scores").set_value(None).run()
    test.selectbox(key="sort").set_value("highest").run()
    assert table(test)["score"].is_monotonic_decreasing


@pytest.mark.slow
def test_a_link_opens_its_sample_and_the_page_of_the_table_that_holds_it(finished: Run) -> None:
    [seen] = load_results(finished).inspect([110])
    asked = seen.prompt.messages[0]["content"]
    test = page("results", run=finished.id, sample=f"{seen.prompt.row + 1}.1", sort=DRAWN)
    assert heading(finished, 110) in opened(test)
    assert asked in [str(block.value) for block in test.main.code]
    assert marked(test) == [10]
    assert table(test)["prompt"].iloc[10] == asked
    assert len(table(test)) == 20


@pytest.mark.slow
@pytest.mark.parametrize("name", ["", "0.1", "61.1", "1.3", "99999999999999999999.1", "<b>", "1", "-1.-1"])
def test_a_link_to_no_sample_opens_the_first(finished: Run, name: str) -> None:
    test = page("results", run=finished.id, sample=name, page="banana", sort=DRAWN)
    assert heading(finished, 0) in opened(test)


@pytest.mark.slow
def test_a_sample_outside_the_filters_is_shown_and_said_to_be_so(finished: Run) -> None:
    test = page("results", run=finished.id, sample="2.1", topic="even")
    assert "Row 2, response 1 of 2" in opened(test)
    assert "not among the samples in the table" in texts(test)
    assert marked(test) == []
    assert test.button(key="sample_next").disabled


@pytest.mark.slow
def test_next_and_back_go_through_the_order_and_over_the_pages(finished: Run) -> None:
    test = page("results", run=finished.id, sort=DRAWN)
    assert test.button(key="sample_back").disabled
    test.button(key="sample_next").click().run()
    assert heading(finished, 1) in opened(test)
    [seen] = load_results(finished).inspect([19])
    test.query_params["sample"] = f"{seen.prompt.row + 1}.2"
    test.run()
    assert marked(test) == [19]
    test.button(key="sample_next").click().run()
    assert heading(finished, 20) in opened(test)
    assert marked(test) == [0]
    test.button(key="sample_back").click().run()
    assert marked(test) == [19]


@pytest.mark.slow
def test_the_responses_of_a_prompt_stand_beside_each_other_and_can_be_opened(finished: Run) -> None:
    test = page("results", run=finished.id, sample="3.1")
    said = texts(test)
    assert "Response 1 · score" in said
    assert "Response 2 · score" in said
    other = next(button for button in test.main.button if str(button.key).startswith("open_"))
    other.click().run()
    assert "Row 3, response 2" in opened(test)


@pytest.mark.slow
def test_another_choice_closes_the_open_sample(finished: Run) -> None:
    test = page("results", run=finished.id, sample="60.2")
    group(test, "show").set_value("5 lowest").run()
    assert "sample" not in test.query_params
    assert marked(test) == [0]


@pytest.mark.slow
def test_buttons_above_show_their_group_of_all_samples(finished: Run) -> None:
    test = page("results", run=finished.id, topic="even", search="10", sample="3.1")
    test.button(key="go_lowest").click().run()
    assert "5 of 120 responses" in texts(test)
    assert "sample" not in test.query_params


@pytest.mark.slow
def test_right_but_unpaid_responses_are_found_by_reading(store: Store) -> None:
    def answer(body: dict[str, Any]) -> str:
        first = int(body["messages"][-1]["content"].split()[0])
        return f"The answer is {2 * first + 1}." if first % 2 else "I do not know."

    with FakeEndpoint(answer=answer) as endpoint:
        run = make_run(store, endpoint.base_url, rows=20, rollouts=1)
        work(run)
    test = page("results", run=run.id, show="Right but unpaid")
    assert "10 of 20 responses" in texts(test)
    assert "20 responses read" in texts(test)
    assert set(table(test)["topic"]) == {"odd"}


HOSTILE = "=HYPERLINK(1) ![x](http://127.0.0.1:1/l.png) <img src=x> \u202egnp\u202c \x00\x1b[2J end"


@pytest.mark.slow
def test_hostile_text_is_shown_letter_by_letter(store: Store) -> None:
    with FakeEndpoint(answer=lambda _: Reply(text=HOSTILE)) as endpoint:
        run = make_run(store, endpoint.base_url, rows=4, rollouts=1)
        work(run)
    assert load_results(run).inspect([0])[0].sample.text == HOSTILE
    test = page("results", run=run.id)
    blocks = [str(block.value) for block in test.main.code]
    response = next(block for block in blocks if "HYPERLINK" in block)
    assert "[U+202E]gnp[U+202C] [U+0000][U+001B][2J end" in response
    assert "![x](http://127.0.0.1:1/l.png)" in response
    assert not {"\u202e", "\x00", "\x1b"} & set("".join(blocks))
    assert not any("![x]" in str(one.value) for one in (*test.main.markdown, *test.main.caption))
    assert set(table(test)["response"].str[:2]) == {"\u2060="}


@pytest.mark.slow
def test_a_very_long_response_is_cut_until_somebody_asks_for_all(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FakeEndpoint(answer=lambda _: Reply(text="word " * 20_000 + "THE END")) as endpoint:
        run = make_run(store, endpoint.base_url, rows=2, rollouts=1)
        work(run)
    heights: list[tuple[bool, Any]] = []
    plain = st.code

    def noted(body: str, **options: Any) -> Any:
        heights.append((len(body) > LONG, options.get("height")))
        return plain(body, **options)

    monkeypatch.setattr(st, "code", noted)
    test = page("results", run=run.id)
    assert [height for long, height in heights if long] == [320, 320], "the response, and the difference"

    def longest() -> str:
        return max((str(block.value) for block in test.main.code), key=len)

    assert len(longest()) <= 20_000
    assert "THE END" not in longest()
    button = next(one for one in test.main.button if one.label == "Show all 100,007 characters")
    button.click().run()
    assert longest().endswith("THE END")


def test_many_short_lines_scroll_in_a_box_as_a_long_text_does() -> None:
    assert box_height("l\n" * 300) == box_height("word " * 300) != "content"
    assert box_height("print('x')\n" * 10) == "content"


@pytest.mark.slow
def test_the_difference_to_a_reference_is_by_keys_for_json_and_by_words_else(store: Store) -> None:
    rows = [
        {"messages": [{"role": "user", "content": "a"}], "reference_answer": '{"a": 1, "b": {"c": [2]}}'},
        {"messages": [{"role": "user", "content": "b"}], "reference_answer": "the cat sat"},
    ]
    said = {"a": '{"a": 1, "b": {"c": [3]}}', "b": "the dog sat"}
    with FakeEndpoint(answer=lambda body: said[body["messages"][-1]["content"]]) as endpoint:
        run = make_run(store, endpoint.base_url, rows=rows, rollouts=1)
        work(run)
    test = page("results", run=run.id, sample="1.1")
    assert "Difference by keys: 1 of 2 differ" in texts(test)
    keys = next(one.value for one in test.dataframe if "Key" in one.value.columns)
    assert keys["Key"].tolist() == ["b.c.0", "a"]
    test = page("results", run=run.id, sample="2.1")
    assert "  the\n- cat\n+ dog\n  sat" in [str(block.value) for block in test.main.code]


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@x", "\t=1"])
def test_a_cell_is_no_formula_for_a_spreadsheet(text: str) -> None:
    assert table_cell(text)[0] not in "=+-@\t"


@pytest.mark.parametrize(
    ("content", "shown"),
    [
        ("2 + 2 = ?", "2 + 2 = ?"),
        ([{"type": "text", "text": "2 + 2"}, {"type": "text", "text": "= ?"}], "2 + 2\n= ?"),
        ([{"type": "image_url", "image_url": {"url": "data:,x"}}], '"image_url"'),
        ([], "[]"),
        (None, '"add"'),
    ],
)
def test_a_message_is_shown_as_its_text(content: Any, shown: str) -> None:
    said = message_text({"content": content, "tool_calls": [{"function": {"name": "add"}}]})
    assert said == shown if '"' not in shown else shown in said
