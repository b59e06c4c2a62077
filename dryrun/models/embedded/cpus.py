"""How many processor cores this process may use."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from pathlib import Path

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
