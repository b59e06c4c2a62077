"""Where no process can be started, a grader that wants one gets no grade; files in scratch space work."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

import pytest

from dryrun.core.records import Grade, GradeOutcome
from dryrun.graders.kinds.python_grader import PythonGrader
from dryrun.graders.sandbox.isolation import Mechanism, WorkerLimits
from dryrun.graders.sandbox.memory import size_in
from dryrun.graders.sandbox.status import sandbox_status
from tests.helpers.grading import sample

FILES = {
    "a file with a name": """
    with tempfile.NamedTemporaryFile("w+") as file:
        file.write(text)
        file.flush()
        return float(open(file.name).read() == text)""",
    "a folder with a database": """
    with tempfile.TemporaryDirectory() as folder:
        rows = sqlite3.connect(os.path.join(folder, "x.db"))
        rows.execute("create table t(a)")
        rows.execute("insert into t values (1)")
        rows.commit()
        return float(rows.execute("select count(*) from t").fetchone()[0])""",
    "folders that stay": """
    os.makedirs(os.path.expanduser("~/.cache/x"), exist_ok=True)
    os.mkdir("inner")
    os.chdir("inner")
    open("x", "w").write("1")
    return float(open("x").read())""",
    "a link": """
    open("x", "w").write("1")
    os.symlink("x", "link")
    return float(open("link").read())""",
    "a file beside it": """
    open("x.txt", "w").write(text)
    os.rename("x.txt", "y.txt")
    return float(os.listdir(".") == ["y.txt"])""",
}

PROCESSES = {
    "a program": "return float(subprocess.run([sys.executable, '-c', 'pass']).returncode == 0)",
    "a command": "return float(os.system('true') == 0)",
    "a fork": "return float(os.fork() >= 0)",
    "a queue between processes": "return float(multiprocessing.Queue() is not None)",
    "a pool of processes": """
    with concurrent.futures.ProcessPoolExecutor(1) as pool:
        return float(pool.submit(abs, -1).result())""",
}

HEAD = "import concurrent.futures, multiprocessing, os, sqlite3, subprocess, sys, tempfile\n"
GRADE = HEAD + "def grade(sample, item):\n    text = sample['output_text']\n"


@pytest.fixture(autouse=True)
def landlock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DRYRUN_SANDBOX", "landlock")
    status = sandbox_status()
    if status.mechanism is not Mechanism.LANDLOCK:
        pytest.skip(f"this kernel has no Landlock: {status.reason}")


def graded(source: str, count: int = 2, limits: WorkerLimits | None = None) -> list[Grade]:
    async def run() -> list[Grade]:
        async with PythonGrader(source, 10.0, workers=1, limits=limits) as grader:
            return [await grader.grade(sample("right"), {}) for _ in range(count)]

    return asyncio.run(run())


def assert_no_grade(grade: Grade, what: str) -> None:
    assert (grade.outcome, grade.reward) == (GradeOutcome.UNGRADED, None)
    assert what in grade.errors["python_grader_server_error"]
    assert "grade on Linux where bubblewrap starts" in grade.errors["python_grader_server_error"]


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize("name", FILES)
def test_files_in_scratch_space_work_and_go_with_the_grade(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))  # what other processes leave is not looked at
    for grade in graded(GRADE + FILES[name]):
        assert (grade.outcome, grade.reward, dict(grade.errors)) == (GradeOutcome.GRADED, 1.0, {})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize("name", PROCESSES)
@pytest.mark.parametrize("swallows", [True, False])
def test_a_grade_that_wants_a_process_is_no_zero(name: str, swallows: bool) -> None:
    body = "    " + PROCESSES[name].strip()
    if swallows:
        inner = "\n".join(f"    {line}" for line in body.splitlines())
        body = f"    try:\n{inner}\n    except Exception:\n        return 0.0"
    for grade in graded(GRADE + body):
        assert_no_grade(grade, "starts processes")


@pytest.mark.slow
def test_a_source_that_wants_a_process_while_it_loads_is_no_zero() -> None:
    source = "import subprocess\nsubprocess.run(['true'])\ndef grade(sample, item): return 1.0\n"
    assert_no_grade(graded(source, 1)[0], "starts processes")


@pytest.mark.slow
def test_a_source_that_loads_without_the_process_is_graded() -> None:
    source = (
        "import subprocess\ntry: subprocess.run(['true'])\nexcept OSError: pass\n"
        "def grade(sample, item): return 0.5\n"
    )
    assert graded(source, 1)[0].reward == 0.5


@pytest.mark.slow
@pytest.mark.parametrize(
    ("statement", "what"),
    [
        ("open('/tmp/x', 'w')", "writes to /tmp or /dev/shm by that name"),
        ("open('x', 'w').close(); os.chmod('x', 0o700)", "changes permissions"),
    ],
)
def test_what_only_the_stronger_sandbox_has_is_no_zero(statement: str, what: str) -> None:
    assert_no_grade(graded(f"{GRADE}    {statement}\n    return 1.0\n", 1)[0], what)


@pytest.mark.slow
def test_a_file_that_loading_wrote_is_there_for_every_grade() -> None:
    source = "open('x', 'w').write('1')\ndef grade(sample, item): return float(open('x').read())\n"
    for grade in graded(source, 3):
        assert (grade.reward, dict(grade.errors)) == (1.0, {})


@pytest.mark.slow
def test_a_link_out_of_scratch_space_leads_nowhere(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("1")
    body = f"    os.symlink({str(tmp_path)!r}, 'link')\n    return float(open('link/secret').read())\n"
    assert graded(GRADE + body, 1)[0].reward == 0.0
    body = f"    os.symlink({str(tmp_path)!r}, 'link')\n    open('link/secret', 'w')\n    return 1.0\n"
    assert graded(GRADE + body, 1)[0].reward in (0.0, None)
    assert (tmp_path / "secret").read_text() == "1"


@pytest.mark.slow
def test_reading_a_file_that_is_not_there_is_the_graders_own_fault() -> None:
    grade = graded(f"{GRADE}    return float(open('/tmp/answers').read())\n", 1)[0]
    assert grade.outcome is GradeOutcome.GRADED_ZERO


@pytest.mark.slow
def test_files_are_limited_in_sum() -> None:
    source = f"""{GRADE}
    for number in range(1000):
        open(f"{{number}}", "wb").write(bytes(1 << 20))
    import time
    time.sleep(5)
    return 1.0
"""
    grade = graded(source, 1, WorkerLimits(scratch=16 * 1024**2))[0]
    assert grade.errors["python_grader_runtime_error"] == "its files together took more than 16 MB"


@pytest.mark.slow
def test_no_file_of_a_grade_is_there_in_the_next_one() -> None:
    source = (
        f"{GRADE}    n = len(os.listdir('.'))\n    open('x', 'w')\n    os.mkdir('d')\n    return float(n)\n"
    )
    assert [grade.reward for grade in graded(source, 3)] == [0.0, 0.0, 0.0]


def test_a_great_number_of_empty_files_is_noticed(tmp_path: Path) -> None:
    for number in range(10):
        (tmp_path / str(number)).touch()
    assert size_in(tmp_path, 10**9) == 10 * 16 * 1024
    assert size_in(tmp_path, 40_000) == 3 * 16 * 1024
