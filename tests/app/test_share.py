"""Read-only links: what each kind of viewer sees, on every page, and what nobody learns from one."""

from __future__ import annotations

import re

import pytest
from streamlit.testing.v1 import AppTest

from dryrun.app.home.view import page_of
from dryrun.app.results.downloads import viewers_report
from dryrun.app.results.provenance import file_name
from dryrun.app.shared.links import SHOWS, share_address
from dryrun.app.shared.loading import load_run
from dryrun.app.shared.session import ADJUST, BY_TOKEN, DUPLICATE, RUN, SHARE, WITH, Chosen, open_by_name
from dryrun.core.errors import DryRunError
from dryrun.core.thresholds import Thresholds
from dryrun.report import Report, render_html, render_markdown, report_of
from dryrun.store.access import OWNER, LinkKind, give_to, hash_of, links_of, make_link, opened_by, revoke
from dryrun.store.notes import RunNote, keep_note
from dryrun.store.partition import Store
from dryrun.store.runs import Run
from tests.helpers.fake_endpoint import FakeEndpoint
from tests.helpers.pages import page, texts
from tests.helpers.support import copied, make_run, work

MINE, OTHERS = "a" * 32, "b" * 32
ASKED, SAID, TOPIC, RIGHT = "Swordfish prompt", "mackerel response", "herring topic", "haddock answer"
SAFE = ("reference_answer", "string_check")


@pytest.fixture(autouse=True)
def _hosted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DRYRUN_HOSTED", "1")
    monkeypatch.setattr("dryrun.models.client.hosted", lambda: False)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> list[Run]:
    rows = [
        {
            "messages": [{"role": "user", "content": f"{ASKED} {number}"}],
            "reference_answer": RIGHT,
            "topic": TOPIC if number % 2 else "another",
        }
        for number in range(40)
    ]
    with FakeEndpoint() as endpoint:
        endpoint.answer = lambda body: SAID if "3" in body["messages"][-1]["content"] else RIGHT
        made = make_run(Store(tmp_path_factory.mktemp("shared")), endpoint.base_url, rows=rows)
        work(made, check=True)
    give_to(made, hash_of("browser", MINE))
    return [made]


@pytest.fixture
def run(made: list[Run], store: Store) -> Run:
    """A run of somebody else's, with a word of its own in each text."""
    return copied(made, store)[0]


def sent(test: AppTest) -> str:
    """All that the browser gets: every element's message, and the address."""
    nodes = [str(node.proto) for node in test._tree if getattr(node, "proto", None) is not None]
    return "\n".join([*nodes, str(dict(test.query_params))])


def tabs_of(test: AppTest) -> list[str]:
    """The names of the tabs."""
    return [tab.label for tab in test.main.tabs]


def offered(test: AppTest) -> set[str]:
    """The labels of all buttons, menus and links."""
    return set(re.findall(r'label: "([^"]*)"', sent(test)))


CHANGES = {"Cancel run", "Resume", "Good", "Bad", "Adjust Grader", "Share", "Check the grader"}
CHANGES |= {"Start Training \\342\\206\\222", "Use as ceiling"}


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize("tab", ["", "Topics", "Training signal", "Details", "Samples", "Grader", "Labels"])
def test_a_figures_link_gives_the_figures_and_not_one_text(run: Run, tab: str) -> None:
    token = make_link(run, LinkKind.FIGURES)
    keep_note(run, RunNote("Own name"))
    test = page("results", browser=OTHERS, share=token, **({"tab": tab} if tab else {}))
    said = texts(test)
    assert "You are viewing a shared run. Read-only. It shows figures only" in said
    assert "80 responses with a score" in said
    assert tabs_of(test) == ["Topics", "Training signal", "Details"]
    everything = sent(test)
    for secret in ("Own name", ASKED, SAID, RIGHT, TOPIC, run.id, run.id[:8], *SAFE, "127.0.0.1"):
        assert secret not in everything, secret
    assert not offered(test) & {*CHANGES, "Export", "Make a copy", "Try SFT", "Review Samples"}


@pytest.mark.slow
def test_topics_are_numbered_in_a_figures_link_and_the_verdict_is_the_same(run: Run) -> None:
    token = make_link(run, LinkKind.FIGURES)
    whole = load_run(open_by_name(run.id))[1]
    sealed = load_run(open_by_name(f"share-{token}"))[1]
    limits = Thresholds()
    assert sealed.judge(limits).verdict == whole.judge(limits).verdict
    assert {topic.topic for topic in sealed.judge(limits).document.topics} == {"Topic 1", "Topic 2"}
    with pytest.raises(DryRunError, match="no prompts and no responses"):
        sealed.results.inspect([0])
    with pytest.raises(DryRunError, match="no prompts and no responses"):
        report_of(sealed.results)


@pytest.mark.slow
def test_a_link_with_samples_shows_them_and_changes_nothing(run: Run) -> None:
    token = make_link(run, LinkKind.SAMPLES)
    test = page("results", browser=OTHERS, share=token)
    assert "You are viewing a shared run. Read-only." in texts(test)
    assert tabs_of(test) == ["Samples", "Topics", "Grader", "Training signal", "Details"]
    everything = sent(test)
    assert ASKED in everything
    assert SAID in everything
    assert run.id[:8] not in everything
    assert not offered(test) & CHANGES
    assert {"Export", "Make a copy"} <= offered(test)
    for tab in ("Grader", "Details", "Topics"):
        assert run.id[:8] not in sent(page("results", browser=OTHERS, share=token, tab=tab))


@pytest.mark.slow
def test_a_viewer_moves_thresholds_for_themselves(run: Run) -> None:
    rule = {"evidence": "false"}
    test = page("results", browser=OTHERS, share=make_link(run, LinkKind.FIGURES), **rule)
    assert "NO-GO" not in test.main.title[0].value
    test.sidebar.number_input(key="mean_low").set_value(0.89).run()
    assert not test.exception
    assert "NO-GO" in test.main.title[0].value
    assert "NO-GO" not in page("results", browser=MINE, run=run.id, **rule).main.title[0].value


SHARED = {"figures": LinkKind.FIGURES, "samples": LinkKind.SAMPLES}
VIEWERS = ("owner", "holder", "nobody's run", "figures", "samples", "revoked", "guessed")
NO_LINK, NOT_BY_LINK = "This link opens nothing", "it does not let you"


def opened(run: Run, viewer: str, name: str, parameter: str) -> AppTest:
    """The page as this viewer comes to it, the run in this parameter of its address."""
    if viewer in ("owner", "holder", "nobody's run"):
        if viewer == "nobody's run":
            (run.folder / OWNER).unlink()
        return page(name, browser=MINE if viewer == "owner" else OTHERS, **{parameter: run.id})
    token = make_link(run, SHARED.get(viewer, LinkKind.SAMPLES))
    if viewer == "revoked":
        revoke(run, links_of(run)[0])
    token = "g" * 22 if viewer == "guessed" else token
    given = {SHARE: token} if parameter == RUN else {parameter: f"{BY_TOKEN}{token}"}
    return page(name, browser=OTHERS, **given)


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize("viewer", VIEWERS)
@pytest.mark.parametrize(
    ("name", "parameter", "seen", "refused"),
    [
        ("results", RUN, "responses with a score", ""),
        ("run", RUN, "by fake at", "open the run's own pages"),
        ("configure", ADJUST, "Adjust the grader", "open the run's own pages"),
        ("configure", DUPLICATE, "A copy of", "copy the configuration"),
        ("compare", WITH, "Choose two runs", "open the run's own pages"),
    ],
)
def test_each_page_opens_to_whom_it_may(
    run: Run, viewer: str, name: str, parameter: str, seen: str, refused: str
) -> None:
    said = texts(opened(run, viewer, name, parameter))
    by_id = viewer in ("owner", "holder", "nobody's run")
    if viewer in ("revoked", "guessed"):
        assert NO_LINK in said
        assert name == "compare" or seen not in said  # Compare asks for two runs beside the refusal
    elif by_id or not refused or (viewer == "samples" and parameter == DUPLICATE):
        assert seen in said
        assert NOT_BY_LINK not in said
    else:
        assert f"{NOT_BY_LINK} {refused}" in said
        assert name == "compare" or seen not in said
    if not by_id:
        assert run.id not in said


MAY_CHANGE = {"owner", "nobody's run"}


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize("viewer", ["owner", "holder", "nobody's run", "figures", "samples"])
def test_each_viewer_is_offered_what_they_may_do(run: Run, viewer: str) -> None:
    (run.folder / "grader_check.json").unlink()  # as after a run that did not end: there is one to make
    grader = offered(opened(run, viewer, "results", RUN)) | offered(_on_tab(run, viewer, "Grader"))
    assert ("Share" in grader) is (viewer == "owner")
    assert ("Check the grader" in grader) is (viewer in MAY_CHANGE)
    assert ("Use as ceiling" in grader) is (viewer in MAY_CHANGE)
    assert ("Good" in grader) is (viewer not in SHARED)
    assert ("Adjust Grader" in grader) is (viewer not in SHARED)
    assert ("Export" in grader) is (viewer != "figures")
    assert ("Make a copy" in grader) is (viewer == "samples")


def _on_tab(run: Run, viewer: str, tab: str) -> AppTest:
    if viewer in SHARED:
        return page("results", browser=OTHERS, share=make_link(run, SHARED[viewer]), tab=tab)
    return page("results", browser=MINE if viewer == "owner" else OTHERS, run=run.id, tab=tab)


@pytest.mark.slow
def test_a_copy_of_a_shared_run_is_filled_in_and_does_not_name_it(run: Run) -> None:
    test = opened(run, "samples", "configure", DUPLICATE)
    assert "A copy of the shared run" in texts(test)
    assert "exact" in str(test.session_state["grader_text"])
    assert run.id[:8] not in sent(test)


@pytest.mark.slow
def test_a_report_from_a_link_names_no_run(run: Run) -> None:
    chosen = open_by_name(f"{BY_TOKEN}{make_link(run, LinkKind.SAMPLES)}")
    loaded = load_run(chosen)[1]
    evidence = loaded.judge(Thresholds())
    for write in (render_html, render_markdown, Report.to_json):
        content = write(viewers_report(loaded, evidence))
        assert SAID in content
        assert run.id[:8] not in content
    assert run.id[:8] not in file_name(loaded, evidence, "html")
    own = load_run(Chosen(run))[1]
    assert run.id in viewers_report(own, evidence).to_json()


@pytest.mark.slow
def test_the_owner_reads_who_sees_what_makes_links_and_revokes_them(store: Store, run: Run) -> None:
    test = page("results", browser=MINE, run=run.id)
    test.button(key="share").click().run()
    said = texts(test)
    assert "Anybody who has the link can open it" in said
    assert [str(caption) for caption in test.radio(key="share_kind").proto.captions] == list(SHOWS.values())
    assert links_of(run) == []
    test.session_state["share_kind"] = LinkKind.SAMPLES
    test.button(key="share").click().run()
    test.button(key="share_make").click().run()
    assert not test.exception
    [link] = links_of(run)
    token = test.session_state["share_made"]
    assert opened_by(store, token) == (run, link)
    assert link.kind is LinkKind.SAMPLES
    test.button(key="share").click().run()
    test.button(key=f"revoke_{link.hash[:16]}").click().run()
    assert links_of(run) == []


def test_a_link_keeps_the_thresholds_and_neither_the_run_nor_a_filter() -> None:
    given = {RUN: ["f" * 32], "mean_low": ["0.2"], "without": ["groups", "anchors"], "topic": [TOPIC]}
    address = share_address("token", "https://host/dryrun/results?run=1#x", given)
    assert address == ("https://host/dryrun/results?share=token&mean_low=0.2&without=groups&without=anchors")


@pytest.mark.slow
def test_a_page_that_is_open_closes_when_its_link_is_revoked(run: Run) -> None:
    test = page("results", browser=OTHERS, share=make_link(run, LinkKind.SAMPLES))
    assert ASKED in sent(test)
    revoke(run, links_of(run)[0])
    test.sidebar.number_input(key="mean_low").set_value(0.89).run()
    assert not test.exception
    assert NO_LINK in texts(test)
    assert ASKED not in sent(test)


@pytest.mark.slow
def test_a_damaged_run_does_not_tell_its_id(run: Run) -> None:
    token = make_link(run, LinkKind.FIGURES)
    (run.folder / "prompts.parquet").write_bytes(b"torn")
    test = page("results", browser=OTHERS, share=token)
    assert "prompts.parquet cannot be read" in texts(test)
    assert run.id not in sent(test)


@pytest.mark.slow
def test_an_old_place_of_links_leads_to_results(run: Run) -> None:
    assert page_of({SHARE: [make_link(run, LinkKind.FIGURES)]}) == "results"
