"""Labels are kept with the run, come and go as files, and enter the verdict."""

from __future__ import annotations

import csv
import io
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from dryrun.cli.main import main
from dryrun.core.errors import ProblemsError
from dryrun.report import render_markdown, report_of
from dryrun.report.training_set.chosen import to_jsonl
from dryrun.store.labels import (
    Label,
    LabelBook,
    Mark,
    book_of,
    carry,
    export_rows,
    identities,
    labelled,
    majority,
    named,
    newest,
    parse_labels,
    to_csv,
)
from dryrun.store.partition import Store
from dryrun.store.results import Results, load_results
from dryrun.store.runs import list_runs
from tests.helpers.fake_endpoint import FakeEndpoint
from tests.helpers.support import FUZZY, ROOT, make_run, sum_rows, work


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """The address of a server, and a data directory with a run there that nobody has labelled."""
    root = tmp_path_factory.mktemp("finished") / "data"
    with FakeEndpoint() as server:
        work(make_run(Store(root), server.base_url, rows=60))
        yield server.base_url, root


@pytest.fixture
def results(store: Store, finished: tuple[str, Path]) -> Results:
    shutil.copytree(finished[1], store.root)
    return load_results(list_runs(store)[0])


def label_all(results: Results, count: int, *, wrong: bool, by: str = "ann") -> None:
    """The first `count` responses, as the grader says or the opposite."""
    score = results.observations().score
    names = identities(results)
    marks = [Mark.GOOD if (score[row] == 1.0) != wrong else Mark.BAD for row in range(count)]
    book_of(results.run).add([Label.of(names[row], mark, by) for row, mark in enumerate(marks)])


ADD_MANY = """
import sys
from pathlib import Path
from dryrun.store.labels import Label, LabelBook, Mark
for _ in range(40):
    LabelBook(Path(sys.argv[1])).add([Label.of(("a" * 32, "b" * 32), Mark.GOOD, sys.argv[2])])
"""


@pytest.mark.slow
def test_two_processes_that_label_at_once_lose_nothing(tmp_path: Path) -> None:
    book = LabelBook(tmp_path / "labels")
    adding = [
        subprocess.Popen([sys.executable, "-c", ADD_MANY, book.folder, by], cwd=ROOT) for by in ("ann", "bob")
    ]
    assert [process.wait() for process in adding] == [0, 0]
    assert len(book.labels()) == 80
    assert set(newest(book.labels())[("a" * 32, "b" * 32)]) == {"ann", "bob"}


def test_of_each_person_the_newest_label_counts_and_the_majority_settles() -> None:
    identity = "a" * 32, "b" * 32

    def label(mark: Mark, by: str, at: float) -> Label:
        return Label(sample=identity[0], item=identity[1], label=mark, by=by, at=at)

    labels = [label(Mark.BAD, "ann", 2), label(Mark.GOOD, "ann", 1), label(Mark.UNSURE, "cy", 3)]
    assert majority(newest(labels)[identity]) is Mark.BAD
    labels.append(label(Mark.GOOD, "bob", 4))
    assert majority(newest(labels)[identity]) is None
    labels.append(label(Mark.GOOD, "dee", 5))
    assert majority(newest(labels)[identity]) is Mark.GOOD
    assert majority({"cy": labels[2]}) is Mark.UNSURE


@pytest.mark.parametrize(
    ("typed", "kept"),
    [("  Ann  B ", "Ann B"), ("", "anonymous"), ("a\nb\x00", "a b"), ("x" * 200, "x" * 80)],
)
def test_a_name_is_one_printable_line(typed: str, kept: str) -> None:
    assert named(typed) == kept


@pytest.mark.slow
def test_labels_that_contradict_the_grader_turn_go_into_no_go_from_twenty_on(results: Results) -> None:
    assert report_of(results, evidence=True).verdict == "GO"
    label_all(results, 19, wrong=True)
    report = report_of(results, evidence=True)
    assert report.verdict == "GO"
    assert report.evidence is not None
    assert any("from 20 on" in sentence for sentence in report.evidence.sentences)
    assert any("people's labels" in name for name in report.evidence.not_measured)
    label_all(results, 40, wrong=True)
    report = report_of(results, evidence=True)
    assert report.verdict == "NO-GO"
    assert report.evidence is not None
    assert report.evidence.grader_quality == "disagrees_with_humans"
    assert report.evidence.people is not None
    assert report.evidence.people.labels == 40
    assert report.evidence.people.kappa is not None
    assert report.evidence.people.kappa < -0.5
    assert not any("people's labels" in name for name in report.evidence.not_measured)
    assert report_of(results, evidence=False).verdict == "GO", "the document's rule alone hears nobody"


@pytest.mark.slow
def test_labels_that_agree_leave_the_verdict(results: Results) -> None:
    label_all(results, 40, wrong=False)
    report = report_of(results, evidence=True)
    assert report.verdict == "GO"
    assert report.evidence is not None
    assert report.evidence.people is not None
    assert report.evidence.people.auc == 1.0
    assert "kappa 1.00" in render_markdown(report)


@pytest.mark.slow
def test_without_anchors_people_say_whose_fault_a_low_mean_is(store: Store, endpoint: FakeEndpoint) -> None:
    """The grader wants a word that no response has; people call most responses good."""
    rows = [{"messages": row["messages"]} for row in sum_rows(60)]
    grader = {"type": "string_check", "name": "never", "input": "{{sample.output_text}}"}
    run = make_run(
        store, endpoint.base_url, rows=rows, grader={**grader, "reference": "?", "operation": "eq"}
    )
    work(run)
    results = load_results(run)
    before = report_of(results, evidence=True)
    assert before.evidence is not None
    assert before.evidence.blame_grader is None
    names = identities(results)
    marks = [Mark.GOOD] * 24 + [Mark.BAD] * 6
    book_of(run).add([Label.of(name, mark, "ann") for name, mark in zip(names, marks, strict=False)])
    after = report_of(results, evidence=True)
    assert after.evidence is not None
    assert after.evidence.blame_grader == pytest.approx(0.8)
    assert after.evidence.grader_quality == "too_strict"


@pytest.mark.slow
def test_disagreement_between_people_is_counted_and_in_no_figure(results: Results) -> None:
    label_all(results, 30, wrong=False, by="ann")
    label_all(results, 3, wrong=True, by="bob")
    found = labelled(results, book_of(results.run).labels())
    assert found is not None
    assert (found.people, found.disputed, found.differing, found.several) == (2, 3, 3, 3)
    assert found.score.size == 27


@pytest.mark.slow
def test_what_is_exported_can_be_taken_over_again(results: Results, tmp_path: Path) -> None:
    label_all(results, 25, wrong=False)
    rows = export_rows(results, book_of(results.run).labels())
    again = parse_labels(to_jsonl(rows), results)
    assert newest(again) == newest(book_of(results.run).labels())
    first = rows[0]
    assert (first["row"], first["response"], first["by"]) == (first["row"], 1, "ann")
    assert first["text"] == results.inspect([0])[0].sample.text


@pytest.mark.slow
def test_labels_by_row_and_response_are_taken_over(results: Results) -> None:
    places = results.run.prompt_columns(["row"])["row"].to_pylist()
    line = json.dumps({"row": places[2] + 1, "response": 2, "label": "Good"})
    [label] = parse_labels(f"\n{line}\n".encode(), results, by="cy")
    assert label.identity == identities(results)[5]
    assert (label.label, label.by) == (Mark.GOOD, "cy")


@pytest.mark.quick_cases(2)
@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("{", "line 2: is not JSON"),
        ("[1]", "line 2: is not a JSON object"),
        ('{"row": 1, "label": "fine"}', "line 2: label is 'fine'; write good, bad or unsure"),
        ('{"row": 0, "label": "good"}', "line 2: names no response of this run"),
        ('{"row": "1", "label": "good"}', "line 2: names no response"),
        ('{"sample": "x", "item": "y", "label": "good"}', "line 2: names no response"),
    ],
)
def test_a_line_that_is_no_label_is_named_and_nothing_is_taken_over(
    results: Results, line: str, words: str
) -> None:
    good = json.dumps({"row": 1, "label": "good"})
    with pytest.raises(ProblemsError) as caught:
        parse_labels(f"{good}\n{line}\n".encode(), results)
    assert words in str(caught.value)


def test_a_spreadsheet_runs_no_formula(results: Results) -> None:
    label_all(results, 1, wrong=False, by="=HYPERLINK(1)")
    [row] = list(
        csv.DictReader(io.StringIO(to_csv(export_rows(results, book_of(results.run).labels())).decode()))
    )
    assert row["by"] == "'=HYPERLINK(1)"
    assert to_csv([]) == b""


@pytest.mark.slow
def test_labels_hold_under_another_grader(
    results: Results, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    label_all(results, 30, wrong=False)
    grader = tmp_path / "fuzzy.json"
    grader.write_text(json.dumps(FUZZY))
    main(["regrade", "--run", results.run.id, "--grader", str(grader)])
    assert "30 responses labelled good or bad by 1 person" in " ".join(capsys.readouterr().out.split())


def test_carrying_twice_is_carrying_once(results: Results, store: Store, finished: tuple[str, Path]) -> None:
    label_all(results, 5, wrong=False)
    other = make_run(store, finished[0], rows=60, grader=FUZZY)
    carry(results.run, other)
    carry(results.run, other)
    assert len(book_of(other).labels()) == 5


def test_the_command_takes_over_writes_and_says(
    results: Results, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = results.run.id
    assert main(["labels", "--run", run]) == 0
    assert "Nobody has labelled" in capsys.readouterr().out
    given = tmp_path / "given.jsonl"
    rows = results.run.prompt_columns(["row"])["row"].to_pylist()
    given.write_text("".join(json.dumps({"row": row + 1, "label": "good"}) + "\n" for row in rows[:22]))
    out = tmp_path / "labels.csv"
    assert main(["labels", "--run", run, "--import", str(given), "--by", "Ann", "--out", str(out)]) == 0
    printed = capsys.readouterr()
    assert "22 labels taken over" in printed.err
    assert "22 responses labelled good or bad by 1 person." in printed.out
    assert "The grader rejects" in printed.out
    assert len(list(csv.DictReader(io.StringIO(out.read_text())))) == 22
    given.write_text("{")
    assert main(["labels", "--run", run, "--import", str(given)]) == 2
    assert "line 1: is not JSON" in capsys.readouterr().err


def test_a_foreign_file_among_the_labels_is_passed_over(results: Results) -> None:
    label_all(results, 3, wrong=False)
    (book_of(results.run).folder / "label-torn.jsonl").write_bytes(b'{"sample": ')
    assert len(book_of(results.run).labels()) == 3
