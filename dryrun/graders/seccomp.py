"""System calls that no grader needs, as a filter the kernel applies to everything inside the sandbox.

Namespaces and limits leave gaps: memory that no limit counts (memfd, System V segments), sockets
that no network namespace holds (vsock reaches a virtual machine's host), the keyring of the user,
and, for a sandbox entered by root, new user namespaces with privileges of their own. The filter
closes them. A classic BPF program as ``seccomp(2)`` describes it; numbers from the kernel's tables.
"""

from __future__ import annotations

import errno
import platform
import struct
from collections.abc import Iterator
from dataclasses import dataclass

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _ERRNO, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16
_OTHER_ABI = 0x40000000
"""x32's bit in a system call's number."""

NEW_NAMESPACES = 0x7E020000
"""All of clone's flags that make a namespace."""

FAMILIES = (1, 2, 10, 16)
"""Socket families that the network namespace holds: unix, inet, inet6, netlink."""


@dataclass(frozen=True, slots=True)
class Machine:
    """A processor's numbers.

    Attributes
    ----------
    audit : int
        Its ``AUDIT_ARCH``.
    column : int
        Which column of `DENIED` is its.
    clone, clone3, socket : int
    """

    audit: int
    column: int
    clone: int
    clone3: int
    socket: int


MACHINES = {
    "x86_64": Machine(0xC000003E, 0, 56, 435, 41),
    "aarch64": Machine(0xC00000B7, 1, 220, 435, 198),
}

DENIED = {
    "acct": (163, 89),
    "add_key": (248, 217),
    "bpf": (321, 280),
    "chroot": (161, 51),
    "delete_module": (176, 106),
    "fanotify_init": (300, 262),
    "finit_module": (313, 273),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fsopen": (430, 430),
    "fspick": (433, 433),
    "init_module": (175, 105),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "io_uring_setup": (425, 425),
    "kcmp": (312, 272),
    "kexec_file_load": (320, 294),
    "kexec_load": (246, 104),
    "keyctl": (250, 219),
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "mount": (165, 40),
    "mount_setattr": (442, 442),
    "move_mount": (429, 429),
    "msgget": (68, 186),
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    "open_tree": (428, 428),
    "perf_event_open": (298, 241),
    "pidfd_getfd": (438, 438),
    "pivot_root": (155, 41),
    "process_madvise": (440, 440),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "ptrace": (101, 117),
    "quotactl": (179, 60),
    "reboot": (169, 142),
    "request_key": (249, 218),
    "semget": (64, 190),
    "setns": (308, 268),
    "shmat": (30, 196),
    "shmctl": (31, 195),
    "shmget": (29, 194),
    "swapoff": (168, 225),
    "swapon": (167, 224),
    "syslog": (103, 116),
    "umount2": (166, 39),
    "unshare": (272, 97),
    "userfaultfd": (323, 282),
}
"""Refused with EPERM: number on x86_64, on aarch64."""


def program(machine: str | None = None) -> bytes | None:
    """The filter for this processor, as ``bwrap --seccomp`` reads it; None for one without a table.

    Parameters
    ----------
    machine : str, optional
        As ``uname -m`` says. Default: this one.
    """
    known = MACHINES.get(machine or platform.machine())
    if known is None:
        return None
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in _instructions(known))


def _instructions(machine: Machine) -> Iterator[tuple[int, int, int, int]]:
    yield _LOAD, 0, 0, _ARCHITECTURE
    yield from _unless(_EQUAL, machine.audit, _KILL)
    yield _LOAD, 0, 0, _NUMBER
    yield from _where(_AT_LEAST, _OTHER_ABI, _ERRNO | errno.ENOSYS)
    for numbers in DENIED.values():
        yield from _where(_EQUAL, numbers[machine.column], _ERRNO | errno.EPERM)
    # its flags lie in memory, where a filter cannot look; libraries then use clone
    yield from _where(_EQUAL, machine.clone3, _ERRNO | errno.ENOSYS)
    yield _EQUAL, 0, 4, machine.clone
    yield _LOAD, 0, 0, _FIRST_ARGUMENT
    yield from _where(_ANY_BIT, NEW_NAMESPACES, _ERRNO | errno.EPERM)
    yield _RETURN, 0, 0, _ALLOW
    yield _EQUAL, 1, 0, machine.socket
    yield _RETURN, 0, 0, _ALLOW
    yield _LOAD, 0, 0, _FIRST_ARGUMENT
    for family in FAMILIES:
        yield from _where(_EQUAL, family, _ALLOW)
    yield _RETURN, 0, 0, _ERRNO | errno.EAFNOSUPPORT


def _where(test: int, value: int, verdict: int) -> Iterator[tuple[int, int, int, int]]:
    """Where the loaded number passes the test, this verdict."""
    yield test, 0, 1, value
    yield _RETURN, 0, 0, verdict


def _unless(test: int, value: int, verdict: int) -> Iterator[tuple[int, int, int, int]]:
    yield test, 1, 0, value
    yield _RETURN, 0, 0, verdict
