"""The profile as files and back; the rows of a training set, and rows that teach the form."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dryrun.analysis.training.choice import SetChoice, choose_rows
from dryrun.analysis.training.profile import RowFlag, profile_of
from dryrun.core.errors import DryRunError
from dryrun.dataset import dataset_from_items
from dryrun.engine.imports.run import import_samples
from dryrun.engine.profile.count import run_profile
from dryrun.report.training_set.chosen import chosen_rows, form_rows, rows_of_dataset, rows_of_run, set_files
from dryrun.report.training_set.profile_table import (
    PROFILE,
    profile_bytes,
    profile_lines,
    profile_table,
    read_profile,
    write_profile,
)
from dryrun.store.partition import Store
from dryrun.store.results import Results, load_results
from tests.analysis.training.counted import counts_of
from tests.helpers.support import EXACT, work

RIGHT = [number % 5 for number in range(50)]


def planted() -> Any:
    flags = np.zeros(50, np.int64)
    flags[3] = RowFlag.REPEATED.value | RowFlag.CUT_OFF.value
    topic = np.arange(50) % 2
    return profile_of(counts_of(RIGHT, flags=flags, topics=("=cmd()", "plain"), topic=topic))


@pytest.mark.parametrize("block", [7, 50_000])
def test_parquet_comes_back_as_the_same_profile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    monkeypatch.setattr("dryrun.report.training_set.profile_table.BLOCK", block)
    found, path = planted(), tmp_path / "profile.parquet"
    write_profile(found, path)
    back = read_profile(path)
    assert profile_table(back).equals(profile_table(found))
    choice = SetChoice(seed=2)
    assert choose_rows(back, choice).train.tolist() == choose_rows(found, choice).train.tolist()


def test_csv_has_a_row_a_prompt_counted_from_one_and_runs_no_formula() -> None:
    rows = list(csv.DictReader(io.StringIO(profile_bytes(planted(), ".csv").decode())))
    assert list(rows[0]) == PROFILE.names
    assert [int(row["row"]) for row in rows] == list(range(1, 51))
    assert {row["topic"] for row in rows} == {"'=cmd()", "plain"}
    assert rows[3]["flags"] == "repeated; cut_off"
    assert rows[3]["reference_score"] == ""


def test_what_is_no_profile_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    path.write_text("no")
    with pytest.raises(DryRunError, match="is not a profile"):
        read_profile(path)


def test_the_sentences_count_every_prompt() -> None:
    lines = profile_lines(planted())
    assert lines[0] == "50 prompts, 200 responses with a score."
    assert any(line.startswith("Of groups of 8, ") for line in lines)
    assert any("repeated 1" in line for line in lines)


def test_another_dataset_is_refused() -> None:
    rows = [{"messages": [{"role": "user", "content": f"{n}?"}]} for n in range(50)]
    with pytest.raises(DryRunError, match="is not the dataset of this profile"):
        rows_of_dataset(dataset_from_items(rows), planted())


def responses() -> bytes:
    """20 prompts x 4: of the first ten two are right, of the others two are right and unpaid."""
    lines = [
        {
            "prompt": f"What is {prompt} + 1?",
            "completion": "no idea"
            if place < 2
            else f"{prompt + 1}"
            if prompt < 10
            else f"The answer is {prompt + 1}.",
            "reference_answer": str(prompt + 1),
        }
        for prompt in range(20)
        for place in range(4)
    ]
    return "\n".join(map(json.dumps, lines)).encode()


@pytest.fixture
def answered(store: Store) -> Results:
    run = import_samples(store, responses(), "r.jsonl", EXACT)
    work(run)
    return load_results(run)


@pytest.mark.slow
def test_chosen_rows_are_the_datasets_with_their_profile(answered: Results) -> None:
    found = run_profile(answered)
    chosen = choose_rows(found, SetChoice(0.2, 0.9))
    rows = list(chosen_rows(found, chosen.train, rows_of_run(answered)))
    assert len(rows) == len(chosen.train) > 5
    for one in rows:
        number = int(one.item["reference_answer"])
        assert f"What is {number - 1} + 1?" in json.dumps(dict(one.item))
        assert 0.2 <= one.profile["pass_rate"] <= 0.9
        assert one.profile["right"] == 2


@pytest.mark.slow
def test_rows_teach_the_form_where_right_answers_go_unpaid(answered: Results) -> None:
    found = run_profile(answered)
    side = choose_rows(found, SetChoice()).side
    taught = form_rows(answered, found, side, 0.8)
    unpaid = {int(row["messages"][-1]["content"]) for row in taught}
    assert len(taught) == len(unpaid) >= 7
    assert all(11 <= answer <= 20 for answer in unpaid)
    assert all(row["messages"][-1]["role"] == "assistant" for row in taught)
    assert form_rows(answered, found, side, 1.1) == []


@pytest.mark.slow
def test_the_files_hold_train_validation_and_control_apart(answered: Results) -> None:
    found, choice = run_profile(answered), SetChoice(0.0, 1.0, validation=0.2)
    chosen = choose_rows(found, choice)
    files = dict(set_files(found, chosen, choice, rows_of_run(answered), [answered], 0.8))
    sets = {
        name: set(files[f"{name}.jsonl"].decode().splitlines()) for name in ("train", "validation", "control")
    }
    assert sets["train"]
    assert sets["validation"]
    assert len(sets["train"]) == len(sets["control"])
    assert not sets["validation"] & (sets["train"] | sets["control"])
    held = {json.loads(line)["reference_answer"] for line in sets["validation"]}
    asked = {
        json.loads(line)["messages"][-2]["content"]
        for name in ("sft.jsonl", "form.jsonl")
        for line in files[name].decode().splitlines()
    }
    assert asked
    assert not asked & {f"What is {int(answer) - 1} + 1?" for answer in held}
    about = json.loads(files["choice.json"])
    assert about["rows"]["train"] == len(chosen.train)
    rows = [json.loads(line) for line in files["profile.jsonl"].decode().splitlines()]
    assert [row["set"] for row in rows].count("control") == len(chosen.control)
