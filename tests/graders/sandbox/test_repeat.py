"""Same input, same result: a grader that breaks this is noticed, and the rows are named."""

from __future__ import annotations

import asyncio
import os
import statistics
from itertools import takewhile

import pytest

from dryrun import run_dry_run
from dryrun.core.records import Grade, GradeOutcome
from dryrun.graders.kinds.python_grader import PythonGrader
from dryrun.graders.sandbox.repeat import FIRST, chosen
from tests.helpers.fake_endpoint import FakeEndpoint
from tests.helpers.grading import sample
from tests.helpers.support import sum_rows

HEAD = "import builtins, json, os, random, sys, time\nseen = []\n"


def graded(body: str, texts: list[str], head: str = HEAD) -> list[Grade]:
    lines = "\n".join(f"    {line}" for line in body.strip().splitlines())
    source = f"{head}def grade(sample, item):\n    text = sample['output_text']\n{lines}\n"

    async def run() -> list[Grade]:
        async with PythonGrader(source, 10.0, workers=1) as grader:
            return [await grader.grade(sample(text), {}) for text in texts]

    return asyncio.run(run())


def test_a_closed_grader_leaves_no_closed_pipe_to_the_loop() -> None:
    """Else a pipe with the same number is not listened to: the next grader's replies would go unheard."""

    async def listened_to() -> list[int]:
        async with PythonGrader("def grade(sample, item):\n    return 1.0\n", 10.0, workers=2) as grader:
            for text in TEXTS:
                await grader.grade(sample(text), {})
            before = set(os.listdir("/dev/fd"))
        loop = asyncio.get_running_loop()
        gone = before - set(os.listdir("/dev/fd"))
        assert gone
        return [number for number in map(int, gone) if loop.remove_reader(number)]

    assert asyncio.run(listened_to()) == []


def unstable(grades: list[Grade]) -> list[int]:
    said = "when graded again"
    return [number for number, grade in enumerate(grades) if said in grade.errors.get("other_error", "")]


LEAKS = {
    "a counter": "seen.append(text); return float(len(seen))",
    "duplicates earn nothing": "known = text in seen; seen.append(text); return float(not known)",
    "an attribute of the function": "grade.n = getattr(grade, 'n', 0) + 1; return float(grade.n)",
    "an environment variable": "n = os.environ.get('n', ''); os.environ['n'] = n + 'x'; return float(len(n))",
    "a patched builtin": "n = max(text); builtins.max = lambda _: 'z'; return float(ord(n))",
    "a patched builtin of the worker's own": "n = len(text); builtins.len = lambda _: 7; return float(n)",
    "a patched module": "n = float(json.loads('2')); json.loads = lambda _: 5; return n",
    "float itself": "n = float(1); builtins.float = lambda _: 0.5; return n",
    "chance": "return random.random()",
    "the clock": "return time.time()",
    "a trace function": "n = sys.gettrace() is not None; sys.settrace(lambda *_: None); return float(n)",
    "a handler of signals": """import signal
n = callable(signal.getsignal(signal.SIGUSR1))
signal.signal(signal.SIGUSR1, lambda *_: None)
return float(n)""",
}
TEXTS = ["a", "bb", "b", "a", "ccc", "b", "dd"]


@pytest.mark.quick_cases(3)
@pytest.mark.parametrize("name", LEAKS)
def test_what_leaks_from_one_grade_to_the_next_is_reported(name: str) -> None:
    grades = graded(LEAKS[name], TEXTS)
    assert unstable(grades), [grade.reward for grade in grades]
    assert all(grade.outcome is not GradeOutcome.UNGRADED for grade in grades)


FROM_THE_PAST = {
    **{name: body for name, body in LEAKS.items() if name not in ("chance", "the clock")},
    "the best so far": "seen.append(len(text)); return len(text) / max(seen)",
    "a cache that answers for another": "seen.append(1.0 if text == 'b' else 0.0); return seen[0]",
    "an error from the third on": "seen.append(text); return 1 / (len(seen) < 3)",
}


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize("name", FROM_THE_PAST)
def test_no_grade_depends_on_an_earlier_one(name: str) -> None:
    """Each is what it would be alone, whatever the grader keeps."""
    alone = [graded(FROM_THE_PAST[name], [text])[0].reward for text in TEXTS[:3]]
    assert [grade.reward for grade in graded(FROM_THE_PAST[name], TEXTS[:3])] == alone


@pytest.mark.quick_cases(2)
@pytest.mark.parametrize(
    "body",
    [
        "return len(text) / 10",
        "seen.append(text); return float(text == 'b')",
        "raise ValueError(object())",
        "return float('nan')",
        "return {1: 2}",
        "return sum(hash(x) % 97 for x in text) / 97",
    ],
)
def test_a_grader_that_keeps_to_its_input_is_never_accused(body: str) -> None:
    assert unstable(graded(body, TEXTS)) == []


ENDS_ITS_WORKER = {
    "a file from loading that each grade changes": (
        "open('/tmp/log', 'a').write(text)\nreturn 0.5",
        "open('/tmp/log', 'w').close()\n",
    ),
    "a thread from loading, and one that each grade leaves": (
        "threading.Thread(target=time.sleep, args=(99,), daemon=True).start()\nreturn 0.5",
        "import threading\nthreading.Thread(target=time.sleep, args=(99,), daemon=True).start()\n",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", ENDS_ITS_WORKER)
def test_nor_is_one_whose_worker_is_replaced_after_each_grade(name: str) -> None:
    """Neither in the worker that repeats: what it did after its reply says nothing of the next one."""
    body, head = ENDS_ITS_WORKER[name]
    grades = graded(body, TEXTS, HEAD + head)
    assert [grade.reward for grade in grades] == [0.5] * len(TEXTS)
    assert unstable(grades) == []


def test_a_grader_that_kills_what_repeats_it_is_graded_all_the_same() -> None:
    body = "seen.append(text)\nif len(seen) == 2: os.kill(os.getppid(), 9)\nreturn 1.0"
    assert [grade.reward for grade in graded(body, TEXTS)] == [1.0] * len(TEXTS)


def test_the_first_are_all_repeated_and_ever_fewer_of_the_rest() -> None:
    picked, others = (list(takewhile(lambda number: number < 100_000, chosen())) for _ in range(2))
    assert picked[:FIRST] == others[:FIRST] == list(range(FIRST))
    assert 40 < len(picked) < 130  # five standard deviations around 83
    assert statistics.median(picked) < 20_000
    assert picked != others  # or a grader could behave where it is looked at


def test_the_reward_stays_the_first_one() -> None:
    assert [grade.reward for grade in graded(LEAKS["a counter"], TEXTS)] == [1.0] * len(TEXTS)


def test_files_of_one_grade_are_gone_before_the_next() -> None:
    body = """
for path in ('/tmp/n', '/dev/shm/n', '/tmp/d/n'):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    open(path, 'a').write('x')
return float(max(map(os.path.getsize, ('/tmp/n', '/dev/shm/n', '/tmp/d/n'))))"""
    grades = graded(body, TEXTS)
    assert [grade.reward for grade in grades] == [1.0] * len(TEXTS)
    assert unstable(grades) == []


def test_a_file_made_while_loading_stays() -> None:
    head = HEAD + "open('/tmp/table', 'w').write('1')\n"
    assert {grade.reward for grade in graded("return float(open('/tmp/table').read())", TEXTS, head)} == {1.0}


@pytest.mark.slow
def test_the_report_names_the_rows(endpoint: FakeEndpoint) -> None:
    source = "seen = []\ndef grade(sample, item):\n    seen.append(1)\n    return (len(seen) % 3) / 2\n"
    found = run_dry_run(sum_rows(30), source, "fake", 30, rollouts=1, base_url=endpoint.base_url)
    warned = [one for one in found["diagnosis"]["warnings"] if "when graded again" in one]
    assert len(warned) == 1
    assert "dataset rows " in warned[0]


@pytest.mark.slow
def test_a_sound_grader_is_not_warned_of(endpoint: FakeEndpoint) -> None:
    source = "def grade(sample, item): return float(sample['output_text'] == item['reference_answer'])"
    found = run_dry_run(sum_rows(30), source, "fake", 30, rollouts=1, base_url=endpoint.base_url)
    assert not any("graded again" in one for one in found["diagnosis"]["warnings"])
