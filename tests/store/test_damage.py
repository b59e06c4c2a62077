"""Damaged files of the data directory: one sentence, or made good by the next start."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dryrun.cli.main import main
from dryrun.core.errors import StoreError
from dryrun.core.records import RunState
from dryrun.store.partition import Store
from dryrun.store.results import load_results
from dryrun.store.runs import Run, list_runs
from tests.helpers.endurance import CALLS, CONCURRENCY, assert_whole, finish
from tests.helpers.fake_endpoint import FakeEndpoint
from tests.helpers.support import at, input_files, make_run, work


def flip(path: Path) -> None:
    """Forty bytes of the file's middle are others: it still opens, and its length is right."""
    whole = bytearray(path.read_bytes())
    at = len(whole) // 3
    whole[at : at + 40] = bytes(byte ^ 0xFF for byte in whole[at : at + 40])
    path.write_bytes(whole)


def folder_instead(path: Path) -> None:
    path.unlink()
    path.mkdir()


def no_names(path: Path) -> None:
    pq.write_table(pa.table({"a": [1]}), path)


DAMAGE: dict[str, tuple[str, Callable[[Path], Any]]] = {
    "flipped bits in responses": ("samples/*/part-*", flip),
    "flipped bits in grades": ("grades/*/part-*", flip),
    "a folder for a part": ("samples/*/part-*", folder_instead),
    "a status of other types": (
        "runs/*/status.json",
        lambda path: path.write_text('{"state": "running", "total": "x", "attempts": null}'),
    ),
    "a status from the future": (
        "runs/*/status.json",
        lambda path: path.write_text('{"state": "running", "started": 4e9, "updated": 4e9}'),
    ),
    "a torn configuration": ("runs/*/config.json", lambda path: path.write_text("{")),
    "torn prompts": ("runs/*/prompts.parquet", lambda path: path.write_bytes(b"PAR1")),
    "a torn plan": ("runs/*/plan.parquet", lambda path: path.write_bytes(b"PAR1")),
    "a plan without names": ("runs/*/plan.parquet", no_names),
    "a torn attempt": ("runs/*/attempts/part-*", lambda path: path.write_bytes(b"x")),
    "a folder for a lock": ("runs/*/lock", folder_instead),
}


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[FakeEndpoint, list[str], Path]]:
    """A server, the arguments of a run there, and data directories in which it is half done, and done."""
    folder = tmp_path_factory.mktemp("stored")
    with FakeEndpoint() as server:
        arguments = ["run", *input_files(folder), *at(server, "--concurrency", str(CONCURRENCY))]
        main([*arguments, "--max-calls", "60", "--data", str(folder / "half")])
        main([*arguments, "--data", str(folder / "whole")])
        yield server, arguments, folder


@pytest.mark.slow
@pytest.mark.parametrize("done", ["half", "whole"])
@pytest.mark.parametrize("name", DAMAGE)
def test_the_next_start_makes_damage_good(
    name: str,
    done: str,
    stored: tuple[FakeEndpoint, list[str], Path],
    undisturbed: dict[str, Any],
    store: Store,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    server, arguments, folder = stored
    shutil.copytree(folder / done, store.root)
    before = server.calls
    pattern, damage = DAMAGE[name]
    damage(sorted(store.root.glob(pattern))[0])
    main(["runs"])
    main(["cache"])
    assert finish(arguments, tmp_path / "report.json") == undisturbed
    assert "Traceback" not in capsys.readouterr().err
    assert server.calls - before <= CALLS
    assert_whole(store)


@pytest.mark.slow
def test_damage_found_while_looking_is_no_crash(store: Store, endpoint: FakeEndpoint) -> None:
    run = make_run(store, endpoint.base_url)
    work(run)
    for path in (store.root / "samples").glob("*/part-*"):
        flip(path)
    results = load_results(run)
    for seen in results.inspect(range(results.rollouts.num_rows)):
        assert seen.sample.returned or "damaged or deleted" in seen.sample.error


def test_an_unreadable_run_is_listed_and_can_be_deleted(
    store: Store, endpoint: FakeEndpoint, capsys: pytest.CaptureFixture[str]
) -> None:
    whole, torn = make_run(store, endpoint.base_url), make_run(store, endpoint.base_url, rollouts=1)
    (torn.folder / "config.json").write_text("{")
    assert main(["runs"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert {line.split()[0]: line.split()[1] for line in lines} == {
        whole.id: "interrupted",
        torn.id: "unreadable",
    }
    assert main(["report", torn.id]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "config.json cannot be read" in said
    assert main(["runs", "--delete", torn.id, "--yes"]) == 0
    assert [run.id for run in list_runs(store)] == [whole.id]


def test_a_folder_where_a_file_belongs_is_named(store: Store, endpoint: FakeEndpoint) -> None:
    run = make_run(store, endpoint.base_url)
    (run.folder / "stop").mkdir()
    with pytest.raises(StoreError, match=r"stop: Is a directory\. Move away what stands there"):
        work(run)


def test_a_disk_without_room_is_noticed_before_the_first_call(
    store: Store, endpoint: FakeEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run(store, endpoint.base_url)
    full = shutil.disk_usage(store.root)._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: full)
    status = work(run)
    assert status.state is RunState.STOPPED
    assert "No space left" in status.message
    assert endpoint.calls == 0


@pytest.mark.slow
def test_a_run_whose_status_is_lost_is_one_to_go_on_with(store: Store, endpoint: FakeEndpoint) -> None:
    run: Run = make_run(store, endpoint.base_url)
    (run.folder / "status.json").write_text('{"state": "finished", "total": []}')
    assert run.status().state is RunState.INTERRUPTED
    assert work(run).state is RunState.FINISHED


def test_a_copy_of_the_data_directory_lists_its_runs_in_the_same_order(store: Store) -> None:
    runs = [make_run(store, "http://127.0.0.1:9/v1") for _ in range(3)]
    for age, run in enumerate(reversed(runs)):
        os.utime(run.folder / "config.json", (age, age))
    assert list_runs(store) == runs[::-1]
    (runs[0].folder / "status.json").unlink()
    copy = shutil.copytree(store.root, store.root.with_name("copy"))
    assert list_runs(Store(copy))[-1].id == runs[0].id
    assert Run(Store(copy), runs[0].id).status().started == 2, "its configuration's age"
