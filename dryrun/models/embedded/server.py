"""The llama.cpp server seen from here: one process for the whole Python process, started when needed.

Everything in this module blocks and may be called from any thread. It also counts the processor cores that
this process may use.
"""

from __future__ import annotations

import atexit
import json
import math
import os
import secrets
import subprocess
import sys
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from dryrun.core.errors import ModelError

SLOTS = 3
"""Responses generated at one time. More take memory for their context and make two cores no faster."""

PROMPT_CACHE_MIB = 32
"""Memory for prompts read before: those of one dataset often begin alike."""

SLOT_TOKENS = 2048
"""Prompt and response of one slot, in tokens."""

WARM_SECONDS = 120.0
"""How long an unused server is kept: the next run then starts at once."""

MAX_RESTARTS = 8
"""Deaths in a row, without one response between them, after which the server is given up."""

CHILD = Path(__file__).with_name("server_child.py")
STDERR_LINES = 4


@dataclass(frozen=True, slots=True)
class Address:
    """Where one incarnation of the server answers.

    Attributes
    ----------
    url : str
        Base URL, ``/v1`` included.
    api_key : str
        Made up for this incarnation.
    generation : int
        Counts incarnations, from 1.
    """

    url: str
    api_key: str
    generation: int

    def __repr__(self) -> str:
        return f"Address({self.url!r}, generation={self.generation})"


class LlamaServer:
    """A server process for one GGUF file, shared by everyone who has acquired it.

    Parameters
    ----------
    weights : Path
    warm : float
        Seconds to keep an unused process.
    """

    def __init__(self, weights: Path, warm: float = WARM_SECONDS) -> None:
        self._weights = weights
        self._warm = warm
        self._lock = threading.RLock()
        self._users = 0
        self._generation = 0
        self._deaths = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._stderr: IO[bytes] | None = None
        self._address: Address | None = None
        self._timer: threading.Timer | None = None
        self._owner = os.getpid()

    @property
    def pid(self) -> int | None:
        """Process id of the running incarnation."""
        process = self._process
        return None if process is None else process.pid

    def acquire(self) -> Address:
        """Count one more user, and start the process if it does not run.

        Raises
        ------
        ModelError
            It does not start.
        """
        with self._lock:
            self._cancel_timer()
            self._deaths = 0 if self._users == 0 else self._deaths
            address = self._running() or self._start()
            self._users += 1
            return address

    def release(self) -> None:
        """Count one user less. An unused process stops after a while."""
        with self._lock:
            self._users -= 1
            if self._users == 0:
                self._timer = threading.Timer(self._warm, self._stop_if_unused)
                self._timer.daemon = True
                self._timer.start()

    def after_death(self, generation: int) -> Address:
        """Where the server is now, for a caller that has seen incarnation `generation` dead.

        The first to ask starts the next incarnation, the others get the same one.

        Raises
        ------
        ModelError
            It does not start, or has died too often.
        """
        with self._lock:
            address = self._running()
            if address is not None and address.generation > generation:
                return address
            self._deaths += 1
            if self._deaths > MAX_RESTARTS:
                raise ModelError(
                    f"The embedded model's server died {self._deaths} times in a row{self._last_words()}: "
                    "use another model, or resume the run to try again"
                )
            self._stop()
            return self._start()

    def answered(self) -> None:
        """A response came: earlier deaths no longer count."""
        self._deaths = 0

    def died(self, generation: int, seconds: float) -> bool:
        """Whether incarnation `generation` is dead, or dies within some seconds."""
        process, address = self._process, self._address
        if process is None or address is None or address.generation != generation:
            return True
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def cpu_time(self) -> str:
        """Processor time that the process has used, in the system's own words; ``""`` if that is not known.

        As long as it changes, the server works, however slow the machine is.
        """
        pid = self.pid
        return "" if pid is None else _cpu_time(pid)

    def kill(self, generation: int) -> None:
        """End incarnation `generation`, which hangs. Its calls fail; who made them starts the next."""
        with self._lock:
            if self._process is not None and self._generation == generation:
                self._process.kill()

    def stop(self) -> None:
        """End the process now, even while it is used."""
        # A fork of this process inherits the object, not the right to end the server.
        if os.getpid() == self._owner:
            with self._lock:
                self._cancel_timer()
                self._stop()

    def _running(self) -> Address | None:
        alive = self._process is not None and self._process.poll() is None
        return self._address if alive else None

    def _start(self) -> Address:
        self._stop()
        self._generation += 1
        key = secrets.token_urlsafe(24)
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 (closed by _stop)
        self._process = _spawn(self._stderr)
        url = _hand_over(self._process, self._settings(key))
        if url is None:
            words = self._last_words()
            self._stop()
            raise ModelError(
                f"The embedded model does not start{words}: check that the machine has 1 GB of free "
                f"memory and that {self._weights} is a chat model"
            )
        self._address = Address(f"{url}/v1", key, self._generation)
        return self._address

    def _settings(self, key: str) -> dict[str, str | int]:
        return {
            "model": str(self._weights),
            "api_key": key,
            "slots": SLOTS,
            "slot_tokens": SLOT_TOKENS,
            "prompt_cache_mib": PROMPT_CACHE_MIB,
            "threads": usable_cores(),
            "parent": os.getpid(),
        }

    def _last_words(self) -> str:
        """The end of what the process printed, as `` (...)``, or what ended it."""
        if self._stderr is None:
            return ""
        self._stderr.seek(0)
        lines = self._stderr.read()[-4000:].decode("utf-8", "replace").split("\n")
        words = " / ".join([line.strip() for line in lines if line.strip()][-STDERR_LINES:])
        code = None if self._process is None else self._process.poll()
        return f" ({words})" if words else f" (it ended with code {code})"

    def _stop(self) -> None:
        process, self._process, self._address = self._process, None, None
        if process is not None:
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    pipe.close()
            process.kill()
            process.wait()
        if self._stderr is not None:
            self._stderr.close()
            self._stderr = None

    def _stop_if_unused(self) -> None:
        with self._lock:
            if self._users == 0:
                self._stop()

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _spawn(stderr: IO[bytes]) -> subprocess.Popen[bytes]:
    # Waiting threads must sleep, not spin: with anything else running on the machine, spinning
    # costs ten times the throughput.
    environment = os.environ | {"OMP_WAIT_POLICY": "PASSIVE"}
    return subprocess.Popen(
        [sys.executable, "-P", str(CHILD)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=stderr,
        env=environment,
        # Ctrl-C in the terminal is for the run, which then stops the server itself.
        start_new_session=True,
    )


def _hand_over(process: subprocess.Popen[bytes], settings: dict[str, str | int]) -> str | None:
    """Give the process its settings; its URL once it answers, None if it ends before."""
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(json.dumps(settings).encode() + b"\n")
        process.stdin.flush()
    except OSError:
        process.wait()
        return None
    line = process.stdout.readline()
    if not line:
        process.wait()
        return None
    url: str = json.loads(line)["url"]
    return url


def _cpu_time(pid: int) -> str:
    try:
        return " ".join(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13])
    except OSError:
        command = ["ps", "-o", "time=", "-p", str(pid)]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


_servers: dict[tuple[Path, int], LlamaServer] = {}
_servers_lock = threading.Lock()


def shared_server(weights: Path) -> LlamaServer:
    """This process's one server for these weights, as the file is now."""
    key = (weights, weights.stat().st_mtime_ns)
    with _servers_lock:
        if key not in _servers:
            _servers[key] = LlamaServer(weights)
            atexit.register(_servers[key].stop)
        return _servers[key]


def _forget_servers() -> None:
    """In a fork: the servers are the parent's."""
    global _servers_lock
    _servers.clear()
    _servers_lock = threading.Lock()


os.register_at_fork(after_in_child=_forget_servers)


CGROUP_QUOTA = Path("/sys/fs/cgroup/cpu.max")
TOPOLOGY = "/sys/devices/system/cpu/cpu{}/topology/thread_siblings_list"


def usable_cores() -> int:
    """Physical cores open to this process, at least 1.

    llama.cpp gains nothing from a second thread on a core, and loses much from more threads than a
    container's quota lets run at once.
    """
    return max(1, min(_physical_cores(), _quota()))


def _physical_cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len({_siblings(cpu) for cpu in os.sched_getaffinity(0)})
    logical = os.cpu_count() or 1
    return _fast_cores_of_macos(logical) if sys.platform == "darwin" else logical


def _siblings(cpu: int) -> str:
    """Name of the core a logical CPU belongs to."""
    try:
        return Path(TOPOLOGY.format(cpu)).read_text(encoding="ascii").strip()
    except OSError:
        return str(cpu)


def _fast_cores_of_macos(logical: int) -> int:
    """Performance cores on Apple silicon, all physical ones on Intel."""
    for name in ("hw.perflevel0.physicalcpu", "hw.physicalcpu"):
        answer = subprocess.run(["sysctl", "-n", name], capture_output=True, text=True, check=False)
        if answer.returncode == 0 and answer.stdout.strip().isdigit():
            return int(answer.stdout)
    return logical


def _quota() -> int:
    """Cores' worth of time that the container may use; what there is if it has no limit."""
    try:
        quota, period = CGROUP_QUOTA.read_text(encoding="ascii").split()
        return math.ceil(int(quota) / int(period))
    except (OSError, ValueError):
        return os.cpu_count() or 1
