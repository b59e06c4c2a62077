"""Whatever ends a run, the next start finishes it: nothing lost, nothing asked or counted twice."""

from __future__ import annotations

import json
import os
import random
import resource
import signal
import time
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from dryrun.cli.main import main
from dryrun.store.partition import Store
from dryrun.store.runs import list_runs
from tests.helpers.endurance import CALLS, CONCURRENCY, assert_whole, finish, stored_calls
from tests.helpers.fake_endpoint import FakeEndpoint
from tests.helpers.support import Command, wait_until

KILLS = 20

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.name != "posix", reason="signals and limits of POSIX"),
]


def test_killed_at_twenty_instants(
    arguments: list[str], endpoint: FakeEndpoint, undisturbed: dict[str, Any], store: Store, tmp_path: Path
) -> None:
    def called_since(before: int) -> bool:
        return endpoint.calls > before

    chance = random.Random(4)
    endpoint.delay = 0.25
    for _ in range(KILLS):
        on_disk = {call: endpoint.calls_by_key[call] for call in stored_calls(store)}
        before = endpoint.calls
        with Command(arguments) as process:
            wait_until(partial(called_since, before))
            time.sleep(chance.uniform(0.0, 1.5))
            process.kill()
        assert process.returncode == -signal.SIGKILL
        assert {call: endpoint.calls_by_key[call] for call in on_disk} == on_disk
    assert 0 < len(stored_calls(store)) < CALLS
    endpoint.delay = 0.0
    assert finish(arguments, tmp_path / "report.json") == undisturbed
    assert len(endpoint.calls_by_key) == CALLS
    assert_whole(store)


def ignore_interrupts() -> None:
    """As a shell does for a script's job in the background; hanging up ends it, unlike a job of ``nohup``."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_stops_cleanly_and_no_answered_call_is_repeated(
    arguments: list[str],
    endpoint: FakeEndpoint,
    undisturbed: dict[str, Any],
    store: Store,
    tmp_path: Path,
    sent: signal.Signals,
) -> None:
    endpoint.hold(after=20)
    with Command(arguments, before=None if sent is signal.SIGINT else ignore_interrupts) as process:
        wait_until(lambda: endpoint.calls == 20 + CONCURRENCY)
        process.send_signal(sent)
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Traceback" not in errors
    endpoint.release()
    assert finish(arguments, tmp_path / "report.json") == undisturbed
    assert endpoint.calls <= CALLS + CONCURRENCY  # those in flight had no answer
    assert_whole(store)


def test_two_processes_with_one_configuration(
    arguments: list[str], endpoint: FakeEndpoint, undisturbed: dict[str, Any], store: Store, tmp_path: Path
) -> None:
    endpoint.delay = 0.2
    with Command(arguments) as one, Command(arguments) as other:
        for process in (one, other):
            _, errors = process.communicate(timeout=60)
            assert process.returncode == 0, errors
    # One goes from the front, one from the back; asked twice is what neither had written where they met.
    assert endpoint.calls <= CALLS + CALLS // 4
    calls = endpoint.calls
    assert finish(arguments, tmp_path / "report.json") == undisturbed
    assert endpoint.calls == calls
    assert_whole(store)


def test_a_run_is_resumed_by_another_process_while_the_first_is_gone(
    arguments: list[str], endpoint: FakeEndpoint, undisturbed: dict[str, Any], store: Store, tmp_path: Path
) -> None:
    endpoint.hold(after=40)
    with Command(arguments) as process:
        wait_until(lambda: len(stored_calls(store)) >= 20)
        process.kill()
    kept, asked = len(stored_calls(store)), endpoint.calls
    endpoint.release()
    with Command([*arguments, "--out", str(tmp_path / "report.json")]) as process:
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["statistics"] == undisturbed["statistics"]
    assert endpoint.calls <= asked + CALLS - kept + CONCURRENCY, "what was on disk is not asked again"


def test_a_full_disk_stops_the_run_in_words(
    arguments: list[str], endpoint: FakeEndpoint, undisturbed: dict[str, Any], store: Store, tmp_path: Path
) -> None:
    def no_space() -> None:  # every file ends at 20 kB; the signal that comes with it becomes an error
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    endpoint.delay = 0.0
    answer = endpoint.answer
    endpoint.answer = lambda body: random.Random(str(body)).randbytes(4000).hex()
    with Command(arguments, no_space) as process:
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 2, errors
    assert "Cannot write" in errors
    assert "Traceback" not in errors
    endpoint.answer = answer
    for path in (store.root / "samples").glob("*/part-*"):
        path.unlink()  # long nonsense answers, not what is compared
    assert finish(arguments, tmp_path / "report.json") == undisturbed
    assert_whole(store)


def test_a_read_only_data_directory_is_one_sentence(
    arguments: list[str], endpoint: FakeEndpoint, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    occupied = tmp_path / "occupied"
    occupied.write_text("a file where the data directory should be: nobody can write below it, not even root")
    assert main([*arguments, "--data", str(occupied)]) == 2
    printed = capsys.readouterr().err
    assert "Cannot write" in printed
    assert "DRYRUN_DATA" in printed
    assert endpoint.calls == 0


def test_torn_and_foreign_files_are_noted_and_made_good(
    arguments: list[str],
    endpoint: FakeEndpoint,
    undisturbed: dict[str, Any],
    store: Store,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    finish(arguments, tmp_path / "first.json")
    part = next((store.root / "samples").glob("*/part-*.parquet"))
    whole = part.read_bytes()
    part.write_bytes(whole[: len(whole) // 2])
    (part.parent / "part-foreign.parquet").write_text("not Parquet")
    grades = next((store.root / "grades").glob("*/part-*.parquet"))
    (part.parent / "part-grades.parquet").write_bytes(grades.read_bytes())
    for run in list_runs(store):
        (run.folder / "status.json").write_text("{")
    assert finish(arguments, tmp_path / "report.json") == undisturbed
    assert "was left out" in capsys.readouterr().err
    assert endpoint.calls <= 2 * CALLS
    assert_whole(store)


def test_a_clock_that_was_set_back(
    arguments: list[str],
    endpoint: FakeEndpoint,
    undisturbed: dict[str, Any],
    store: Store,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    endpoint.hold(after=60)
    with Command(arguments) as process:
        wait_until(lambda: endpoint.calls == 60 + CONCURRENCY)
        process.send_signal(signal.SIGINT)
        process.wait(timeout=30)
    endpoint.release()
    now, now_ns = time.time, time.time_ns
    monkeypatch.setattr(time, "time", lambda: now() - 10 * 365 * 86_400)
    monkeypatch.setattr(time, "time_ns", lambda: now_ns() - 10 * 365 * 86_400 * 10**9)
    assert finish(arguments, tmp_path / "report.json") == undisturbed
    assert endpoint.calls <= CALLS + CONCURRENCY
    assert_whole(store)
