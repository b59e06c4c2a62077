"""Every mistake at the terminal ends in one clear sentence, the right exit code, and no loss."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dryrun.cli.main import main
from tests.helpers.fake_endpoint import FakeEndpoint, Reply, deterministic_answer, prompt_text
from tests.helpers.support import EXACT, at, sum_rows, write_jsonl

GOOD = json.dumps(sum_rows(1)[0]).encode()


@pytest.fixture
def terminal(
    tmp_path: Path, endpoint: FakeEndpoint, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str]]:
    """Runs ``dryrun run`` on a dataset, a grader and the loopback server; exit code and all it printed."""

    def run(
        dataset: bytes | None = None, grader: Any = EXACT, *more: str, count: int = 40
    ) -> tuple[int, str]:
        rows = write_jsonl(tmp_path / "rows.jsonl", sum_rows(count))
        if dataset is not None:
            rows.write_bytes(dataset)
        text = grader if isinstance(grader, bytes) else json.dumps(grader).encode()
        (tmp_path / "grader.json").write_bytes(text)
        given = ["--dataset", str(rows), "--grader", str(tmp_path / "grader.json")]
        code = main(["run", *given, *at(endpoint, *more)])
        captured = capsys.readouterr()
        printed = " ".join((captured.err + captured.out).replace("│", " ").split())
        assert "Traceback" not in printed
        return code, printed

    return run


@pytest.mark.parametrize(
    ("dataset", "said"),
    [
        (b"", "it is empty"),
        (b"\n", "there is no row"),
        (GOOD + b"\n{oops\n" + GOOD, "line 2"),
        (GOOD + b'\n{"instruction": "x"}\n', "Did you mean 'instruction'?"),
        (
            b'{"messages": [{"role": "robot", "content": "x"}]}',
            "line 1, messages[0].role: 'robot' is not a role",
        ),
        ('{"messages": [{"role": "user", "content": "é"}]}'.encode("latin-1"), "is not UTF-8"),
        (GOOD.decode().encode("utf-16"), "UTF-16"),
        (b"[" + GOOD + b"," + GOOD, "line 1, column"),
    ],
)
def test_a_bad_dataset(
    terminal: Callable[..., tuple[int, str]], endpoint: FakeEndpoint, dataset: bytes, said: str
) -> None:
    code, printed = terminal(dataset)
    assert code == 2
    assert said in printed
    assert endpoint.calls == 0


@pytest.mark.parametrize(
    ("grader", "said"),
    [
        (b"", "the text is empty"),
        (b"{", "not JSON"),
        (b"\xff\xfe", "not UTF-8"),
        ({"type": "string_chek"}, "$.type"),
        (EXACT | {"operation": "neq"}, "$.operation"),
        (EXACT | {"input": ["x"]}, "$.input: must be text"),
        (EXACT | {"reference": "{{item.refrence_answer}}"}, "Did you mean 'reference_answer'"),
        ({"type": "python", "name": "p", "source": "def grade(sample):"}, "$.source"),
        ({"type": "score_model", "name": "j", "model": "m", "input": []}, "$.input"),
    ],
)
def test_a_bad_grader(
    terminal: Callable[..., tuple[int, str]], endpoint: FakeEndpoint, grader: Any, said: str
) -> None:
    code, printed = terminal(None, grader)
    assert code == 2
    assert said in printed
    assert endpoint.calls == 0


@pytest.mark.parametrize(
    ("source", "place"),
    [
        ("# mine\n\ndef grade(sample, item)\n    return 1\n", "own.py, line 3: is not Python"),
        (
            "# mine\nimport nosuch\n\ndef grade(sample, item):\n    return 1\n",
            "own.py, line 2: imports nosuch",
        ),
        ("import nosuch\nreturn nosuch.pay()\n", "own.py, line 1: imports nosuch"),
        ("def first(): ...\n", "own.py: holds no function"),
    ],
)
def test_a_fault_of_a_python_file_names_the_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], source: str, place: str
) -> None:
    (tmp_path / "own.py").write_text(source)
    rows = write_jsonl(tmp_path / "rows.jsonl", sum_rows(3))
    given = ["--dataset", str(rows), "--grader", str(tmp_path / "own.py")]
    for command in (["validate"], ["run", "--model", "m", "--base-url", "http://127.0.0.1:1/v1"]):
        main([*command, *given])
        out = capsys.readouterr()
        assert "$." not in out.out + out.err
        assert place in out.out + out.err


@pytest.mark.slow
def test_repeated_rows_are_noted_and_asked_once(
    terminal: Callable[..., tuple[int, str]], endpoint: FakeEndpoint
) -> None:
    row = "\n".join(json.dumps(row) for row in sum_rows(40) + sum_rows(5))
    code, printed = terminal(row.encode())
    assert code == 0
    assert "5 rows repeating an earlier row exactly (lines 41, 42, 43, 44, 45)" in printed
    assert endpoint.calls == 80


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        (
            "raise ValueError('broken here')",
            1,
            "80 of 80 grades carry an error, most of them this one: line 2: ValueError: broken here",
        ),
        (
            "return float('nan')",
            1,
            "80 of 80 grades carry an error, most of them this one: grade returned nan, not a finite number",
        ),
        (
            "return 'good'",
            1,
            "80 of 80 grades carry an error, most of them this one: grade returned str, not a number",
        ),
        ("return 7", 1, "Its rewards lie from 0 to 7 and are judged so"),
    ],
)
def test_a_python_grader_that_misbehaves(
    terminal: Callable[..., tuple[int, str]], endpoint: FakeEndpoint, line: str, code: int, said: str
) -> None:
    source = f"def grade(sample, item):\n    {line}\n"
    found, printed = terminal(None, {"type": "python", "name": "p", "source": source})
    assert found == code, printed
    assert said in printed
    assert endpoint.calls == 80


@pytest.mark.slow
def test_true_and_false_are_rewards_that_are_remarked_on_and_no_errors(
    terminal: Callable[..., tuple[int, str]], endpoint: FakeEndpoint
) -> None:
    source = "def grade(sample, item):\n    return sample['output_text'] == 'never'\n"
    found, printed = terminal(None, {"type": "python", "name": "p", "source": source})
    assert found == 1
    assert "80 rewards of 80 came as True or False and count as 1 and 0" in printed
    assert "grader error" not in printed
    assert "Grader fails on responses" not in printed
    assert "Mend the grader's error" not in printed


@pytest.mark.slow
def test_a_python_grader_that_loops_is_stopped_at_its_deadline(
    terminal: Callable[..., tuple[int, str]], endpoint: FakeEndpoint
) -> None:
    endpoint.answer = lambda body: "loop" if prompt_text(body) == "0 + 1 =" else deterministic_answer(body)
    source = (
        "def grade(sample, item):\n"
        "    while sample['output_text'] == 'loop':\n"
        "        pass\n"
        "    return float(sample['output_text'] == item['reference_answer'])\n"
    )
    grader = {"type": "python", "name": "p", "source": source}
    code, printed = terminal(None, grader, "--grade-timeout", "1")
    assert code == 0, printed
    assert "error (2 of 80)" in printed
    assert endpoint.calls == 80


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (Reply.error(401, "Incorrect API key"), "key"),
        (Reply.error(404, "The model does not exist", code="model_not_found"), "fake"),
        (Reply.error(429, "quota", code="insufficient_quota"), "quota"),
        (Reply(raw="<html>hello</html>"), "not JSON"),
        (Reply.error(500, "boom", headers={"Retry-After": "0"}), "500"),
        (Reply(drop=True), "closed the connection"),
    ],
)
def test_an_endpoint_that_fails_stops_the_run_in_words_and_it_can_be_resumed(
    terminal: Callable[..., tuple[int, str]], endpoint: FakeEndpoint, reply: Reply, said: str
) -> None:
    good = endpoint.answer
    endpoint.answer = lambda _: reply
    code, printed = terminal(None, EXACT, "--concurrency", "4", "--timeout", "20", count=30)
    assert code == 2, printed
    assert said.lower() in printed.lower()
    endpoint.answer = good
    code, printed = terminal(None, EXACT, "--concurrency", "4", count=30)
    assert code == 0, printed


@pytest.mark.slow
def test_an_endpoint_that_hangs_is_given_up_at_the_deadline(
    terminal: Callable[..., tuple[int, str]], endpoint: FakeEndpoint
) -> None:
    endpoint.answer = lambda _: Reply(hang=True)
    code, printed = terminal(None, EXACT, "--timeout", "0.3", "--concurrency", "40", count=30)
    assert code == 2
    assert "0.3 s" in printed or "in time" in printed or "timed out" in printed.lower()


@pytest.mark.slow
def test_empty_responses_are_counted_and_graded(
    terminal: Callable[..., tuple[int, str]], endpoint: FakeEndpoint
) -> None:
    endpoint.answer = lambda _: Reply(text="")
    code, printed = terminal(None, EXACT, "--rules", "document")
    assert code == 1
    assert "100 % of the responses are empty" in printed
    code, printed = terminal()
    assert code == 3
    assert "INVALID - 100 % of responses are empty. No verdict about data or grader is" in printed


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--samples", "0"], "--samples"),
        (["--threshold", "mean_lo=1"], "mean_lo=1"),
        (["--threshold", "mean_low=x"], "mean_low"),
        (["--temperature", "9"], "--temperature"),
        (["--reward-range", "1", "0"], "lower"),
        (["--grade-timeout", "0"], "--grade-timeout"),
        (["--topic-field", "nothing"], "nothing"),
        (["--base-url", "ftp://x"], "ftp"),
        (["--dataset", "/nowhere/rows.jsonl"], "rows.jsonl cannot be opened"),
        (["--grader", "/nowhere/grader.json"], "/nowhere"),
    ],
)
def test_an_option_that_cannot_be(
    terminal: Callable[..., tuple[int, str]],
    options: list[str],
    said: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    try:
        code, printed = terminal(None, EXACT, *options)
    except SystemExit as stopped:  # argparse's own way out
        code, printed = int(str(stopped.code)), capsys.readouterr().err
    assert code == 2
    assert said in printed
