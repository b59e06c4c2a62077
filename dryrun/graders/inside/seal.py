"""Runs inside the sandbox: takes from a process what could reach another one, before user code comes into it.

Handed over compiled like `worker`, so the standard library is all there is.
"""

import contextlib
import ctypes
import os
import resource
import signal
import sys
from collections.abc import Callable

PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_SECCOMP, FILTER = 1, 4, 22, 2


class SealProgram(ctypes.Structure):
    """sock_fprog: a program of eight bytes an instruction."""

    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def confine(limits: dict[str, int], uid: int | None) -> None:
    """Become an unprivileged user, if asked to, and set the hard limits for good.

    Afterwards no other process reads or writes the memory of this one, its forks or their open files.
    """
    if uid is not None:
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
    for name, value in limits.items():
        # macOS has RLIMIT_AS but refuses to set it
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(getattr(resource, name), (value, value))
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)


def sealing(instructions: bytes, parent: int) -> Callable[[], None]:
    """A function that takes processes, signals and sockets from the process that calls it, for good.

    Parameters
    ----------
    instructions : bytes
        A seccomp program.
    parent : int
        Whose child the process must be then; with it, it ends.
    """
    program, libc = SealProgram(len(instructions) // 8, instructions), ctypes.CDLL(None)

    def seal() -> None:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent or libc.prctl(PR_SET_SECCOMP, FILTER, ctypes.byref(program), 0, 0):
            os._exit(1)

    return seal
