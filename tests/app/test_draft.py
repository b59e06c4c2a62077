"""What a reload of New run keeps, and what it never does."""

from __future__ import annotations

import json

import pytest
from streamlit.testing.v1 import AppTest

from dryrun.app.configure.dataset import GONE
from dryrun.app.configure.draft import ALL, DRAFT, HOUR, KEPT, LARGEST, MOST, UPLOAD, Drafts
from dryrun.app.shared.launch import SOURCE, DatasetSource
from dryrun.app.shared.widgets import Upload
from tests.helpers.fake_endpoint import FakeEndpoint
from tests.helpers.pages import group, page, texts, write_grader
from tests.helpers.support import EXACT, sum_rows

SECRET = "sk-never-kept"


def test_a_draft_is_its_owners_alone_and_is_forgotten_after_an_hour() -> None:
    drafts = Drafts()
    drafts.keep("a", "one", {"rollouts": 2}, 0.0)
    assert drafts.find("a", ("another", "one"), HOUR - 1) == {"rollouts": 2}
    assert drafts.find("a", ("another",), 1.0) is None
    drafts.keep("a", "one", {"rollouts": 3}, HOUR - 1)
    assert drafts.find("a", ("one",), HOUR + 1) == {"rollouts": 3}, "an hour from the last change"
    assert drafts.find("a", ("one",), 2 * HOUR) is None


def test_drafts_take_no_more_memory_than_they_may() -> None:
    drafts = Drafts()
    for number in range(MOST + 1):
        drafts.keep(str(number), "one", {}, 0.0)
    assert [drafts.find(name, ("one",), 1.0) is None for name in ("0", "1")] == [True, False]
    file = Upload("rows.jsonl", bytes(LARGEST))
    for number in range(ALL // LARGEST + 1):
        drafts.keep(f"file {number}", "one", {UPLOAD: file}, 2.0)
    assert [drafts.find(f"file {number}", ("one",), 3.0) is None for number in (0, 1)] == [True, False]
    drafts.keep("large", "one", {UPLOAD: Upload("rows.jsonl", bytes(LARGEST + 1))}, 2.0)
    assert drafts.find("large", ("one",), 3.0) == {SOURCE: DatasetSource.GONE, GONE: "rows.jsonl"}


def test_no_key_of_an_endpoint_is_on_the_list_of_what_is_kept() -> None:
    assert not [name for name in KEPT if name.endswith("_key")]


def filled(test: AppTest, base_url: str) -> AppTest:
    """New run with everything changed that a reload used to take away."""
    rows = "".join(json.dumps(row) + "\n" for row in sum_rows(7))
    test.file_uploader[0].set_value(("mine.jsonl", rows.encode(), "application/json")).run()
    write_grader(test, EXACT)
    group(test, "model_where").set_value("OpenAI-compatible endpoint").run()
    test.text_input(key="base_url").set_value(base_url).run()
    test.text_input(key="api_key").set_value(SECRET)
    test.text_input(key="model_name").set_value("base-7b")
    return test.number_input(key="rollouts").set_value(3).run()


@pytest.mark.slow
def test_a_reload_finds_the_form_as_it_was_but_for_its_keys(endpoint: FakeEndpoint) -> None:
    assert DRAFT not in page("configure").query_params, "nothing was changed"
    before = filled(page("configure"), endpoint.base_url)
    assert SECRET not in str([before.session_state[key] for key in KEPT if key in before.session_state])
    name = "".join(before.query_params[DRAFT])
    test = page("configure", draft=name)
    said = texts(test)
    assert "Used: mine.jsonl" in said
    assert "7 × 3 = **21 calls** to base-7b" in said
    assert json.loads(test.session_state["grader_text"]) == EXACT
    assert test.text_input(key="api_key").value == ""
    assert "as you left it" in test.toast[0].value
    assert "".join(test.query_params[DRAFT]) == name
    assert not test.run().toast


@pytest.mark.slow
def test_hosted_a_draft_is_found_by_its_own_browser_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DRYRUN_HOSTED", "1")
    mine = write_grader(page("configure", browser="1" * 32), EXACT)
    name = "".join(mine.query_params[DRAFT])
    other = page("configure", browser="2" * 32, draft=name)
    assert "combined" in other.session_state["grader_text"]
    assert DRAFT not in other.query_params
    again = page("configure", browser="1" * 32, draft=name)
    assert json.loads(again.session_state["grader_text"]) == EXACT
