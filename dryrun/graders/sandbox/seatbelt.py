"""The sandbox of macOS: a profile that `sandbox-exec` applies to one worker.

One process that reads Python and the system's libraries, writes to a folder of its own, and has no network,
no children and no signals for others. The last rule that fits counts.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

PROGRAM = "/usr/bin/sandbox-exec"

DATABASES = ("/private/var/db/dyld", "/private/var/db/timezone")
SYSTEM = ("/System", "/usr/lib", "/usr/share", "/Library/Apple", *DATABASES)
"""Folders that every program reads."""

DEVICES = ("/dev/null", "/dev/zero", "/dev/random", "/dev/urandom")


def profile(readable: Iterable[Path], home: Path, scratch: Path) -> str:
    """The rules, in Seatbelt's language.

    Parameters
    ----------
    readable : iterable of Path
        Folders and files of Python, which may lie in `home`. Programs there may take the worker's place:
        some Pythons for macOS begin as another one.
    home, scratch : Path
        A folder that is not read, and the one that is written to.
    """
    readable = list(readable)
    rules = [
        "(version 1)",
        "(deny default)",
        "(allow file-read-metadata)",
        "(allow sysctl-read)",
        "(allow signal (target self))",
        f"(allow process-exec {_each('subpath', readable)})",
        f'(allow file-read* (literal "/") {_each("subpath", SYSTEM)} {_each("literal", DEVICES)})',
        f"(deny file-read-data (subpath {_quoted(home)}))",
        f"(allow file-read* {_each('subpath', readable)} (subpath {_quoted(scratch)}))",
        "(deny file-write*)",
        f"(allow file-write* (subpath {_quoted(scratch)}))",
        '(allow file-write-data (literal "/dev/null"))',
        "(deny network*)",
        "(deny process-fork)",
    ]
    return "\n".join(rules)


def _each(kind: str, paths: Iterable[Path | str]) -> str:
    return " ".join(f"({kind} {_quoted(path)})" for path in paths)


def _quoted(path: Path | str) -> str:
    """A path as a string of that language."""
    return '"' + str(path).replace("\\", "\\\\").replace('"', '\\"') + '"'
