"""The sandbox of hosts that forbid namespaces: the same attacks, and those it alone has to withstand."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from dryrun.core.records import Grade, GradeOutcome
from dryrun.graders.kinds.python_grader import PythonGrader
from dryrun.graders.sandbox.isolation import Mechanism, bwrap
from dryrun.graders.sandbox.status import sandbox_status
from tests.helpers.attacks import BREAKS, FORGE, FORGED, READS, assert_none_comes_through, attacked, in_groups
from tests.helpers.grading import sample
from tests.helpers.support import wait_until

ALONE = {
    "change permissions": "os.chmod(item['secret'], 0o777); return 1.0",
    "change times": "os.utime(item['secret'], (0, 0)); return 1.0",
    "change owners": "os.chown(item['secret'], 1, 1); return 1.0",
    "set attributes": "os.setxattr(item['secret'], 'user.x', b'x'); return 1.0",
    "empty a file": "os.truncate(item['secret'], 0); return 1.0",
    "remove a file": "os.unlink(item['secret']); return 1.0",
    "rename a file": "os.rename(item['secret'], item['secret'] + '.x'); return 1.0",
    "make a folder": "os.mkdir(item['marker']); return 1.0",
    "make a link": "os.symlink('/', item['marker']); return 1.0",
    "make a pipe": "os.mkfifo(item['marker']); return 1.0",
    "scratch space": "open('/tmp/x', 'w'); return 1.0",
    "shared memory": "open('/dev/shm/x', 'w'); return 1.0",
    "processes": "return float(os.fork() >= 0)",
    "programs": "subprocess.run(['/bin/true']); return 1.0",
    "leaving its group": "os.setsid(); return 1.0",
    "a group of its own": "os.setpgid(0, 0); return 1.0",
    "ending the process that made it": "os.kill(os.getppid(), 9); return 1.0",
    "the memory of the process that made it": "open(f'/proc/{os.getppid()}/mem', 'r+b'); return 1.0",
    "the pipes of the process that made it": "return float(len(os.listdir(f'/proc/{os.getppid()}/fd')))",
    "tracing the process that made it": "return float(ctypes.CDLL(None).ptrace(16, os.getppid(), 0, 0) == 0)",
    "a filter less": "return float(ctypes.CDLL(None).prctl(22, 0, 0, 0, 0) == 0)",
    "what processes do": "return float(len(os.listdir('/proc')) > 0)",
    "a signal by a file": """
        import fcntl
        reading, writing = os.pipe()
        fcntl.fcntl(reading, fcntl.F_SETOWN, item['pid'])
        return 1.0""",
    "which signal": """
        import fcntl
        fcntl.fcntl(os.pipe()[0], 10, 9)
        return 1.0""",
    "whom a pair of sockets signals": """
        import fcntl
        fcntl.ioctl(socket.socketpair()[0], 0x8901, struct.pack('i', item['pid']))
        return 1.0""",
    "a datagram": """
        socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        return 1.0""",
    "a datagram by sequence": """
        socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        return 1.0""",
    "a signal to a thread": """
        return float(ctypes.CDLL(None).syscall(TGKILL, item['pid'], item['pid'], 0) == 0)""",
    "a handle of a process": "return float(os.pidfd_open(item['pid']) >= 0)",
    "limits of a process": """
        import resource
        resource.prlimit(item['pid'], resource.RLIMIT_NOFILE, (8, 8))
        return 1.0""",
    "processors of a process": "os.sched_setaffinity(item['pid'], {0}); return 1.0",
    "priority of a process": "os.setpriority(os.PRIO_PROCESS, item['pid'], 19); return 1.0",
    "memory of a process": """
        return float(ctypes.CDLL(None).syscall(PROCESS_VM_READV, item['pid'], 0, 0, 0, 0, 0) >= 0)""",
    "outliving the parent": "return float(ctypes.CDLL(None).prctl(1, 0, 0, 0, 0) == 0)",
    "sockets of its own": "socket.socket(socket.AF_UNIX); return 1.0",
    "message queues": "return float(ctypes.CDLL(None).syscall(MQ_OPEN, b'x', 0o102, 0o600, None) >= 0)",
    "privileges": "return float(ctypes.CDLL(None).syscall(CLOCK_SETTIME, 0, None) == 0)",
    "more memory than allowed": """
        import resource
        resource.setrlimit(resource.RLIMIT_AS, (2 ** 40, 2 ** 40))
        return 1.0""",
}
"""What namespaces hold back elsewhere. Each would pay 1 if it came through."""

NUMBERS = {
    "TGKILL": (234, 131),
    "PROCESS_VM_READV": (310, 270),
    "MQ_OPEN": (240, 180),
    "CLOCK_SETTIME": (227, 112),
}

NOT_HERE = {"raise its limits", *(["become root"] if os.geteuid() == 0 else [])}
"""The limit on processes is not set: the kernel would count all threads of the user. Root stays root, without
its privileges."""


@pytest.fixture(autouse=True)
def landlock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DRYRUN_SANDBOX", "landlock")
    status = sandbox_status()
    if status.mechanism is not Mechanism.LANDLOCK:
        pytest.skip(f"this kernel has no Landlock: {status.reason}")


def numbered(attack: str) -> str:
    for name, (x86, arm) in NUMBERS.items():
        attack = attack.replace(name, str(x86 if os.uname().machine == "x86_64" else arm))
    return attack


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize("attacks", in_groups(ALONE))
def test_nothing_is_reached_that_a_namespace_would_hide(
    attacks: dict[str, str], world: dict[str, object]
) -> None:
    before = Path(str(world["secret"])).stat()
    assert_none_comes_through({name: numbered(attack) for name, attack in attacks.items()}, world)
    after = Path(str(world["secret"])).stat()
    assert (before.st_mode, before.st_mtime, before.st_uid) == (after.st_mode, after.st_mtime, after.st_uid)


@pytest.mark.slow
@pytest.mark.parametrize("attacks", in_groups({name: READS[name] for name in READS if name not in NOT_HERE}))
def test_nothing_outside_can_be_reached(attacks: dict[str, str], world: dict[str, object]) -> None:
    assert_none_comes_through(attacks, world)


@pytest.mark.slow
@pytest.mark.parametrize("name", [*BREAKS, *FORGED])
def test_breaking_the_worker_ends_in_a_typed_outcome(name: str, world: dict[str, object]) -> None:
    found, honest = attacked(BREAKS.get(name) or FORGE.format(FORGED[name]), world, timeout=1.0)
    assert found.reward in (0.0, None)
    assert (honest.outcome, honest.reward) == (GradeOutcome.GRADED, 1.0)


def graded(source: str, texts: list[str]) -> list[Grade]:
    async def run() -> list[Grade]:
        async with PythonGrader(source, 10.0, workers=1) as grader:
            return [await grader.grade(sample(text), {}) for text in texts]

    return asyncio.run(run())


@pytest.mark.slow
def test_honest_graders_are_repeated_in_fresh_processes() -> None:
    """A counter is found out, though nothing can be forked here; threads and numpy work."""
    counting = "n = 0\ndef grade(sample, item):\n    global n\n    n += 1\n    return float(n)\n"
    grades = graded(counting, ["a", "b", "c"])
    assert [grade.reward for grade in grades] == [1.0, 1.0, 1.0]
    assert all("graded 1, but 2 when graded again" in grade.errors["other_error"] for grade in grades)
    busy = """
import numpy as np
from concurrent.futures import ThreadPoolExecutor
def grade(sample, item):
    with ThreadPoolExecutor(4) as pool:
        return float(np.mean(list(pool.map(len, [sample["output_text"]] * 4))))
"""
    assert [grade.reward for grade in graded(busy, ["four"] * 4)] == [4.0] * 4


WHO = """
import os, time
class Slow: pass  # not plain
def grade(sample, item):
    if sample["output_text"] == "hang":
        time.sleep(60)
    return float(os.getppid() if sample["output_text"] == "parent" else os.getpid())
"""


def groups_of(leader: int) -> list[str]:
    """Processes in the group of this one that live."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, _, group = stat.read_text().rpartition(")")[2].split()[:3]
            found += [stat.parent.name] if int(group) == leader and state != "Z" else []
    return found


@pytest.mark.slow
def test_each_grade_has_a_process_that_ends_with_it() -> None:
    """One process makes those of all grades; what hangs is ended with it, and a new one goes on."""

    async def run() -> None:
        async with PythonGrader(WHO, 1.0, workers=1) as grader:
            texts = ("parent", "a", "b", "parent")
            first, one, two, again = [(await grader.grade(sample(text), {})).reward for text in texts]
            assert first is not None
            assert first == again
            assert len({first, one, two}) == 3
            hung = await grader.grade(sample("hang"), {})
            assert hung.outcome is not GradeOutcome.GRADED
            leader = int(first)
            wait_until(lambda: not groups_of(leader))
            assert (await grader.grade(sample("parent"), {})).reward not in (first, None)

    asyncio.run(run())


OWNER = """
import asyncio, os
from pathlib import Path
from dryrun.graders.kinds.python_grader import PythonGrader
from dryrun.graders.sandbox.status import _probed
from tests.helpers.grading import sample
async def main():
    source = "def grade(sample, item):\\n    while True: pass\\n"
    async with PythonGrader(source, 60.0, workers=1) as grader:
        grading = asyncio.create_task(grader.grade(sample("a"), {}))
        await asyncio.sleep(1.0)
        print(Path(f"/proc/self/task/{os.getpid()}/children").read_text(), flush=True)
        await grading
asyncio.run(main())
"""


@pytest.mark.slow
def test_a_worker_ends_with_a_parent_that_was_killed() -> None:
    """Also one that is in the middle of a grade."""
    with subprocess.Popen([sys.executable, "-c", OWNER], stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        workers = [int(pid) for pid in owner.stdout.readline().split()]
        owner.kill()
    assert workers
    for _ in range(100):
        if not any(Path(f"/proc/{pid}").exists() for pid in workers):
            break
        time.sleep(0.1)
    assert not any(Path(f"/proc/{pid}").exists() for pid in workers)


ASK = (
    "from dryrun.graders.sandbox.status import sandbox_status as s; "
    "print(s().available, s().mechanism, s().reason)"
)


def status_in(*within: str, **environment: str) -> str:
    """What another process says of its sandbox."""
    known = {**os.environ, **environment}
    command = [*within, sys.executable, "-c", ASK]
    return subprocess.run(command, env=known, check=True, capture_output=True, text=True).stdout


def status_without_namespaces(**environment: str) -> str:
    """On a machine that forbids user namespaces."""
    program = bwrap()
    assert program is not None
    forbidden = "--unshare-user --uid 1000 --disable-userns --bind / / --dev-bind /dev /dev --proc /proc"
    return status_in(program, *forbidden.split(), DRYRUN_SANDBOX="", **environment)


@pytest.mark.slow
def test_a_host_that_forbids_namespaces_gets_the_next_best_unless_it_serves_strangers() -> None:
    said = status_without_namespaces()
    assert said.startswith("True landlock ")
    assert "a weaker sandbox than bubblewrap" in said
    said = status_without_namespaces(DRYRUN_HOSTED="1")
    assert said.startswith("False None ")
    assert "does not start (bwrap: " in said


@pytest.mark.slow
def test_a_sandbox_that_lets_something_through_is_refused() -> None:
    """As where the temporary folder lies among what every grader reads."""
    with tempfile.TemporaryDirectory(dir=sys.prefix) as readable:
        said = status_in(TMPDIR=readable)
    assert said.startswith("False None ")
    assert "code in it can read files, list folders)" in said


def test_a_hosted_app_takes_no_less_than_bubblewrap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DRYRUN_HOSTED", "1")
    status = sandbox_status()
    assert not status.available
    assert "DRYRUN_SANDBOX=landlock is not available here" in status.reason


@pytest.mark.slow
def test_a_grade_that_ends_its_process_earns_nothing() -> None:
    source = """
import os
def grade(sample, item):
    if sample["output_text"] == "bad": os._exit(0)
    return 1.0
"""
    first, own, last = graded(source, ["a", "bad", "c"])
    assert (own.outcome, own.reward) == (GradeOutcome.GRADED_ZERO, 0.0)
    assert "python_grader_runtime_error" in own.errors
    assert first.reward == last.reward == 1.0


def test_no_grade_changes_a_later_one() -> None:
    """Nothing can be forked, so the worker is replaced after each grade that is not plain."""
    source = "seen = []\ndef grade(sample, item):\n    seen.append(1)\n    return float(len(seen) == 1)\n"
    assert [grade.reward for grade in graded(source, ["a", "b", "c"])] == [1.0] * 3


def test_a_pair_of_sockets_that_reach_each_other_is_to_be_had() -> None:
    source = """
import socket
def grade(sample, item):
    one, other = socket.socketpair()
    one.send(b"x")
    return float(other.recv(1) == b"x")
"""
    assert graded(source, ["a"])[0].reward == 1.0
