"""Start Training on the results page: a place, what it cannot take, the checklist and the files."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from dryrun.graders.checks.platforms import Platform
from tests.helpers.pages import page, texts


def opened() -> AppTest:
    test = page("results", run="recorded")
    test.session_state["start_training"] = True
    return test.run()


@pytest.mark.slow
def test_a_place_shows_its_files_and_its_checklist() -> None:
    test = opened()
    assert not test.exception
    choice = test.selectbox(key="training_place")
    assert len(choice.options) == len(Platform)
    choice.set_value(Platform.TRL).run()
    said = texts(test)
    assert "270 training rows, 30 for validation" in said.replace("**", "")
    assert "without the sandbox" in said
    assert "train.py" in said
    test.selectbox(key="training_place").set_value(Platform.BEDROCK).run()
    assert "Invoke the Lambda function once by hand" in texts(test)


@pytest.mark.slow
def test_a_training_set_that_was_chosen_is_what_is_written() -> None:
    test = page("results", run="recorded", tab="Training signal")
    test.toggle(key="profile_shown").set_value(True).run()
    chosen = test.session_state["chosen_set"][2]
    assert 0 < len(chosen.train) < 270
    test.session_state["start_training"] = True
    test.run()
    assert f"{len(chosen.train)} training rows" in texts(test).replace("**", "")
    test.toggle(key="training_chosen").set_value(False).run()
    assert "270 training rows" in texts(test).replace("**", "")
