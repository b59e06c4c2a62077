"""The one-file HTML report: nothing fetched, everything escaped, all that the JSON says in words."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
from collections.abc import Iterator, Mapping
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from dryrun.analysis.figures.anchors import Anchors
from dryrun.analysis.observations import Observations
from dryrun.analysis.training.record import training_of
from dryrun.analysis.training.words import HEADROOM_TITLE, TRAINING_TITLE
from dryrun.core.errors import DryRunError
from dryrun.core.thresholds import Thresholds
from dryrun.report import Report, RunEntry, build_report, load_report, pictures, render_html, vega_child
from dryrun.report.pictures import histogram_picture
from tests.analysis.training.shaped import shaped_run
from tests.helpers.observed import beta_scores, observe
from tests.helpers.support import ROOT
from tests.report.test_report import HOSTILE

IN_A_CHILD = pictures._drawn


@pytest.fixture(scope="module", autouse=True)
def _drawn_by_this_process() -> Iterator[None]:
    """Vega begins once for all tests here, and draws a chart once for all pages that have it.

    Tests of the process that draws ask for `drawn_by_a_child`.
    """
    known: dict[tuple[str, str], str] = {}

    def drawn(charts: Mapping[str, dict[str, Any]], form: str = "svg") -> dict[str, str]:
        contents = {name: (json.dumps(chart), form) for name, chart in charts.items()}
        for name, content in contents.items():
            known[content] = known.get(content) or vega_child.drawn(charts[name], form)
        return {name: known[content] for name, content in contents.items()}

    with pytest.MonkeyPatch.context() as changed:
        changed.setattr(pictures, "_drawn", drawn)
        yield


@pytest.fixture
def drawn_by_a_child(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "_drawn", IN_A_CHILD)


class Seen(HTMLParser):
    """Tags with their attributes, and the text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def full_report(topic: str = "a", name: str = "rows.jsonl", **changes: Any) -> Report:
    rng = np.random.default_rng(1)
    score = np.clip(0.05 + rng.normal(0, 0.05, (120, 4)), 0, 1)
    seen = Observations.of(score, topics=[topic, "b"] * 60, lengths=rng.random((120, 4)))
    anchors = Anchors(
        reference=rng.uniform(0.3, 0.4, 50),
        reformatted=rng.uniform(0.2, 0.3, 50),
        junk={topic: rng.uniform(0, 0.02, 20), "empty": np.zeros(20)},
        regraded=np.repeat(score.ravel()[:50, None], 2, axis=1),
    )
    run = RunEntry(id="abc", dataset=name, model=name, prompts_asked=120, rollouts=4)
    return build_report(seen, Thresholds(), run, anchors=anchors)


@pytest.mark.slow
def test_the_file_asks_for_nothing_and_runs_nothing() -> None:
    html = render_html(full_report())
    seen = Seen(html)
    assert {"script", "link", "img", "iframe", "object", "form", "a", "base"}.isdisjoint(
        tag for tag, _ in seen.tags
    )
    loading = {"src", "href", "xlink:href", "srcset", "action", "data"}
    assert all(loading.isdisjoint(attributes) for _, attributes in seen.tags)
    assert not any(name.startswith("on") for _, attributes in seen.tags for name in attributes)
    assert "url(" not in html.replace("url(#", "")
    named = [attributes["id"] for _, attributes in seen.tags if "id" in attributes]
    assert len(named) == len(set(named))
    assert "@import" not in html
    policy = next(a["content"] for tag, a in seen.tags if a.get("http-equiv") == "Content-Security-Policy")
    assert policy == "default-src 'none'; style-src 'unsafe-inline'"


@pytest.mark.slow
def test_it_carries_verdict_blame_evidence_and_what_is_open() -> None:
    report = full_report()
    seen = Seen(render_html(report))
    text = seen.text
    assert report.evidence is not None
    for words in (
        report.diagnosis.summary,
        *(line.removeprefix("Next: ") for line in report.evidence.sentences),
        *report.diagnosis.warnings,
        *report.not_measured,
        "The grader's share of the blame",
        "Evidence that entered: samples, stability, groups, references",
    ):
        assert words in text
    assert sum(tag == "svg" for tag, _ in seen.tags) == 4
    assert all(a.get("aria-label") for tag, a in seen.tags if tag == "svg")


@pytest.fixture(scope="module")
def harmless() -> Seen:
    return Seen(render_html(full_report("odd", "odd")))


@pytest.mark.slow
@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_text_and_nothing_else(name: str, harmless: Seen) -> None:
    hostile = Seen(render_html(full_report(name, name)))
    assert [tag for tag, _ in hostile.tags] == [tag for tag, _ in harmless.tags]
    assert " ".join(name.split())[:12] in " ".join(hostile.text.split())


@pytest.mark.slow
def test_what_was_run_stands_on_top_and_endless_names_are_cut() -> None:
    text = Seen(render_html(full_report("m" * 1_000, "rows.jsonl"))).text
    top = text[: text.index("Tested:")]
    assert "rows.jsonl · 120 prompts × 4 responses by rows.jsonl · report of " in top
    assert "m" * 79 + "…" in text
    cells = text[text.index("By topic") : text.index("Evidence")]
    assert "m" * 81 not in cells


@pytest.mark.slow
@pytest.mark.parametrize("scores", [[], [0.5] * 40, list(beta_scores(0.42, 0.21))])
def test_the_tree_alone_and_an_empty_run_have_a_page_too(scores: list[float]) -> None:
    report = build_report(observe(scores, topics="a"), evidence=False)
    text = Seen(render_html(report)).text
    assert report.verdict in text
    assert "Rules: document" in text


@pytest.mark.slow
def test_a_stored_report_makes_the_same_page() -> None:
    report = full_report()
    assert render_html(load_report(report.to_json())) == render_html(report)


@pytest.mark.slow
def test_each_picture_says_the_same_in_words() -> None:
    told = [a["aria-label"] or "" for tag, a in Seen(render_html(full_report())).tags if tag == "svg"]
    starts = (
        "Score histogram of 480 scores",
        "Mean scores: reference",
        "120 prompts sorted",
        "Mean score by",
    )
    assert all(words.startswith(start) for words, start in zip(told, starts, strict=True))


@pytest.mark.slow
@pytest.mark.usefixtures("drawn_by_a_child")
def test_a_process_of_its_own_draws_the_same_pictures() -> None:
    charts = {"one": {"mark": "bar", "data": {"values": [{"a": 1}]}, "encoding": {"x": {"field": "a"}}}}
    assert pictures._drawn(charts) == {"one": vega_child.drawn(charts["one"])}


@pytest.mark.quick_cases(1)
@pytest.mark.usefixtures("drawn_by_a_child")
@pytest.mark.parametrize(
    ("code", "why", "seconds"),
    [
        ("raise ModuleNotFoundError(\"No module named 'vl_convert'\")", "install vl-convert-python", 60),
        ("import os; os.abort()", "the process that draws them failed", 60),
        ("print('not JSON')", "did not answer", 60),
        ("import time; time.sleep(600)", "did not answer", 0.1),
    ],
)
def test_without_pictures_the_report_says_so_and_keeps_its_tables(
    code: str, why: str, seconds: float, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    child = tmp_path / "child.py"
    child.write_text(code)
    monkeypatch.setattr(pictures, "CHILD", child)
    monkeypatch.setattr(pictures, "LONGEST_WAIT", seconds)
    seen = Seen(render_html(full_report()))
    assert why in seen.text
    assert "svg" not in {tag for tag, _ in seen.tags}
    assert "Average performance" in seen.text


@pytest.mark.slow
def test_what_training_is_paid_for_has_its_two_charts_where_it_was_measured() -> None:
    seen = shaped_run()
    page = Seen(render_html(build_report(seen, training=training_of(seen))))
    said = [a["aria-label"] or "" for tag, a in page.tags if tag == "svg"]
    assert [words for words in said if words.startswith(("200 groups: outcome differs", "pass@K over 200"))]
    assert page.text.index(TRAINING_TITLE) < page.text.index(HEADROOM_TITLE)


@pytest.mark.slow
def test_the_histogram_leaves_as_a_file_that_reads_on_white_and_on_dark_ground() -> None:
    report = full_report(name="<b>rows</b>.jsonl" * 20)
    svg = histogram_picture(report, "svg").decode()
    assert "currentColor" not in svg
    assert '<rect width="' in svg
    assert 'fill="#ffffff"' in svg
    texts = list(ElementTree.fromstring(svg).itertext())
    for words in (report.headline, "mean 0.05", "480 responses with a score", "<b>rows</b>"):
        assert any(words in text for text in texts), words
    png = histogram_picture(report, "png")
    width, height = struct.unpack(">II", png[16:24])
    assert png.startswith(b"\x89PNG")
    assert 1_440 < width < 1_800
    assert 600 < height < 1_000


def test_without_a_score_there_is_no_histogram() -> None:
    with pytest.raises(DryRunError, match="no response has a score"):
        histogram_picture(build_report(observe([])), "png")


@pytest.mark.slow
def test_json_and_markdown_load_no_charts() -> None:
    code = (
        "import sys; from dryrun.report import build_report, render_markdown; "
        "from tests.helpers.observed import observe; report = build_report(observe([0.5] * 40)); "
        "report.to_json(); render_markdown(report); assert not {'altair', 'vl_convert'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
