"""Whatever ends a run that waits for a batch, the next start collects it: nothing is submitted twice."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from dryrun.cli.main import main
from dryrun.store.partition import Store
from dryrun.store.runs import list_runs
from tests.helpers.endurance import CALLS, assert_whole
from tests.helpers.fake_batches import FakeBatches
from tests.helpers.support import Command, at, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")]


@pytest.fixture
def server() -> Iterator[FakeBatches]:
    with FakeBatches(looks=1) as endpoint:
        yield endpoint


@pytest.fixture
def arguments(files: list[str], server: FakeBatches) -> list[str]:
    """A run of 120 responses through batches."""
    return ["run", *files, *at(server, "--batch")]


def killed(arguments: list[str], ready: Callable[[], bool]) -> None:
    with Command(arguments) as process:
        wait_until(ready)
        process.kill()
    assert process.returncode == -signal.SIGKILL


def test_killed_between_upload_and_batch(arguments: list[str], server: FakeBatches, store: Store) -> None:
    server.gate_before = True
    killed(arguments, lambda: server.creates == 1)
    assert (server.uploads, len(server.batches)) == (1, 0)
    server.gate_before = False
    assert main(arguments) == 0
    assert len(server.batches) == 1
    assert set(server.rows_by_key.values()) == {1}
    assert_whole(store)


def test_killed_when_the_batch_was_made_but_its_id_never_arrived(
    arguments: list[str], server: FakeBatches, store: Store
) -> None:
    server.gate_after = True
    killed(arguments, lambda: len(server.batches) == 1)
    server.gate_after = False
    assert main(arguments) == 0
    assert (len(server.batches), server.creates) == (1, 1)
    assert_whole(store)


def test_killed_while_waiting_and_while_reading_then_resumed_by_another_process(
    arguments: list[str], server: FakeBatches, store: Store
) -> None:
    server.looks = 10**9
    killed(arguments, lambda: bool(server.batches) and server.batches["batch_0"].looks >= 2)
    server.looks = 1
    server.slow_downloads = 0.05
    killed(arguments, lambda: server.sent_lines >= 60)
    server.slow_downloads = 0.0
    with Command(arguments) as process:
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert (len(server.batches), server.creates, server.calls) == (1, 1, 0)
    run = list_runs(store)[0]
    assert len(run.attempts().read(["key"])) == CALLS
    assert_whole(store)


def test_interrupt_leaves_the_batch_and_says_how_to_go_on(
    arguments: list[str], server: FakeBatches, store: Store
) -> None:
    server.looks = 10**9
    with Command(arguments) as process:
        wait_until(lambda: bool(server.batches) and server.batches["batch_0"].looks >= 2)
        process.send_signal(signal.SIGINT)
        errors = " ".join(process.communicate(timeout=30)[1].split())
    assert process.returncode == 130
    assert "120 requests in batches, about" in errors
    assert "Ctrl-C leaves the batch at the endpoint" in errors
    assert "Batch validating: 0 of 120 answered. You may leave" in errors
    assert "120 requests go on in a batch at the endpoint: resume collects them" in errors
    assert "the same command goes on" in errors
    server.looks = 1
    assert main(arguments) == 0
    assert server.creates == 1
    assert_whole(store)


def test_without_batch_the_same_command_collects_it_too(
    arguments: list[str], server: FakeBatches, store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    server.looks = 10**9
    killed(arguments, lambda: bool(server.batches) and server.batches["batch_0"].looks >= 2)
    server.looks = 1
    assert main([word for word in arguments if word != "--batch"]) == 0
    assert (server.creates, server.calls) == (1, 0)
    assert "Spent: 120 calls" in capsys.readouterr().err
    assert_whole(store)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--completion-window", "soon"], "write a number and h or d"),
        (["--completion-window", "0h"], "write a number and h or d"),
        (["--max-tokens", "500"], "set the maximum of completion tokens"),
    ],
)
def test_what_cannot_be_is_one_sentence(
    arguments: list[str], server: FakeBatches, capsys: pytest.CaptureFixture[str], more: list[str], said: str
) -> None:
    assert main([*arguments, *more]) == 2
    assert said in capsys.readouterr().err
    assert server.uploads == 0


def test_the_embedded_model_has_no_batches(
    files: list[str], server: FakeBatches, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", *files, "--batch"]) == 2
    assert "needs an endpoint with a Batch API" in capsys.readouterr().err
    assert main(["run", *files, *at(server, "--completion-window", "24h")]) == 2
    assert "goes with --batch" in capsys.readouterr().err


def test_the_window_and_prices_are_as_given(
    arguments: list[str], server: FakeBatches, capsys: pytest.CaptureFixture[str]
) -> None:
    priced = ["--price", "10", "10", "--max-completion-tokens", "50"]
    assert main([*arguments, "--completion-window", "7d", *priced]) == 0
    assert server.batches["batch_0"].window == "7d"
    said = capsys.readouterr().err
    assert "up to 6,000 completion tokens: up to $" in said
    assert "at half the price" in said


def test_a_huge_result_is_read_as_it_comes(arguments: list[str], server: FakeBatches, store: Store) -> None:
    """Some 550 MB of results, most of it garbage, some of that endless: the process stays small."""
    server.looks = 1

    async def stream() -> AsyncIterator[bytes]:
        rows = server.batches["batch_0"].rows
        filler = b"x" * 4 * 2**20
        for _ in range(15):
            yield filler
        yield b"\n"
        for row in rows:
            message = {"role": "assistant", "content": "y" * 2**18}
            body = {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}
            response = {"status_code": 200, "body": body}
            yield json.dumps({"custom_id": row["custom_id"], "response": response}).encode() + b"\n"
            yield b'{"custom_id": "unknown", "response": {"status_code": 200, "body": "' + filler + b'"}}\n'

    server.stream = stream
    peak = 0
    with Command(arguments) as process:
        while process.poll() is None:
            peak = max(peak, _resident(process.pid))
            time.sleep(0.02)
    assert process.returncode == 1  # every answer is wrong
    assert_whole(store)
    assert peak < 400 * 2**20


def _resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError):
        return 0
