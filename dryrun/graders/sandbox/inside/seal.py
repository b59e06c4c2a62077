"""Runs inside the sandbox: takes from a process what could reach another one, before user code comes into it.

Handed over as text like `worker`, so the standard library is all there is.
"""

import ctypes
import os
import signal
from collections.abc import Callable

PR_SET_PDEATHSIG, PR_SET_SECCOMP, FILTER = 1, 22, 2


class SealProgram(ctypes.Structure):
    """sock_fprog: a program of eight bytes an instruction."""

    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


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
