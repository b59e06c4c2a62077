"""The command line as a user meets it: exit codes, sentences, stop and go on."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from dryrun.cli.main import main
from dryrun.store.partition import Store
from tests.helpers.endurance import stored_calls
from tests.helpers.fake_endpoint import FakeEndpoint, HangAfter, deterministic_answer
from tests.helpers.support import EXACT, ROOT, Command, at, sum_rows, wait_until


@pytest.mark.slow
def test_go_is_exit_code_0_with_banner_figures_and_report(
    files: list[str], endpoint: FakeEndpoint, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "report.json"
    assert main(["run", *files, *at(endpoint, "--out", str(out))]) == 0
    printed = capsys.readouterr().out
    for words in ("GO", "Tested: 60 prompts", "Mean 0.", "Std 0.", "0.8-1.0", "even", "odd"):
        assert words in printed
    report = json.loads(out.read_text())
    assert report["diagnosis"]["verdict"] == "GO"
    assert report["samples_evaluated"] == 60
    assert set(report["statistics"]) >= {"mean", "std", "min", "max", "median", "percentiles"}
    assert endpoint.calls == 120


@pytest.mark.slow
def test_no_go_is_exit_code_1_with_causes_and_actions(
    files: list[str], endpoint: FakeEndpoint, capsys: pytest.CaptureFixture[str]
) -> None:
    endpoint.answer = lambda _: "no idea"
    assert main(["run", *files, *at(endpoint)]) == 1
    printed = capsys.readouterr().out
    for words in ("NO-GO", "Likely causes", "Prompts too difficult", "do not hold the right answer", "SFT"):
        assert words in printed


@pytest.mark.slow
def test_evidence_is_named_and_can_be_left_out(
    files: list[str], endpoint: FakeEndpoint, tmp_path: Path
) -> None:
    out = tmp_path / "report.json"
    assert main(["run", *files, *at(endpoint, "--out", str(out))]) == 0
    evidence = json.loads(out.read_text())["evidence"]
    assert {"references", "worthless", "groups", "signal_index"} <= set(evidence["pieces"])
    less = at(endpoint, "--out", str(out), "--without", "worthless", "--without", "groups")
    assert main(["run", *files, *less]) == 0
    found = json.loads(out.read_text())["evidence"]
    assert found["left_out"] == ["worthless", "groups"]
    assert {"worthless", "groups", "signal_index"}.isdisjoint(found["pieces"])
    assert main(["run", *files, *at(endpoint, "--out", str(out), "--rules", "document")]) == 0
    alone = json.loads(out.read_text())
    assert (alone["rules"], alone["evidence"]) == ("document", None)


@pytest.mark.slow
def test_too_few_prompts_is_exit_code_3(
    files: list[str], endpoint: FakeEndpoint, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", *files, *at(endpoint, "--samples", "10")]) == 3
    assert "INVALID" in capsys.readouterr().out


@pytest.mark.slow
def test_a_stored_run_is_judged_again_under_other_thresholds(
    files: list[str], endpoint: FakeEndpoint, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["run", *files, *at(endpoint)])
    main(["runs"])
    run_id = capsys.readouterr().out.splitlines()[-1].split()[0]
    assert main(["report", run_id, "--threshold", "mean_high=0.3", "--out", str(tmp_path / "r.md")]) == 1
    assert "NO-GO" in (tmp_path / "r.md").read_text()
    assert main(["report", run_id, "--picture", str(tmp_path / "scores.svg")]) == 0
    assert "mean 0." in (tmp_path / "scores.svg").read_text()
    assert main(["report", run_id, "--picture", str(tmp_path / "scores.PNG")]) == 0
    assert (tmp_path / "scores.PNG").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(SystemExit):
        main(["report", run_id, "--picture", "scores.jpg"])
    assert "must end in one of .png, .svg" in capsys.readouterr().err
    assert endpoint.calls == 120


@pytest.mark.slow
def test_the_file_is_written_where_nobody_reads_what_is_printed(
    files: list[str], endpoint: FakeEndpoint, tmp_path: Path
) -> None:
    out = tmp_path / "report.json"
    command = [sys.executable, "-m", "dryrun", "run", *files, *at(endpoint, "--out", str(out))]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert process.stdout is not None
    process.stdout.close()
    process.wait(timeout=60)
    assert json.loads(out.read_text())["diagnosis"]["verdict"] == "GO"


@pytest.mark.slow
def test_runs_under_two_graders_are_told_apart_in_the_list(
    files: list[str], endpoint: FakeEndpoint, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other.json"
    other.write_text(json.dumps({**EXACT, "name": "lenient", "operation": "like"}))
    main(["run", *files, *at(endpoint)])
    run_id = capsys.readouterr().out.split()[-1]
    main(["regrade", "--run", run_id, "--grader", str(other)])
    capsys.readouterr()
    assert main(["runs"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert sorted(line.split()[-1] for line in lines) == [EXACT["name"], "lenient"]


@pytest.mark.slow
def test_the_same_command_again_makes_no_call(files: list[str], endpoint: FakeEndpoint) -> None:
    assert main(["run", *files, *at(endpoint)]) == main(["run", *files, *at(endpoint)]) == 0
    assert endpoint.calls == 120


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--dataset", "nowhere.jsonl"], "nowhere.jsonl"),
        (["--grader", "nowhere.json"], "nowhere.json"),
        (["--temperature", "9"], "--temperature"),
        (["--threshold", "mean=1"], "mean_low"),
        (["--threshold", "mean_low=x"], "mean_low"),
        (["--threshold", "mean_low=0.95"], "below"),
        (["--base-url", "ftp://x"], "http"),
    ],
)
def test_a_users_mistake_is_exit_code_2_and_one_sentence(
    files: list[str],
    endpoint: FakeEndpoint,
    arguments: list[str],
    words: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["run", *files, *at(endpoint), *arguments]) == 2
    printed = capsys.readouterr().err
    assert words in printed
    assert "Traceback" not in printed
    assert endpoint.calls == 0


def test_a_malformed_dataset_names_every_line(
    files: list[str], endpoint: FakeEndpoint, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = json.dumps(sum_rows(1)[0])
    bad = tmp_path / "bad.jsonl"
    bad.write_text("\n".join([good, "{oops", good, '{"messages": []}', '{"prompt": 1}']))
    assert main(["run", *files, *at(endpoint), "--dataset", str(bad)]) == 2
    printed = capsys.readouterr().err
    for line in ("line 2", "line 4", "line 5"):
        assert line in printed


def test_a_wrong_key_is_exit_code_2(files: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with FakeEndpoint(api_key="right") as endpoint:
        assert main(["run", *files, *at(endpoint)]) == 2
    said = capsys.readouterr().err
    assert len(re.findall(r"\b401\b", said)) == 1  # the endpoint's port may hold these digits
    assert "retries" not in said


@pytest.mark.slow
def test_kill_9_and_the_same_command_repeats_no_finished_call(
    files: list[str], endpoint: FakeEndpoint, store: Store
) -> None:
    endpoint.answer = HangAfter(40, deterministic_answer)
    arguments = ["run", *files, *at(endpoint, "--concurrency", "4")]
    with Command(arguments) as process:
        wait_until(lambda: endpoint.calls >= 44 and len(stored_calls(store)) == 40)
        process.kill()
        process.wait()
    answered = list(endpoint.calls_by_key)[:40]
    endpoint.answer = deterministic_answer
    with Command(arguments) as process:
        output, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert "Tested: 60 prompts" in output
    assert all(endpoint.calls_by_key[key] == 1 for key in answered)
    assert endpoint.calls == 44 + 80


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_ctrl_c_stops_cleanly_and_the_same_command_goes_on(files: list[str], endpoint: FakeEndpoint) -> None:
    endpoint.answer = HangAfter(20, deterministic_answer)
    arguments = ["run", *files, *at(endpoint, "--concurrency", "4")]
    with Command(arguments) as process:
        wait_until(lambda: endpoint.calls >= 24)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "the same command goes on" in errors
    assert "Traceback" not in errors
    endpoint.answer = deterministic_answer
    assert main(arguments) == 0
    assert endpoint.calls == 24 + 100


@pytest.mark.slow
def test_help_needs_no_heavy_package() -> None:
    script = (
        "import sys, dryrun, dryrun.cli.main; dryrun.cli.main.parser(['--help']).format_help();"
        "heavy = {'pandas', 'streamlit', 'nltk', 'altair', 'openai', 'numpy', 'pyarrow'} & set(sys.modules);"
        "assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_imports_of_a_command_are_kept_out_of_the_search_for_garbage() -> None:
    script = (
        "import gc; from dryrun.__main__ import ALLOCATIONS, settle_imports; gc.disable(); settle_imports();"
        "assert gc.get_freeze_count() > 1000 and gc.isenabled() and gc.get_threshold()[0] == ALLOCATIONS"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_a_run_imports_neither_the_sdk_nor_what_draws_pages() -> None:
    script = (
        "import sys, dryrun.cli.main; dryrun.cli.main.parser(['run']);"
        "heavy = {'pandas', 'streamlit', 'nltk', 'altair', 'openai', 'httpx2', 'rapidfuzz'};"
        "heavy &= set(sys.modules);"
        "assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_grade_lays_a_reward_open(files: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    dataset, grader = files[1], files[3]
    assert main(["grade", "--grader", grader, "--item", dataset, "--row", "3", "--text", "5"]) == 0
    printed = capsys.readouterr().out
    for words in ("reward", "1 (graded)", "$.reference", "5"):
        assert words in printed
    assert main(["grade", "--grader", grader, "--item", dataset, "--text", "[red]7[/]", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["reward"], found["filled"]["$.input"]) == (0.0, "[red]7[/]")


def test_grade_names_the_line_that_is_no_row(
    files: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = tmp_path / "broken.jsonl"
    broken.write_text('{"a": 1}\n{"a": \n')
    given = ["grade", "--grader", files[3], "--text", "5", "--item", str(broken)]
    assert main([*given, "--row", "2"]) == 2
    assert "broken.jsonl, row 2, column 7: this is not JSON: it ends too early" in capsys.readouterr().err
    assert main([*given, "--row", "9"]) == 2
    assert "has 2 rows" in capsys.readouterr().err
    spoilt = tmp_path / "spoilt.json"
    spoilt.write_text('{\n  "reference_answer": "5",\n}\n')
    assert main([*given[:-1], str(spoilt)]) == 2
    assert "spoilt.json, line 2, column 26: this is not JSON: a comma stands" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("rows.csv", "prompt,reference_answer\nWhat is 1 + 1?,2\nWhat is 2 + 3?,5\n"),
        ("rows.json", '[{"reference_answer": "2"}, {"reference_answer": "5"}]'),
        ("rows.jsonl", '\ufeff{"reference_answer": "2"}\n\n{"reference_answer": "5"}\n'),
    ],
)
def test_grade_takes_a_row_of_any_dataset(
    name: str, content: str, files: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    given = ["grade", "--grader", files[3], "--text", "5", "--item", str(path), "--row"]
    assert main([*given, "2"]) == 0
    assert "1 (graded)" in capsys.readouterr().out
    assert main([*given, "3"]) == 2
    assert f"{name} has 2 rows" in capsys.readouterr().err


def test_what_is_wrong_with_a_grader_is_said_with_its_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spoilt, spelt = tmp_path / "spoilt.json", tmp_path / "spelt.json"
    spoilt.write_text('{\n  "type": "python",\n}\n')
    spelt.write_text('{"type": "pyton"}')
    for command in (["validate"], ["grade", "--text", "5"]):
        assert main([*command, "--grader", str(spoilt)]) == 2
        said = capsys.readouterr().err
        assert f"{spoilt}: This grader has one problem:" in said
        assert "line 2, column 19: this is not JSON: a comma stands before the closing }." in said
        assert main([*command, "--grader", str(spelt)]) == 2
        assert f"{spelt}: This grader has one problem:" in capsys.readouterr().err


def test_validate_says_what_is_wrong_and_its_exit_code_too(
    files: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["validate", *files, "--ceiling", "--platform", "openai"]) == 0
    printed = capsys.readouterr().out
    assert "earn 1 on average over 60 rows" in printed
    assert "No finding about the grader." in printed
    wrong = tmp_path / "wrong.json"
    wrong.write_text(json.dumps(EXACT | {"reference": "The answer is {{item.reference_answer}}"}))
    assert main(["validate", "--dataset", files[1], "--grader", str(wrong), "--ceiling"]) == 2
    assert "60 earn less" in capsys.readouterr().out
    assert main(["validate", "--grader", files[3], "--ceiling"]) == 2
    assert "--ceiling needs --dataset" in capsys.readouterr().err


@pytest.mark.slow
def test_a_run_asks_its_judge_with_the_judges_key(
    files: list[str],
    endpoint: FakeEndpoint,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    grader = tmp_path / "judge.json"
    message = {"role": "user", "content": "Rate: {{sample.output_text}}"}
    grader.write_text(
        json.dumps({"type": "score_model", "name": "j", "model": "gpt-old", "input": [message]})
    )
    monkeypatch.setenv("JUDGE_KEY", "sk-judge")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-base")
    with FakeEndpoint(answer=lambda body: '{"steps": [], "result": 0.5}', api_key="sk-judge") as judge:
        judging = ["--judge-base-url", judge.base_url, "--judge-model", "new", "--judge-key-env", "JUDGE_KEY"]
        assert main(["run", files[0], files[1], "--grader", str(grader), *at(endpoint), *judging]) == 1
        assert (endpoint.calls, judge.calls) == (120, 120)
        assert {body["model"] for body in judge.bodies} == {"new"}
    assert {headers["Authorization"] for headers in endpoint.headers} == {"Bearer sk-base"}
    assert "Mean 0.50" in capsys.readouterr().out


@pytest.mark.slow
def test_a_response_format_is_sent_and_a_wrong_one_named(
    files: list[str], endpoint: FakeEndpoint, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[object] = []

    def answer(body: dict[str, object]) -> str:
        asked.append(body.get("response_format"))
        return "{}"

    endpoint.answer = answer
    shape = tmp_path / "shape.json"
    shape.write_text('{"type": "json_object"}')
    main(["run", *files, *at(endpoint), "--response-format", str(shape)])
    assert asked[0] == {"type": "json_object"}
    shape.write_text('["json_object"]')
    assert main(["run", *files, *at(endpoint), "--response-format", str(shape)]) == 2
    assert "--response-format" in capsys.readouterr().err
