"""Confines itself with Landlock and seccomp, then becomes the program it was given.

For Linux hosts that forbid namespaces (containers, Ubuntu's restriction of user namespaces), in the place of
bubblewrap, started the same way: options, then a command. Handed over compiled, with the options, so
nothing but the standard library is at hand. What is not allowed in the options is forbidden: no file but
the named ones can be read, none written but in one folder, no privilege is kept, and the parent's death is
this process's.
The filter holds sockets, signals and further processes back. Of other files only the attributes can be seen.

``landlock(7)``, ``seccomp(2)``, ``capabilities(7)``; numbers from the kernel's headers.
"""

import ctypes
import os
import sys

CREATE, ADD, RESTRICT = 444, 445, 446
"""System calls, the same on every processor."""

EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1, 2, 4, 8
REMOVE_DIR, REMOVE_FILE, MAKE_DIR, MAKE_FILE, MAKE_LINK = 16, 32, 128, 256, 1 << 12
REFER, TRUNCATE = 1 << 13, 1 << 14
CHANGE = (
    WRITE_FILE
    | READ_FILE
    | READ_DIR
    | REMOVE_DIR
    | REMOVE_FILE
    | MAKE_DIR
    | MAKE_FILE
    | MAKE_LINK
    | REFER
    | TRUNCATE
)
"""Rights in scratch space. Where a link leads, its own rules hold. Neither pipes nor devices."""

FILE_RIGHTS = {1: 13, 2: 14, 3: 15, 5: 16}
"""From which version of Landlock on there are how many rights of files."""

NO_NEW_PRIVILEGES, DEATH_SIGNAL, FILTER, DROP_CAPABILITY = 38, 1, 22, 24
KILL = 9
CAPSET = {"x86_64": 126, "aarch64": 91}
CAPABILITIES_VERSION = 0x20080522

libc = ctypes.CDLL(None, use_errno=True)


class Ruleset(ctypes.Structure):
    """landlock_ruleset_attr: what is forbidden unless a rule allows it."""

    _fields_ = [("files", ctypes.c_uint64), ("network", ctypes.c_uint64), ("scoped", ctypes.c_uint64)]


class Beneath(ctypes.Structure):
    """landlock_path_beneath_attr: what is allowed on a file, or beneath a folder."""

    _pack_ = 1
    _layout_ = "ms"
    _fields_ = [("allowed", ctypes.c_uint64), ("folder", ctypes.c_int32)]


class Filter(ctypes.Structure):
    """sock_fprog: a program of eight bytes an instruction."""

    _fields_ = [("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p)]


def called(result: int, what: str) -> int:
    """The result of a call; the end of the process where it failed."""
    if result < 0:
        sys.exit(f"{what}: {os.strerror(ctypes.get_errno())}")
    return result


def restrict_files(readable: list[str], devices: list[str], scratch: str) -> None:
    """Only these can be read, and devices and `scratch` written, from now on.

    Where the kernel can: no TCP, no signals.
    """
    version = called(libc.syscall(CREATE, None, 0, 1), "the kernel has no Landlock")
    count = max(rights for since, rights in FILE_RIGHTS.items() if version >= since)
    rules = Ruleset(2**count - 1, 3 if version >= 4 else 0, 3 if version >= 6 else 0)
    size = 24 if version >= 6 else 16 if version >= 4 else 8
    ruleset = called(libc.syscall(CREATE, ctypes.byref(rules), ctypes.c_size_t(size), 0), "a ruleset")
    for path in readable:
        allow(ruleset, path, EXECUTE | READ_FILE | (READ_DIR if os.path.isdir(path) else 0))
    for path in devices:
        allow(ruleset, path, READ_FILE | WRITE_FILE)
    allow(ruleset, scratch, CHANGE & rules.files)
    called(libc.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0), "no new privileges")
    called(libc.syscall(RESTRICT, ruleset, 0), "Landlock")
    os.close(ruleset)


def allow(ruleset: int, path: str, rights: int) -> None:
    """One rule; nothing for a path that is not there."""
    try:
        folder = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    rule = Beneath(rights, folder)
    called(libc.syscall(ADD, ruleset, 1, ctypes.byref(rule), 0), f"a rule for {path}")
    os.close(folder)


def drop_capabilities() -> None:
    """Root's, if it is root; none comes back, since the bounding set is empty."""
    if os.geteuid() != 0:
        return
    for capability in range(64):
        libc.prctl(DROP_CAPABILITY, capability, 0, 0, 0)  # fails beyond the last one
    header = (ctypes.c_uint32 * 2)(CAPABILITIES_VERSION, 0)
    none = (ctypes.c_uint32 * 6)()
    called(libc.syscall(CAPSET[os.uname().machine], header, none), "giving up capabilities")


def main(
    readable: list[str], devices: list[str], scratch: str, instructions: bytes, command: list[str]
) -> None:
    """Confine itself to these files and this filter, then become the command."""
    os.chdir(scratch)
    os.umask(0o077)
    called(libc.prctl(DEATH_SIGNAL, KILL, 0, 0, 0), "the parent's death")
    drop_capabilities()
    restrict_files(readable, devices, scratch)
    program = Filter(len(instructions) // 8, instructions)
    called(libc.prctl(FILTER, 2, ctypes.byref(program), 0, 0), "the filter of system calls")
    os.execv(command[0], command)
