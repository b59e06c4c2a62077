"""Grader code that attacks. None gets out, none hurts the next grade, each ends in the right outcome.

Every attack runs on the response "attack" and must earn nothing; on "honest" the same grader, in the
same pool, must still pay 1. What an attack could reach outside is planted first and looked at after.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterable
from pathlib import Path

import pytest
from _pytest.mark import ParameterSet

from dryrun.core.records import GradeOutcome
from tests.helpers.attacks import (
    BREAKS,
    FORGE,
    FORGED,
    READS,
    UNTIL_THE_LIMIT,
    assert_none_comes_through,
    attacked,
    in_groups,
)


def each(attacks: Iterable[str]) -> list[ParameterSet]:
    """Their names; those that take their whole time are slow."""
    return [
        pytest.param(name, marks=[pytest.mark.slow] if name in UNTIL_THE_LIMIT else []) for name in attacks
    ]


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize("attacks", in_groups(READS))
def test_nothing_outside_can_be_reached(attacks: dict[str, str], world: dict[str, object]) -> None:
    assert_none_comes_through(attacks, world)


@pytest.mark.quick_cases(4)
@pytest.mark.parametrize("name", each(BREAKS))
def test_breaking_the_worker_ends_in_a_typed_outcome(name: str, world: dict[str, object]) -> None:
    threads = threading.active_count()
    found, honest = attacked(BREAKS[name], world, timeout=1.0)
    assert found.outcome in (GradeOutcome.GRADED_ZERO, GradeOutcome.UNGRADED)
    assert found.reward in (0.0, None)
    assert found.errors
    assert all(len(detail) <= 500 for detail in found.errors.values())
    assert (honest.outcome, honest.reward) == (GradeOutcome.GRADED, 1.0)
    assert threading.active_count() <= threads + 1


@pytest.mark.slow
def test_memory_that_sockets_hold_counts(world: dict[str, object]) -> None:
    """It is memory of the kernel, and of no process: forty processes can fill gigabytes of it."""
    attack = """
        for _ in range(40):
            if os.fork() == 0:
                kept = sum((socket.socketpair() for _ in range(110)), ())
                for one in kept:
                    one.setblocking(False)
                    try:
                        while True: one.send(bytes(2 ** 16))
                    except BlockingIOError: pass
                time.sleep(600)
        time.sleep(600)"""
    found, honest = attacked(attack, world, timeout=20.0)
    assert "of memory" in found.errors["python_grader_runtime_error"]
    assert honest.reward == 1.0


def test_what_an_attack_leaves_behind_does_not_reach_the_next_grade(world: dict[str, object]) -> None:
    """Threads and processes end with the grade that started them: its worker is replaced."""
    attack = """
        threading.Thread(target=time.sleep, args=(600,), daemon=True).start()
        if os.fork() == 0: time.sleep(600)
        open('/tmp/left', 'w').write('x')
        return 0.0"""
    found, honest = attacked(attack, world)
    assert found.reward == 0.0
    assert honest.reward == 1.0


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize("name", each(FORGED))
def test_forged_replies_reach_no_other_grade(name: str, world: dict[str, object]) -> None:
    found, honest = attacked(FORGE.format(FORGED[name]), world, timeout=1.0)
    assert found.reward in (0.0, None)
    assert (honest.outcome, honest.reward) == (GradeOutcome.GRADED, 1.0)
    assert not honest.errors


def test_a_child_that_answers_later_answers_nobody(world: dict[str, object]) -> None:
    attack = """
        if os.fork() == 0:
            body = json.dumps({'id': 1, 'value': 0.25, 'note': '', 'recycle': False}).encode()
            while True:
                for fd in range(3, 20):
                    try: os.write(fd, struct.pack('>I', len(body)) + body)
                    except OSError: pass
        return 0.0"""
    found, honest = attacked(attack, world)
    assert found.reward in (0.0, None)
    assert (honest.outcome, honest.reward) == (GradeOutcome.GRADED, 1.0)


@pytest.mark.slow
def test_no_process_of_an_attack_is_left(world: dict[str, object]) -> None:
    """Counted on the machine itself, by a text in their command line that only they have."""
    mark = f"dryrun-mark-{os.getpid()}"
    attack = f"""
        code = [sys.executable, '-c', 'import time; time.sleep(600)', '{mark}']
        for _ in range(3):
            if os.fork() == 0:
                os.setsid()
                if os.fork() == 0: os.execv(code[0], code)
                os._exit(0)
        time.sleep(0.3)
        return 0.0"""
    attacked(attack, world)
    for _ in range(50):  # the kernel ends a namespace's processes a moment after its first one
        left = [path for path in Path("/proc").glob("[0-9]*/cmdline") if mark.encode() in read(path)]
        if not left:
            break
        time.sleep(0.1)
    assert left == []


def read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
