"""The data directory: what it holds, what may go, what a stored response answers for."""

from __future__ import annotations

import json
import os
import shutil
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from dryrun.cli.main import main
from dryrun.core.fingerprint import fingerprint
from dryrun.engine.plan import make_plan
from dryrun.models.build import build_model
from dryrun.store.partition import Store
from dryrun.store.prune import LEFTOVER_AGE, entries, leftovers
from dryrun.store.results import load_results
from dryrun.store.runs import Run, list_runs
from tests.helpers.fake_endpoint import FakeEndpoint
from tests.helpers.support import EXACT, FUZZY, grader_file, make_run, sum_rows, work


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize(
    "change",
    [
        {"name": "other"},
        {"temperature": 0.5},
        {"top_p": 0.5},
        {"max_completion_tokens": 50},
        {"reasoning_effort": "low"},
        {"seed": 7},
        {"response_format": {"type": "json_object"}},
    ],
    ids=lambda change: next(iter(change)),
)
def test_another_model_or_parameter_is_a_miss(
    store: Store, endpoint: FakeEndpoint, change: dict[str, Any]
) -> None:
    work(make_run(store, endpoint.base_url, rollouts=1))
    work(make_run(store, endpoint.base_url, rollouts=1, **change))
    assert endpoint.calls == 80


@pytest.mark.slow
def test_another_endpoint_is_a_miss(store: Store, endpoint: FakeEndpoint) -> None:
    work(make_run(store, endpoint.base_url))
    with FakeEndpoint() as other:
        work(make_run(store, other.base_url))
        assert other.calls == endpoint.calls == 80


@pytest.mark.slow
def test_another_message_is_a_miss_and_another_reference_is_a_hit(
    store: Store, endpoint: FakeEndpoint
) -> None:
    rows = sum_rows(40)
    work(make_run(store, endpoint.base_url, rows=rows))
    changed = [dict(row) for row in rows]
    changed[0]["messages"] = [{"role": "user", "content": "100 + 200 ="}]
    changed[1]["reference_answer"] = "something else"
    work(make_run(store, endpoint.base_url, rows=changed))
    assert endpoint.calls == 80 + 2  # the two rollouts of the changed message


@pytest.mark.slow
def test_another_rollout_is_a_miss(store: Store, endpoint: FakeEndpoint) -> None:
    work(make_run(store, endpoint.base_url, rollouts=2))
    work(make_run(store, endpoint.base_url, rollouts=3))
    assert endpoint.calls == 120


@pytest.mark.slow
def test_another_grader_or_fewer_prompts_or_concurrency_is_a_hit(
    store: Store, endpoint: FakeEndpoint
) -> None:
    work(make_run(store, endpoint.base_url))
    work(make_run(store, endpoint.base_url, grader=FUZZY))
    work(make_run(store, endpoint.base_url, size=30))
    work(make_run(store, endpoint.base_url, concurrency=1, timeout=9.0))
    assert endpoint.calls == 80


@pytest.mark.slow
def test_more_prompts_pay_for_the_difference(store: Store, endpoint: FakeEndpoint) -> None:
    work(make_run(store, endpoint.base_url, size=30))
    work(make_run(store, endpoint.base_url, size=40))
    assert endpoint.calls == 80


@pytest.mark.slow
def test_the_cache_is_listed_with_sizes_and_the_runs_that_need_it(
    store: Store, endpoint: FakeEndpoint, capsys: pytest.CaptureFixture[str]
) -> None:
    work(make_run(store, endpoint.base_url))
    work(make_run(store, endpoint.base_url, grader=FUZZY))
    assert main(["cache"]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert len(printed) == 4
    samples = next(line for line in printed if line.startswith("samples"))
    for words in ("80 rows", "2 runs", "fake, seed 0", "kB"):
        assert words in samples


@pytest.mark.slow
def test_prune_shows_first_and_deletes_only_what_no_run_needs(
    store: Store, endpoint: FakeEndpoint, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = make_run(store, endpoint.base_url)
    work(kept)
    gone = make_run(store, endpoint.base_url, temperature=0.5)
    work(gone)
    shutil.rmtree(gone.folder)
    assert main(["cache", "--prune"]) == 0
    assert "--yes deletes these" in capsys.readouterr().out
    assert sorted(entry.runs for entry in entries(store)) == [0, 1, 1]
    assert main(["cache", "--prune", "--yes"]) == 0
    assert sorted(entry.runs for entry in entries(store)) == [1, 1]
    assert load_results(kept).rollouts.num_rows == 80
    assert main(["cache", "--prune", "--all", "--yes"]) == 0
    assert entries(store) == []


def three_models(store: Store, endpoint: FakeEndpoint) -> list[Run]:
    """Runs of one sample partition and one grade partition each, used ten, five and no days ago."""
    runs = []
    for days, temperature in ((10, 0.1), (5, 0.2), (0, 0.3)):
        run = make_run(store, endpoint.base_url, temperature=temperature, grader=EXACT | {"name": f"g{days}"})
        work(run)
        runs.append(run)
        then = time.time() - days * 86_400
        planned = run.plan()
        assert planned is not None
        for path in [*planned[1].parts(), *planned[2].parts()]:
            os.utime(path, (then, then))
    return runs


@pytest.mark.slow
def test_prune_by_age_takes_only_what_was_not_used_for_so_long(store: Store, endpoint: FakeEndpoint) -> None:
    old, middle, new = three_models(store, endpoint)
    for run in (old, middle):
        assert main(["runs", "--delete", run.id, "--yes"]) == 0
    assert main(["cache", "--prune", "--older-than", "7d", "--yes"]) == 0
    assert sorted(entry.name for entry in entries(store) if entry.kind == "grades") == ["g0", "g5"]
    assert main(["cache", "--prune", "--older-than", "7d", "--all", "--yes"]) == 0
    assert len(entries(store)) == 4
    assert main(["cache", "--prune", "--older-than", "1h", "--yes"]) == 0
    assert {entry.runs for entry in entries(store)} == {1}
    assert load_results(new).rollouts.num_rows == 80


@pytest.mark.slow
def test_prune_by_size_takes_the_longest_unused_first_and_says_what_it_cannot(
    store: Store, endpoint: FakeEndpoint, capsys: pytest.CaptureFixture[str]
) -> None:
    old, middle, new = three_models(store, endpoint)
    sizes = sum(entry.bytes for entry in entries(store))
    assert main(["cache", "--prune", "--max-size", "1GB", "--yes"]) == 0
    assert "no larger than that" in capsys.readouterr().out
    assert main(["runs", "--delete", old.id, middle.id, "--yes"]) == 0
    assert main(["cache", "--prune", "--max-size", f"{sizes / 1000 - 1:.1f}kB", "--yes"]) == 0
    names = {entry.name for entry in entries(store) if entry.kind == "grades"}
    assert len(entries(store)) == 5
    assert "g5" in names
    capsys.readouterr()
    assert main(["cache", "--prune", "--max-size", "0.1kB", "--yes"]) == 0
    assert "are left: runs need them" in capsys.readouterr().out
    assert load_results(new).rollouts.num_rows == 80


@pytest.mark.slow
def test_what_runs_need_is_named_before_it_goes_and_never_goes_from_under_a_live_run(
    store: Store, endpoint: FakeEndpoint, capsys: pytest.CaptureFixture[str]
) -> None:
    run = make_run(store, endpoint.base_url)
    work(run)
    assert main(["cache", "--prune"]) == 0
    assert "every stored row belongs to a run" in capsys.readouterr().out
    assert main(["cache", "--prune", "--all"]) == 0
    assert f"Needed by 1 run ({run.id}): their reports are lost" in capsys.readouterr().out
    with run.hold():
        assert main(["cache", "--prune", "--all", "--yes"]) == 2
        assert main(["runs", "--delete", run.id, "--yes"]) == 2
    said = capsys.readouterr().err
    assert "is at work and needs these files" in said
    assert "already working on this run" in said
    assert load_results(run).rollouts.num_rows == 80


@pytest.mark.slow
def test_a_run_whose_plan_cannot_be_read_is_not_taken_for_one_that_needs_nothing(
    store: Store, endpoint: FakeEndpoint, capsys: pytest.CaptureFixture[str]
) -> None:
    run = make_run(store, endpoint.base_url)
    work(run)
    plan = (run.folder / "plan.parquet").read_bytes()
    (run.folder / "plan.parquet").write_bytes(plan[: len(plan) // 2])
    assert main(["cache", "--prune", "--yes"]) == 2
    assert "plan.parquet cannot be read" in capsys.readouterr().err
    (run.folder / "plan.parquet").write_bytes(plan)
    assert load_results(run).rollouts.num_rows == 80


@pytest.mark.slow
def test_a_deleted_run_is_gone_and_its_responses_still_answer(
    store: Store, endpoint: FakeEndpoint, capsys: pytest.CaptureFixture[str]
) -> None:
    run = make_run(store, endpoint.base_url)
    work(run)
    assert main(["runs", "--delete", run.id]) == 0
    assert "--yes deletes these" in capsys.readouterr().out
    assert [found.id for found in list_runs(store)] == [run.id]
    assert main(["runs", "--delete", run.id, "--yes"]) == 0
    assert list_runs(store) == []
    assert not run.folder.exists()
    assert main(["runs", "--delete", run.id, "--yes"]) == 2
    assert work(make_run(store, endpoint.base_url)).reused == 80


@pytest.mark.parametrize("options", [["--all"], ["--yes"], ["--older-than", "3d"], ["--compact", "--all"]])
def test_prunes_options_alone_are_a_users_mistake(
    store: Store, capsys: pytest.CaptureFixture[str], options: list[str]
) -> None:
    assert main(["cache", *options]) == 2
    assert "go with --prune" in capsys.readouterr().err


@pytest.mark.slow
def test_prune_takes_what_a_killed_process_left_behind(store: Store, endpoint: FakeEndpoint) -> None:
    work(make_run(store, endpoint.base_url))
    folder = entries(store)[0].partition.folder
    old, new = folder / ".part-1.parquet.abc", folder / ".part-2.parquet.def"
    for path in (old, new):
        path.write_bytes(b"half")
    before = time.time() - 2 * LEFTOVER_AGE
    os.utime(old, (before, before))
    assert leftovers(store) == [old]
    assert main(["cache", "--prune", "--yes"]) == 0
    assert not old.exists()
    assert new.exists()


@pytest.mark.slow
def test_compact_merges_parts_and_changes_no_row(store: Store, endpoint: FakeEndpoint) -> None:
    for size in (10, 20, 30, 40):
        work(make_run(store, endpoint.base_url, size=size))
    before = load_results(list_runs(store)[0]).rollouts
    assert max(entry.parts for entry in entries(store)) == 4
    assert main(["cache", "--compact"]) == 0
    assert {entry.parts for entry in entries(store)} == {1}
    assert load_results(list_runs(store)[0]).rollouts.equals(before)


@pytest.mark.slow
def test_regrade_scores_what_is_stored_and_calls_nothing(
    store: Store, endpoint: FakeEndpoint, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = make_run(store, endpoint.base_url)
    work(run)
    grader = grader_file(tmp_path, EXACT | {"operation": "ne"})
    report = tmp_path / "report.json"
    regrade = ["regrade", "--run", run.id, "--grader", grader, "--out", str(report)]
    assert main([*regrade, "--rules", "document"]) == 0
    assert main(regrade) == 1  # it pays wrong answers, which the document's rule cannot see
    assert "Responses that are right earn less than wrong ones" in capsys.readouterr().out
    assert endpoint.calls == 80
    first = load_results(run).observations().score
    assert json.loads(report.read_text())["statistics"]["mean"] == pytest.approx(1 - first.mean())


@pytest.mark.slow
def test_regrade_of_half_a_run_says_what_is_missing_and_calls_nothing(
    store: Store, endpoint: FakeEndpoint, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    work(make_run(store, endpoint.base_url, rollouts=1))
    whole = make_run(store, endpoint.base_url, rollouts=2)
    whole.write_plan(*plan_of(whole))
    grader = grader_file(tmp_path, FUZZY)
    main(["regrade", "--run", whole.id, "--grader", grader])
    assert endpoint.calls == 40
    assert "40 responses are missing" in capsys.readouterr().err


def test_regrade_of_a_run_that_never_started_is_a_users_mistake(
    store: Store, endpoint: FakeEndpoint, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = make_run(store, endpoint.base_url)
    grader = grader_file(tmp_path, FUZZY)
    assert main(["regrade", "--run", run.id, "--grader", grader]) == 2
    assert "no responses yet" in capsys.readouterr().err


def plan_of(run: Run) -> tuple[pa.Table, str, str]:
    """What the pipeline writes down when a run starts."""
    config = run.config()
    model = build_model(config.model, "", lambda _: None)
    plan = make_plan(run.prompts(), config, model)
    return plan.table, fingerprint(model.identity), plan.grader
