"""The compare page: choosing two runs, what it shows, what it says when it cannot."""

from __future__ import annotations

import pytest

from dryrun.app.compare.view import grader_text
from dryrun.core.difference import line_differences
from dryrun.store.notes import RunNote, keep_note
from dryrun.store.partition import Store
from dryrun.store.runs import Run
from tests.helpers.fake_endpoint import FakeEndpoint, deterministic_answer
from tests.helpers.pages import page, texts
from tests.helpers.support import EXACT, FUZZY, copied, make_run, work


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> list[Run]:
    graders = ({**FUZZY, "evaluation_metric": "bleu"}, FUZZY)
    with FakeEndpoint() as endpoint:
        store = Store(tmp_path_factory.mktemp("compared"))
        runs = [make_run(store, endpoint.base_url, rows=60, grader=grader) for grader in graders]
        for run in runs:
            work(run)
    return runs


@pytest.fixture
def two(made: list[Run], store: Store) -> list[Run]:
    return copied(made, store)


@pytest.mark.slow
def test_two_runs_of_a_link_are_compared(two: list[Run]) -> None:
    keep_note(two[1], RunNote("Second ![x](http://a.example)"))
    test = page("compare", run=two[0].id, **{"with": two[1].id})
    said = texts(test)
    assert "Two graders on the same 120 responses" in said
    assert "Spearman" in said
    assert "Second (after): Second ![x](" in said
    assert len(test.main.get("vega_lite_chart")) == 2
    links = [link.proto.label for link in test.main.get("page_link")]
    assert links == ["First run's results", "Second run's results"], "each is heard alone"
    assert "grader.evaluation_metric" not in str([table.value for table in test.main.dataframe])
    assert not [header for header in test.main.header if "What differs" in header.value], "the texts say it"
    verdicts = [element.value for element in test.main.header][:2]
    assert all("GO" in verdict and "NO-GO" not in verdict for verdict in verdicts)
    test.sidebar.number_input(key="mean_low").set_value(0.89).run()
    verdicts = [element.value for element in test.main.header][:2]
    assert all("NO-GO" in verdict for verdict in verdicts)


@pytest.mark.slow
def test_the_run_looked_at_is_held_against_the_one_before_it(two: list[Run]) -> None:
    test = page("compare", run=two[1].id)
    assert "Two graders on the same 120 responses" in texts(test)
    assert (test.query_params["run"], test.query_params["with"]) == (two[0].id, two[1].id)
    assert test.session_state["current_run"] == two[1].id, "Results shows the same run as before"


@pytest.mark.slow
def test_the_graders_texts_are_held_against_each_other(two: list[Run]) -> None:
    test = page("compare", run=two[0].id, **{"with": two[1].id})
    changed = next(element.value for element in test.main.code if element.language == "diff")
    assert '-  "evaluation_metric": "bleu"' in changed
    assert '+  "evaluation_metric": "fuzzy_match"' in changed


@pytest.mark.slow
def test_there_is_nothing_to_move_before_two_runs_are_chosen() -> None:
    test = page("compare", run="recorded")
    assert "Choose two runs" in texts(test)
    assert not test.sidebar.number_input


def test_lines_of_a_source_stand_as_lines() -> None:
    grader = {"type": "multi", "graders": {"a": {"type": "python", "source": "import re\nx = '**b**'\n"}}}
    text = grader_text(grader)
    assert text.endswith("graders.a.source:\nimport re\nx = '**b**'\n")
    assert '"source": "(its lines stand below)"' in text
    other = grader_text(
        {"type": "multi", "graders": {"a": {"type": "python", "source": "import re\nx = 2\n"}}}
    )
    assert [line for line in line_differences(text, other).splitlines() if line[0] in "+-"] == [
        "-x = '**b**'",
        "+x = 2",
    ]


@pytest.mark.slow
def test_moved_prompts_show_the_responses_of_both_runs(store: Store, endpoint: FakeEndpoint) -> None:
    runs = [make_run(store, endpoint.base_url, rows=30, temperature=warmth) for warmth in (0.1, 0.5)]
    endpoint.answer = lambda _: "**before** <b>"
    work(runs[0])
    endpoint.answer = deterministic_answer
    work(runs[1])
    test = page("compare", run=runs[0].id, **{"with": runs[1].id})
    moved = test.main.dataframe[0].value
    assert len(moved) == 20
    assert (moved["Change"].to_numpy()[:-1] >= moved["Change"].to_numpy()[1:]).all()
    said = [element.value for element in test.main.code]
    assert "**before** <b>" in said
    asked = str(moved["Prompt"][0])
    assert str(sum(int(part) for part in asked.rstrip(" =").split(" + "))) in said


@pytest.mark.slow
def test_flips_show_what_both_graders_gave(store: Store, endpoint: FakeEndpoint) -> None:
    runs = [make_run(store, endpoint.base_url, rows=40, grader=grader) for grader in (EXACT, FUZZY)]
    for run in runs:
        work(run)
    test = page("compare", run=runs[0].id, **{"with": runs[1].id})
    test.session_state["flips_Pass after, failed before"] = True
    said = texts(test.run())
    assert "Score 0.00 before" in said
    assert "Score 0.67 after" in said or "Score 0.50 after" in said


@pytest.mark.slow
@pytest.mark.parametrize("missing", ["run", "with"])
def test_a_link_to_a_run_that_is_not_here_says_which_of_the_two(two: list[Run], missing: str) -> None:
    names = {"run": two[0].id, "with": two[1].id, missing: "0" * 32}
    said = texts(page("compare", **names))
    assert f"The {'first' if missing == 'run' else 'second'} run cannot be opened. There is no run" in said


@pytest.mark.slow
def test_parameters_that_mean_nothing_are_named(two: list[Run]) -> None:
    said = texts(page("compare", first=two[0].id, **{"![x](http://a.example)": "1"}))
    assert "does not know what the link says with ![x](http" in said
    assert "first. A comparison's link names two runs: /compare?run=ID&with=ID." in said
    assert "does not know" not in texts(page("compare", run=two[0].id, mean_low="0.2", evidence="false"))


@pytest.mark.slow
def test_runs_are_chosen_from_a_list_and_land_in_the_link(two: list[Run]) -> None:
    test = page("compare")
    assert "Choose two runs" in texts(test)
    test.selectbox(key="compare_first").set_value(two[1].id).run()
    test.selectbox(key="compare_second").set_value("recorded").run()
    assert not test.exception
    said = texts(test)
    assert "share no prompts" in said
    assert "\nPay the other parts of the reward" in said, "the verdict's word stands above it, once"
    assert test.query_params["run"] == two[1].id
    assert test.query_params["with"] == "recorded"
    test.switch_page("pages/results.py").run()
    test.query_params.pop("with", None)  # as a click in the menu does
    test.switch_page("pages/compare.py").run()
    assert "share no prompts" in texts(test), "the comparison is still there"
    test.selectbox(key="compare_second").set_value(two[1].id).run()
    assert "same one" in texts(test)


@pytest.mark.slow
def test_on_a_shared_server_runs_are_typed_not_listed(
    two: list[Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DRYRUN_HOSTED", "1")
    test = page("compare", run=two[0].id)
    assert two[1].id not in str(test.main)
    test.text_input(key="compare_second").set_value(f"http://host/results?run={two[1].id}").run()
    assert "Two graders on the same" in texts(test)
    test.text_input(key="compare_second").set_value("![x](http://h)").run()
    assert "There is no run" in texts(test)
