"""Grader code that attacks the sandbox, what it is after, and how it is graded.

Every attack runs on the response "attack" and must earn nothing; on "honest" the same grader, in the
same pool, must still pay 1. What an attack could reach outside is planted first and looked at after.
"""

from __future__ import annotations

import asyncio
import os
import socket
import textwrap
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
from _pytest.mark import ParameterSet

from dryrun.core.records import Grade, GradeOutcome
from dryrun.graders.kinds.python_grader import PythonGrader
from dryrun.graders.sandbox.isolation import WorkerLimits
from tests.helpers.grading import sample

SECRET = "sk-planted-secret-a81f"
HEAD = """import os, sys, json, time, socket, threading, signal, subprocess, gc, ctypes, struct
X86 = os.uname().machine == 'x86_64'
USERFAULTFD, BPF, PERF_EVENT_OPEN = (323, 321, 298) if X86 else (282, 280, 241)
OPEN_BY_HANDLE, FANOTIFY_INIT, PROCESS_VM_READV = (304, 300, 310) if X86 else (265, 262, 270)
"""

READS = {
    "environment": f"return float(any('{SECRET}' in value for value in os.environ.values()))",
    "environment of the parent": """
        return float(b'planted' in open('/proc/%d/environ' % os.getppid(), 'rb').read())""",
    "environments in proc": f"""
        found = 0
        for name in os.listdir('/proc'):
            if name.isdigit():
                try: found += '{SECRET}'.encode() in open(f'/proc/{{name}}/environ', 'rb').read()
                except OSError: pass
        return float(found)""",
    "secret file": "return float(len(open(item['secret']).read()) > 0)",
    "the home": "return float(len(os.listdir(os.path.dirname(item['secret']))) > 0)",
    "the data directory": "return float(len(os.listdir(item['data'])) > 0)",
    "symlink out": "os.symlink(item['secret'], '/tmp/l'); return float(len(open('/tmp/l').read()) > 0)",
    "proc root of the parent": "return float(len(os.listdir('/proc/%d/root/home' % os.getppid())) >= 0)",
    "shadow": "return float(len(open('/etc/shadow').read()) > 0)",
    "socket to the parent's machine": "socket.create_connection(('127.0.0.1', item['port']), 2); return 1.0",
    "name lookup": "socket.getaddrinfo('example.com', 80); return 1.0",
    "udp": """
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('8.8.8.8', 53))
        return 1.0""",
    "abstract unix socket": """
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(2)
        s.connect(chr(0) + item['abstract'])
        return 1.0""",
    "write outside": "open(item['marker'], 'w').write('x'); return 1.0",
    "write to the runtime": "open(os.__file__, 'a').write('#'); return 1.0",
    "write to a binary": "open('/usr/bin/hacked', 'w').write('x'); return 1.0",
    "signal to the parent": "os.kill(item['pid'], signal.SIGTERM); return 1.0",
    "ptrace": """
        libc = ctypes.CDLL(None, use_errno=True)
        return 1.0 if libc.ptrace(16, item['pid'], 0, 0) == 0 else 0.0""",
    "mount": """
        libc = ctypes.CDLL(None, use_errno=True)
        return 1.0 if libc.mount(b'none', b'/tmp', b'tmpfs', 0, None) == 0 else 0.0""",
    "become root": "os.setuid(0); return 1.0",
    "raise its limits": """
        import resource
        resource.setrlimit(resource.RLIMIT_NPROC, (10 ** 6, 10 ** 6)); return 1.0""",
    "change the host name": "socket.sethostname('owned'); return 1.0",
    "the virtual machine's host": """
        s = socket.socket(40, socket.SOCK_STREAM)
        try: s.connect((2, 22))
        except ConnectionError: return 1.0
        return 1.0""",
    "raw sockets": "socket.socket(socket.AF_PACKET, socket.SOCK_RAW); return 1.0",
    "the kernel's crypto sockets": "socket.socket(socket.AF_ALG, socket.SOCK_SEQPACKET); return 1.0",
    "a user namespace of its own": "return float(ctypes.CDLL(None).unshare(0x10000000) == 0)",
    "a namespace by clone": """
        return float(ctypes.CDLL(None).syscall(56 if os.uname().machine == 'x86_64' else 220,
                                               0x10000000 | 17, 0, 0, 0, 0) > 0)""",
    "the user's keyring": """
        number = 250 if os.uname().machine == 'x86_64' else 219
        return float(ctypes.CDLL(None).syscall(number, 0, -3, 1) > 0)""",
    "io_uring": "return float(ctypes.CDLL(None).syscall(425, 8, ctypes.create_string_buffer(256)) >= 0)",
    "the memory of process 1": "return float(len(open('/proc/1/mem', 'rb').read(1)) >= 0)",
    "kernel settings": "open('/proc/sys/kernel/hostname', 'w').write('owned'); return 1.0",
    "devices": "return float(len(open('/dev/mem', 'rb').read(1)) > 0)",
    "the terminal": "open('/dev/tty', 'w').write('x'); return 1.0",
    "every process there is": """
        others = [name for name in os.listdir('/proc') if name.isdigit()]
        return float(any(int(name) == item['pid'] for name in others) or len(others) > 3)""",
    "signal to everybody": "os.kill(-1, signal.SIGTERM); return 0.0",
    "hard link out": "os.link(item['secret'], '/tmp/h'); return 1.0",
    "a way out through the root": "return float(len(os.listdir('/proc/self/root/home')) > 0)",
    "change root": "os.chroot('/tmp'); return 1.0",
    "larger buffers of its sockets": """
        a, b = socket.socketpair()
        a.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2 ** 23); return 1.0""",
    "a device of its own": "os.mknod('/tmp/null', 0o20666, os.makedev(1, 3)); return 1.0",
    "a program that is no file": """
        fd = os.memfd_create('x')
        os.write(fd, open('/bin/true', 'rb').read())
        os.execve(fd, ['x'], {})""",
    "page faults of its own": "return float(ctypes.CDLL(None).syscall(USERFAULTFD, 1) >= 0)",
    "programs in the kernel": "return float(ctypes.CDLL(None).syscall(BPF, 0, 0, 0) >= 0)",
    "counters of the processor": """
        event = ctypes.create_string_buffer(128)
        return float(ctypes.CDLL(None).syscall(PERF_EVENT_OPEN, event, 0, -1, -1, 0) >= 0)""",
    "a file by its number": "return float(ctypes.CDLL(None).syscall(OPEN_BY_HANDLE, -100, 0, 0) >= 0)",
    "a watch on all files": "return float(ctypes.CDLL(None).syscall(FANOTIFY_INIT, 0, 0) >= 0)",
    "the memory of the parent by number": """
        return float(ctypes.CDLL(None).syscall(PROCESS_VM_READV, item['pid'], 0, 0, 0, 0, 0) >= 0)""",
    "a real-time priority": "os.sched_setscheduler(0, 1, os.sched_param(1)); return 1.0",
}
"""Attacks that would pay 1 if they came through. They raise or find nothing instead."""

BREAKS = {
    "os._exit": "os._exit(0)",
    "kill itself": "os.kill(os.getpid(), signal.SIGKILL)",
    "segmentation fault": "ctypes.string_at(0)",
    "endless loop": "while True: pass",
    "sleep": "time.sleep(600)",
    "endless loop that swallows everything": """
        while True:
            try:
                while True: pass
            except BaseException: pass""",
    "ignore signals": "signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)",
    "memory": "x = bytearray(3 * 1024 ** 3); return 1.0",
    "memory, bit by bit": """
        x = []
        while True: x.append(bytearray(10 ** 7))""",
    "fork bomb": "while True: os.fork()",
    "thread bomb": "while True: threading.Thread(target=time.sleep, args=(60,)).start()",
    "fill the disk": """
        with open('/tmp/full', 'wb') as file:
            for _ in range(400): file.write(bytes(10 ** 7))
        return 1.0""",
    "exhaust file descriptors": "x = [open('/dev/null') for _ in range(100_000)]; return 1.0",
    "deep recursion": "f = lambda n: f(n + 1); return f(0)",
    "deep recursion without a limit": "sys.setrecursionlimit(10 ** 9); f = lambda n: f(n + 1); return f(0)",
    "a hundred megabytes returned": "return 'x' * 10 ** 8",
    "a hundred megabytes raised": "raise ValueError('x' * 10 ** 8)",
    "an error that cannot be shown": """
        class Bad(Exception):
            def __str__(self): raise RuntimeError
        raise Bad""",
    "a number that is none": """
        class Bad(float):
            def __float__(self): raise SystemExit
        return Bad(1.0)""",
    "memory of its children together": """
        for _ in range(8):
            if os.fork() == 0:
                x = bytearray(200 * 2 ** 20)
                for i in range(0, len(x), 4096): x[i] = 1
                time.sleep(600)
        time.sleep(600)""",
    "memory that no limit counts": """
        for _ in range(64):
            fd = os.memfd_create('x')
            for _ in range(64): os.write(fd, bytes(2 ** 20))
        return 1.0""",
    "a value that is no number": "return {'value': 1.0}",
    "a number from a class of its own": """
        class Number:
            def __float__(self): return 10 ** 400 * 1.0
        return Number()""",
    "a forged frame": """
        body = json.dumps({'id': 0, 'value': 1.0, 'note': '', 'recycle': False}).encode() * 100_000
        for fd in range(3, 20):
            try: os.write(fd, struct.pack('>I', len(body)) + body)
            except OSError: pass
        time.sleep(600)""",
    "noise on every descriptor": """
        for fd in range(0, 20):
            try: os.write(fd, b'\\xff' * 4096)
            except OSError: pass
        return 'x'""",
    "closed descriptors": "os.closerange(0, 256)",
    "closed standard streams and output": "print('x' * 10 ** 7); sys.stdout.close(); return None",
    "stops itself": "os.kill(os.getpid(), signal.SIGSTOP)",
}
"""Attacks on the worker itself. The grade is a typed outcome, never a reward."""
UNTIL_THE_LIMIT = {
    "endless loop",
    "sleep",
    "endless loop that swallows everything",
    "ignore signals",
    "a forged frame",
    "stops itself",
    "deep recursion without a limit",
    "a frame that is announced and never sent",
}
"""Attacks that only the time limit ends, of those on the worker and on the pipe."""

FORGE = """
        def forge(body):
            for fd in range(3, 20):
                try: os.write(fd, struct.pack('>I', len(body)) + body)
                except OSError: pass
        frame = lambda number, **more: json.dumps({{'id': number, 'recycle': False, **more}}).encode()
        {}
        return 0.0"""
FORGED = {
    "replies to jobs to come": "[forge(frame(n, value=0.25, note='')) for n in range(8)]",
    "not a number": 'forge(b\'{"id": 0, "value": NaN, "note": "", "recycle": false}\')',
    "infinity": 'forge(b\'{"id": 0, "value": 1e999, "note": "", "recycle": false}\')',
    "a huge number": "forge(b'{\"id\": 0, \"value\": 1' + b'0' * 60_000 + b'}')",
    "deep nesting": "forge(b'[' * 30_000 + b']' * 30_000)",
    "no JSON": "forge(b'\\xff' * 100)",
    "a list": "forge(b'[1, 2, 3]')",
    "a frame that is announced and never sent": "os.write(4, struct.pack('>I', 1000))",
    "a frame of four gigabytes": "os.write(4, b'\\xff' * 4)",
    "parts that are no numbers": "forge(frame(0, value=0.25, note='', parts={'a': 'b'}))",
    "a second answer": "forge(frame(0, value=0.25, note='')); forge(frame(0, value=0.25, note=''))",
}
"""What a grader writes on the pipe itself. None of it may become a reward of the grades after it."""


@contextmanager
def planted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, object]]:
    """What an attack wants: secrets, the data directory, a listening socket, a place to write."""
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    secret, data = tmp_path / "secret.txt", tmp_path / "data"
    secret.write_text(SECRET)
    data.mkdir(exist_ok=True)
    (data / "part").write_text("x")
    abstract = f"dryrun-test-{os.getpid()}"
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket(socket.AF_UNIX) as hidden:
        hidden.bind("\0" + abstract)
        hidden.listen()
        yield {
            "secret": str(secret),
            "data": str(data),
            "port": server.getsockname()[1],
            "abstract": abstract,
            "marker": str(tmp_path / "marker"),
            "pid": os.getpid(),
        }
    assert not (tmp_path / "marker").exists()
    assert secret.read_text() == SECRET


def attacked(attack: str, world: dict[str, object], timeout: float = 4.0) -> tuple[Grade, Grade]:
    """The grade of the attack, and of an honest response after it."""
    return attacked_in_turn({"attack": attack}, world, timeout)["attack"]


def attacked_in_turn(
    attacks: Mapping[str, str], world: dict[str, object], timeout: float = 4.0
) -> dict[str, tuple[Grade, Grade]]:
    """The grade of each attack, and of an honest response after it, all in the same sandbox."""
    source = HEAD + "attacks = {}\n"
    for name, attack in attacks.items():
        code = textwrap.indent(textwrap.dedent(attack), "    ")
        source += f"def attack(sample, item):\n{code}\nattacks[{name!r}] = attack\n"
    source += """def grade(sample, item):
    text = sample['output_text']
    return 1.0 if text == 'honest' else attacks[text](sample, item)
"""
    limits = WorkerLimits(memory=1024**3, scratch=64 * 1024**2)

    async def run() -> dict[str, tuple[Grade, Grade]]:
        async with PythonGrader(source, timeout, workers=1, limits=limits) as grader:
            return {
                name: (
                    await grader.grade(sample(name), world),
                    await grader.grade(sample("honest"), world),
                )
                for name in attacks
            }

    return asyncio.run(run())


def in_groups(attacks: Mapping[str, str]) -> list[ParameterSet]:
    """Eight at a time: such as leave their sandbox whole share one."""
    every = list(attacks.items())
    groups = [every[start : start + 8] for start in range(0, len(every), 8)]
    return [pytest.param(dict(group), id=f"{group[0][0]} to {group[-1][0]}") for group in groups]


def assert_none_comes_through(attacks: Mapping[str, str], world: dict[str, object]) -> None:
    """Each earns nothing, and the honest response after it is paid."""
    for name, (attack, honest) in attacked_in_turn(attacks, world).items():
        assert attack.reward in (0.0, None), f"{name} came through"
        assert (honest.outcome, honest.reward) == (GradeOutcome.GRADED, 1.0), name
