"""System calls that no grader needs, as a filter the kernel applies to everything inside the sandbox.

Namespaces and limits leave gaps: memory that no limit counts (memfd, System V segments, large socket
buffers), files that Python makes without saying so (mknod), sockets
that no network namespace holds (vsock reaches a virtual machine's host), the keyring of the user,
and, for a sandbox entered by root, new user namespaces with privileges of their own. The filter
closes them. Where there are no namespaces at all (`landlock`), it also has to refuse what they would
hold: sockets, signals, other processes, and what changes a file's attributes. A classic BPF program as
``seccomp(2)`` describes it; numbers from the kernel's tables.
"""

from __future__ import annotations

import errno
import platform
import struct
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _ERRNO, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16
_OTHER_ABI = 0x40000000
"""x32's bit in a system call's number."""

NEW_NAMESPACES = 0x7E020000
"""All of clone's flags that make a namespace."""

A_THREAD = 0x10000
"""The flag by which clone makes a thread and no process."""

FAMILIES = (1, 2, 10, 16)
"""Socket families that the network namespace holds: unix, inet, inet6, netlink."""

BUFFER_SIZES = (7, 8, 32, 33)
"""setsockopt's options that raise a socket's buffers: kernel memory that no limit of a process counts."""

OWNER_COMMANDS = (8, 10, 15)
"""fcntl's commands that choose whom a file's signals go to, and which."""

OWNER_REQUESTS = (0x8901, 0x8902)
"""ioctl's requests that do (FIOSETOWN, SIOCSPGRP)."""

STREAMS = (0x1, 0x801, 0x80001, 0x80801)
"""Types of a pair of sockets that reach nothing but each other: a datagram can be sent to any address."""

SIGNAL_OF_PARENTS_DEATH = 1
"""prctl's option; once set, it stays."""


MACHINES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
"""Processors, in the order of the tables' columns: the kernel's ``AUDIT_ARCH`` of each."""

_Numbers = tuple[int | None, int | None]
"""Of a call, on x86_64 and on aarch64; None where the processor has no such call."""


def _numbered(table: str) -> dict[str, _Numbers]:
    """The calls of a table: their names, each with its numbers. Lines that begin with # say what for."""
    calls = ",".join(line for line in table.splitlines() if not line.startswith("#")).split(",")
    numbers = (call.replace("/", " ").split() for call in calls if call.strip())
    return {name: (_number(x86_64), _number(aarch64)) for name, x86_64, aarch64 in numbers}


def _number(written: str) -> int | None:
    return None if written == "-" else int(written)


DENIED = _numbered("""
# the whole machine
acct 163/89, reboot 169/142, kexec_load 246/104, kexec_file_load 320/294, init_module 175/105,
finit_module 313/273, delete_module 176/106, syslog 103/116, quotactl 179/60, swapon 167/224,
swapoff 168/225, bpf 321/280, perf_event_open 298/241
# the file system as it is mounted
mount 165/40, umount2 166/39, mount_setattr 442/442, move_mount 429/429, open_tree 428/428, fsopen 430/430,
fsmount 432/432, fsconfig 431/431, fspick 433/433, pivot_root 155/41, chroot 161/51, fanotify_init 300/262
# namespaces, and files by another way than their path
setns 308/268, unshare 272/97, name_to_handle_at 303/264, open_by_handle_at 304/265, mknod 133/33,
mknodat 259/33
# other processes
ptrace 101/117, process_vm_readv 310/270, process_vm_writev 311/271, process_madvise 440/440,
pidfd_getfd 438/438, kcmp 312/272, userfaultfd 323/282
# keys, and memory that no limit counts
add_key 248/217, request_key 249/218, keyctl 250/219, memfd_create 319/279, memfd_secret 447/447,
shmget 29/194, shmat 30/196, shmctl 31/195, semget 64/190, msgget 68/186
# calls in a queue that no filter sees
io_uring_setup 425/425, io_uring_enter 426/426, io_uring_register 427/427
""")
"""Refused with EPERM."""

DENIED_ALONE = _numbered("""
# the clock and the name of the machine, and its ports
adjtimex 159/171, clock_adjtime 305/266, clock_settime 227/112, settimeofday 164/170, sethostname 170/161,
setdomainname 171/162, ioperm 173/-, iopl 172/-
# attributes of files
chmod 90/-, fchmod 91/52, fchmodat 268/53, fchmodat2 452/452, chown 92/-, fchown 93/55, fchownat 260/54,
lchown 94/-, truncate 76/45, utime 132/-, utimes 235/-, utimensat 280/88, futimesat 261/-,
file_setattr 469/469, setxattr 188/5, fsetxattr 190/7, lsetxattr 189/6, setxattrat 463/463,
removexattr 197/14, fremovexattr 199/16, lremovexattr 198/15, removexattrat 466/466
# further processes, and signals
fork 57/-, vfork 58/-, kill 62/129, tkill 200/130, tgkill 234/131, rt_sigqueueinfo 129/138,
rt_tgsigqueueinfo 297/240, pidfd_open 434/434, pidfd_send_signal 424/424, process_mrelease 448/448
# leaving the group of processes that is ended together
setsid 112/157, setpgid 109/154
# what other processes are given
ioprio_set 251/30, setpriority 141/140, sched_setaffinity 203/122, sched_setattr 314/274,
sched_setparam 142/118, sched_setscheduler 144/119, migrate_pages 256/238, move_pages 279/239,
mq_open 240/180, mq_unlink 241/181
""")
"""Refused beyond that where there are no namespaces."""

SOME_ARGUMENTS = _numbered("""
clone 56/220, clone3 435/435, socket 41/198, socketpair 53/199, setsockopt 54/208, fcntl 72/25, ioctl 16/29,
prctl 157/167, prlimit64 302/261
""")
"""Refused or not, depending on what they are given."""

OF_A_PROCESS = {
    **dict.fromkeys(("prlimit64", "sched_setaffinity", "sched_setattr", "sched_setparam"), 0),
    **dict.fromkeys(("sched_setscheduler", "migrate_pages", "move_pages"), 0),
    **dict.fromkeys(("setpriority", "ioprio_set"), 1),
}
"""Calls that change what a process is given, and which argument names it: 0 for the one that calls."""

ONE_PROCESS = {"setpriority": 0, "ioprio_set": 1}
"""The first argument of those that can name groups and users too."""

Instruction = tuple[int, int, int, int]


class Reach(StrEnum):
    """What of other processes the filter leaves to the ones it is for."""

    NAMESPACE = "namespace"
    """All in their namespaces."""
    CHILDREN = "children"
    """Of everybody's processes their own children."""
    NOTHING = "nothing"
    """None, and they make none."""


def program(machine: str | None = None, reach: Reach = Reach.NAMESPACE) -> bytes | None:
    """The filter for this processor, as ``bwrap --seccomp`` reads it; None for one without a table.

    Parameters
    ----------
    machine : str, optional
        As ``uname -m`` says. Default: this one.
    reach : Reach
        What of other processes is left.
    """
    machine = machine or platform.machine()
    if machine not in MACHINES:
        return None
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in _instructions(machine, reach))


def _instructions(machine: str, reach: Reach) -> Iterator[Instruction]:
    alone = reach is not Reach.NAMESPACE
    column = list(MACHINES).index(machine)
    calls = {name: numbers[column] or 0 for name, numbers in SOME_ARGUMENTS.items()}
    yield _LOAD, 0, 0, _ARCHITECTURE
    yield from _unless(_EQUAL, MACHINES[machine], _KILL)
    yield _LOAD, 0, 0, _NUMBER
    yield from _where(_AT_LEAST, _OTHER_ABI, _ERRNO | errno.ENOSYS)
    for numbers in [*DENIED.values(), *(DENIED_ALONE.values() if alone else ())]:
        if (number := numbers[column]) is not None:
            yield from _where(_EQUAL, number, _ERRNO | errno.EPERM)
    # its flags lie in memory, where a filter cannot look; libraries then use clone
    yield from _where(_EQUAL, calls["clone3"], _ERRNO | errno.ENOSYS)
    yield from _of_other_processes(
        calls | {name: numbers[column] or 0 for name, numbers in DENIED_ALONE.items()}
    )
    for option in BUFFER_SIZES:
        yield from _of_call(calls["setsockopt"], 2, _where(_EQUAL, option, _ERRNO | errno.EPERM))
    if alone:
        yield from _alone(calls, children=reach is Reach.CHILDREN)
    else:
        yield from _of_call(calls["clone"], 0, _where(_ANY_BIT, NEW_NAMESPACES, _ERRNO | errno.EPERM))
        families = [instruction for family in FAMILIES for instruction in _where(_EQUAL, family, _ALLOW)]
        refused: Instruction = (_RETURN, 0, 0, _ERRNO | errno.EAFNOSUPPORT)
        yield from _of_call(calls["socket"], 0, [*families, refused])
    yield _RETURN, 0, 0, _ALLOW


def _alone(calls: Mapping[str, int], *, children: bool) -> Iterator[Instruction]:
    """No process but this one and its children, no socket, and no call that reaches another by its id."""
    refused = _ERRNO | errno.EPERM
    yield from _where(_EQUAL, calls["socket"], refused)
    yield from _of_call(calls["clone"], 0, _where(_ANY_BIT, NEW_NAMESPACES, refused))
    if not children:
        yield from _of_call(calls["clone"], 0, _unless(_ANY_BIT, A_THREAD, refused))
        yield from _of_call(calls["prctl"], 0, _where(_EQUAL, SIGNAL_OF_PARENTS_DEATH, refused))
    for command in OWNER_COMMANDS:
        yield from _of_call(calls["fcntl"], 1, _where(_EQUAL, command, refused))
    for request in OWNER_REQUESTS:
        yield from _of_call(calls["ioctl"], 1, _where(_EQUAL, request, refused))
    yield from _of_call(calls["socketpair"], 0, _unless(_EQUAL, FAMILIES[0], refused))
    streams = [instruction for kind in STREAMS for instruction in _where(_EQUAL, kind, _ALLOW)]
    yield from _of_call(calls["socketpair"], 1, [*streams, (_RETURN, 0, 0, refused)])


def _of_other_processes(calls: Mapping[str, int]) -> Iterator[Instruction]:
    """Nothing takes limits, processors or priority from another process."""
    refused = _ERRNO | errno.EPERM
    for name, argument in OF_A_PROCESS.items():
        yield from _of_call(calls[name], argument, _unless(_EQUAL, 0, refused))
    for name, kind in ONE_PROCESS.items():
        yield from _of_call(calls[name], 0, _unless(_EQUAL, kind, refused))


def _of_call(number: int, argument: int, tests: Iterable[Instruction]) -> Iterator[Instruction]:
    """Tests of the lower half of a call's argument; the call's number is loaded before and after."""
    tests = [(_LOAD, 0, 0, _ARGUMENTS + 8 * argument), *tests]
    yield _EQUAL, 0, len(tests) + 1, number
    yield from tests
    yield _LOAD, 0, 0, _NUMBER


def _where(test: int, value: int, verdict: int) -> Iterator[Instruction]:
    """Where the loaded number passes the test, this verdict."""
    yield test, 0, 1, value
    yield _RETURN, 0, 0, verdict


def _unless(test: int, value: int, verdict: int) -> Iterator[Instruction]:
    yield test, 1, 0, value
    yield _RETURN, 0, 0, verdict
