"""What one grade leaves behind reaches no other, and what no other can be kept from is said.

Only a plain source grades several responses in one process; every other grade has one of its own. These
send many responses at once, after a warm-up, and look at what became of the others.
"""

from __future__ import annotations

import asyncio
import textwrap
from decimal import Decimal
from typing import Any

import pytest

from dryrun.core.records import Grade, GradeOutcome
from dryrun.graders.kinds.python_grader import PythonGrader
from tests.helpers.grading import sample

HEAD = "import os, signal, sys, time\n"
WARM = 20
"""Grades before those that count: not all of the later ones are made again."""


def together(
    source: str,
    texts: list[str],
    items: list[dict[str, Any]] | None = None,
    warm: int = WARM,
    timeout: float = 10.0,
) -> list[Grade]:
    """Grades of responses that wait at the same time, on one worker; those of the warm-up are left out."""
    rows = items or [{}] * len(texts)

    async def run() -> list[Grade]:
        async with PythonGrader(HEAD + textwrap.dedent(source), timeout, workers=1) as grader:
            await asyncio.gather(*(grader.grade(sample("warm"), {}) for _ in range(warm)))
            return list(await asyncio.gather(*map(grader.grade, map(sample, texts), rows)))

    return asyncio.run(run())


def all_right(grades: list[Grade]) -> bool:
    return {(grade.outcome, grade.reward) for grade in grades} == {(GradeOutcome.GRADED, 1.0)} and not any(
        grade.errors for grade in grades
    )


def accused(grades: list[Grade]) -> int:
    return sum("when graded again" in grade.errors.get("other_error", "") for grade in grades)


MANY = ["x", "x", "bad", *["x"] * 40]

LEFT = {
    "a timer whose handler raises": """
        def boom(*_): raise RuntimeError("of an earlier grade")
        signal.signal(signal.SIGALRM, boom)
        def grade(sample, item):
            if sample["output_text"] == "bad":
                signal.setitimer(signal.ITIMER_REAL, 0.003)
            end = time.perf_counter() + 0.001
            while time.perf_counter() < end and sample["output_text"] == "x": pass
            return 1.0
        """,
    "a timer that ends the process": """
        def grade(sample, item):
            if sample["output_text"] == "bad":
                signal.setitimer(signal.ITIMER_PROF, 0.003)
            end = time.perf_counter() + 0.001
            while time.perf_counter() < end and sample["output_text"] == "x": pass
            return 1.0
        """,
    "a watchdog that ends the process": """
        import faulthandler
        nowhere = open("/dev/null", "w")
        def grade(sample, item):
            if sample["output_text"] == "bad":
                faulthandler.dump_traceback_later(0.01, exit=True, file=nowhere)
            end = time.perf_counter() + 0.001
            while time.perf_counter() < end and sample["output_text"] == "x": pass
            return 1.0
        """,
    "a file in a folder made while loading": """
        os.makedirs("/tmp/work/deep")
        def grade(sample, item):
            if sample["output_text"] == "bad":
                open("/tmp/work/deep/seen", "w").close()
            elif os.path.exists("/tmp/work/deep/seen"): return 0.0
            return 1.0
        """,
    "a file of loading, written over": """
        open("/tmp/table", "w").write("right")
        def grade(sample, item):
            if sample["output_text"] == "bad":
                open("/tmp/table", "w").write("wrong")
            elif open("/tmp/table").read() != "right": return 0.0
            return 1.0
        """,
    "a folder of loading, removed": """
        os.mkdir("/tmp/work")
        def grade(sample, item):
            if sample["output_text"] == "bad": os.rmdir("/tmp/work")
            elif not os.path.isdir("/tmp/work"): return 0.0
            return 1.0
        """,
    "another working directory": """
        import tempfile
        def grade(sample, item):
            here = os.getcwd()
            if sample["output_text"] == "bad": os.chdir(tempfile.mkdtemp())
            return float(here == "/tmp")
        """,
    "a named pipe": """
        def grade(sample, item):
            if sample["output_text"] == "bad":
                try: os.mkfifo("/tmp/seen")
                except OSError: pass
            elif os.path.exists("/tmp/seen"): return 0.0
            return 1.0
        """,
    "a database opened while loading": """
        import sqlite3
        db = sqlite3.connect(":memory:", isolation_level=None)
        def grade(sample, item):
            if sample["output_text"] == "bad":
                db.execute("ATTACH '/tmp/x.db' AS x")
                db.execute("CREATE TABLE x.t(a)")
                db.execute("DETACH x")
            elif os.path.exists("/tmp/x.db"): return 0.0
            return 1.0
        """,
    "a thread that spoils what the source keeps": """
        import _thread
        kept = [1.0]
        def spoil():
            while True: kept[0] = 0.0
        def grade(sample, item):
            if sample["output_text"] == "bad": _thread.start_new_thread(spoil, ())
            return 1.0 if sample["output_text"] == "bad" else kept[0]
        """,
    "jobs taken from the pipe": """
        def grade(sample, item):
            if sample["output_text"] == "bad":
                frame = sys._getframe()
                while "incoming" not in frame.f_locals: frame = frame.f_back
                pipe = frame.f_locals["incoming"]
                os.set_blocking(pipe, False)
                try: os.read(pipe, 1 << 20)
                except BlockingIOError: pass
                os.set_blocking(pipe, True)
            return 1.0
        """,
}
"""What the response "bad" leaves for the others, who wait in the same batch."""


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize("name", LEFT)
def test_what_a_grade_leaves_reaches_no_other(name: str) -> None:
    """What the response "bad" earns itself depends on what it did, the others' grades do not."""
    grades = together(LEFT[name], MANY)
    grades.pop(2)
    assert all_right(grades), [grade for grade in grades if grade.reward != 1.0 or grade.errors]


def test_a_grader_that_works_in_a_folder_of_its_own_can_do_so_every_time() -> None:
    """The folder goes with the grade; the working directory must not go with it."""
    source = """
        import tempfile
        def grade(sample, item):
            os.getcwd()
            os.chdir(tempfile.mkdtemp())
            open("x", "w").write("x")
            return float(os.listdir() == ["x"])
        """
    assert all_right(together(source, ["x"] * 20, warm=0))


def test_a_grader_that_behaves_only_where_it_is_looked_at_is_reported() -> None:
    """It can tell that it grades once more, and ends that process; it does not get rid of it unnoticed."""
    source = """
        count = 0
        def grade(sample, item):
            global count
            count += 1
            if count == 2: os._exit(0)
            return 1.0
        """
    assert accused(together(source, ["x"] * 8, warm=0)) == 8


def test_a_grader_that_leaves_processes_is_not_accused_for_it() -> None:
    """Where grades are repeated they end with the grade, else soon none could be started."""
    source = """
        import subprocess
        def grade(sample, item):
            for _ in range(12): subprocess.Popen(["sleep", "600"])
            return 1.0
        """
    assert all_right(together(source, ["x"] * 8, warm=0))


def test_a_helper_that_loading_started_stays_and_is_held_against_nobody() -> None:
    source = """
        import subprocess
        helper = subprocess.Popen(["sleep", "600"])
        def grade(sample, item):
            subprocess.run(["true"])
            return float(os.path.exists(f"/proc/{helper.pid}/stat"))
        """
    assert all_right(together(source, ["x"] * 12, warm=0))


@pytest.mark.slow
def test_a_source_that_is_never_done_loading_is_said_to_be() -> None:
    (grade,) = together("while True: pass\ndef grade(sample, item): return 1.0\n", ["x"], warm=0, timeout=1.0)
    assert grade.errors == {
        "python_grader_runtime_error": "loading the source: it was not done after 1 seconds"
    }


TAMPERING = {
    "what takes files away": "frame.f_locals['leavings'].__class__.clear = lambda *_: True",
    "how replies are made": "import __main__\n__main__.grade_one = lambda *_: {'value': 0.5}",
    "how frames are sent": "import __main__\n__main__.send = lambda *_: None",
    "what is known of files": "frame.f_locals['leavings']._known['/tmp'].add('seen')",
}


@pytest.mark.quick_cases(2)
@pytest.mark.parametrize("name", TAMPERING)
def test_tampering_with_the_worker_itself_changes_no_other_grade(name: str) -> None:
    """It is done to a copy, which ends with the grade."""
    attack = f"""
        frame = sys._getframe()
        while "leavings" not in frame.f_locals: frame = frame.f_back
        open("/tmp/seen", "w").close()
        {TAMPERING[name].replace(chr(10), chr(10) + " " * 8)}
        """
    body = f"if sample['output_text'] == 'bad':{textwrap.indent(textwrap.dedent(attack), '    ')}"
    body += "\nreturn float(not os.path.exists('/tmp/seen'))"
    source = f"def grade(sample, item):\n{textwrap.indent(body, '    ')}\n"
    grades = together(source, MANY)
    assert grades.pop(2).reward == 0.0
    assert all_right(grades), [grade for grade in grades if grade.reward != 1.0 or grade.errors]


def nested(levels: int) -> Any:
    value: Any = "core"
    for _ in range(levels):
        value = [value]
    return value


def test_a_row_that_cannot_be_sent_takes_no_other_along() -> None:
    items: list[dict[str, Any]] = [{}, {"x": nested(5_000)}, *[{}] * 30]
    grades = together("def grade(sample, item): return 1.0\n", ["x"] * 32, items)
    assert grades[1].outcome is GradeOutcome.UNGRADED
    assert "the row cannot be sent" in grades[1].errors["python_grader_server_error"]
    assert all_right([*grades[:1], *grades[2:]])


def test_a_row_that_is_no_json_changes_nothing_for_its_neighbours() -> None:
    items: list[dict[str, Any]] = [{"k": {1: "one"}}, {"k": Decimal("1.5")}, *[{"k": {1: "one"}}] * 30]
    source = 'def grade(sample, item): return float(item["k"] in ({1: "one"}, "1.5"))\n'
    assert all_right(together(source, ["x"] * 32, items))


RUNS = """
import os
run = exec
def grade(sample, item):
    space = {}
    run(sample["output_text"], space)
    if not os.path.exists("/tmp/keep"):
        os.mkdir("/tmp/keep")
        open("/tmp/keep/x", "wb").write(bytes(1 << 20))
        bytearray(1 << 24)
    return float(space["answer"])
"""
FIND = "import os, struct, sys, time\nframe = sys._getframe()\n"

TAKES = """
import os, resource
resource.prlimit(os.getppid(), {0}, ({1}, {1}))
answer = 0.75
"""

RESPONSES: dict[str, tuple[str, float]] = {
    "patches what the grader calls": ("import builtins\nbuiltins.float = lambda _: 0.5\nanswer = 0", 0.5),
    "takes the grader's place": (
        "import sys\nsys.modules['grader'].grade = lambda *_: 0.25\nanswer = 0.25",
        0.25,
    ),
    "answers for the others": (
        FIND
        + """
while "job" not in frame.f_locals: frame = frame.f_back
for fd in range(3, 30):
    try: os.write(fd, struct.pack(">IcQd", 17, b"v", frame.f_locals["job"][0], 0.75) * 5)
    except OSError: pass
answer = 0.75""",
        0.0,
    ),
    "leaves a thief of jobs and replies": (
        FIND
        + """
if os.fork() == 0:
    while True:
        for fd in range(3, 30):
            try: os.read(fd, 1 << 16)
            except OSError: pass
answer = 0.5""",
        0.5,
    ),
    "writes into the process above": (
        FIND + "open(f'/proc/{os.getppid()}/mem', 'r+b')\nanswer = 0.75",
        0.0,
    ),
    "opens the pipes of the process above": (
        FIND + "for n in os.listdir(f'/proc/{os.getppid()}/fd'): open(f'/proc/{os.getppid()}/fd/{n}', 'wb')",
        0.0,
    ),
    "reads other rows in the process above by a program": (
        "import subprocess, sys\ncode = \"import os; open(f'/proc/{os.getppid()}/mem', 'rb')\"\n"
        "answer = 0.5 * bool(subprocess.run([sys.executable, '-c', code], stderr=-3).returncode)",
        0.5,
    ),
    "takes file sizes from the process above": (TAKES.format("resource.RLIMIT_FSIZE", 0), 0.0),
    "takes memory from the process above": (TAKES.format("resource.RLIMIT_DATA", 1 << 20), 0.0),
    "takes its limits by a program": (
        "import subprocess, sys\n"
        f"code = {TAKES.format('resource.RLIMIT_FSIZE', 0)!r}\n"
        "answer = 0.5 * bool(subprocess.run([sys.executable, '-c', code], stderr=-3).returncode)",
        0.5,
    ),
    "takes its priority": (
        "import os\nos.setpriority(os.PRIO_PROCESS, os.getppid(), 19)\nanswer = 0.75",
        0.0,
    ),
    "takes everybody's priority": (
        "import os\nos.setpriority(os.PRIO_USER, 0, 19)\nanswer = 0.75",
        0.0,
    ),
    "makes the process above wait": (
        "import os\nos.sched_setscheduler(os.getppid(), os.SCHED_IDLE, os.sched_param(0))\nanswer = 0.75",
        0.0,
    ),
    "fills the scratch space with what cannot be removed": (
        """
import os
os.makedirs("/tmp/keep/in")
with open("/tmp/keep/in/big", "wb") as file:
    for _ in range(64): file.write(bytes(1 << 20))
os.chmod("/tmp/keep", 0)
answer = 0.5""",
        0.5,
    ),
    "ends its process": ("import os\nos._exit(0)", 0.0),
    "crashes": ("import ctypes\nctypes.string_at(0)", 0.0),
    "leaves the program": ("import sys\nsys.exit(0)", 0.0),
    "sets off an alarm": ("import signal\nsignal.alarm(1)\nanswer = 0.5", 0.5),
}
"""A response that is run as code, and what it earns itself."""


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize("name", RESPONSES)
def test_a_response_that_is_run_as_code_changes_no_grade_but_its_own(name: str) -> None:
    """Each grade of such a grader has a process of its own, which has no way to those of the others."""
    response, reward = RESPONSES[name]
    grades = together(RUNS, ["answer = 1", "answer = 1", response, *["answer = 1"] * 20], warm=0)
    own = grades.pop(2)
    assert all_right(grades), [grade for grade in grades if grade.reward != 1.0 or grade.errors]
    assert own.reward == reward
    assert not accused([own])
    assert reward or "python_grader_runtime_error" in own.errors


@pytest.mark.slow
def test_a_response_that_ends_the_sandbox_takes_no_other_along() -> None:
    grades = together(
        RUNS, ["answer = 1", "import os\nos.kill(os.getppid(), 9)", *["answer = 1"] * 9], warm=0
    )
    own = grades.pop(1)
    assert (own.outcome, own.reward) == (GradeOutcome.GRADED_ZERO, 0.0)
    assert "python_grader_runtime_error" in own.errors
    assert all_right(grades)
