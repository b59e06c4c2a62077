"""What one response leaves in the interpreter itself, for the process's end or for whoever is graded next."""

from __future__ import annotations

import asyncio
import textwrap

import pytest

from dryrun.core.records import Grade, GradeOutcome
from dryrun.graders.kinds.python_grader import PythonGrader
from tests.helpers.grading import sample

GRADER = """
import atexit, builtins, decimal, gc, json, math, os, re, sys, threading, time, types, ctypes
def grade(sample, item):
    if sample["output_text"] == "bad":
{body}
        return 0.0
    found = re.findall("a", "aa")
    exact = 1 / decimal.Decimal(8) == decimal.Decimal("0.125")
    return float(exact and json.loads("1") == 1 and len(found) == 2 and math.floor(1.5) == 1)
"""
LEFT = {
    "modules that are no modules": "sys.modules.update(json=types.ModuleType('json'), re=None, math=None)",
    "a hook of the garbage collection": "gc.callbacks.append(lambda *_: os._exit(1))",
    "an object whose end ends the process": """
        class Bomb:
            def __del__(self): os._exit(7)
        globals()["kept"] = Bomb()""",
    "a handler at the end that waits": "atexit.register(time.sleep, 600)",
    "a handler at the end that ends": "atexit.register(os._exit, 3)",
    "a thread that does not end": "threading.Thread(target=time.sleep, args=(600,)).start()",
    "a thread that ends the process": "threading.Timer(0.1, os.kill, (os.getpid(), 9)).start()",
    "a tracer": "sys.settrace(lambda *_: time.sleep(0.01))",
    "a low limit of recursion": "sys.setrecursionlimit(60)",
    "other builtins": "builtins.len = lambda _: 0; builtins.float = lambda _: 0.0",
    "a mask for new files": "os.umask(0o777); os.chdir('/')",
    "another precision": "decimal.getcontext().prec = 1; decimal.getcontext().traps[decimal.Inexact] = True",
    "open files": "globals().setdefault('kept', []).extend(os.open('/dev/null', 0) for _ in range(200))",
    "a flood of output": "for _ in range(200): os.write(1, bytes(10**5)); os.write(2, bytes(10**5))",
    "memory that may not be paged out": "ctypes.CDLL(None).mlockall(3)",
}


def graded(body: str) -> list[Grade]:
    """Honest responses around a bad one, on one worker."""
    source = GRADER.format(body=textwrap.indent(textwrap.dedent(body), " " * 8))
    texts = ["x", "x", "bad", *["x"] * 12]

    async def run() -> list[Grade]:
        async with PythonGrader(source, 5.0, workers=1) as grader:
            return list(await asyncio.gather(*(grader.grade(sample(text), {}) for text in texts)))

    return asyncio.run(run())


@pytest.mark.quick_cases(2)
@pytest.mark.parametrize("name", LEFT)
def test_what_a_response_leaves_in_the_interpreter_reaches_no_other(name: str) -> None:
    grades = graded(LEFT[name])
    bad = grades.pop(2)
    assert bad.reward in (0.0, None)
    wrong = [grade for grade in grades if grade.outcome is not GradeOutcome.GRADED or grade.reward != 1.0]
    assert wrong == []
