"""Responses that were generated elsewhere become a run: to grade, or to judge by their own scores."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dryrun.cli.main import main
from dryrun.core.errors import DatasetError, DryRunError
from dryrun.core.records import RunState, SampleOutcome
from dryrun.engine.imports.records import RecordError, read_record
from dryrun.engine.imports.run import RECORDED_SCORES, import_samples
from dryrun.engine.prepare import regraded, start
from dryrun.report import report_of
from dryrun.store.partition import Store
from dryrun.store.results import Inspected, load_results
from dryrun.store.runs import Run
from tests.helpers.grading import grade
from tests.helpers.pages import page, texts
from tests.helpers.support import DATA, EXACT, work

LOGS = DATA / "imports"
SUMS = [(2, 3, ["5", "6"]), (4, 4, ["8", "8"]), (7, 5, ["12", "13"])]


def read(run: Run) -> list[Inspected]:
    results = load_results(run)
    return results.inspect(range(results.rollouts.num_rows))


def rewards(run: Run) -> list[float | None]:
    return [found.grade.reward if found.grade else None for found in read(run)]


def trl(**more: Any) -> bytes:
    """A Parquet file as TRL's ``log_completions`` writes one per step."""
    rows = [
        {
            "step": 3,
            "prompt": f"What is {a} + {b}?",
            "completion": text,
            "accuracy_reward": float(text == str(a + b)),
            "advantage": 0.5,
            "reference_answer": str(a + b),
            **more,
        }
        for a, b, texts in SUMS
        for text in texts
    ]
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), sink)
    return sink.getvalue()


def lines_of(rows: Sequence[dict[str, Any]]) -> bytes:
    return "\n".join(map(json.dumps, rows)).encode()


def log(name: str) -> tuple[Path | bytes, str]:
    return (trl(), "completions_00003.parquet") if name == "trl" else (LOGS / name, name)


def test_a_folder_of_files_is_one_log(tmp_path: Path, store: Store) -> None:
    folder = tmp_path / "steps"
    folder.mkdir()
    lines = (LOGS / "verl.jsonl").read_text().splitlines(keepends=True)
    for step in range(2):
        (folder / f"{step + 1}.jsonl").write_text("".join(lines[step::2]))
    run = import_samples(store, folder, folder.name)
    assert sorted(filter(None, rewards(run))) == [1.0] * 4
    assert len(rewards(run)) == 6
    (folder / "2.jsonl").write_text("{}\n")
    with pytest.raises(DatasetError, match=r"nothing was imported\.\n  row 4, "):
        import_samples(store, folder, folder.name)


@pytest.mark.parametrize(("steps", "told_of"), [((4,), ""), ((0, 10, 20), "of 3 training steps, 0 to 20")])
def test_a_log_of_several_steps_says_that_the_model_changed(
    steps: tuple[int, ...], told_of: str, store: Store
) -> None:
    rows = [{"prompt": f"p {step}", "response": "r", "score": 1, "step": step} for step in steps]
    message = import_samples(store, lines_of(rows), "a.jsonl").status().message
    assert told_of in message
    assert ("the model changed" in message) is bool(told_of)


@pytest.mark.parametrize("name", ["trl", "verl.jsonl", "verifiers.jsonl", "openai_evals.jsonl"])
def test_a_log_is_judged_by_the_scores_it_came_with(name: str, store: Store) -> None:
    run = import_samples(store, *log(name))
    assert run.status().state is RunState.FINISHED
    assert rewards(run) == [1.0, 0.0, 1.0, 1.0, 1.0, 0.0]
    report = report_of(load_results(run))
    assert report.diagnosis.verdict == "INVALID"  # three prompts
    assert report.to_dict()["statistics"]["mean"] == pytest.approx(4 / 6)


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize(
    "name", ["trl", "verl.jsonl", "verifiers.jsonl", "openai_evals.jsonl", "script.jsonl"]
)
def test_a_log_is_graded_without_a_model(name: str, store: Store) -> None:
    run = import_samples(store, *log(name), EXACT)
    status = work(run)
    assert (status.state, status.calls, status.failed) == (RunState.FINISHED, 0, 0)
    assert rewards(run) == [1.0, 0.0, 1.0, 1.0, 1.0, 0.0][: status.total]


def test_a_json_list_of_records_is_the_same_log(store: Store) -> None:
    lines = (LOGS / "verl.jsonl").read_bytes().splitlines()
    run = import_samples(store, b"[" + b",\n".join(lines) + b"]", "verl.json")
    assert rewards(run) == [1.0, 0.0, 1.0, 1.0, 1.0, 0.0]


def test_prompts_responses_and_references_are_where_they_belong(store: Store) -> None:
    found = read(import_samples(store, *log("openai_evals.jsonl")))
    assert [one.sample.text for one in found] == ["5", "6", "8", "8", "12", "13"]
    assert [one.sample.rollout for one in found] == [0, 1, 0, 1, 0, 1]
    assert [message["role"] for message in found[0].prompt.messages] == ["developer", "user"]
    assert {one.prompt.item["reference_answer"] for one in found} == {"5", "8", "12"}
    assert {one.prompt.topic for one in found} == {"addition"}
    assert (found[0].sample.prompt_tokens, found[0].sample.completion_tokens) == (22, 2)
    assert [one.sample.outcome for one in found[-2:]] == [SampleOutcome.ANSWERED, SampleOutcome.TRUNCATED]


def test_what_differs_between_responses_stays_out_of_the_rows(store: Store) -> None:
    items = [one.prompt.item for one in read(import_samples(store, *log("verifiers.jsonl"), EXACT))]
    run = import_samples(store, *log("verifiers.jsonl"), EXACT)
    work(run)
    items = [one.prompt.item for one in read(run)]
    assert items
    for item in items:
        assert not item.keys() & {"generation_ms", "exact", "reward", "completion", "id"}
        assert item["info"]["level"] in (0, 1, 2)


@pytest.mark.slow
def test_prompts_with_fewer_responses_are_not_missing_any(store: Store) -> None:
    run = import_samples(store, *log("script.jsonl"), EXACT)
    assert work(run).total == 5
    results = load_results(run)
    assert (results.rollouts.num_rows, results.pending) == (5, 0)
    again = start(store, regraded(run, {**EXACT, "operation": "ne"}))
    assert work(again).state is RunState.FINISHED
    assert rewards(again) == [0.0, 1.0, 0.0, 0.0, 0.0]


@pytest.mark.slow
def test_the_same_file_twice_shares_its_samples(store: Store) -> None:
    first, second = (import_samples(store, *log("verl.jsonl"), EXACT) for _ in range(2))
    work(first)
    assert work(second).reused == 6
    assert len(list((store.root / "samples").glob("*/part-*"))) == 1


@pytest.mark.slow
def test_the_recorded_scores_are_a_grader_that_gives_them_again(store: Store) -> None:
    for found in read(import_samples(store, *log("verl.jsonl"))):
        assert found.grade is not None
        again = grade(RECORDED_SCORES, found.sample.text, dict(found.prompt.item))
        assert again.reward == found.grade.reward


def test_scores_beyond_one_set_the_scale(store: Store) -> None:
    rows = [{"prompt": "p", "response": str(score), "score": score} for score in (-1, 0, 3)]
    run = import_samples(store, b"".join(json.dumps(row).encode() + b"\n" for row in rows), "a.jsonl")
    assert run.config().reward_range == (-1.0, 3.0)


def test_whole_marks_from_1_on_begin_at_1(store: Store) -> None:
    for name, scores, scale in (
        ("a", (1, 1, 5), (1.0, 5.0)),
        ("b", (1, 1.5, 5), (0.0, 5.0)),
        ("c", (1, 2), (0.0, 2.0)),
    ):
        rows = [
            {"prompt": f"{name} {place}", "response": "r", "score": score}
            for place, score in enumerate(scores)
        ]
        run = import_samples(store, lines_of(rows), f"{name}.jsonl")
        assert run.config().reward_range == scale


def test_a_table_with_numbers_as_text_is_a_log(store: Store) -> None:
    text = 'prompt,response,score,reference_answer\n1 + 1?,2,1.0,2\n1 + 1?,3,0,2\n2 + 2?,"4, I think",0.5,4\n'
    run = import_samples(store, text.encode(), "a.csv")
    assert sorted(filter(None, rewards(run))) == [0.5, 1.0]
    assert [found.sample.text for found in read(run)] == ["2", "3", "4, I think"]
    assert read(run)[0].prompt.item["reference_answer"] == "2"


def test_records_without_a_score_among_others_are_to_be_left_out(store: Store) -> None:
    rows = [{"prompt": "p", "response": "a", "score": score} for score in (1.0, None)]
    with pytest.raises(DryRunError, match=r"1 of 2 responses have no score.* or leave their records out\.$"):
        import_samples(store, lines_of(rows), "a.jsonl")


@pytest.mark.parametrize(
    ("paid", "quality"),
    [
        (lambda right, turn: right, ("good", "binary")),
        (lambda right, turn: 1.0 - right, ("unknown", "inverted")),
        (lambda right, turn: float(turn % 20 > 0), ("unknown", "too_lenient")),
        (lambda right, turn: float(turn % 20 == 0), ("unknown", "too_strict")),
        (lambda right, turn: float(turn % 3 == 0), ("unknown", "cannot_differentiate")),
    ],
)
def test_responses_that_came_with_scores_are_read(
    paid: Callable[[float, int], float], quality: tuple[str, str], store: Store
) -> None:
    rows = [
        {
            "prompt": f"What is {place} + {place}?",
            "response": f"So it is {2 * place + 7 * (turn % 2)}.",
            "reference_answer": str(2 * place),
            "score": paid(1.0 - turn % 2, 5 * place + turn),
        }
        for place in range(40, 90)
        for turn in range(4)
    ]
    run = import_samples(store, lines_of(rows), "a.jsonl")
    found = report_of(load_results(run))
    assert (found.diagnosis.dataset_quality, found.diagnosis.grader_quality) == quality


def test_prompts_are_too_hard_where_responses_that_came_with_scores_hold_no_right_answer(
    store: Store,
) -> None:
    rows = [
        {"prompt": f"{n} + {n}?", "response": str(2 * n + 1), "answer": str(2 * n), "score": 0}
        for n in range(60)
    ]
    run = import_samples(store, lines_of(rows), "a.jsonl")
    found = report_of(load_results(run))
    assert (found.diagnosis.dataset_quality, found.diagnosis.grader_quality) == ("too_hard", "unknown")
    assert [cause.title for cause in found.diagnosis.causes] == ["Prompts too difficult"]


def test_trl_with_two_reward_functions_needs_to_be_told_which(store: Store) -> None:
    two = trl(format_reward=0.25)
    with pytest.raises(DryRunError, match="6 of 6 responses have no score") as caught:
        import_samples(store, two, "c.parquet")
    assert str(caught.value).endswith("with --score-field: accuracy_reward or format_reward.")
    with pytest.raises(DryRunError, match="have no score in 'acuracy'"):
        import_samples(store, two, "c.parquet", score_field="acuracy")
    run = import_samples(store, two, "c.parquet", score_field="format_reward")
    assert set(rewards(run)) == {0.25}


@pytest.mark.parametrize(
    ("more", "named"),
    [
        ({"rewards": {"exact": 1.0, "style": 0.5}}, "rewards.exact or rewards.style"),
        ({"passed": True, "index": 3, "advantage": 0.1, "answer": 7}, "passed"),
    ],
)
def test_where_a_score_could_be_is_named_and_can_be_taken(
    store: Store, more: dict[str, Any], named: str
) -> None:
    content = json.dumps({"prompt": "p", "response": "r", **more}).encode()
    with pytest.raises(DryRunError) as caught:
        import_samples(store, content, "a.jsonl")
    assert str(caught.value).endswith(f"with --score-field: {named}.")
    assert rewards(import_samples(store, content, "a.jsonl", score_field=named.split(" or ")[0])) == [1.0]


def test_graders_of_an_eval_are_named_where_there_are_several(store: Store) -> None:
    results = [{"name": "exact-1", "score": 0.0}, {"name": "judge-2", "score": 0.8}]
    sample = {"input": [{"role": "user", "content": "p"}], "output": [{"role": "assistant", "content": "r"}]}
    item = {"object": "eval.run.output_item", "datasource_item": {}, "sample": sample, "results": results}
    with pytest.raises(DryRunError, match="with --score-field: exact-1 or judge-2"):
        import_samples(store, json.dumps(item).encode(), "evals.jsonl")
    judged = import_samples(store, json.dumps(item).encode(), "evals.jsonl", score_field="judge-2")
    assert rewards(judged) == [0.8]


@pytest.mark.parametrize(
    ("row", "text"),
    [
        ({"prompt": "p", "completion": [{"role": "assistant", "content": "a"}]}, "a"),
        (
            {"prompt": [{"role": "user", "content": "p"}], "output": {"role": "assistant", "content": "a"}},
            "a",
        ),
        ({"prompt": "p", "output": [{"role": "assistant", "content": [{"type": "text", "text": "a"}]}]}, "a"),
        ({"messages": [{"role": "user", "content": "p"}, {"role": "assistant", "content": "a"}]}, "a"),
        ({"prompt": '[{"role": "user", "content": "p"}]', "response": "a"}, "a"),
        ({"prompt": "p", "response": ""}, ""),
        ({"prompt": "p", "completion": []}, ""),
    ],
)
def test_the_shapes_a_record_comes_in(row: dict[str, Any], text: str) -> None:
    record = read_record(row)
    assert record.messages == [{"role": "user", "content": "p"}]
    assert [response.text for response in record.responses] == [text]


@pytest.mark.parametrize(
    ("fields", "reference"),
    [
        ({"solution": "4"}, "4"),
        ({"reward_model": {"style": "rule", "ground_truth": "4"}}, "4"),
        ({"ground_truth": "another", "reference_answer": "4"}, "4"),
        ({"ground_truth": "4", "reference_answer": None}, "4"),
    ],
)
def test_a_reference_answer_gets_the_usual_name_and_is_never_overwritten(
    fields: dict[str, Any], reference: str
) -> None:
    record = read_record({"prompt": "p", "response": "r", **fields})
    assert record.fields["reference_answer"] == reference


def test_tool_calls_come_along() -> None:
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    message = {"role": "assistant", "content": None, "tool_calls": [json.dumps(call)]}
    assert read_record({"prompt": "p", "completion": [message]}).responses[0].tool_calls == (call,)


@pytest.mark.parametrize(
    ("row", "where"),
    [
        ([], ""),
        ({"response": "a"}, "prompt"),
        ({"prompt": "p"}, "response"),
        ({"prompt": 7, "response": "a"}, "prompt"),
        ({"prompt": "p", "response": 7}, "response"),
        ({"prompt": "p", "response": [{"role": "user", "content": "a"}]}, "response"),
        ({"object": "eval.run.output_item", "sample": None, "datasource_item": {}}, "sample"),
        ({"object": "list", "data": [{"object": "eval.run.output_item"}], "has_more": False}, "data"),
    ],
)
def test_what_is_wrong_with_a_record_is_named(row: object, where: str) -> None:
    with pytest.raises(RecordError) as caught:
        read_record(row)
    assert caught.value.where == where
    assert caught.value.fix


def test_every_bad_line_is_named_and_nothing_is_kept(store: Store) -> None:
    content = b'{"prompt": "p", "response": "a"}\n{"prompt": "p"}\n{\n[1]\n'
    with pytest.raises(DatasetError) as caught:
        import_samples(store, content, "a.jsonl", EXACT)
    said = str(caught.value)
    assert "3 problems" in said
    for line in ("line 2, response", "line 3", "line 4"):
        assert line in said
    assert not store.root.exists()


@pytest.mark.parametrize(
    ("content", "name", "said"),
    [
        (b"", "a.jsonl", "empty"),
        (b"\n\n", "a.jsonl", "no record"),
        (b"prompt,response\n", "a.csv", "no record"),
        (b'{"prompt": "p", "response": "a"}\n' * 65, "a.jsonl", "65 responses, more than 64"),
        (b"\xff\xfe{\x00", "a.jsonl", "UTF-16"),
    ],
)
def test_files_that_cannot_be_imported_say_why(content: bytes, name: str, said: str, store: Store) -> None:
    with pytest.raises(DatasetError, match=said):
        import_samples(store, content, name, EXACT)


def test_a_file_that_is_not_there(store: Store, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="cannot be opened"):
        import_samples(store, tmp_path / "none.jsonl", "none.jsonl")


def test_a_grader_that_no_record_fills_is_refused(store: Store) -> None:
    with pytest.raises(DryRunError, match="no row can fill"):
        import_samples(store, *log("verl.jsonl"), {**EXACT, "reference": "{{item.nothing}}"})


@pytest.mark.slow
def test_the_command_grades_and_judges(
    store: Store, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    grader = tmp_path / "exact.json"
    grader.write_text(json.dumps(EXACT))
    given = ["--data", str(store.root), "--model", "mine"]
    assert main(["import", str(LOGS / "verl.jsonl"), *given, "--grader", str(grader)]) == 3
    assert main(["import", str(LOGS / "verl.jsonl"), *given, "--threshold", "min_prompts=1"]) == 0
    assert "GO" in capsys.readouterr().out
    assert main(["import", str(LOGS / "script.jsonl"), *given]) == 2
    assert "have no score" in capsys.readouterr().err


def test_a_reward_range_that_is_none_is_refused(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    given = ["--data", str(store.root), "--reward-range", "1", "0"]
    assert main(["import", str(LOGS / "verl.jsonl"), *given]) == 2
    assert "the lower first" in capsys.readouterr().err


@pytest.mark.slow
def test_the_pages_show_an_imported_run_and_offer_to_go_on(store: Store) -> None:
    rows = [
        {
            "prompt": f"{n} + 1",
            "responses": [str(n + 1), "x"],
            "rewards": [1, 0],
            "reference_answer": str(n + 1),
        }
        for n in range(40)
    ]
    content = b"".join(json.dumps(row).encode() + b"\n" for row in rows)
    judged = import_samples(store, content, "rollouts.jsonl", model="my-7b", score_field="rewards")
    test = page("results", run=judged.id)
    assert "GO" in test.main.title[0].value
    assert "**40 of 40 samples**, 80 responses" in texts(test)
    waiting = import_samples(store, content, "rollouts.jsonl", EXACT, model="my-7b")
    said = texts(page("run", run=waiting.id))
    assert "not graded yet" in said


@pytest.mark.parametrize(
    ("reason", "outcome"),
    [
        ("MAX_TOKENS", SampleOutcome.TRUNCATED),
        ("SAFETY", SampleOutcome.FILTERED),
        ("end_turn", SampleOutcome.ANSWERED),
    ],
)
def test_finish_reasons_of_other_vendors_mean_what_they_mean_in_a_run(
    reason: str, outcome: SampleOutcome, store: Store
) -> None:
    content = (LOGS / "openai_evals.jsonl").read_bytes()
    content = content.replace(b'"finish_reason": "length"', f'"finish_reason": "{reason}"'.encode())
    assert read(import_samples(store, content, "evals.jsonl"))[-1].sample.outcome is outcome


@pytest.mark.parametrize(
    ("prompt", "kept"),
    [
        ("What is 2 + 3?", True),
        ("<|im_start|>user\nWhat is 2 + 3?<|im_end|>", False),
        ([{"role": "user", "content": "What is 2 + 3?"}], False),
    ],
)
def test_a_prompt_of_plain_text_stays_one_for_graders(prompt: object, kept: bool) -> None:
    """A reward function gets strings for it; a log that shows a chat template had messages."""
    record = read_record({"prompt": prompt, "completion": "5", "score": 1.0}, None)
    assert ("prompt" in record.fields) is kept


def test_problems_of_one_kind_are_one_line(store: Store) -> None:
    good = b'{"prompt": "p", "response": "r", "score": 1}\n'
    with pytest.raises(DatasetError) as error:
        import_samples(store, good + b'{"prompt": "p"}\n' * 90 + b"[]\n", "log.jsonl")
    said = str(error.value)
    assert "91 problems in 91 rows; nothing was imported." in said
    assert "90 rows (lines 2, 3, 4, 5, 6, ...), response: there is no response." in said
    assert "line 92: the record is not an object." in said
    assert len(said.splitlines()) == 3
