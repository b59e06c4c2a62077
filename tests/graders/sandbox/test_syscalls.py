"""The filter's numbers are those of the kernel's own headers, for processors other than this one too."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dryrun.graders.sandbox.syscalls import DENIED, DENIED_ALONE, MACHINES, SOME_ARGUMENTS

HEADERS = {
    "x86_64": Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"),
    "aarch64": Path("/usr/include/asm-generic/unistd.h"),  # arm64 has the kernel's common numbers
}
DEFINED = re.compile(r"^#define __NR(?:3264)?_(\w+)\s+(\d+)", re.MULTILINE)
STANDS_FOR = {"mknod": "mknodat"}
"""Calls that one of the two processors does not have, by the one that stands in their place."""


def numbers(machine: str) -> dict[str, int]:
    """What the installed header says; empty where there is none."""
    path = HEADERS[machine]
    return {name: int(number) for name, number in DEFINED.findall(path.read_text())} if path.exists() else {}


@pytest.mark.parametrize("machine", MACHINES)
def test_every_number_is_the_kernels(machine: str) -> None:
    known = numbers(machine)
    if not known:
        pytest.skip("the kernel's headers are not installed here")
    column = list(MACHINES).index(machine)
    for name, pair in {**DENIED, **DENIED_ALONE, **SOME_ARGUMENTS}.items():
        number = pair[column]
        theirs = known.get(name, known.get(STANDS_FOR.get(name, "")))
        if number is None:
            assert theirs is None, name
        elif number <= max(known.values()):  # a newer call than the headers know cannot be looked up
            assert number == theirs, name
    assert all(SOME_ARGUMENTS[name][column] for name in SOME_ARGUMENTS)
