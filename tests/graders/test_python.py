"""python graders: what they return, and what they do wrong, in the real sandbox."""

from __future__ import annotations

import ast
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from dryrun.core.errors import GraderError
from dryrun.core.records import GradeOutcome
from dryrun.graders.format.python_source import parameter_names
from dryrun.graders.sandbox import isolation
from dryrun.graders.sandbox.status import sandbox_status
from tests.helpers.grading import grade, grades, python

RUNTIME = "python_grader_runtime_error"


def body(line: str) -> dict[str, Any]:
    return python(f"def grade(sample, item):\n    {line}\n")


@pytest.mark.quick_cases(3)
@pytest.mark.parametrize(
    ("line", "reward"),
    [
        ("return 0.25", 0.25),
        ("return 7", 7.0),
        ("return -3.5", -3.5),
        ("return len(sample['output_text'])", 5.0),
        ("return float(item['reference_answer'] == sample['output_text'])", 1.0),
        ("return sample['choices'][0]['message']['content'] == 'hello'", 1.0),
        ("return 1.0 if sample['output_json'] is None else 0.0", 1.0),
        ("import numpy; return numpy.float32(0.5)", 0.5),
        ("import getpass; return float(bool(getpass.getuser()))", 1.0),
    ],
)
def test_what_it_returns_is_the_reward(line: str, reward: float) -> None:
    found = grade(body(line), "hello", {"reference_answer": "hello"})
    assert (found.outcome, found.reward) == (GradeOutcome.GRADED, reward)


@pytest.mark.quick_cases(4)
@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("return None", "NoneType"),
        ("return '0.5'", "str, not a number"),
        ("return [1.0]", "list"),
        ("return float('nan')", "not a finite number"),
        ("return float('inf')", "not a finite number"),
        ("return 10 ** 400", "OverflowError"),
        ("return 1 / 0", "line 2: ZeroDivisionError"),
        ("return item['nothing']", "KeyError"),
        ("raise SystemExit(3)", "SystemExit"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
        ("raise ValueError('half a character: ' + chr(0xd83d))", "half a character: ?"),
    ],
)
def test_what_it_does_wrong_is_zero_with_openais_error_name(line: str, said: str) -> None:
    found = grade(body(line), "hello")
    assert (found.outcome, found.reward) == (GradeOutcome.GRADED_ZERO, 0.0)
    assert said in found.errors[RUNTIME]


def test_true_counts_as_one_and_is_noted() -> None:
    found = grade(body("return True"), "x")
    assert found.reward == 1.0
    assert "True" in found.errors["other_error"]


@pytest.mark.slow
def test_a_loop_without_end_is_stopped_and_the_next_grade_is_made() -> None:
    source = "def grade(sample, item):\n    while sample['output_text'] == 'loop': pass\n    return 1.0\n"
    first, second = grades(python(source), ["loop", "fine"], timeout=1.0)
    assert (first.outcome, first.reward) == (GradeOutcome.GRADED_ZERO, 0.0)
    assert "within 1 seconds" in first.errors[RUNTIME]
    assert second.reward == 1.0


def test_a_source_that_raises_while_loading_says_so() -> None:
    found = grade(python("table = {}['rates']\ndef grade(sample, item):\n    return 1.0\n"), "x")
    assert found.reward == 0.0
    assert "line 1: KeyError" in found.errors[RUNTIME]


@pytest.mark.slow
def test_data_of_nltk_that_the_sandbox_lacks_is_named_with_the_command_that_puts_it_there() -> None:
    found = grade(
        python("import nltk\ndef grade(sample, item):\n    return nltk.data.find('corpora/nothing')\n"), "x"
    )
    said = found.errors[RUNTIME]
    assert said.startswith("line 3: LookupError: nltk's data nothing is not where the sandbox can read it.")
    assert said.endswith(f"python -m nltk.downloader -d {sys.prefix}/nltk_data nothing")


def test_json_responses_arrive_parsed() -> None:
    assert grade(body("return sample['output_json']['score']"), '{"score": 0.75}').reward == 0.75


def test_odd_values_reach_the_grader_unharmed() -> None:
    item = {"big": 2**70, "text": "\x00 😀 {{x}}", "nested": [[[{"a": None}]]]}
    line = f"return float(item == {item!r} and sample['output_text'] == 'ü\\n')"
    assert grade(body(line), "ü\n", item).reward == 1.0


def test_without_a_sandbox_python_graders_are_refused_with_the_reason(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "platform", "sunos5")
    status = sandbox_status()
    assert not status.available
    assert "needs Linux" in status.reason
    with pytest.raises(GraderError, match="refused here"):
        grade(body("return 1.0"), "x")


def test_without_isolation_only_by_an_explicit_setting_and_never_hosted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(isolation.UNSAFE_SETTING, "1")
    assert "without isolation" in sandbox_status().reason
    assert grade(body("return 0.5"), "x").reward == 0.5
    monkeypatch.setenv("DRYRUN_HOSTED", "1")
    assert isolation.Mechanism.NOTHING not in isolation.candidates()


def test_a_python_that_lives_in_tmp_is_shown_and_its_neighbours_are_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The sandbox has a /tmp of its own, which must not hide the interpreter."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        home = Path(folder) / "venv"
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", home], check=True)
        (Path(folder) / "secret").write_text("x")
        monkeypatch.setattr(sys, "executable", str(home / "bin" / "python"))
        monkeypatch.setattr(sys, "prefix", str(home))
        monkeypatch.setattr(sys, "exec_prefix", str(home))
        line = "import os; return float(not os.path.exists(item['secret']) and os.access('/tmp', os.W_OK))"
        assert grade(body(line), "x", {"secret": f"{folder}/secret"}).reward == 1.0


def test_this_machine_has_a_sandbox() -> None:
    assert sandbox_status().available, sandbox_status().reason


def test_a_source_is_read_while_another_thread_parses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before Python 3.13 two threads that make a tree disturb each other, once in a while."""
    parse, disturbed = ast.parse, [SystemError("AST constructor recursion depth mismatch")] * 2

    def disturbing(source: str) -> ast.Module:
        if disturbed:
            raise disturbed.pop()
        return parse(source)

    monkeypatch.setattr(ast, "parse", disturbing)
    assert parameter_names("def grade(sample, item):\n    return 1.0\n") == ("sample", "item")
    assert disturbed == []
