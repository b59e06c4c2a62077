"""Whole runs at the command line against a bucket: read, killed and resumed elsewhere, with failing puts."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

from dryrun.cli.main import main
from dryrun.engine.profile.stored import standings
from dryrun.store.opened import open_store
from dryrun.store.results import load_results
from dryrun.store.runs import list_runs
from dryrun.store.shared import leases, local_copy, registry
from tests.helpers.fake_endpoint import FakeEndpoint
from tests.helpers.object_store import FAILS, ObjectStore, puts
from tests.helpers.support import Command, wait_until

ADDRESS = "s3://bucket/team"
CALLS = 120


@pytest.fixture(autouse=True)
def _on(bucket: ObjectStore, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DRYRUN_DATA", ADDRESS)
    move(monkeypatch, tmp_path, "one")


def move(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str) -> None:
    """From now on this process is on the machine with this name."""
    monkeypatch.setattr(registry, "_COPIES", {})
    monkeypatch.setenv("DRYRUN_CACHE", str(tmp_path / name))


@pytest.mark.slow
def test_a_run_is_read_on_another_machine(
    arguments: list[str],
    bucket: ObjectStore,
    endpoint: FakeEndpoint,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-nobody-else")
    assert main([*arguments, "--out", str(tmp_path / "one.json")]) == 0
    (run,) = list_runs(open_store())
    assert not any(b"sk-of-nobody-else" in bucket.content(name) for name in bucket.names())
    move(monkeypatch, tmp_path, "two")
    capsys.readouterr()
    assert main(["runs"]) == 0
    assert run.id in capsys.readouterr().out
    assert main(["report", run.id, "--out", str(tmp_path / "two.json")]) == 0
    first, second = (json.loads((tmp_path / f"{name}.json").read_text()) for name in ("one", "two"))
    del first["timestamp"], second["timestamp"]
    assert first == second
    assert main(arguments) == 0  # nothing is asked again
    assert endpoint.calls == CALLS
    assert main(["runs", "--delete", run.id, "--yes"]) == 0
    assert not bucket.names(f"team/runs/{run.id}")
    assert main(["cache", "--prune", "--all", "--yes"]) == 0
    assert not bucket.names("team/samples") | bucket.names("team/grades")
    move(monkeypatch, tmp_path, "one")
    store = open_store()
    (left,) = list_runs(store)
    assert left.id != run.id
    planned = left.plan()
    assert planned is not None
    assert planned[1].parts() == planned[2].parts() == []


@pytest.mark.slow
def test_a_run_whose_puts_fail_ends_and_says_so(
    arguments: list[str],
    bucket: ObjectStore,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setattr(local_copy, "PATIENCE", 0.2)
    monkeypatch.setattr("dryrun.cli.main.END_SECONDS", 0.2)
    bucket.trouble = puts(FAILS, ending=".parquet")
    assert main(arguments) == 0
    assert "files are not in s3://bucket/team yet" in capsys.readouterr().err
    assert not any(name.endswith(".parquet") for name in bucket.names())
    bucket.trouble = None
    registry._COPIES.clear()  # another process
    assert main(["cache", "--push"]) == 0
    assert "not in" not in capsys.readouterr().err
    move(monkeypatch, tmp_path, "two")
    (run,) = list_runs(open_store())
    assert load_results(run).rollouts.num_rows == CALLS


@pytest.mark.slow
def test_a_killed_run_goes_on_elsewhere(
    arguments: list[str],
    bucket: ObjectStore,
    endpoint: FakeEndpoint,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    endpoint.delay = 0.05
    with Command(arguments) as command:
        wait_until(lambda: any("/samples/" in name and "/part-" in name for name in bucket.names()))
        command.send_signal(signal.SIGKILL)
    asked = endpoint.calls
    move(monkeypatch, tmp_path, "two")
    monkeypatch.setattr(leases, "LEASE_SECONDS", 0.0)  # 90 seconds later
    (run,) = list_runs(open_store())
    assert main(arguments) == 0
    assert [found.id for found in list_runs(open_store())] == [run.id]
    assert load_results(run).pending == 0
    again = endpoint.calls - CALLS
    assert 0 <= again < asked
    move(monkeypatch, tmp_path, "one")
    (seen,) = list_runs(open_store())
    assert load_results(seen).rollouts.equals(load_results(run).rollouts)


@pytest.mark.slow
def test_two_machines_do_not_ask_the_same_prompts_at_once(
    arguments: list[str],
    bucket: ObjectStore,
    endpoint: FakeEndpoint,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    assert main([*arguments, "--max-calls", "5"]) == 3
    (run,) = list_runs(open_store())
    with run.hold():
        move(monkeypatch, tmp_path, "two")
        assert main(arguments) == 2
    said = capsys.readouterr().err
    assert "Another machine asks the same model the same prompts at this moment" in said
    assert endpoint.calls < CALLS


@pytest.mark.slow
def test_a_profile_of_a_dataset_goes_on_elsewhere(
    files: list[str],
    bucket: ObjectStore,
    endpoint: FakeEndpoint,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    model = ["--model", "fake", "--base-url", endpoint.base_url, "--model-seed", "0"]
    asked = ["profile", *files, *model, "--all", "--first", "2", "--most", "2", "--shard-rows", "20"]
    assert main([*asked, "--max-calls", "40"]) == 0
    before = endpoint.calls
    move(monkeypatch, tmp_path, "two")
    assert len(standings(open_store())) == 1
    monkeypatch.setattr(local_copy, "FRESH_SECONDS", 60.0)
    bucket.requests.clear()
    assert main(asked) == 0
    assert before < endpoint.calls == CALLS
    assert bucket.requests.count(("GET", "/bucket?list")) < 20
