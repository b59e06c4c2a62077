"""Searching the texts of a run, and samples as rows of a file."""

from __future__ import annotations

import csv
import io
from typing import Any

import numpy as np
import orjson
import pytest

from dryrun.report.training_set.chosen import to_jsonl
from dryrun.store.labels import to_csv
from dryrun.store.partition import Store
from dryrun.store.results import Results, load_results
from dryrun.store.texts import sample_rows, search_texts
from tests.helpers.fake_endpoint import FakeEndpoint
from tests.helpers.support import make_run, work

ROWS: list[dict[str, Any]] = [
    {"messages": [{"role": "user", "content": 'Say "Grüße"\nnow'}], "reference_answer": "alpha", "id": "qqq"},
    {"messages": [{"role": "user", "content": "plain"}], "reference_answer": {"unit": "Kelvin"}},
    {"messages": [{"role": "user", "content": "other"}], "reference_answer": "gamma"},
]


@pytest.fixture
def results(store: Store) -> Results:
    said = {"plain": "=cmd|' /C calc'!A0 Zebra (a+b)*", "other": "delta"}
    with FakeEndpoint(answer=lambda body: said.get(body["messages"][-1]["content"], "epsilon")) as endpoint:
        run = make_run(store, endpoint.base_url, rows=ROWS)
        work(run)
    return load_results(run)


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize(
    ("words", "rows"),
    [
        ("grüße", {0}),
        ('"GRÜSSE', set()),
        ('say "Grüße"\nnow', {0}),
        ("ALPHA", {0}),
        ("kelvin", {1}),
        ("zebra", {1}),
        ("(a+b)*", {1}),
        ("delta", {2}),
        ("epsilon", {0}),
        ("user", set()),
        ("qqq", set()),
        ("", set()),
        ("a", {0, 1, 2}),
    ],
)
def test_prompt_response_and_reference_are_searched_and_nothing_else(
    results: Results, words: str, rows: set[int]
) -> None:
    found = search_texts(results, words)
    [prompts] = [results.run.prompt_columns(["row"])["row"].to_pylist()]
    where = {prompts[results.rollouts["prompt"][int(place)].as_py()] for place in found.rows}
    assert where == rows
    assert found.complete
    assert found.rows.size == 2 * len(rows)


@pytest.mark.slow
def test_a_search_stops_when_it_has_read_enough_and_says_so(store: Store, endpoint: FakeEndpoint) -> None:
    run = make_run(store, endpoint.base_url, rows=400)
    work(run)
    results = load_results(run)
    some = search_texts(results, "nothing says this", most=1)
    assert not some.complete
    assert 0 < some.read < 600
    assert search_texts(results, "nothing says this").read == 600


def test_a_search_reads_the_response_that_is_shown_also_where_a_key_stands_twice(results: Results) -> None:
    planned = results.run.plan()
    assert planned is not None
    samples = planned[1]
    again = samples.read(samples.schema.names).to_pylist()
    samples.append([row | {"text": "second thoughts", "at": row["at"] + 1} for row in again])
    assert search_texts(results, "second thoughts").rows.size == 0
    assert search_texts(results, "zebra").rows.size == 2
    assert samples.compact() > 1
    assert search_texts(results, "zebra").read == 6


def test_samples_as_a_file_keep_their_order_and_run_no_formula(results: Results) -> None:
    scores = results.observations().score
    rows = list(sample_rows(results, [3, 0], scores, {}))
    assert [orjson.loads(line) for line in to_jsonl(rows).splitlines()] == rows
    assert len(rows) == 2
    assert {"row", "response", "score", "reward", "prompt", "text", "reference"} <= rows[0].keys()
    every = list(sample_rows(results, range(6), scores, {}))
    cells = list(csv.DictReader(io.StringIO(to_csv(every).decode())))
    assert all(cell[:1] not in ("=", "+", "-", "@") for row in cells for cell in row.values())
    assert "'=cmd" in to_csv(every).decode()
    assert sorted({row["reference"] for row in every}) == ["alpha", "gamma", '{"unit": "Kelvin"}']


def test_a_missing_score_is_null(results: Results) -> None:
    [row] = sample_rows(results, [0], np.full(6, np.nan), {})
    assert row["score"] is None
